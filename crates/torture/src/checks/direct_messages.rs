//! A direct message is in the inbox of its sender and in that of its recipient, once each and in the sender's order. The
//! recipient's session hears it once, in the order of numbers. Nobody else hears or reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::ARRIVES_WITHIN;
use crate::logs::{LogKind, LogName, Logs, Said, Stored};
use crate::record::{Connection, Content, Dump, Entry, Heard, History, Line, Moment, Reply};
use crate::report::Violation;

/// How long the copy of a message may be open after a fault: until the lease of a dead server ends, and slack.
const COMPLETED_WITHIN: Duration = Duration::from_secs(15 + 5);
/// A log with fewer entries than this has lost none of them to its limit.
const RETAINED: usize = 10_000;

const OTHER: &str = "what is said to one is heard by no other";
const ORDER: &str = "direct messages are heard in order, each once";
const MISSED: &str = "no direct message is missed";
const LATE: &str = "what is said to one arrives in time";
const BOTH: &str = "what is said to one is in both inboxes";
const COPIES: &str = "both inboxes have one order";

/// Checks all direct messages.
pub(crate) fn check(history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let stored: Vec<Stored<'_>> = logs.stored(history);
    let stored: Vec<&Stored<'_>> = stored.iter().filter(|stored| stored.log.kind == LogKind::Inbox).collect();
    let mut found = Vec::new();
    for (number, connection) in history.connections.iter().enumerate() {
        let heard = heard(connection);
        found.extend(in_order(number, connection, &heard, logs));
        found.extend(read(number, connection, logs));
        found.extend(without_hole(number, connection, &heard, logs));
        found.extend(in_time(number, connection, &heard, &stored, history, logs));
    }
    if let Some(kept) = &history.kept {
        found.extend(in_both(kept, history, logs));
        found.extend(kept.inboxes.iter().flat_map(|(owner, inbox)| in_one_order(owner, inbox, kept, logs)));
    }
    found
}

/// The direct messages that a connection heard.
fn heard(connection: &Connection) -> Vec<(Moment, &Entry)> {
    let direct = connection.heard().filter_map(|(at, heard)| match heard {
        Heard::Direct(entry) => Some((at, entry)),
        _ => None,
    });
    direct.collect()
}

/// The recipient of a text, if it was said to one.
fn recipient<'a>(said: &Said<'a>) -> Option<&'a str> {
    match said.exchange.line {
        Line::Direct { to, .. } => Some(to),
        _ => None,
    }
}

fn in_order(number: usize, connection: &Connection, heard: &[(Moment, &Entry)], logs: &Logs<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut newest = (0, 0);
    for (at, entry) in heard {
        let said = logs.said(&entry.text).filter(|said| said.user == entry.from);
        if entry.content == Content::Said && said.and_then(|said| recipient(&said)) != Some(connection.user.as_str()) {
            found.push(Violation::new(OTHER, format!("{:?} of {}", entry.text, entry.from), *at, [number]));
        }
        let place = (logs.life_of(&entry.text), entry.id);
        if place <= newest {
            let what = format!("{:?}, number {}, was heard behind number {}", entry.text, entry.id, newest.1);
            found.push(Violation::new(ORDER, what, *at, [number]));
        }
        newest = newest.max(place);
    }
    found
}

/// The direct messages that pages show are those of the conversation.
fn read(number: usize, connection: &Connection, logs: &Logs<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for exchange in connection.exchanges_by_answer() {
        let Some((at, Reply::Page { target, entries, .. })) = exchange.answer else { continue };
        let Some(peer) = target.strip_prefix('@') else { continue };
        // An invitation is no text of a client.
        for entry in entries.iter().filter(|entry| entry.content == Content::Said) {
            let said = logs.said(&entry.text).filter(|said| said.user == entry.from);
            let to = said.and_then(|said| recipient(&said));
            let between = [Some(entry.from.as_str()), to];
            let is_between = [[connection.user.as_str(), peer], [peer, connection.user.as_str()]];
            if to != entry.to.as_deref() || !is_between.map(|pair| pair.map(Some)).contains(&between) {
                let what = format!("{:?} of {} to {:?} was read at {target}", entry.text, entry.from, entry.to);
                found.push(Violation::new(OTHER, what, at, [number]));
            }
        }
    }
    found
}

