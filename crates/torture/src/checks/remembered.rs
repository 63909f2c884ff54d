//! A room that was opened is remembered until it is closed: `/sync` opens it again, in later sessions and after restarts.

use std::collections::BTreeMap;

use crate::logs::{LogKind, LogName, Logs};
use crate::record::{History, Line, Moment, Reply};
use crate::report::Violation;

const FORGOTTEN: &str = "an opened room comes back";

/// What a user asked for, and when it was answered.
#[derive(Default)]
struct Asked<'a> {
    /// Each with the room.
    opened: Vec<(&'a str, Moment, Moment)>,
    closed: Vec<(&'a str, Moment, Option<Moment>)>,
}

/// Checks every answer to `/sync`.
pub(crate) fn check(history: &History, logs: &Logs<'_>) -> Vec<Violation> {
    let mut users: BTreeMap<&str, Asked<'_>> = BTreeMap::new();
    for connection in &history.connections {
        let asked = users.entry(&connection.user).or_default();
        for exchange in connection.exchanges() {
            match (exchange.line, exchange.answer) {
                (Line::Open(room), Some((at, Reply::Entered { .. }))) => asked.opened.push((room, exchange.sent, at)),
                (Line::Close(room), answer) => asked.closed.push((room, exchange.sent, answer.map(|(at, _)| at))),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    for (number, connection) in history.connections.iter().enumerate() {
        let asked = &users[connection.user.as_str()];
        for exchange in connection.exchanges_by_answer() {
            let Some((at, Reply::Synced { standings, .. })) = exchange.answer else { continue };
            let is_there = |room: &str| standings.iter().any(|it| it.target.strip_prefix('#') == Some(room));
            let is_kept = |(room, opened, answered): &&(&str, Moment, Moment)| {
                let may_be_removed = || was_removed(&connection.user, room, logs);
                *answered < exchange.sent
                    && !may_be_removed()
                    && !asked.may_be_closed(room, *opened, at)
                    && !is_lost(*opened, at, history)
            };
            let missing = asked.opened.iter().filter(is_kept).find(|(room, ..)| !is_there(room));
            if let Some((room, opened, _)) = missing {
                let what = format!("{} opened {room} at {opened:?}, and it did not come back", connection.user);
                found.push(Violation::new(FORGOTTEN, what, at, [number]));
            }
        }
    }
    found
}

impl Asked<'_> {
    /// Whether a `/close` may have been carried out in this time. One that was not answered may come at any time.
    fn may_be_closed(&self, room: &str, from: Moment, to: Moment) -> bool {
        let during = |sent: Moment, answered: Option<Moment>| sent < to && answered.is_none_or(|at| at > from);
        self.closed.iter().any(|(closed, sent, answered)| *closed == room && during(*sent, *answered))
    }
}

/// Whether somebody was ever removed from a room, or it was ever closed to those who are not invited.
fn was_removed(user: &str, room: &str, logs: &Logs<'_>) -> bool {
    (0..=logs.last_life()).any(|life| {
        let log = LogName { kind: LogKind::Room, name: room.to_owned(), life };
        let is_private = |reason: &str| reason == "private";
        logs.entries(&log).any(|entry| entry.removes(user) || entry.deed().is_some_and(|it| is_private(&it.reason)))
    })
}

/// Whether the store was emptied in this time.
fn is_lost(from: Moment, to: Moment, history: &History) -> bool {
    history.dumps.iter().any(|dump| from < dump.at && to > dump.from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;

    fn invariants(closes: bool) -> Vec<&'static str> {
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        let entered = Reply::Entered { room: "red".to_owned(), epoch: "first".to_owned(), last: 0 };
        story.ask(ann, Line::Open("red".to_owned()), Some(entered));
        if closes {
            story.ask(ann, Line::Close("red".to_owned()), None);
        }
        let again = story.log_in("ann", 0);
        story.ask(again, Line::Sync, Some(Reply::Synced { current: "lobby".to_owned(), standings: Vec::new() }));
        story.judged_by(check)
    }

    #[test]
    fn a_room_that_does_not_come_back_is_found_unless_it_was_closed() {
        assert_eq!(invariants(false), [FORGOTTEN]);
        assert_eq!(invariants(true), [""; 0]);
    }
}
