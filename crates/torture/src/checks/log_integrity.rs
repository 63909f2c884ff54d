//! Accepted lines stay in their log, in the order in which they were sent. Refused lines are not in a log. Numbers have
//! no gap.

use std::collections::BTreeMap;

use crate::logs::{LogKind, LogName, Logs, Stored, log_of};
use crate::record::{Dump, Entry, Exchange, History, Line, Moment, Reply, Standing};
use crate::report::Violation;

const LOST: &str = "what is accepted is never lost";
const REPEATED: &str = "what is sent again is told to be repeated";
const GAP: &str = "numbers have no gap";
/// A log with fewer entries than this has lost none of them to its limit.
const RETAINED: usize = 10_000;

/// Checks acknowledgements, refusals and the stored entries.
pub(crate) fn check(history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let stored = logs.stored(history);
    let mut found = refused_and_yet_there(logs);
    found.extend(told_to_be_repeated(history, logs));
    found.extend(in_the_order_of_speech(history, logs));
    found.extend(in_the_order_of_time(&stored));
    found.extend(kept(history, &stored));
    let newest = Newest::of(&stored);
    let messages: Vec<Stored<'_>> = stored.iter().filter(|it| is_message(it, logs)).cloned().collect();
    let newest_messages = Newest::of(&messages);
    for (number, connection) in history.connections.iter().enumerate() {
        for exchange in connection.exchanges_by_answer() {
            found.extend(behind(number, exchange, &newest, logs));
            let newest = if matches!(exchange.line, Line::History) { &newest_messages } else { &newest };
            found.extend(shown(number, exchange, newest, logs));
        }
    }
    found
}

/// Whether a history shows it.
fn is_message(stored: &Stored<'_>, logs: &Logs<'_>) -> bool {
    logs.said(stored.text).is_some_and(|said| said.exchange.line.is_message())
}

/// What was refused for certain each time that it was sent.
fn refused_and_yet_there(logs: &Logs<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (text, said) in logs.all_said() {
        let Some(code) = said.refused else { continue };
        if let Some((log, id)) = logs.place(text) {
            let what = format!("{text:?} was refused with {code} and is number {id} of {log:?}");
            found.push(Violation::new("what is refused is not there", what, said.exchange.sent, [said.connection]));
        }
    }
    found
}

/// What was accepted before is told to be repeated, and nothing else.
fn told_to_be_repeated(history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let mut accepted: BTreeMap<&str, Moment> = BTreeMap::new();
    for stored in logs.stored(history) {
        let at = accepted.entry(stored.text).or_insert(stored.at);
        *at = stored.at.min(*at);
    }
    let mut found = Vec::new();
    for (number, connection) in history.connections.iter().enumerate() {
        for exchange in connection.exchanges_by_answer() {
            let Some((at, Reply::Stored { repeated, .. })) = exchange.answer else { continue };
            let Some(text) = exchange.line.text() else { continue };
            let is_known = accepted.get(text).is_some_and(|accepted| *accepted < exchange.sent);
            let is_new = logs.said(text).is_some_and(|said| said.times == 1);
            if (is_known && !repeated) || (is_new && *repeated) {
                let what = format!(
                    "{text:?}, which is {}new, is told to be repeated: {repeated}",
                    if is_new { "" } else { "not " }
                );
                found.push(Violation::new(REPEATED, what, at, [number]));
            }
        }
    }
    found
}

/// The lines that one connection sends to one log get growing numbers, except those that were sent again.
fn in_the_order_of_speech(history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (number, connection) in history.connections.iter().enumerate() {
        let mut newest: BTreeMap<&LogName, (u64, &str)> = BTreeMap::new();
        for exchange in connection.exchanges() {
            let Some(text) = exchange.line.text() else { continue };
            let Some((log, id)) = logs.place(text) else { continue };
            if logs.said(text).is_some_and(|said| said.times > 1) {
                continue;
            }
            if let Some((before, earlier)) = newest.insert(log, (*id, text)).filter(|(before, _)| before > id) {
                let what = format!("{earlier:?} is number {before}, and {text:?}, which was said later, {id}");
                found.push(Violation::new("numbers follow the order of speech", what, exchange.sent, [number]));
            }
        }
    }
    found
}

