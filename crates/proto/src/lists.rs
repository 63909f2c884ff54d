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
