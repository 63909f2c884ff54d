//! A page of a log holds all that the log holds there, in order: whatever a client knew when it was asked for. It must not
//! judge what entries say.

use std::collections::BTreeMap;

use crate::logs::{LogKind, Logs, log_of};
use crate::record::{Entry, Exchange, Heard, History, Line, Moment, Range, Reply, What};
use crate::report::Violation;

const WHOLE: &str = "a page holds all that the log holds there";
const SORTED: &str = "a page is in the order of numbers";
/// A log whose numbers are below this has lost none of its entries to its limit.
const RETAINED: u64 = 10_000;

/// What a page is of: a log, and for an inbox the other user.
type Subject = (LogKind, String, String);

/// For each number: since when it is known, and the text.
type Known<'a> = BTreeMap<Subject, BTreeMap<u64, (Moment, &'a str)>>;

/// Checks every page.
pub(crate) fn check(history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let known = known(history, logs);
    let mut found = Vec::new();
    for (number, connection) in history.connections.iter().enumerate() {
        for exchange in connection.exchanges_by_answer() {
            let (Line::Backlog { range, count, .. }, Some((at, Reply::Page { target, entries, more }))) =
                (exchange.line, exchange.answer)
            else {
                continue;
            };
            let mut broken = |invariant, what| found.push(Violation::new(invariant, what, at, [number]));
            let subject = subject(target, &connection.user);
            if let Some(what) = disordered(subject.0, entries, *range, *count) {
                broken(SORTED, format!("{what} in a page of {target}"));
            }
            // Once the store was emptied, nothing shows which of its lives an empty page is of.
            let judged = history.dumps.is_empty().then(|| known.get(&subject)).flatten();
            let missing = judged.and_then(|log| missing(log, entries, *range, *more, &exchange));
            if let Some((id, text)) = missing {
                broken(WHOLE, format!("number {id}, {text:?}, is missing in a page of {target}, {range:?}"));
            }
        }
    }
    found
}

fn subject(target: &str, user: &str) -> Subject {
    let (kind, name) = log_of(target, user);
    (kind, name.to_owned(), target.strip_prefix('@').unwrap_or_default().to_owned())
}

/// Everything that a client heard, read, or was told to be accepted, and since when.
fn known<'a>(history: &'a History, logs: &Logs<'a>) -> Known<'a> {
    let mut known: Known<'a> = BTreeMap::new();
    let mut note = |subject: Subject, id: u64, at: Moment, text: &'a str| {
        let log = known.entry(subject).or_default();
        log.entry(id).and_modify(|(since, _)| *since = at.min(*since)).or_insert((at, text));
    };
    for stored in logs.stored(history) {
        let peer = match logs.said(stored.text).map(|said| said.exchange.line) {
            Some(Line::Direct { to, .. }) => to.clone(),
            _ => String::new(),
        };
        note((stored.log.kind, stored.log.name, peer), stored.id, stored.at, stored.text);
    }
    for connection in &history.connections {
        for event in &connection.events {
            match &event.what {
                What::Heard(Heard::Message { room, entry }) => {
                    note((LogKind::Room, room.clone(), String::new()), entry.id, event.at, &entry.text);
                }
                What::Heard(Heard::Publication(entry)) => {
                    note((LogKind::Feed, entry.from.clone(), String::new()), entry.id, event.at, &entry.text);
                }
                What::Heard(Heard::Direct(entry)) => {
                    let subject = (LogKind::Inbox, connection.user.clone(), entry.from.clone());
                    note(subject, entry.id, event.at, &entry.text);
                }
                What::Answered { reply: Reply::Page { target, entries, .. }, .. } => {
                    let subject = subject(target, &connection.user);
                    entries.iter().for_each(|entry| note(subject.clone(), entry.id, event.at, &entry.text));
                }
                _ => {}
            }
        }
    }
    known
}

/// What is wrong with the entries of a page by themselves.
fn disordered(kind: LogKind, entries: &[Entry], range: Range, count: usize) -> Option<String> {
    let is_beyond = |entry: &&Entry| match range {
        Range::Newest => false,
        Range::Before(id) => entry.id >= id,
        Range::After(id) => entry.id <= id,
    };
    let pair = entries.windows(2).find(|pair| match kind {
        // The numbers of a conversation are those of the inbox, which holds others too.
        LogKind::Inbox => pair[0].id >= pair[1].id,
        LogKind::Room | LogKind::Feed => pair[0].id + 1 != pair[1].id,
    });
    if entries.len() > count {
        return Some(format!("{} entries, and {count} were asked for,", entries.len()));
    }
    let beyond = entries.iter().find(is_beyond).map(|entry| format!("number {}, {range:?},", entry.id));
    beyond.or_else(|| pair.map(|pair| format!("number {} behind number {}", pair[1].id, pair[0].id)))
}

