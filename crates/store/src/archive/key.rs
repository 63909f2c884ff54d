//! By what a record is known, so that it can be compared, changed and removed. It must not know what a record says.

use parlor_core::ports::LogId;
use parlor_proto::{InvitationId, RoomName, TicketId, UserName};

use super::Record;

/// What a record is about, besides entries and keys of `/once`, which belong to their log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// An account.
    Account(UserName),
    /// A ticket of a user.
    Ticket(UserName, TicketId),
    /// A known address of a user.
    Address(UserName, String),
    /// A user follows another.
    Follow(UserName, UserName),
    /// A user blocks another.
    Block(UserName, UserName),
    /// A user opened a room.
    Remembered(UserName, RoomName),
    /// Up to where a user has read a log.
    Mark(UserName, LogId),
    /// An invitation.
    Invitation(InvitationId),
    /// The rights in a room.
    Rights(RoomName),
    /// A conversation of a user with another.
    Conversation(UserName, UserName),
    /// A log with everything in it.
    Log(LogId),
}

impl Key {
    /// The key of a record; none for an entry and for a key of `/once`.
    pub fn of(record: &Record) -> Option<Self> {
        Some(match record {
            Record::Account(account) => Self::Account(account.user.clone()),
            Record::Ticket(ticket) => Self::Ticket(ticket.user.clone(), ticket.ticket().id()),
            Record::Address { user, address, .. } => Self::Address(user.clone(), address.clone()),
            Record::Follow { user, publisher } => Self::Follow(user.clone(), publisher.clone()),
            Record::Block { user, blocked } => Self::Block(user.clone(), blocked.clone()),
            Record::Remembered { user, room } => Self::Remembered(user.clone(), room.clone()),
            Record::Mark(mark) => Self::Mark(mark.user.clone(), mark.log.clone()),
            Record::Invitation(invitation) => Self::Invitation(invitation.invitation().terms.id()),
            Record::Rights { room, .. } => Self::Rights(room.clone()),
            Record::Conversation(conversation) => {
                Self::Conversation(conversation.owner.clone(), conversation.peer.clone())
            }
            Record::Log(log) => Self::Log(log.log.clone()),
            Record::Entry(_) | Record::Once(_) => return None,
        })
    }
}
