//! A user who is shown as a member of a room is in the room, or left less than 20 s ago, not counting the time of
//! faults. A login leaves all rooms of the earlier session at once.

use std::collections::BTreeSet;
use std::time::Duration;

use super::RECOVERY;
use crate::open_rooms::OpenRooms;
use crate::plan::Fault;
use crate::record::{Connection, Exchange, History, Line, Moment, Reply};
use crate::report::Violation;

/// The promised 15 s, and slack for a busy machine.
const GONE_WITHIN: Duration = Duration::from_secs(15 + 5);

const GHOST: &str = "who is gone is not shown any more";

const LEFT_OPEN: &str = "a login leaves all earlier rooms";

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
    let mut found = left_open(history);
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
        let from = logins.iter().find(|exchange| exchange.line.begins_session())?.sent;
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

/// Users who are shown in a room that was open in an earlier session, and never in the present one.
fn left_open(history: &History) -> Vec<Violation> {
    let mut found = Vec::new();
    // Once the store was emptied, the servers restore what they know, in any order.
    if !history.dumps.is_empty() {
        return found;
    }
    let visits = visits(history);
    for (number, connection) in history.connections.iter().enumerate() {
        for exchange in connection.exchanges_by_answer() {
            let Some((answered, Reply::Users { room, users })) = exchange.answer else { continue };
            if room == "lobby" {
                continue;
            }
            for user in users {
                let Some(present) = present(user, exchange.sent, answered, &visits) else { continue };
                if !present.may_be_in(room, answered) {
                    let what = format!("{user} is shown in {room}, which this session has never opened");
                    found.push(Violation::new(LEFT_OPEN, what, exchange.sent, [number, present.connection]));
                }
            }
        }
    }
    found
}

/// A session, and the rooms that it may have entered.
struct Visit<'a> {
    connection: usize,
    user: &'a str,
    asked: Moment,
    begun: Option<Moment>,
    /// Each with the time at which that was asked for. Nothing is known of the rooms of an unanswered `/sync`.
    rooms: Vec<(Option<String>, Moment)>,
}

impl Visit<'_> {
    fn may_be_in(&self, room: &str, at: Moment) -> bool {
        self.rooms.iter().any(|(known, asked)| *asked < at && known.as_deref().is_none_or(|known| known == room))
    }
}

fn visits(history: &History) -> Vec<Visit<'_>> {
    let mut visits = Vec::new();
    for (number, connection) in history.connections.iter().enumerate() {
        let exchanges = connection.exchanges();
        let asked = exchanges.iter().find(|exchange| exchange.line.begins_session());
        let Some(asked) = asked.map(|exchange| exchange.sent) else { continue };
        let begun = connection.login().and_then(|login| login.answer).map(|(at, _)| at);
        let mut open = OpenRooms::default();
        let mut rooms = Vec::new();
        for exchange in &exchanges {
            match (exchange.line, exchange.answer) {
                (Line::Join(room) | Line::Open(room), _) => rooms.push((Some(room.clone()), exchange.sent)),
                (Line::Sync, None) => rooms.push((None, exchange.sent)),
                (line, Some((_, reply))) => {
                    let entered = open.answered(line, reply).entered.into_iter();
                    rooms.extend(entered.map(|start| (Some(start.room), exchange.sent)));
                }
                _ => {}
            }
        }
        visits.push(Visit { connection: number, user: &connection.user, asked, begun, rooms });
    }
    visits
}

/// The session that a user had from one moment to another, if no login may have come in between.
fn present<'a>(user: &str, from: Moment, to: Moment, visits: &'a [Visit<'a>]) -> Option<&'a Visit<'a>> {
    let mine = || visits.iter().filter(|visit| visit.user == user && visit.asked < to);
    let last = mine().filter(|visit| visit.begun.is_some_and(|begun| begun < from)).max_by_key(|visit| visit.begun)?;
    let is_unsure = |other: &Visit<'_>| {
        let is_earlier = other.begun.is_some_and(|begun| begun < last.asked);
        other.connection != last.connection && !is_earlier
    };
    (!mine().any(is_unsure)).then_some(last)
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
    fn a_room_of_an_earlier_session_is_found_unless_it_was_opened_again() {
        for (opens, expected) in [(false, vec![LEFT_OPEN]), (true, vec![])] {
            let mut story = HistoryBuilder::default();
            let (ann, ben) = (story.log_in("ann", 0), story.log_in("ben", 0));
            story.join(ben, "red", 0);
            let again = story.log_in("ben", 0);
            if opens {
                story.ask(again, Line::Open("red".to_owned()), None);
            }
            let reply = Reply::Users { room: "red".to_owned(), users: vec!["ben".to_owned()] };
            story.ask(ann, Line::Who("red".to_owned()), Some(reply));
            assert_eq!(invariants(story), expected);
        }
    }

    #[test]
    fn a_ghost_in_the_numbers_of_members_is_found() {
        let mut story = looked_after(25, Some((FaultKind::Hole, 0, 4)));
        let eve = story.log_in("eve", 0);
        story.wait(25).ask(eve, Line::Rooms, Some(Reply::Rooms(vec![("lobby".to_owned(), 2)])));
        assert_eq!(invariants(story), [GHOST]);
    }
}
