//! The events that the server sends to a client. It must not know how they are written; the encoders do that.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hook::HookInfo;
use crate::ids::{Epoch, MessageId};
use crate::invitation::InvitationInfo;
use crate::lists::{
    EditEntry, Help, HistoryEntry, InvitationEntry, LogEntry, ModerationEntry, RemovalEntry, RoomInfo, RoomSummary,
    Sync, TicketInfo, TopicEntry,
};
use crate::name::{RoomName, UserName};
use crate::note::Note;
use crate::refusal::{Refusal, RefusalCode};
use crate::reply::{Reply, is_false};
use crate::target::Target;
use crate::text::Text;
use crate::time::Timestamp;
use crate::verb::{Verb, VerbInfo};

/// One event; in JSON one object whose `type` names the variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum Event {
    /// The first event of every connection.
    Hello {
        /// Always [`crate::PROTOCOL`].
        protocol: Cow<'static, str>,
        /// Name of the server.
        server: String,
    },
    /// A command was carried out.
    Ok(Reply),
    /// A command was not carried out.
    Error {
        /// Why, for programs.
        code: RefusalCode,
        /// Why, for users.
        message: String,
        /// The command, if the line had one.
        command: Option<Verb>,
    },
    /// A message in the client's room.
    Message {
        /// The room.
        room: RoomName,
        /// Number in the room's log.
        id: MessageId,
        /// When it was accepted.
        time: Timestamp,
        /// The sender.
        from: UserName,
        /// The text; empty if it was removed.
        text: Note,
        /// When it was edited last, if that was before it was delivered.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        edited: Option<Timestamp>,
        /// Whether the text was removed before it was delivered.
        #[serde(default, skip_serializing_if = "is_false")]
        removed: bool,
        /// Whether a program said it by a hook.
        #[serde(default, skip_serializing_if = "is_false")]
        bot: bool,
    },
    /// A publication of a user whom the client follows.
    Publication {
        /// Number in the publisher's log.
        id: MessageId,
        /// When it was accepted.
        time: Timestamp,
        /// The publisher.
        from: UserName,
        /// The text; empty if it was removed.
        text: Note,
    },
    /// A direct message.
    Direct {
        /// Number in the client's inbox; none if a server of a version before inboxes sent it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<MessageId>,
        /// When it was accepted.
        time: Timestamp,
        /// The sender.
        from: UserName,
        /// The text.
        text: Note,
    },
    /// A message in one of the client's rooms has another text from now on.
    Edited {
        /// The room.
        room: RoomName,
        /// What was edited.
        #[serde(flatten)]
        entry: EditEntry,
    },
    /// A message in one of the client's rooms has no text any more.
    Removed {
        /// The room.
        room: RoomName,
        /// What was removed.
        #[serde(flatten)]
        entry: RemovalEntry,
    },
    /// One of the client's rooms has another topic.
    Topic {
        /// The room.
        room: RoomName,
        /// The topic.
        #[serde(flatten)]
        entry: TopicEntry,
    },
    /// A moderator did something in one of the client's rooms.
    Moderated {
        /// The room.
        room: RoomName,
        /// What was done.
        #[serde(flatten)]
        entry: ModerationEntry,
    },
    /// Somebody lets the client enter a room.
    Invited(InvitationEntry),
    /// The client was removed from its current room. It is in the lobby now.
    Moved {
        /// The room that is current now.
        room: RoomName,
        /// Its members, the client included.
        members: usize,
        /// Epoch of the room's log.
        epoch: Epoch,
        /// Newest number in it.
        last: MessageId,
        /// Why the client was removed.
        reason: Note,
    },
    /// Reply to `/room`.
    Room(Box<RoomInfo>),
    /// A broadcast of an operator.
    Notice {
        /// When it was accepted.
        time: Timestamp,
        /// The operator.
        from: UserName,
        /// The text.
        text: Text,
    },
    /// A user entered the room.
    Joined {
        /// The room.
        room: RoomName,
        /// The user.
        user: UserName,
    },
    /// A user left the room.
    Left {
        /// The room.
        room: RoomName,
        /// The user.
        user: UserName,
    },
    /// Reply to `/rooms`.
    Rooms {
        /// All rooms with members, and the lobby.
        rooms: Vec<RoomSummary>,
    },
    /// Reply to `/who`.
    Users {
        /// The room.
        room: RoomName,
        /// Its members, sorted.
        users: Vec<UserName>,
    },
    /// Reply to `/subscriptions`.
    Subscriptions {
        /// The users whom the client follows, sorted.
        users: Vec<UserName>,
    },
    /// Reply to `/subscribers`.
    Subscribers {
        /// The users who follow the client, sorted.
        users: Vec<UserName>,
    },
    /// Reply to `/history`.
    History {
        /// The room.
        room: RoomName,
        /// Its last messages, oldest first.
        messages: Vec<HistoryEntry>,
    },
    /// Reply to `/sync`.
    Sync(Box<Sync>),
    /// Reply to `/backlog`.
    Backlog {
        /// The conversation.
        target: Target,
        /// Epoch of its log.
        epoch: Epoch,
        /// The entries, oldest first.
        entries: Vec<LogEntry>,
        /// Whether older ones are kept, or newer ones if the page was asked for after a number.
        more: bool,
    },
    /// Reply to `/inbox`.
    Inbox {
        /// The unread direct messages, oldest first.
        entries: Vec<LogEntry>,
        /// Whether there are more.
        more: bool,
    },
    /// Reply to `/blocks`.
    Blocks {
        /// The users whom the client blocks, sorted.
        users: Vec<UserName>,
    },
    /// Reply to `/tickets`.
    Tickets {
        /// The valid tickets, oldest first.
        tickets: Vec<TicketInfo>,
    },
    /// Reply to `/hooks`.
    Hooks {
        /// The room.
        room: RoomName,
        /// Its hooks, oldest first.
        hooks: Vec<HookInfo>,
    },
    /// Reply to `/invitations`.
    Invitations {
        /// The invitations, oldest first.
        invitations: Vec<InvitationInfo>,
    },
    /// Reply to `/help`.
    Help {
        /// The commands that are available now.
        commands: Vec<Help>,
    },
    /// Reply to `/ping`.
    Pong {
        /// The token of the command.
        token: Option<String>,
    },
    /// The server stops in peace: the client should connect again after this time, and may reach another server then. The
    /// session goes on until the goodbye, which comes when the time is over.
    Reconnect {
        /// Milliseconds from now.
        after_ms: u64,
    },
    /// The last event of a connection.
    Bye {
        /// Why, for programs.
        code: Bye,
        /// Why, for users.
        message: Cow<'static, str>,
    },
}

