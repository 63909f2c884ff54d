//! The commands of servers to Redis, and the answers. It must not carry anything out.

use crate::keyspace::{Bits, Id, Notes, Ticket};

/// A script with its arguments, as it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Command {
    /// Adds a connection to the reverse index of its server.
    Index { id: Id, connection: u8 },
    /// Takes the user's session, and notes the lobby with the number `note`. With `rejects`: only if there is no session, or
    /// if it belongs to the dead server `over`.
    Claim { id: Id, connection: u8, note: u8, over: Option<Id>, rejects: bool },
    /// Whether a server has its lease.
    Look { id: Id },
    /// Notifies servers that their connections were displaced.
    Tell { connections: Bits },
    /// Cancels a claim.
    CancelClaim { connection: u8 },
    /// Which rooms the sessions before this one may be in.
    Predecessors { generation: u8 },
    /// Removes memberships of sessions before this one, and rejects their enters that are still in flight.
    Evict { room: u8, generation: u8 },
    /// Notes a room at the session.
    Note { room: u8, ticket: Ticket },
    /// Removes older notes of a room.
    Forget { room: u8, ticket: Ticket },
    /// Makes the session a member, unless it is past its deadline, which is also limited by the lease of its server.
    Enter { room: u8, ticket: Ticket, by: Id, late: bool },
    /// Removes a membership of that generation that was entered with this ticket or an earlier one.
    Leave { room: u8, ticket: Ticket },
    /// Appends a message.
    Append { room: u8, ticket: Ticket, connection: u8 },
    /// Releases a session.
    Release { generation: u8 },
    /// Assigns a session to the server's current id, or restores it.
    Restore { id: Id, generation: u8, connection: u8 },
    /// Deletes the sessions of a dead server that were seen.
    Reap { id: Id, seen: Vec<(u8, Notes)> },
}

/// The keys that one script may touch. One node runs all commands for one slot, in its order.
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
    /// A connection on that server has the session.
    Taken(Id),
    Alive,
    Dead,
    /// Rooms in which earlier sessions may be.
    Rooms(Bits),
}