/// An entry that was known before the page was asked for, that belongs there, and that is not there.
fn missing<'a>(
    log: &BTreeMap<u64, (Moment, &'a str)>,
    entries: &[Entry],
    range: Range,
    more: bool,
    exchange: &Exchange<'_>,
) -> Option<(u64, &'a str)> {
    let newest = log.keys().next_back().copied().unwrap_or(0);
    let oldest_kept = newest.saturating_sub(RETAINED) + 1;
    let (first, last) = (entries.first().map(|entry| entry.id), entries.last().map(|entry| entry.id));
    // The numbers that the page tells about.
    let (from, to) = match range {
        Range::After(id) => (id + 1, last.filter(|_| more).unwrap_or(u64::MAX)),
        Range::Before(id) => (first.filter(|_| more).unwrap_or(0), id.saturating_sub(1)),
        Range::Newest => (first.filter(|_| more).unwrap_or(0), u64::MAX),
    };
    let from = from.max(oldest_kept);
    if from > to {
        return None;
    }
    let is_shown = |id: u64| entries.binary_search_by_key(&id, |entry| entry.id).is_ok();
    let mut due = log.range(from..=to).filter(|(_, (since, _))| *since < exchange.sent);
    due.find(|(id, _)| !is_shown(**id)).map(|(id, (_, text))| (*id, *text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;

    const NOTHING: [&str; 0] = [];

    fn invariants(story: HistoryBuilder) -> Vec<&'static str> {
        story.judged_by(check)
    }

    /// Ann has sent three messages to the lobby.
    fn begun() -> (HistoryBuilder, usize) {
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        story.say(ann, "a1", 1).say(ann, "a2", 2).say(ann, "a3", 3);
        (story, ann)
    }

    #[test]
    fn whole_pages_are_found_right() {
        let (mut story, ann) = begun();
        story.page(ann, "#lobby", Range::Newest, &[(2, "ann", "a2"), (3, "ann", "a3")], true);
        story.page(ann, "#lobby", Range::Before(2), &[(1, "ann", "a1")], false);
        story.page(ann, "#lobby", Range::After(0), &[(1, "ann", "a1"), (2, "ann", "a2")], true);
        story.page(ann, "#lobby", Range::After(3), &[], false);
        assert_eq!(invariants(story), NOTHING);
    }

    #[test]
    fn a_page_that_skips_an_entry_is_found() {
        for (range, entries, more) in [
            (Range::Newest, &[(2, "ann", "a2")][..], true),
            (Range::Before(3), &[(1, "ann", "a1")], false),
            (Range::After(0), &[(2, "ann", "a2"), (3, "ann", "a3")], false),
            (Range::After(2), &[], false),
        ] {
            let (mut story, ann) = begun();
            story.page(ann, "#lobby", range, entries, more);
            assert_eq!(invariants(story), [WHOLE], "{range:?}");
        }
    }

    #[test]
    fn a_page_of_a_conversation_holds_what_was_heard_and_said() {
        let story = |entries: &[(u64, &str, &str)]| {
            let mut story = HistoryBuilder::default();
            let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
            story.tell(ann, "ben", "hi", 1).hear_direct(ben, 1, "ann", "hi").tell(ben, "ann", "ho", 2);
            story.page(ben, "@ann", Range::Newest, entries, false);
            invariants(story)
        };
        assert_eq!(story(&[(1, "ann", "hi"), (2, "ben", "ho")]), NOTHING);
        assert_eq!(story(&[(2, "ben", "ho")]), [WHOLE]);
        assert_eq!(story(&[(1, "ann", "hi")]), [WHOLE]);
    }

    #[test]
    fn entries_in_another_order_or_beyond_the_range_are_found() {
        let (mut story, ann) = begun();
        story.page(ann, "#lobby", Range::Before(2), &[(1, "ann", "a1"), (2, "ann", "a2")], false);
        assert_eq!(invariants(story), [SORTED]);
        let (mut story, ann) = begun();
        story.page(ann, "#lobby", Range::After(0), &[(1, "ann", "a1"), (3, "ann", "a3")], true);
        assert_eq!(invariants(story), [SORTED, WHOLE]);
    }
}
