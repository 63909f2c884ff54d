//! What the lists among the events contain. It must not know which command asked for a list.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::ids::{Epoch, MessageId};
use crate::name::{RoomName, UserName};
use crate::note::Note;
use crate::refusal::RefusalCode;
use crate::reply::is_false;
use crate::retention::Retention;
use crate::rights::{Access, Action, RoomRole, Speakers};
use crate::target::Target;
use crate::ticket::TicketId;
use crate::time::Timestamp;

/// One line of `/rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSummary {
    /// The room.
    pub room: RoomName,
    /// Number of its members.
    pub members: usize,
}

/// One line of `/history`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// Number in the log.
    pub id: MessageId,
    /// When it was accepted.
    pub time: Timestamp,
    /// The sender.
    pub from: UserName,
    /// The text; empty if it was removed.
    pub text: Note,
    /// When it was edited last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edited: Option<Timestamp>,
    /// Whether the text was removed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub removed: bool,
    /// Whether a program said it by a hook.
    #[serde(default, skip_serializing_if = "is_false")]
    pub bot: bool,
}

/// A message has another text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditEntry {
    /// Number in the log.
    pub id: MessageId,
    /// When it was accepted.
    pub time: Timestamp,
    /// Who edited.
    pub from: UserName,
    /// Number of the message.
    pub of: MessageId,
    /// Its text; empty if it was edited again or removed since.
    pub text: Note,
}

/// A message has no text any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemovalEntry {
    /// Number in the log.
    pub id: MessageId,
    /// When it was accepted.
    pub time: Timestamp,
    /// Who removed it.
    pub from: UserName,
    /// Number of the message.
    pub of: MessageId,
    /// Why.
    pub reason: Note,
}

/// A room has another topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicEntry {
    /// Number in the log.
    pub id: MessageId,
    /// When it was accepted.
    pub time: Timestamp,
    /// Who set it.
    pub from: UserName,
    /// The topic.
    pub text: Note,
}

/// A moderator did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModerationEntry {
    /// Number in the log.
    pub id: MessageId,
    /// When it was accepted.
    pub time: Timestamp,
    /// The moderator.
    pub from: UserName,
    /// What was done.
    pub action: Action,
    /// Whom it concerns; none if it concerns the room.
    pub user: Option<UserName>,
    /// Until when it holds; none if for ever.
    pub until: Option<Timestamp>,
    /// Why. For a setting of the room: the setting.
    pub reason: Note,
}

/// Somebody may enter a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationEntry {
    /// Number in the inbox.
    pub id: MessageId,
    /// When it was accepted.
    pub time: Timestamp,
    /// Who invites.
    pub from: UserName,
    /// Who is invited. Only in lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<UserName>,
    /// The room.
    pub room: RoomName,
}

/// The reply to `/room`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomInfo {
    /// The room.
    pub room: RoomName,
    /// What it is about; empty if there is no topic.
    pub topic: Note,
    /// Who may enter.
    pub access: Access,
    /// Who may speak.
    pub post: Speakers,
    /// The owner; none if it belongs to the operators.
    pub owner: Option<UserName>,
    /// The moderators, the longest first.
    pub moderators: Vec<UserName>,
    /// What the client may do.
    pub role: RoomRole,
    /// When the room was created; none if it is older than rights.
    pub created: Option<Timestamp>,
    /// How long messages are kept; none if that is up to the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
}

/// One line of `/tickets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketInfo {
    /// Names it.
    pub id: TicketId,
    /// What it is for; empty if nothing was said.
    pub label: Note,
    /// When it was made.
    pub made: Timestamp,
    /// When it was used last; none if it never was.
    pub used: Option<Timestamp>,
    /// From where it was used last, or else where it was made; none if the operator made it.
    pub address: Option<String>,
    /// When it ends, if it is not used before; none for never.
    pub expires: Option<Timestamp>,
}

/// One line of `/help`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Help {
    /// The syntax of the command.
    pub usage: String,
    /// What it does.
    pub help: Cow<'static, str>,
}

