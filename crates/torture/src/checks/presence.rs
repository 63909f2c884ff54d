//! The other members of a room are notified once when a user enters it, and once when a user leaves it. A notification
//! may be lost only while a server cannot reach its store.

use std::collections::BTreeMap;

use crate::open_rooms::OpenRooms;
use crate::record::{Connection, Heard, History, Line, Moment, Span, What};
use crate::report::Violation;

/// Checks all presence events that were received.
pub(crate) fn check(history: &History) -> Vec<Violation> {
    let all = history.connections.iter().enumerate();
    all.flat_map(|(number, connection)| heard_by(number, connection, history)).collect()
}

fn heard_by(number: usize, connection: &Connection, history: &History) -> Vec<Violation> {
    let mut found = Vec::new();
    let lines: BTreeMap<usize, &Line> = connection.exchanges().into_iter().map(|it| (it.number, it.line)).collect();
    let mut rooms = OpenRooms::default();
    // The last presence event of each user in each room since the room was entered.
    let mut last: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for event in &connection.events {
        let (room, user, enters) = match &event.what {
            What::Answered { number: line, reply } => {
                let change = rooms.answered(lines[line], reply);
                last.retain(|(room, _), _| !change.entered.iter().any(|start| start.room == *room));
                continue;
            }
            What::Heard(Heard::Entered { room, user }) => (room, user, true),
            What::Heard(Heard::Left { room, user }) => (room, user, false),
            What::Heard(heard) => {
                let change = rooms.heard(&connection.user, heard);
                last.retain(|(room, _), _| !change.entered.iter().any(|start| start.room == *room));
                continue;
            }
            _ => continue,
        };
        let doing = if enters { "enters" } else { "leaves" };
        let mut broken = |invariant| {
            let what = format!("{user} {doing} {room}");
            found.push(Violation::new(invariant, what, event.at, [number]).about(format!("user: {user:?}")));
        };
        if !rooms.open.contains(room) {
            broken("nothing of another room is heard");
        }
        if *user == connection.user {
            broken("nobody hears of themselves");
        }
        if last.insert((room, user), enters) == Some(enters) && !may_have_missed(connection.server, event.at, history) {
            broken("comings and goings are told once each");
        }
    }
    found
}

/// Whether the server may have lost presence events of the room before `at`: its link was hit, or it was frozen. The
/// operating system interrupts the wait of a process that is continued, however short the freeze was (signal(7),
/// "Interruption of system calls and library functions by stop signals"), and the server reconnects.
fn may_have_missed(server: usize, at: Moment, history: &History) -> bool {
    let concerns = |span: &Span| {
        let link = span.fault.touches_store() && span.fault.server.is_none_or(|hit| hit == server);
        link || span.fault.interrupts(server)
    };
    history.spans.iter().any(|span| span.from < at && concerns(span))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::history_builder::HistoryBuilder;
    use crate::plan::FaultKind;

    fn invariants(changes: &[(&str, bool)], fault: Option<FaultKind>) -> Vec<&'static str> {
        let mut story = HistoryBuilder::default();
        let ann = story.log_in("ann", 0);
        fault.into_iter().for_each(|kind| {
            story.fault_of(kind, 0, 1).wait(2);
        });
        for (user, enters) in changes {
            let (room, user) = ("lobby".to_owned(), (*user).to_owned());
            let heard = if *enters { Heard::Entered { room, user } } else { Heard::Left { room, user } };
            story.note(ann, What::Heard(heard));
        }
        check(&story.history()).into_iter().map(|violation| violation.invariant).collect()
    }

    #[test]
    fn who_comes_and_goes_in_turn_is_found_right() {
        assert_eq!(invariants(&[("ben", true), ("eve", false), ("ben", false), ("ben", true)], None), [""; 0]);
    }

    #[test]
    fn two_partings_in_a_row_are_found_unless_the_link_was_lost() {
        let twice = [("ben", false), ("ben", false)];
        assert_eq!(invariants(&twice, None), ["comings and goings are told once each"]);
        assert_eq!(invariants(&twice, Some(FaultKind::HalfOpen)), ["comings and goings are told once each"]);
        for kind in [FaultKind::Freeze, FaultKind::Cut] {
            assert_eq!(invariants(&twice, Some(kind)), [""; 0]);
        }
    }

    #[test]
    fn hearing_of_oneself_is_found() {
        assert_eq!(invariants(&[("ann", true)], None), ["nobody hears of themselves"]);
    }
}
