//! A user who is shown as a member of a room is in the room, or left less than 20 s ago, not counting the time of
//! faults.

use std::collections::BTreeSet;
use std::time::Duration;

use super::RECOVERY;
use crate::plan::Fault;
use crate::record::{Connection, Exchange, History, Line, Moment, Reply};
use crate::report::Violation;

/// The promised 15 s, and slack for a busy machine.
const GONE_WITHIN: Duration = Duration::from_secs(15 + 5);

const GHOST: &str = "who is gone is not shown any more";

/// The time in which a user can have had a session on one connection.
struct Life<'a> {
    user: &'a str,
    from: Moment,
    to: Moment,
    server: usize,
    weak: bool,
}

/// Checks every list of members and of rooms.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let lives = lives(history);
    let mut found = Vec::new();
    for (number, connection) in history.connections.iter().enumerate() {
        for exchange in connection.exchanges_by_answer() {
            let what = ghosts(exchange, &lives, history);
            found.extend(what.map(|what| Violation::new(GHOST, what, exchange.sent, [number])));
        }
    }
    found
}

fn lives(history: &History) -> Vec<Life<'_>> {
    let life = |connection: &'_ Connection| {
        let logins = connection.exchanges();
        let from = logins.iter().find(|exchange| matches!(exchange.line, Line::Login | Line::Register))?.sent;
        Some((from, connection.end()))
    };
    let all = history.connections.iter();
    all.filter_map(|connection| {
        let (from, to) = life(connection)?;
        let Connection { user, server, weak, .. } = connection;
        Some(Life { user, from, to, server: *server, weak: *weak })
    })
    .collect()
}

fn ghosts(exchange: Exchange<'_>, lives: &[Life<'_>], history: &History) -> Option<String> {
    let (answered, reply) = exchange.answer?;
    let alive = |life: &&Life<'_>| {
        // While the store was unreachable, no member could be removed from it. A server does not notice the end of a
        // connection that passes no data.
        let away = |fault: Fault| fault.touches_store() || fault.deafens(life.server, life.weak);
        let gone =
            life.to < exchange.sent && history.calm_but_for(life.to, exchange.sent, RECOVERY, away) > GONE_WITHIN;
        life.from < answered && !gone
    };
    let users: BTreeSet<&str> = lives.iter().filter(alive).map(|life| life.user).collect();
    match reply {
        Reply::Users { room, users: shown } => {
            let ghost = shown.iter().find(|user| !users.contains(user.as_str()))?;
            Some(format!("{ghost} is shown in {room}"))
        }
        Reply::Rooms(rooms) => {
            let (room, members) = rooms.iter().find(|(_, members)| *members > users.len() as u64)?;
            Some(format!("{room} has {members} members, and there are but {users:?}"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;
    use crate::plan::FaultKind;

    fn invariants(story: HistoryBuilder) -> Vec<&'static str> {
        check(&story.history()).into_iter().map(|violation| violation.invariant).collect()
    }

    /// Ben was in the room. Ann asks for the members after the given number of seconds.
    fn looked_after(seconds: u64, fault: Option<(FaultKind, u64, u64)>) -> HistoryBuilder {
        let mut story = HistoryBuilder::default();
        let (ann, _) = (story.log_in("ann", 0), story.log_in("ben", 0));
        fault.into_iter().for_each(|(kind, from, to)| {
            story.fault_of(kind, from, to);
        });
        let users = vec!["ann".to_owned(), "ben".to_owned()];
        let reply = Reply::Users { room: "lobby".to_owned(), users };
        story.wait(seconds).ask(ann, Line::Who("lobby".to_owned()), Some(reply));
        story
    }

    #[test]
    fn who_went_a_moment_ago_may_be_shown() {
        assert_eq!(invariants(looked_after(10, None)), [""; 0]);
    }

    #[test]
    fn a_ghost_is_found_unless_nobody_could_remove_it() {
        assert_eq!(invariants(looked_after(25, None)), [GHOST]);
        assert_eq!(invariants(looked_after(25, Some((FaultKind::Freeze, 0, 20)))), [GHOST]);
        assert_eq!(invariants(looked_after(25, Some((FaultKind::Hole, 0, 4)))), [""; 0]);
    }

    #[test]
    fn a_ghost_in_the_numbers_of_members_is_found() {
        let mut story = looked_after(25, Some((FaultKind::Hole, 0, 4)));
        let eve = story.log_in("eve", 0);
        story.wait(25).ask(eve, Line::Rooms, Some(Reply::Rooms(vec![("lobby".to_owned(), 2)])));
        assert_eq!(invariants(story), [GHOST]);
    }
}
