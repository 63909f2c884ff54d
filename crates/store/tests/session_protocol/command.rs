//! What servers say to Redis, and what it answers. It must not carry anything out.

use crate::keyspace::{Bits, Id, Notes, Ticket};

/// A script with its arguments, as it travels.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Command {
    /// Puts a connection into the reverse index of its server.
    Index { id: Id, connection: u8 },
    /// Takes the user's session, with `rejects` only where there is none, or one of the dead server `over`.
    Claim { id: Id, connection: u8, over: Option<Id>, rejects: bool },
    /// Whether a server has its lease.
    Look { id: Id },
    /// Tells servers that their connections were displaced.
    Tell { connections: Bits },
    /// Takes a claim back.
    CancelClaim { connection: u8 },
    /// Which rooms the sessions before this one may be in.
    Predecessors { generation: u8 },
    /// Ends memberships of sessions before this one, and keeps out what of them is under way.
    Evict { room: u8, generation: u8 },
    /// Notes a room with the session.
    Note { room: u8, ticket: Ticket },
    /// Takes older notes of a room back.
    Forget { room: u8, ticket: Ticket },
    /// Makes the session a member, unless it is past its deadline, which the lease of its server limits, too.
    Enter { room: u8, ticket: Ticket, by: Id, late: bool },
    /// Ends a membership of that generation that was entered with this ticket or an earlier one.
    Leave { room: u8, ticket: Ticket },
    /// Says something.
    Append { room: u8, ticket: Ticket, connection: u8 },
    /// Gives a session up.
    Release { generation: u8 },
    /// Gives a session to its server under the id that it has now, or puts it back.
    Restore { id: Id, generation: u8, connection: u8 },
    /// Deletes what was seen of a dead server.
    Reap { id: Id, seen: Vec<(u8, Notes)> },
}

/// What one script may touch: commands for one of them are carried out by one node, in its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    User,
    Room(u8),
    Server,
}

impl Command {
    pub(crate) fn slot(&self) -> Slot {
        match *self {
            Self::Index { .. } | Self::Look { .. } | Self::Tell { .. } => Slot::Server,
            Self::Evict { room, .. } | Self::Enter { room, .. } | Self::Leave { room, .. } => Slot::Room(room),
            Self::Append { room, .. } => Slot::Room(room),
            _ => Slot::User,
        }
    }

    /// Whether it is an enter of that room by a session before `fence`.
    pub(crate) fn is_fenced_off(&self, of: u8, fence: u8) -> bool {
        matches!(self, Self::Enter { room, ticket, .. } if *room == of && ticket.generation < fence)
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Reply {
    Done,
    /// There is a later session.
    Refused,
    /// There is no session.
    Absent,
    /// It came past its deadline.
    Late,
    /// The claim was granted, and displaced that connection.
    Granted {
        generation: u8,
        displaced: Bits,
    },
    /// Somebody on that server has the session.
    Taken(Id),
    Alive,
    Dead,
    /// Rooms in which earlier sessions may be.
    Rooms(Bits),
}
