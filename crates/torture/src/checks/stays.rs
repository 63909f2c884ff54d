//! The time for which a session has a room open, as its client knows it. It must not judge what is heard meanwhile.

use std::collections::BTreeMap;

use crate::open_rooms::{Change, OpenRooms, Start};
use crate::record::{Connection, Entry, Exchange, Heard, Moment, What};
use crate::report::Violation;

/// The time for which a session had a room open.
pub(super) struct Stay<'a> {
    pub(super) connection: usize,
    pub(super) user: &'a str,
    pub(super) room: String,
    /// The epoch and the end of the log as the answer told them. The answer to `/close` tells nothing of the lobby.
    pub(super) head: Option<(String, u64)>,
    /// When it was requested, and when it was answered.
    pub(super) asked: Moment,
    pub(super) entered: Moment,
    /// When it ended: the line that left it was sent, or the connection ended.
    pub(super) until: Moment,
    /// Whether it lasted to the end of the run.
    pub(super) is_final: bool,
    pub(super) heard: Vec<(Moment, &'a Entry)>,
}

/// Splits a connection into stays. Also returns violations for entries of rooms that are not open.
pub(super) fn stays(number: usize, connection: &Connection) -> (Vec<Stay<'_>>, Vec<Violation>) {
    let mut splitter =
        Splitter { number, connection, rooms: OpenRooms::default(), open: BTreeMap::new(), stays: Vec::new() };
    let mut strays = Vec::new();
    let exchanges: BTreeMap<usize, Exchange<'_>> =
        connection.exchanges().into_iter().map(|exchange| (exchange.number, exchange)).collect();
    for event in &connection.events {
        match &event.what {
            What::Answered { number: line, reply } if exchanges[line].line.moves() => {
                let change = splitter.rooms.answered(exchanges[line].line, reply);
                splitter.follow(change, exchanges[line].sent, event.at);
            }
            What::Heard(heard) => {
                if let Heard::Message { room, entry } = heard {
                    strays.extend(splitter.hear(room, entry, event.at));
                }
                let change = splitter.rooms.heard(&connection.user, heard);
                splitter.follow(change, event.at, event.at);
            }
            _ => {}
        }
    }
    (splitter.stays, strays)
}

/// What is known of a connection up to one of its events.
struct Splitter<'a> {
    number: usize,
    connection: &'a Connection,
    rooms: OpenRooms,
    /// The newest stay in each open room.
    open: BTreeMap<String, usize>,
    stays: Vec<Stay<'a>>,
}

impl<'a> Splitter<'a> {
    /// Ends stays, and begins others.
    fn follow(&mut self, change: Change, asked: Moment, at: Moment) {
        let Change { left, entered } = change;
        for stay in left.iter().filter_map(|room| self.open.remove(room)) {
            (self.stays[stay].until, self.stays[stay].is_final) = (asked, false);
        }
        for Start { room, head } in entered {
            self.open.insert(room.clone(), self.stays.len());
            self.stays.push(Stay {
                connection: self.number,
                user: &self.connection.user,
                room,
                head,
                asked,
                entered: at,
                until: self.connection.end(),
                is_final: self.connection.final_one,
                heard: Vec::new(),
            });
        }
    }

    fn hear(&mut self, room: &str, entry: &'a Entry, at: Moment) -> Option<Violation> {
        if let Some(stay) = self.open.get(room) {
            self.stays[*stay].heard.push((at, entry));
            return None;
        }
        let what = format!("{:?} of {room} was heard outside of it", entry.text);
        Some(Violation::new("nothing of another room is heard", what, at, [self.number]))
    }
}