/// One entry of `/backlog` or `/inbox`: its event without the room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum LogEntry {
    /// A message of a room.
    Message(HistoryEntry),
    /// A publication.
    Publication(HistoryEntry),
    /// A direct message.
    Direct(DirectEntry),
    /// A message was edited.
    Edited(EditEntry),
    /// The text of a message was removed.
    Removed(RemovalEntry),
    /// A new topic.
    Topic(TopicEntry),
    /// A moderator did something.
    Moderated(ModerationEntry),
    /// An invitation.
    Invited(InvitationEntry),
}

/// A direct message, as one of the two inboxes that hold it has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectEntry {
    /// Number in this inbox.
    pub id: MessageId,
    /// When it was accepted.
    pub time: Timestamp,
    /// The sender.
    pub from: UserName,
    /// The recipient.
    pub to: UserName,
    /// The text.
    pub text: Note,
}

impl LogEntry {
    /// Number in its log.
    pub fn id(&self) -> MessageId {
        match self {
            Self::Message(entry) | Self::Publication(entry) => entry.id,
            Self::Direct(entry) => entry.id,
            Self::Edited(entry) => entry.id,
            Self::Removed(entry) => entry.id,
            Self::Topic(entry) => entry.id,
            Self::Moderated(entry) => entry.id,
            Self::Invited(entry) => entry.id,
        }
    }

    /// When it was accepted.
    pub fn time(&self) -> Timestamp {
        match self {
            Self::Message(entry) | Self::Publication(entry) => entry.time,
            Self::Direct(entry) => entry.time,
            Self::Edited(entry) => entry.time,
            Self::Removed(entry) => entry.time,
            Self::Topic(entry) => entry.time,
            Self::Moderated(entry) => entry.time,
            Self::Invited(entry) => entry.time,
        }
    }

    /// The author.
    pub fn from(&self) -> &UserName {
        match self {
            Self::Message(entry) | Self::Publication(entry) => &entry.from,
            Self::Direct(entry) => &entry.from,
            Self::Edited(entry) => &entry.from,
            Self::Removed(entry) => &entry.from,
            Self::Topic(entry) => &entry.from,
            Self::Moderated(entry) => &entry.from,
            Self::Invited(entry) => &entry.from,
        }
    }

    /// The text; empty if it was removed, or if this is no message.
    pub fn text(&self) -> &str {
        match self {
            Self::Message(entry) | Self::Publication(entry) => entry.text.as_str(),
            Self::Direct(entry) => entry.text.as_str(),
            Self::Edited(entry) => entry.text.as_str(),
            Self::Topic(entry) => entry.text.as_str(),
            Self::Removed(_) | Self::Moderated(_) | Self::Invited(_) => "",
        }
    }
}

/// The reply to `/sync`: where everything stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sync {
    /// The current room.
    pub current: RoomName,
    /// All open rooms, sorted.
    pub rooms: Vec<RoomState>,
    /// The conversations by direct messages, newest first.
    pub directs: Vec<DirectState>,
    /// The users whom the client follows, sorted.
    pub feeds: Vec<FeedState>,
    /// The log of direct messages.
    pub inbox: InboxState,
    /// Remembered rooms that could not be entered.
    pub lost: Vec<LostRoom>,
}

/// An open room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomState {
    /// The room.
    pub room: RoomName,
    /// Its members, the client included.
    pub members: usize,
    /// The topic; empty if there is none.
    pub topic: Note,
    /// What the client may do there.
    pub role: RoomRole,
    /// Epoch of the room's log.
    pub epoch: Epoch,
    /// Newest number in it.
    pub last: MessageId,
    /// Up to where the client has read.
    pub read: MessageId,
    /// Messages after that.
    pub unread: u64,
}

/// A conversation by direct messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirectState {
    /// The other user.
    pub user: UserName,
    /// Number of the newest message of the conversation in the client's inbox.
    pub last: MessageId,
    /// Up to where the client has read.
    pub read: MessageId,
    /// Messages of the other user after that.
    pub unread: u64,
}

/// A user whom the client follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedState {
    /// The user.
    pub user: UserName,
    /// Epoch of the publications' log.
    pub epoch: Epoch,
    /// Newest number in it.
    pub last: MessageId,
    /// Up to where the client has read.
    pub read: MessageId,
    /// Publications after that.
    pub unread: u64,
}

