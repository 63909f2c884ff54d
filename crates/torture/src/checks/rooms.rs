//! A member of a room receives each later message of others exactly once, in the order of numbers, without a hole, and
//! no message of other rooms.

use std::collections::{BTreeMap, BTreeSet};

use super::stays::{Stay, stays};
use super::{ARRIVES_WITHIN, RECOVERY};
use crate::logs::{LogKind, LogName, Logs, Stored};
use crate::record::{Content, Entry, History, Moment};
use crate::report::Violation;

/// Checks every stay of every client.
pub(crate) fn check(history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut all_stays = Vec::new();
    for (number, connection) in history.connections.iter().enumerate() {
        let (stays, strays) = stays(number, connection);
        found.extend(strays);
        all_stays.extend(stays);
    }
    let stored = logs.stored(history);
    let lives = Lives::of(&all_stays, history);
    found.extend(lives.too_many(history));
    for stay in &all_stays {
        found.extend(in_order(stay, logs));
        let start = stay.head.as_ref().and_then(|(_, last)| Some((lives.life(stay)?, *last)));
        found.extend(nothing_from_before(stay, logs, start));
        found.extend(without_hole(stay, logs, start, &stored));
        found.extend(in_time(stay, logs, history, &stored));
    }
    found
}

/// The life of the store that each epoch belongs to.
struct Lives<'a> {
    /// Epochs of each room, with the times at which they were first requested and first seen.
    epochs: BTreeMap<&'a str, Vec<(&'a str, Moment, Moment)>>,
    /// When the emptying of the store began, and when it was complete.
    emptied: Option<(Moment, Moment)>,
}

impl<'a> Lives<'a> {
    fn of(stays: &'a [Stay<'_>], history: &History) -> Self {
        let mut epochs: BTreeMap<&str, Vec<(&str, Moment, Moment)>> = BTreeMap::new();
        let mut in_time: Vec<&Stay<'_>> = stays.iter().collect();
        in_time.sort_by_key(|stay| stay.entered);
        for stay in in_time {
            let Some((epoch, _)) = &stay.head else { continue };
            let known = epochs.entry(&stay.room).or_default();
            if !known.iter().any(|(other, ..)| other == epoch) {
                known.push((epoch, stay.asked, stay.entered));
            }
        }
        Self { epochs, emptied: history.dumps.first().map(|dump| (dump.from, dump.at)) }
    }

    /// The life of the store that the stay's epoch belongs to, if it can be determined.
    fn life(&self, stay: &Stay<'_>) -> Option<usize> {
        let Some((from, at)) = self.emptied else { return Some(0) };
        let (epoch, _) = stay.head.as_ref()?;
        let known = self.epochs.get(stay.room.as_str())?;
        let (_, asked, seen) = known.iter().find(|(other, ..)| other == epoch)?;
        if *seen < from {
            Some(0)
        } else if *asked > at || known.first()?.0 != epoch {
            Some(1)
        } else {
            None
        }
    }

    fn too_many(&self, history: &History) -> Vec<Violation> {
        let most = 1 + history.dumps.len();
        let wrong = self.epochs.iter().filter(|(_, epochs)| epochs.len() > most);
        let violation = |(room, epochs): (&&str, &Vec<(&str, Moment, Moment)>)| {
            let what = format!("{room} had the epochs {epochs:?}, and the store was emptied {} times", most - 1);
            Violation::new("an epoch lasts as long as the store", what, epochs[most].2, [])
        };
        wrong.map(violation).collect()
    }
}

fn in_order(stay: &Stay<'_>, logs: &Logs<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut heard = BTreeSet::new();
    let mut newest = (0, 0);
    for (at, entry) in &stay.heard {
        let Some(life) = logs.life_of_entry(entry) else { continue };
        let place = (life, entry.id);
        let broken = |invariant, what| Violation::new(invariant, what, *at, [stay.connection]);
        match logs.said(&entry.text) {
            None if has_own_text(entry) => {
                found.push(broken("only what was said is heard", format!("nobody said {:?}", entry.text)))
            }
            // What was sent again on another connection may come back to the first one.
            Some(said) if said.connection == stay.connection && said.times == 1 => {
                found.push(broken("nobody hears themselves", format!("{:?} came back", entry.text)));
            }
            None | Some(_) => {}
        }
        if !heard.insert(place) {
            let what = format!("number {} of {} was heard twice", entry.id, stay.room);
            found.push(broken("every message is heard exactly once", what));
        } else if place < newest {
            let what = format!("number {} of {} was heard behind number {}", entry.id, stay.room, newest.1);
            found.push(broken("messages are heard in the order of numbers", what));
        }
        newest = newest.max(place);
    }
    found
}

/// Whether its text must be one that a client sent.
fn has_own_text(entry: &Entry) -> bool {
    !entry.text.is_empty() && !matches!(entry.content, Content::Moderation(_))
}

