//! What the lists among the events contain. It must not know which command asked for a list.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::ids::{Epoch, MessageId};
use crate::name::{RoomName, UserName};
use crate::refusal::RefusalCode;
use crate::target::Target;
use crate::text::Text;
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
    /// The text.
    pub text: Text,
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
    pub text: Text,
}

impl LogEntry {
    /// Number in its log.
    pub fn id(&self) -> MessageId {
        match self {
            Self::Message(entry) | Self::Publication(entry) => entry.id,
            Self::Direct(entry) => entry.id,
        }
    }

    /// When it was accepted.
    pub fn time(&self) -> Timestamp {
        match self {
            Self::Message(entry) | Self::Publication(entry) => entry.time,
            Self::Direct(entry) => entry.time,
        }
    }

    /// The author.
    pub fn from(&self) -> &UserName {
        match self {
            Self::Message(entry) | Self::Publication(entry) => &entry.from,
            Self::Direct(entry) => &entry.from,
        }
    }

    /// The text.
    pub fn text(&self) -> &Text {
        match self {
            Self::Message(entry) | Self::Publication(entry) => &entry.text,
            Self::Direct(entry) => &entry.text,
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
    pub topic: String,
    /// What the client may do there.
    pub role: Cow<'static, str>,
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