/// The log of direct messages of the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxState {
    /// Its epoch.
    pub epoch: Epoch,
    /// Newest number in it.
    pub last: MessageId,
}

/// A remembered room that could not be entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostRoom {
    /// The room.
    pub room: RoomName,
    /// Why.
    pub code: RefusalCode,
}

/// A conversation with something unread, as the text format shows it.
pub(crate) fn unread_targets(sync: &Sync) -> impl Iterator<Item = (Target, u64)> {
    let directs = sync.directs.iter().map(|direct| (Target::Direct(direct.user.clone()), direct.unread));
    let feeds = sync.feeds.iter().map(|feed| (Target::Feed(feed.user.clone()), feed.unread));
    directs.chain(feeds).filter(|(_, unread)| *unread > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserName {
        name.parse().unwrap()
    }

    fn time() -> Timestamp {
        Timestamp::from_millis(7)
    }

    fn sync(directs: &[(&str, u64)], feeds: &[(&str, u64)]) -> Sync {
        let (epoch, last, read) = (Epoch(1), MessageId(9), MessageId(9));
        let direct = |&(name, unread): &(&str, u64)| DirectState { user: user(name), last, read, unread };
        let feed = |&(name, unread): &(&str, u64)| FeedState { user: user(name), epoch, last, read, unread };
        Sync {
            current: RoomName::lobby(),
            rooms: Vec::new(),
            directs: directs.iter().map(direct).collect(),
            feeds: feeds.iter().map(feed).collect(),
            inbox: InboxState { epoch, last },
            lost: Vec::new(),
        }
    }

    #[test]
    fn conversations_come_before_feeds_and_what_is_read_is_left_out() {
        let sync = sync(&[("dan", 1), ("ann", 0), ("bob", 2)], &[("ann", 0), ("bob", 3), ("cyd", 0)]);
        let unread: Vec<String> = unread_targets(&sync).map(|(target, count)| format!("{target} {count}")).collect();
        assert_eq!(unread, ["@dan 1", "@bob 2", "+bob 3"]);
    }

    #[test]
    fn an_entry_that_is_no_message_has_no_text_whatever_its_reason_is() {
        let (id, of, from, reason) = (MessageId(8), MessageId(7), user("mod"), Note::from("spam".to_owned()));
        let moderation = ModerationEntry {
            id,
            time: time(),
            from: from.clone(),
            action: Action::Ban,
            user: Some(user("bob")),
            until: None,
            reason: reason.clone(),
        };
        let invitation = InvitationEntry { id, time: time(), from: from.clone(), to: None, room: RoomName::lobby() };
        for entry in [
            LogEntry::Removed(RemovalEntry { id, time: time(), from: from.clone(), of, reason }),
            LogEntry::Moderated(moderation),
            LogEntry::Invited(invitation),
        ] {
            // The number is its own, not that of the message, and the author is not the user whom it concerns.
            assert_eq!((entry.id(), entry.time(), entry.from(), entry.text()), (id, time(), &from, ""), "{entry:?}");
        }
    }

    #[test]
    fn an_entry_that_holds_a_text_shows_it_as_its_own() {
        let (id, of, from, text) = (MessageId(8), MessageId(7), user("ann"), Note::from("roses".to_owned()));
        let direct = DirectEntry { id, time: time(), from: from.clone(), to: user("bob"), text: text.clone() };
        for entry in [
            LogEntry::Edited(EditEntry { id, time: time(), from: from.clone(), of, text: text.clone() }),
            LogEntry::Topic(TopicEntry { id, time: time(), from: from.clone(), text }),
            LogEntry::Direct(direct),
        ] {
            let shown = (entry.id(), entry.time(), entry.from(), entry.text());
            assert_eq!(shown, (id, time(), &from, "roses"), "{entry:?}");
        }
    }

    #[test]
    fn a_room_that_is_lost_for_a_new_reason_is_still_told() {
        let lost: LostRoom = serde_json::from_str(r#"{"room":"blue","code":"brand-new"}"#).unwrap();
        assert_eq!(lost, LostRoom { room: "blue".parse().unwrap(), code: RefusalCode::Unknown });
    }
}
