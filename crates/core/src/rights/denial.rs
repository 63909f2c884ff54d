//! Why a room denies something. It must not judge.

use std::time::Duration;

use parlor_proto::{MessageId, Refusal, RoomName, Timestamp, UserName};

/// Why a room denies something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The session is not a member.
    NotInRoom,
    /// Private, and not invited.
    InviteOnly,
    /// Banned until then; none for ever.
    Banned(Option<Timestamp>),
    /// Muted until then; none for ever.
    Muted(Option<Timestamp>),
    /// Only these may do it.
    NotAllowed(&'static str),
    /// It would change nothing, or makes no sense.
    Pointless(&'static str),
    /// The user is not a member.
    Absent,
    /// A list of the room is full.
    TooMany(&'static str),
    /// The room has no such hook.
    NoSuchHook,
    /// The log keeps no such message.
    NoSuchMessage,
    /// The message is too old to be edited.
    TooLate(Duration),
    /// There is no such room.
    NoSuchRoom,
}

impl Denial {
    /// What the client is told. `about` is the user, and `id` the message, that the command names.
    pub fn refusal(self, room: &RoomName, about: Option<&UserName>, id: Option<MessageId>) -> Refusal {
        match self {
            Self::NotInRoom => Refusal::NotInRoom(room.clone()),
            Self::InviteOnly => Refusal::InviteOnly(room.clone()),
            Self::Banned(until) => Refusal::Banned(room.clone(), until),
            Self::Muted(until) => Refusal::Muted(room.clone(), until),
            Self::NotAllowed(who) => Refusal::NotAllowed(who),
            Self::Pointless(why) => Refusal::Pointless(why),
            Self::Absent => about.map_or(Refusal::NotInRoom(room.clone()), |user| Refusal::NoSuchUser(user.clone())),
            Self::TooMany(what) => Refusal::LimitReached(what),
            Self::NoSuchHook => Refusal::NoSuchHook,
            Self::NoSuchMessage => Refusal::NoSuchMessage(id.unwrap_or_default()),
            Self::TooLate(window) => Refusal::TooLate(window.as_secs()),
            Self::NoSuchRoom => Refusal::NoSuchRoom(room.clone()),
        }
    }
}