/// What came into the inbox after the login, up to the last that was heard, or up to the end of a connection that lasted.
fn without_hole(
    number: usize,
    connection: &Connection,
    heard: &[(Moment, &Entry)],
    logs: &Logs<'_>,
) -> Option<Violation> {
    let (answered, _) = connection.login()?.answer?;
    let ids: BTreeSet<(usize, u64)> = heard.iter().map(|(_, entry)| (logs.life_of(&entry.text), entry.id)).collect();
    let mut top = ids.last().copied().unwrap_or_default();
    if connection.final_one {
        top = top.max((logs.last_life(), u64::MAX));
    }
    let lives: BTreeSet<usize> = ids.iter().map(|(life, _)| *life).chain([top.0]).collect();
    let missing = lives.into_iter().find_map(|life| {
        let log = LogName { kind: LogKind::Inbox, name: connection.user.clone(), life };
        let due = |(id, text): &(u64, &str)| {
            let later =
                logs.said(text).is_some_and(|said| said.user != connection.user && said.exchange.sent > answered);
            later && (life, *id) <= top && !ids.contains(&(life, *id))
        };
        logs.log(&log).find(due)
    });
    let (id, text) = missing?;
    let what = format!("{text:?}, number {id} of the inbox, was not heard");
    Some(Violation::new(MISSED, what, connection.end(), [number]))
}

/// Messages that were accepted during the session were heard, unless it ended or faults came too soon after.
fn in_time(
    number: usize,
    connection: &Connection,
    heard: &[(Moment, &Entry)],
    stored: &[&Stored<'_>],
    history: &History,
    logs: &Logs<'_>,
) -> Option<Violation> {
    let (answered, _) = connection.login()?.answer?;
    let heard: BTreeSet<&str> = heard.iter().map(|(_, entry)| entry.text.as_str()).collect();
    let due = |stored: &&&Stored<'_>| {
        let said = logs.said(stored.text);
        stored.sent > answered
            && said
                .is_some_and(|said| said.user != connection.user && recipient(&said) == Some(connection.user.as_str()))
            && !heard.contains(stored.text)
            && !connection.may_be_too_slow()
            && !is_of_another_life(stored.sent, history)
            && history.calm(stored.at, connection.end(), COMPLETED_WITHIN) > ARRIVES_WITHIN
    };
    let late = stored.iter().find(due)?;
    let what = format!("{:?} was accepted and not heard", late.text);
    Some(Violation::new(LATE, what, late.at, [number, late.connection]))
}

/// Whether the recipient may have had another account then: the store was emptied after that, or a moment before.
fn is_of_another_life(sent: Moment, history: &History) -> bool {
    history.dumps.iter().any(|dump| sent < dump.at + COMPLETED_WITHIN)
}

/// What the sender's inbox has, the recipient's has too.
fn in_both(kept: &Dump, history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let mut found = Vec::new();
    for (owner, entry) in kept.inboxes.iter().flat_map(|(owner, inbox)| inbox.iter().map(move |it| (owner, it))) {
        let Some(said) = logs.said(&entry.text).filter(|said| said.user == owner) else { continue };
        let Some(to) = recipient(&said).filter(|to| to != owner) else { continue };
        let other = match kept.log(LogKind::Inbox, to) {
            Some(other) => other,
            None if kept.is_by_pages => continue,
            None => &[],
        };
        let is_whole = other.len() < RETAINED && other.first().is_none_or(|first| first.id == 1);
        let is_there = other.iter().any(|copy| copy.text == entry.text);
        if is_whole && !is_there && !is_of_another_life(said.exchange.sent, history) {
            let what =
                format!("{:?} is number {} in the inbox of {owner}, and {to} does not have it", entry.text, entry.id);
            found.push(Violation::new(BOTH, what, kept.at, [said.connection]));
        }
    }
    found
}

