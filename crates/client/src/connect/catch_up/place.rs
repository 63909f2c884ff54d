//! Where an event has its place: in which log, and under which number. It must not know what of a log was seen.

use parlor_proto::{Event, Invite, MessageId, Reply, RoomName, Target, Timestamp, UserName};

/// A log.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LogName {
    Room(RoomName),
    Feed(UserName),
    /// All direct messages of the user.
    Inbox,
}

impl LogName {
    pub(super) fn of(target: &Target) -> Self {
        match target {
            Target::Room(room) => Self::Room(room.clone()),
            Target::Feed(user) => Self::Feed(user.clone()),
            Target::Direct(_) => Self::Inbox,
        }
    }
}

/// The log in which an event has its place, and its number there.
pub(super) fn place(event: &Event) -> Option<(LogName, Option<MessageId>)> {
    match event {
        Event::Joined { room, .. } | Event::Left { room, .. } => Some((LogName::Room(room.clone()), None)),
        other => entry(other).map(|(name, id, _)| (name, Some(id))),
    }
}

/// The log of which the event is an entry, its number there and its time.
pub(super) fn entry(event: &Event) -> Option<(LogName, MessageId, Timestamp)> {
    let in_room = |room: &RoomName, id: &MessageId, time: &Timestamp| Some((LogName::Room(room.clone()), *id, *time));
    match event {
        Event::Message { room, id, time, .. } => in_room(room, id, time),
        Event::Edited { room, entry } => in_room(room, &entry.id, &entry.time),
        Event::Removed { room, entry } => in_room(room, &entry.id, &entry.time),
        Event::Topic { room, entry } => in_room(room, &entry.id, &entry.time),
        Event::Moderated { room, entry } => in_room(room, &entry.id, &entry.time),
        Event::Publication { from, id, time, .. } => Some((LogName::Feed(from.clone()), *id, *time)),
        Event::Direct { id: Some(id), time, .. } => Some((LogName::Inbox, *id, *time)),
        Event::Invited(entry) => Some((LogName::Inbox, entry.id, entry.time)),
        _ => None,
    }
}

/// The log into which the user has written by what is answered here, and the number there.
pub(super) fn own(event: &Event) -> Option<(LogName, MessageId)> {
    let Event::Ok(reply) = event else { return None };
    let (room, id) = match reply {
        Reply::Msg { id, .. } => return (*id != MessageId::default()).then_some((LogName::Inbox, *id)),
        Reply::Message { room, id, .. }
        | Reply::Edit { room, id, .. }
        | Reply::Remove { room, id, .. }
        | Reply::Topic { room, id: Some(id), .. }
        | Reply::Access { room, id, .. }
        | Reply::Post { room, id, .. }
        | Reply::Retention { room, id, .. } => (room, id),
        Reply::Invite(Invite::User { about, .. })
        | Reply::Kick(about)
        | Reply::Ban(about)
        | Reply::Unban(about)
        | Reply::Mute(about)
        | Reply::Unmute(about)
        | Reply::Moderator(about)
        | Reply::Unmoderator(about)
        | Reply::Owner(about) => (&about.room, &about.id),
        _ => return None,
    };
    Some((LogName::Room(room.clone()), *id))
}