/// A line that is sent after another one was acknowledged gets a larger number, whichever client sent it.
fn in_the_order_of_time(stored: &[Stored<'_>]) -> Vec<Violation> {
    let newest = Newest::of(stored);
    let broken = |later: &Stored<'_>| {
        let earlier = newest.before(&later.log, later.sent).filter(|earlier| earlier.id > later.id)?;
        let what = format!(
            "{:?} was number {} of {:?} before {:?} was said, which became {}",
            earlier.text, earlier.id, earlier.log, later.text, later.id
        );
        Some(Violation::new("numbers only grow", what, later.at, [earlier.connection, later.connection]))
    };
    stored.iter().filter_map(broken).collect()
}

/// The largest number of each log that was acknowledged before a given time.
struct Newest<'a> {
    logs: BTreeMap<&'a LogName, Vec<&'a Stored<'a>>>,
}

impl<'a> Newest<'a> {
    fn of(stored: &'a [Stored<'a>]) -> Self {
        let mut in_time: Vec<&Stored<'_>> = stored.iter().collect();
        in_time.sort_by_key(|stored| stored.at);
        let mut logs: BTreeMap<&LogName, Vec<&Stored<'_>>> = BTreeMap::new();
        for stored in in_time {
            let records = logs.entry(&stored.log).or_default();
            if records.last().is_none_or(|last| last.id < stored.id) {
                records.push(stored);
            }
        }
        Self { logs }
    }

    fn before(&self, log: &LogName, moment: Moment) -> Option<&'a Stored<'a>> {
        let records = self.logs.get(log)?;
        let known = records.partition_point(|stored| stored.at < moment);
        records[..known].last().copied()
    }
}

/// Checks the entries in an answer: they have no gap, and no entry that was acknowledged before is missing.
fn shown(number: usize, exchange: Exchange<'_>, newest: &Newest<'_>, logs: &Logs<'_>) -> Option<Violation> {
    let (at, reply) = exchange.answer?;
    let (room, last) = match reply {
        Reply::History { room, entries } => {
            let gap = entries.windows(2).find(|pair| !is_next(room, &pair[0], &pair[1], logs));
            if let Some([one, next]) = gap {
                let what = format!("the history of {room} has {} behind {}", next.id, one.id);
                return Some(Violation::new(GAP, what, at, [number]));
            }
            (room, entries.last().map_or(0, |entry| entry.id))
        }
        Reply::Entered { room, last, .. } => (room, *last),
        _ => return None,
    };
    // Once the store was emptied, only the entries show which life of the store the answer comes from.
    let life = match reply {
        Reply::History { entries, .. } if !entries.is_empty() => logs.life_of_entry(&entries[0])?,
        _ if logs.last_life() > 0 => return None,
        _ => 0,
    };
    let log = LogName { kind: LogKind::Room, name: room.clone(), life };
    let known = newest.before(&log, exchange.sent).filter(|known| known.id > last)?;
    let what =
        format!("{:?} was acknowledged as number {} of {room}, whose end was {last} later", known.text, known.id);
    Some(Violation::new(LOST, what, at, [number, known.connection]))
}

/// Whether nothing but entries that are no messages is between two entries of a history.
fn is_next(room: &str, one: &Entry, next: &Entry, logs: &Logs<'_>) -> bool {
    let Some(hidden) = next.id.checked_sub(one.id + 1) else { return false };
    let between = one.id + 1..next.id;
    let is_message = |text| logs.said(text).is_some_and(|said| said.exchange.line.is_message());
    (0..=logs.last_life()).any(|life| {
        let log = LogName { kind: LogKind::Room, name: room.to_owned(), life };
        if logs.last_life() == 0 {
            return logs.others(&log, one.id, next.id - 1) == hidden;
        }
        // Nothing tells the life of an entry whose text is gone.
        let has_others = hidden == 0 || logs.entries(&log).any(|entry| !entry.is_message());
        has_others && !logs.log(&log).any(|(id, text)| between.contains(&id) && is_message(text))
    })
}

