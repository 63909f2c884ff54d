//! The cleanups that a server could not do at once and retries until they succeed. It must not give up.

use crate::command::Command;
use crate::keyspace::{Id, Ticket};

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Leftover {
    /// A claim whose result is unknown.
    Claim { connection: u8, id: Id },
    /// A membership up to a ticket: first it is left, then the note of the room is removed.
    Membership { ticket: Ticket, room: u8, has_left: bool },
    /// A session that has ended.
    Session { connection: u8, generation: u8 },
}

impl Leftover {
    pub(crate) fn command(&self) -> Command {
        match *self {
            Self::Claim { connection, .. } => Command::CancelClaim { connection },
            Self::Membership { ticket, room, has_left: false } => Command::Leave { room, ticket },
            Self::Membership { ticket, room, has_left: true } => Command::Forget { room, ticket },
            Self::Session { generation, .. } => Command::Release { generation },
        }
    }

    /// The rest after an answer.
    pub(crate) fn answered(self) -> Option<Self> {
        match self {
            Self::Membership { ticket, room, has_left: false } => {
                Some(Self::Membership { ticket, room, has_left: true })
            }
            _ => None,
        }
    }

    /// Whether it prevents the release of a session of that generation.
    pub(crate) fn is_membership_of(&self, generation: u8) -> bool {
        matches!(self, Self::Membership { ticket, .. } if ticket.generation == generation)
    }
}
