//! The thread of a server that checks its sessions: it assigns them to the server's current id, restores missing ones,
//! and finds the displaced ones. While it checks a session, that session's own thread waits; so it must not wait for
//! that thread.

use crate::command::{Command, Reply};
use crate::connection::{Connection, Here};
use crate::keyspace::{Bits, Id, Ticket, first, rest};

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    #[default]
    Idle,
    Restoring,
    /// Earlier sessions were found.
    Evicting {
        behind: Bits,
    },
    Noting,
    Entering {
        was_noted: bool,
    },
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Restorer {
    pub(crate) step: Step,
    pub(crate) connection: u8,
    generation: u8,
    id: Id,
    /// Rooms that it must still enter, and the number under which it enters the first of them.
    rooms: Bits,
    seq: u8,
    late: bool,
}

impl Restorer {
    pub(crate) fn start(&mut self, here: Here<'_>, connection: &mut Connection) {
        connection.check = false;
        connection.noted = if here.design.restored_notes_anew { 0 } else { connection.noted };
        let (number, generation, rooms) = (connection.number, connection.generation, connection.rooms);
        *self = Self { step: Step::Restoring, connection: number, generation, id: here.id, rooms, seq: 0, late: false };
    }

    fn ticket(&self) -> Ticket {
        Ticket { generation: self.generation, seq: self.seq }
    }

    pub(crate) fn command(&self) -> Option<Command> {
        let (id, generation, connection, ticket) = (self.id, self.generation, self.connection, self.ticket());
        let room = first(self.rooms);
        Some(match self.step {
            Step::Idle => return None,
            Step::Restoring => Command::Restore { id, generation, connection },
            Step::Evicting { behind } => Command::Evict { room: first(behind), generation },
            Step::Noting => Command::Note { room, ticket },
            Step::Entering { .. } => Command::Enter { room, ticket, by: id, late: self.late },
        })
    }

    /// The room that it is about to enter, and for which generation.
    pub(crate) fn enters(&self) -> Option<(u8, u8)> {
        matches!(self.step, Step::Noting | Step::Entering { .. }).then(|| (first(self.rooms), self.generation))
    }

    /// Whether it is checking this session.
    pub(crate) fn looks_after(&self, generation: u8) -> bool {
        self.step != Step::Idle && self.generation == generation
    }

    /// Marks its next enter as past the deadline.
    pub(crate) fn be_late(&mut self) {
        self.late = true;
    }

    /// Continues after an answer. Returns `false` if the session was displaced.
    pub(crate) fn answered(&mut self, here: Here<'_>, connection: &mut Connection, reply: &Reply) -> bool {
        let is_same = connection.is_kept && connection.generation == self.generation;
        match (&self.step, reply) {
            (Step::Restoring, Reply::Rooms(behind)) => self.evict(here, connection, *behind),
            (Step::Evicting { behind }, _) => self.evict(here, connection, rest(*behind)),
            (Step::Noting, reply) if *reply == Reply::Done || !here.design.restorer_heeds_notes => {
                self.step = Step::Entering { was_noted: *reply == Reply::Done };
            }
            (Step::Entering { was_noted: true }, Reply::Done) => {
                self.rooms = rest(self.rooms);
                self.next(here, connection);
            }
            (Step::Noting, Reply::Absent) | (_, Reply::Late) => {
                connection.check |= is_same;
                *self = Self::default();
            }
            _ => {
                *self = Self::default();
                return false;
            }
        }
        true
    }

    fn evict(&mut self, here: Here<'_>, connection: &mut Connection, behind: Bits) {
        if behind == 0 { self.next(here, connection) } else { self.step = Step::Evicting { behind } }
    }

    /// Enters the next room in which the session still is.
    fn next(&mut self, here: Here<'_>, connection: &mut Connection) {
        while self.rooms != 0 && !self.is_in(connection) {
            self.rooms = rest(self.rooms);
        }
        if self.rooms == 0 || !here.design.restorer_enters {
            *self = Self::default();
        } else {
            self.seq = connection.draw().seq;
            self.late = false;
            self.step = Step::Noting;
        }
    }

    fn is_in(&self, connection: &Connection) -> bool {
        connection.generation == self.generation && connection.rooms & (1 << first(self.rooms)) != 0
    }
}