/// Checks the ends of logs in the answer to `/sync`: each log holds what was acknowledged before.
fn behind(number: usize, exchange: Exchange<'_>, newest: &Newest<'_>, logs: &Logs<'_>) -> Option<Violation> {
    let Some((at, Reply::Synced { standings, .. })) = exchange.answer else { return None };
    standings.iter().filter(|_| logs.last_life() == 0).find_map(|standing| {
        let (kind, name) = log_of(&standing.target, "");
        let log = LogName { kind, name: name.to_owned(), life: 0 };
        let known = newest.before(&log, exchange.sent).filter(|known| known.id > standing.last)?;
        let Standing { target, last, .. } = standing;
        let what = format!("{:?} was number {} of {target}, whose end was {last} later", known.text, known.id);
        Some(Violation::new(LOST, what, at, [number, known.connection]))
    })
}

/// The entries that the store had when it was emptied, and at the end.
fn kept(history: &History, stored: &[Stored<'_>]) -> Vec<Violation> {
    let mut found = Vec::new();
    for (life, dump) in history.dumps.iter().enumerate() {
        // The line was acknowledged before the store was emptied. Only its presence in the dump shows that it was
        // stored before that.
        let due = stored.iter().filter(|stored| stored.at < dump.from && stored.log.life > life);
        found.extend(due.map(|stored| lost(stored, dump.at)));
    }
    for dump in history.dumps.iter().chain(&history.kept) {
        let logs = dump.logs().into_iter().flat_map(|(_, logs)| logs);
        found.extend(logs.filter_map(|(name, log)| gapless(name, log, dump)));
    }
    if let Some(dump) = &history.kept {
        let last_life = history.dumps.len();
        let due = stored.iter().filter(|stored| stored.log.life == last_life && !holds(dump, stored));
        found.extend(due.map(|stored| lost(stored, dump.at)));
    }
    found
}

fn holds(dump: &Dump, stored: &Stored<'_>) -> bool {
    let log = match dump.log(stored.log.kind, &stored.log.name) {
        Some(log) => log,
        None if dump.is_by_pages => return true,
        None => &[],
    };
    let at = log.binary_search_by_key(&stored.id, |entry| entry.id);
    trimmed(log, dump).is_some_and(|first| stored.id < first)
        || at.is_ok_and(|at| log[at].text == stored.text || log[at].text.is_empty())
}

/// The first number that a log still has, if earlier entries may be trimmed: the log is long, or nobody knows how many
/// are kept.
fn trimmed(log: &[Entry], dump: &Dump) -> Option<u64> {
    log.first().filter(|first| log.len() >= RETAINED || (dump.is_by_pages && first.id > 1)).map(|first| first.id)
}

fn lost(stored: &Stored<'_>, at: Moment) -> Violation {
    let what =
        format!("{:?} was acknowledged as number {} of {:?} and is not there", stored.text, stored.id, stored.log);
    Violation::new(LOST, what, at, [stored.connection])
}

fn gapless(name: &str, log: &[Entry], dump: &Dump) -> Option<Violation> {
    let gap = log.windows(2).find(|pair| pair[0].id + 1 != pair[1].id);
    let first = log.first().is_some_and(|entry| entry.id != 1) && trimmed(log, dump).is_none();
    let wrong = gap.map(|pair| pair[1].id).or(first.then(|| log[0].id))?;
    Some(Violation::new(GAP, format!("number {wrong} of {name} has none before it in the store"), dump.at, []))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;

    fn invariants(story: HistoryBuilder) -> Vec<&'static str> {
        let history = story.history();
        let (logs, mut found) = Logs::gather(&history);
        found.extend(check(&history, &logs));
        found.into_iter().map(|violation| violation.invariant).collect()
    }

    #[test]
    fn a_right_history_is_found_right() {
        let mut story = HistoryBuilder::default();
        let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        story.say(ann, "a1", 1).say(ben, "b1", 2).publish(ann, "p1", 1).publish(ben, "p2", 1);
        story.refuse(ann, Line::Say("a2".to_owned()), "store-unavailable").hear(ben, 3, "ann", "a2");
        story.look_back(ben, &[(1, "ann", "a1"), (2, "ben", "b1"), (3, "ann", "a2")]);
        story.log_in_at("eve", 0, 3);
        assert_eq!(invariants(story), Vec::<&str>::new());
    }

    #[test]
    fn a_history_hides_what_is_no_message_and_nothing_else() {
        let story = |hidden: bool| {
            let mut story = HistoryBuilder::default();
            let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
            story.say(ann, "a1", 1).say(ann, "a3", 3);
            if hidden {
                story.hear_deed(ben, 2, "jan", "mute", Some("ben"), "");
            }
            story.look_back(ben, &[(1, "ann", "a1"), (3, "ann", "a3")]);
            invariants(story)
        };
        assert_eq!(story(true), Vec::<&str>::new());
        assert_eq!(story(false), [GAP]);
    }

    #[test]
    fn a_lost_acknowledgement_is_found() {
        let mut story = HistoryBuilder::default();
        let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        story.say(ann, "a1", 1).say(ann, "a2", 2).look_back(ben, &[(1, "ann", "a1")]);
        assert_eq!(invariants(story), [LOST]);
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        story.say(ann, "a1", 1).say(ann, "a2", 2);
        story.log_in_at("ben", 0, 1);
        assert_eq!(invariants(story), [LOST]);
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        story.say(ann, "a1", 1).say(ann, "a2", 2).keep(&[(1, "ann", "a1")]);
        assert_eq!(invariants(story), [LOST]);
    }

    #[test]
    fn what_is_acknowledged_and_gone_when_the_store_is_emptied_is_found() {
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        story.say(ann, "a1", 1).say(ann, "a2", 2).empty(&[(1, "ann", "a1")]);
        assert_eq!(invariants(story), [LOST]);
    }

    #[test]
    fn a_number_that_is_used_twice_is_found() {
        let mut story = HistoryBuilder::default();
        let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        story.say(ann, "a1", 1).say(ben, "b1", 1);
        assert!(invariants(story).contains(&"no number is used twice"));
    }

    #[test]
    fn a_direct_message_of_an_earlier_round_is_in_two_inboxes() {
        let mut story = HistoryBuilder::default();
        let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        story.hear_direct(ann, 1, "cyd", "of before").hear_direct(ben, 4, "cyd", "of before");
        assert!(!invariants(story).contains(&"nothing is accepted twice"));
    }

    #[test]
    fn a_doubled_message_is_found() {
        let mut story = HistoryBuilder::default();
        let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        story.refuse(ann, Line::Say("a1".to_owned()), "store-unavailable");
        story.hear(ben, 1, "ann", "a1").hear(ben, 2, "ann", "a1");
        assert_eq!(invariants(story), ["nothing is accepted twice"]);
        let mut story = HistoryBuilder::default();
        let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        story.tell(ann, "ben", "psst", 1).hear_direct(ben, 1, "ann", "psst").hear_direct(ben, 2, "ann", "psst");
        assert_eq!(invariants(story), ["nothing is accepted twice"]);
    }

    #[test]
    fn what_is_sent_again_may_have_the_place_of_the_first_time() {
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        story.ask(ann, Line::Say("a1".to_owned()), None);
        let again = story.log_in_at("ann", 0, 1);
        story.say(again, "a2", 2).say(again, "a1", 1).say(again, "a3", 3);
        assert_eq!(invariants(story), [""; 0]);
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        story.say(ann, "a1", 1).say(ann, "a1", 1);
        assert_eq!(invariants(story), [REPEATED]);
    }

    #[test]
    fn what_is_refused_and_yet_there_is_found() {
        let mut story = HistoryBuilder::default();
        let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        story.refuse(ann, Line::Publish("p1".to_owned()), "bad-argument");
        story.hear_publication(ben, 1, "ann", "p1");
        assert_eq!(invariants(story), ["what is refused is not there"]);
    }

    #[test]
    fn numbers_against_the_order_of_speech_or_time_are_found() {
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        story.say(ann, "a1", 2).say(ann, "a2", 1);
        assert_eq!(invariants(story), ["numbers follow the order of speech", "numbers only grow"]);
        let mut story = HistoryBuilder::default();
        let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        story.say(ann, "a1", 2).say(ben, "b1", 1);
        assert_eq!(invariants(story), ["numbers only grow"]);
    }

    #[test]
    fn a_gap_is_found() {
        let mut story = HistoryBuilder::default();
        let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        story.say(ann, "a1", 1).say(ann, "a2", 3).look_back(ben, &[(1, "ann", "a1"), (3, "ann", "a2")]);
        assert_eq!(invariants(story), [GAP]);
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        story.say(ann, "a1", 2).keep(&[(2, "ann", "a1")]);
        assert_eq!(invariants(story), [GAP]);
    }
}