fn nothing_from_before(stay: &Stay<'_>, logs: &Logs<'_>, start: Option<(usize, u64)>) -> Vec<Violation> {
    let Some((life, last)) = start else { return Vec::new() };
    let early = stay.heard.iter().filter(|(_, entry)| logs.life_of_entry(entry) == Some(life) && entry.id <= last);
    let violation = |(at, entry): &(Moment, &Entry)| {
        let what = format!("number {} of {} was heard, and its end was {last} on entering", entry.id, stay.room);
        Violation::new("nothing from before the join is heard", what, *at, [stay.connection])
    };
    early.map(violation).collect()
}

/// Every number from the first that the client must receive to the last that it received.
fn without_hole(
    stay: &Stay<'_>,
    logs: &Logs<'_>,
    start: Option<(usize, u64)>,
    stored: &[Stored<'_>],
) -> Vec<Violation> {
    let mut heard: BTreeMap<usize, BTreeMap<u64, Moment>> = BTreeMap::new();
    let mut of_any_life = BTreeSet::new();
    for (at, entry) in &stay.heard {
        let Some(life) = logs.life_of_entry(entry) else {
            of_any_life.insert(entry.id);
            continue;
        };
        heard.entry(life).or_default().insert(entry.id, *at);
    }
    if stay.is_final {
        heard.entry(logs.last_life()).or_default();
    }
    let mut found = Vec::new();
    for (life, heard) in heard {
        let log = LogName { kind: LogKind::Room, name: stay.room.clone(), life };
        let first = match start {
            Some((begin, last)) if begin == life => last + 1,
            Some((begin, _)) if begin < life => 1,
            // Messages that arrive during a join may be from a life before the reported one. How many of them arrive is
            // chance.
            _ => heard.keys().next().copied().unwrap_or(1),
        };
        let mut top = heard.keys().next_back().copied().unwrap_or(0);
        if stay.is_final && life == logs.last_life() {
            let accepted = stored.iter().filter(|stored| stored.log == log).map(|stored| stored.id);
            top = top.max(accepted.max().unwrap_or(0));
        }
        let known: BTreeMap<u64, &str> = logs.log(&log).collect();
        // Any connection of the user counts: a displaced connection may receive messages for a short time, and a user
        // never receives their own messages.
        let own = |id: &u64| {
            let said = known.get(id).and_then(|text| logs.said(text));
            let by = said.map(|said| said.user).or_else(|| Some(logs.entry(&log, *id)?.from.as_str()));
            by == Some(stay.user)
        };
        let is_heard = |id: &u64| heard.contains_key(id) || of_any_life.contains(id);
        let missing: Vec<u64> = (first..=top).filter(|id| !is_heard(id) && !own(id)).collect();
        if let Some(id) = missing.first() {
            let later = heard.range(id..).next().map_or(stay.until, |(_, at)| *at);
            let missed: Vec<_> = missing.iter().take(5).map(|id| (id, known.get(id))).collect();
            let what = format!("{} of {first}..={top} of {} were not heard: {missed:?} …", missing.len(), stay.room);
            found.push(Violation::new("no message of the room is missed", what, later, [stay.connection]));
        }
    }
    found
}

/// Messages accepted during the stay have arrived, unless the client left or faults came too soon after.
fn in_time(stay: &Stay<'_>, logs: &Logs<'_>, history: &History, stored: &[Stored<'_>]) -> Option<Violation> {
    let heard: BTreeSet<&str> = stay.heard.iter().map(|(_, entry)| entry.text.as_str()).collect();
    // The text may have been removed before it arrived.
    let without_text: BTreeSet<u64> =
        stay.heard.iter().filter(|(_, entry)| entry.text.is_empty()).map(|(_, entry)| entry.id).collect();
    let due = |stored: &&Stored<'_>| {
        let log = &stored.log;
        (log.kind, log.name.as_str(), log.life) == (LogKind::Room, stay.room.as_str(), logs.last_life())
            && history.connections[stored.connection].user != stay.user
            && stored.sent > stay.entered
            && !heard.contains(stored.text)
            && !without_text.contains(&stored.id)
            && !history.connections[stay.connection].may_be_too_slow()
            && history.calm(stored.at, stay.until, RECOVERY) > ARRIVES_WITHIN
    };
    let late = stored.iter().find(due)?;
    let what = format!("{:?}, number {} of {}, never arrived", late.text, late.id, stay.room);
    let connections = [stay.connection, late.connection];
    Some(Violation::new("what is accepted arrives in time", what, late.at, connections))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;

    fn invariants(story: HistoryBuilder) -> Vec<&'static str> {
        story.judged_by(check)
    }

    /// Ann and ben are in one room, where ann has sent three messages.
    fn begun() -> (HistoryBuilder, usize, usize) {
        let mut story = HistoryBuilder::default();
        let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        for id in 1..=3 {
            story.say(ann, &format!("a{id}"), id);
        }
        (story, ann, ben)
    }

    #[test]
    fn who_was_displaced_misses_nothing_of_what_the_same_user_says() {
        let mut story = HistoryBuilder::default();
        let (old, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        let new = story.log_in("ann", 1);
        story.say(new, "own", 1).hear(ben, 1, "ann", "own");
        story.say(ben, "other", 2).hear(old, 2, "ben", "other").hear(new, 2, "ben", "other");
        assert_eq!(invariants(story), Vec::<&str>::new());
    }

    #[test]
    fn a_right_history_is_found_right() {
        let (mut story, ann, ben) = begun();
        story.hear(ben, 1, "ann", "a1").hear(ben, 2, "ann", "a2").hear(ben, 3, "ann", "a3");
        story.say(ben, "b1", 4).say(ben, "b2", 5).say(ann, "a4", 6);
        story.hear(ann, 4, "ben", "b1").hear(ann, 5, "ben", "b2").hear(ben, 6, "ann", "a4");
        story.finish(ann).finish(ben);
        assert_eq!(invariants(story), Vec::<&str>::new());
    }

    #[test]
    fn a_hole_is_found() {
        let (mut story, _, ben) = begun();
        story.hear(ben, 1, "ann", "a1").hear(ben, 3, "ann", "a3");
        assert_eq!(invariants(story), ["no message of the room is missed"]);
    }

    #[test]
    fn a_hole_at_the_beginning_is_found() {
        let (mut story, _, ben) = begun();
        story.hear(ben, 2, "ann", "a2").hear(ben, 3, "ann", "a3");
        assert_eq!(invariants(story), ["no message of the room is missed"]);
    }

    #[test]
    fn what_the_last_ones_do_not_hear_is_found() {
        let (mut story, ann, ben) = begun();
        story.hear(ben, 1, "ann", "a1").hear(ben, 2, "ann", "a2");
        story.finish(ann).finish(ben);
        assert_eq!(invariants(story), ["no message of the room is missed"]);
    }

    #[test]
    fn what_does_not_arrive_for_long_is_found() {
        let (mut story, _, ben) = begun();
        story.wait(30).ping(ben);
        assert_eq!(invariants(story), ["what is accepted arrives in time"]);
        let (mut story, _, ben) = begun();
        story.fault(0, 25).wait(30).ping(ben);
        assert_eq!(invariants(story), Vec::<&str>::new());
    }

    #[test]
    fn a_repetition_is_found() {
        let (mut story, _, ben) = begun();
        story.hear(ben, 1, "ann", "a1").hear(ben, 2, "ann", "a2").hear(ben, 2, "ann", "a2").hear(ben, 3, "ann", "a3");
        assert_eq!(invariants(story), ["every message is heard exactly once"]);
    }

    #[test]
    fn another_order_is_found() {
        let (mut story, _, ben) = begun();
        story.hear(ben, 1, "ann", "a1").hear(ben, 3, "ann", "a3").hear(ben, 2, "ann", "a2");
        assert_eq!(invariants(story), ["messages are heard in the order of numbers"]);
    }

    #[test]
    fn an_echo_and_an_invention_are_found() {
        let (mut story, ann, _) = begun();
        story.hear(ann, 1, "ann", "a1");
        assert_eq!(invariants(story), ["nobody hears themselves"]);
        let (mut story, ann, _) = begun();
        story.hear(ann, 4, "ben", "never said");
        assert_eq!(invariants(story), ["only what was said is heard"]);
    }

    #[test]
    fn what_was_said_before_the_join_or_elsewhere_is_found() {
        let (mut story, _, _) = begun();
        let eve = story.log_in_at("eve", 0, 3);
        story.hear(eve, 3, "ann", "a3");
        assert_eq!(invariants(story), ["nothing from before the join is heard"]);
        let (mut story, _, ben) = begun();
        story.join(ben, "red", 0).hear(ben, 1, "ann", "a1");
        assert_eq!(invariants(story), ["nothing of another room is heard"]);
    }

    #[test]
    fn a_new_epoch_needs_an_emptied_store() {
        let (mut story, _, _) = begun();
        story.epoch("other");
        story.log_in_at("eve", 0, 0);
        assert_eq!(invariants(story), ["an epoch lasts as long as the store"]);
    }

    #[test]
    fn numbers_begin_again_with_a_new_life_and_have_no_hole_there_either() {
        let emptied = |second: bool| {
            let (mut story, ann, ben) = begun();
            story.hear(ben, 1, "ann", "a1");
            story.empty(&[(1, "ann", "a1"), (2, "ann", "a2"), (3, "ann", "a3")]);
            story.say(ann, "n1", 1).say(ann, "n2", 2);
            if second {
                story.hear(ben, 1, "ann", "n1");
            }
            story.hear(ben, 2, "ann", "n2").finish(ben);
            invariants(story)
        };
        assert_eq!(emptied(true), Vec::<&str>::new());
        assert_eq!(emptied(false), ["no message of the room is missed"]);
    }

    #[test]
    fn who_enters_while_the_store_is_emptied_may_hear_some_of_the_life_before() {
        let (mut story, ann, _) = begun();
        story.empty(&[(1, "ann", "a1"), (2, "ann", "a2"), (3, "ann", "a3")]).epoch("other");
        let eve = story.log_in_at("eve", 0, 0);
        story.hear(eve, 3, "ann", "a3").say(ann, "n1", 1).hear(eve, 1, "ann", "n1");
        assert_eq!(invariants(story), Vec::<&str>::new());
    }
}