/// The copies of each sender's messages have the order of that sender's inbox.
fn in_one_order(owner: &str, inbox: &[Entry], kept: &Dump, logs: &Logs<'_>) -> Vec<Violation> {
    let mut newest: BTreeMap<&str, (&LogName, u64)> = BTreeMap::new();
    let mut found = Vec::new();
    for copy in inbox.iter().filter(|entry| entry.from != owner) {
        let Some((log, id)) = logs.place(&copy.text) else { continue };
        let before = newest.insert(&copy.from, (log, *id));
        if before.is_some_and(|(before, earlier)| before == log && earlier > *id) {
            let what = format!("{:?} of {} is behind later ones in the inbox of {owner}", copy.text, copy.from);
            found.push(Violation::new(COPIES, what, kept.at, []));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;
    use crate::record::Range;

    const NOTHING: [&str; 0] = [];

    fn invariants(story: HistoryBuilder) -> Vec<&'static str> {
        story.judged_by(check)
    }

    /// Ann wrote to ben, who is connected.
    fn begun() -> (HistoryBuilder, usize, usize) {
        let mut story = HistoryBuilder::default();
        let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
        story.tell(ann, "ben", "psst", 1);
        (story, ann, ben)
    }

    #[test]
    fn what_arrives_once_and_is_in_both_inboxes_is_found_right() {
        let (mut story, _, ben) = begun();
        story.hear_direct(ben, 1, "ann", "psst").wait(60).ping(ben).finish(ben);
        story.keep_inbox("ann", &[(1, "ann", "psst")]).keep_inbox("ben", &[(1, "ann", "psst")]);
        assert_eq!(invariants(story), NOTHING);
    }

    #[test]
    fn a_repetition_and_a_wrong_receiver_or_sender_are_found() {
        let (mut story, _, ben) = begun();
        story.hear_direct(ben, 1, "ann", "psst").hear_direct(ben, 1, "ann", "psst");
        assert_eq!(invariants(story), [ORDER]);
        let (mut story, _, _) = begun();
        let eve = story.log_in("eve", 0);
        story.hear_direct(eve, 1, "ann", "psst");
        assert!(check_of(&story).contains(&OTHER));
        let (mut story, _, ben) = begun();
        story.hear_direct(ben, 1, "eve", "psst");
        assert_eq!(invariants(story), [OTHER]);
    }

    fn check_of(story: &HistoryBuilder) -> Vec<&'static str> {
        let history = story.so_far();
        let (logs, _) = Logs::gather(&history);
        check(&history, &logs).into_iter().map(|violation| violation.invariant).collect()
    }

    #[test]
    fn what_is_read_elsewhere_is_found() {
        let (mut story, ann, _) = begun();
        story.page(ann, "@eve", Range::Newest, &[(1, "ann", "psst")], false);
        assert_eq!(invariants(story), [OTHER]);
    }

    #[test]
    fn a_copy_that_is_missing_is_found() {
        let (mut story, _, _) = begun();
        story.keep_inbox("ann", &[(1, "ann", "psst")]).keep_inbox("ben", &[]);
        assert_eq!(invariants(story), [BOTH]);
    }

    #[test]
    fn copies_in_another_order_are_found() {
        let (mut story, ann, _) = begun();
        story.tell(ann, "ben", "hey", 2).keep_inbox("ben", &[(1, "ann", "hey"), (2, "ann", "psst")]);
        assert_eq!(invariants(story), [COPIES]);
    }

    #[test]
    fn a_hole_and_a_missing_end_are_found() {
        let (mut story, ann, ben) = begun();
        story.tell(ann, "ben", "hey", 2).hear_direct(ben, 2, "ann", "hey");
        story.keep_inbox("ben", &[(1, "ann", "psst"), (2, "ann", "hey")]);
        assert_eq!(invariants(story), [MISSED]);
        let (mut story, _, ben) = begun();
        story.finish(ben).keep_inbox("ben", &[(1, "ann", "psst")]);
        assert_eq!(invariants(story), [MISSED]);
    }

    #[test]
    fn what_does_not_arrive_is_found_unless_there_are_faults() {
        let (mut story, _, ben) = begun();
        story.wait(60).ping(ben);
        assert_eq!(invariants(story), [LATE]);
        let (mut story, _, ben) = begun();
        story.fault(0, 45).wait(60).ping(ben);
        assert_eq!(invariants(story), NOTHING);
    }
}