/// Why the server closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bye {
    /// The client asked for it.
    Quit,
    /// The same user logged in elsewhere.
    LoggedInElsewhere,
    /// No login within the time limit.
    LoginTimeout,
    /// Too many failed logins.
    TooManyFailures,
    /// The client did not read its pending data.
    SlowConsumer,
    /// The server stops.
    ServerShutdown,
    /// An operator ended the session.
    Kicked,
    /// The client sent nothing for too long.
    IdleTimeout,
    /// An operator suspended the account.
    Suspended,
    /// The ticket by which the session began was revoked.
    LoggedOut,
    /// A code that this version does not know. Only clients can receive it.
    #[serde(other)]
    Unknown,
}

impl Bye {
    /// All codes that a server sends.
    pub const ALL: &'static [Self] = &[
        Self::Quit,
        Self::LoggedInElsewhere,
        Self::LoginTimeout,
        Self::TooManyFailures,
        Self::SlowConsumer,
        Self::ServerShutdown,
        Self::Kicked,
        Self::IdleTimeout,
        Self::Suspended,
        Self::LoggedOut,
    ];

    /// The code on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::LoggedInElsewhere => "logged-in-elsewhere",
            Self::LoginTimeout => "login-timeout",
            Self::TooManyFailures => "too-many-failures",
            Self::SlowConsumer => "slow-consumer",
            Self::ServerShutdown => "server-shutdown",
            Self::Kicked => "kicked",
            Self::IdleTimeout => "idle-timeout",
            Self::Suspended => "suspended",
            Self::LoggedOut => "logged-out",
            Self::Unknown => "unknown",
        }
    }

    /// The code of the close frame after it, on a WebSocket connection.
    pub fn close_code(self) -> u16 {
        match self {
            Self::Quit => 1000,
            Self::ServerShutdown => 1001,
            Self::Unknown => 4000,
            Self::LoggedInElsewhere => 4001,
            Self::LoginTimeout => 4002,
            Self::TooManyFailures => 4003,
            Self::SlowConsumer => 4004,
            Self::Kicked => 4005,
            Self::IdleTimeout => 4006,
            Self::Suspended => 4007,
            Self::LoggedOut => 4008,
        }
    }

    /// The reason in words.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::Quit => "Goodbye",
            Self::LoggedInElsewhere => "This user logged in elsewhere, which ends this session",
            Self::LoginTimeout => "Nobody logged in in time",
            Self::TooManyFailures => "Too many failed logins",
            Self::SlowConsumer => "Too much waited to be read",
            Self::ServerShutdown => "The server stops",
            Self::Kicked => "An operator ended this session",
            Self::IdleTimeout => "Nothing was heard for too long",
            Self::Suspended => "An operator suspended this account",
            Self::LoggedOut => "The ticket of this session was revoked",
            Self::Unknown => "The server ended this session",
        }
    }
}

impl fmt::Display for Bye {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl From<Bye> for Event {
    fn from(code: Bye) -> Self {
        Self::Bye { code, message: Cow::Borrowed(code.explanation()) }
    }
}

impl From<Reply> for Event {
    fn from(reply: Reply) -> Self {
        Self::Ok(reply)
    }
}

impl Event {
    /// The event for a refusal.
    pub fn refused(refusal: &Refusal, command: Option<Verb>) -> Self {
        Self::Error { code: refusal.code(), message: refusal.to_string(), command }
    }

    /// The first event of a connection.
    pub fn hello(server: &str) -> Self {
        Self::Hello { protocol: Cow::Borrowed(crate::PROTOCOL), server: server.to_owned() }
    }

    /// The reply to `/help` and HELP.
    pub fn help(in_session: bool) -> Self {
        let rows = crate::VERBS.iter().filter(|info| info.available(in_session));
        let help = |info: &VerbInfo| Help { usage: info.usage(in_session), help: Cow::Borrowed(info.help) };
        Self::Help { commands: rows.map(help).collect() }
    }
}

#[cfg(test)]
mod tests;
