//! The events that the server sends to a client. It must not know how they are written; the encoders do that.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::encode::Format;
use crate::ids::{Epoch, MessageId};
use crate::lists::{Help, HistoryEntry, LogEntry, RoomSummary, Sync};
use crate::name::{RoomName, UserName};
use crate::refusal::{Refusal, RefusalCode};
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
        /// The text.
        text: Text,
    },
    /// A publication of a user whom the client follows.
    Publication {
        /// Number in the publisher's log.
        id: MessageId,
        /// When it was accepted.
        time: Timestamp,
        /// The publisher.
        from: UserName,
        /// The text.
        text: Text,
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
        text: Text,
    },
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
    /// The last event of a connection.
    Bye {
        /// Why, for programs.
        code: Bye,
        /// Why, for users.
        message: Cow<'static, str>,
    },
}

/// The reply to a command that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase")]
pub enum Reply {
    /// To LOGIN.
    Login {
        /// The user who is logged in.
        user: UserName,
        /// The room that was entered.
        room: RoomName,
        /// Epoch of the room's log.
        epoch: Epoch,
        /// Newest number in it.
        last: MessageId,
        /// Conversations with unread direct messages. Only the text format shows them.
        #[serde(skip)]
        unread: Vec<(UserName, u64)>,
    },
    /// To REGISTER.
    Register {
        /// The user who is logged in.
        user: UserName,
        /// The room that was entered.
        room: RoomName,
        /// Epoch of the room's log.
        epoch: Epoch,
        /// Newest number in it.
        last: MessageId,
        /// As for LOGIN: direct messages wait for an account whose data outlived its loss.
        #[serde(skip)]
        unread: Vec<(UserName, u64)>,
    },
    /// To `/join`.
    Join {
        /// The room that was entered.
        room: RoomName,
        /// Its members, the client included.
        members: usize,
        /// Epoch of the room's log.
        epoch: Epoch,
        /// Newest number in it.
        last: MessageId,
    },
    /// To `/leave`.
    Leave {
        /// The room that was left.
        left: RoomName,
        /// The room that was entered.
        room: RoomName,
        /// Its members, the client included.
        members: usize,
        /// Epoch of the entered room's log.
        epoch: Epoch,
        /// Newest number in it.
        last: MessageId,
    },
    /// To `/open`.
    Open {
        /// The room that was entered.
        room: RoomName,
        /// Its members, the client included.
        members: usize,
        /// Epoch of the room's log.
        epoch: Epoch,
        /// Newest number in it.
        last: MessageId,
        /// The topic; empty if there is none.
        topic: String,
    },
    /// To `/close`.
    Close {
        /// The room that was left.
        room: RoomName,
        /// The current room now.
        current: RoomName,
    },
    /// To `/switch`.
    Switch {
        /// The current room now.
        room: RoomName,
    },
    /// To `/read`.
    Read {
        /// The conversation.
        target: Target,
        /// The number of the command.
        id: MessageId,
    },
    /// To `/block`.
    Block {
        /// The user who is blocked now.
        user: UserName,
    },
    /// To `/unblock`.
    Unblock {
        /// The user who is not blocked any more.
        user: UserName,
    },
    /// To `/subscribe`.
    Subscribe {
        /// The user who is followed now.
        user: UserName,
    },
    /// To `/unsubscribe`.
    Unsubscribe {
        /// The user who is not followed any more.
        user: UserName,
    },
    /// To `/publish`.
    Publish {
        /// Number in the publisher's log.
        id: MessageId,
        /// Whether it was stored before, by the same key.
        #[serde(default, skip_serializing_if = "is_false")]
        repeated: bool,
    },
    /// To a room message; the text format has no line for it.
    Message {
        /// The room.
        room: RoomName,
        /// Number in the room's log.
        id: MessageId,
        /// Whether it was stored before, by the same key.
        #[serde(default, skip_serializing_if = "is_false")]
        repeated: bool,
    },
    /// To `/msg`.
    Msg {
        /// The recipient.
        user: UserName,
        /// Number in the sender's inbox; 0 from a server of a version before inboxes.
        #[serde(default)]
        id: MessageId,
        /// Whether it was stored before, by the same key.
        #[serde(default, skip_serializing_if = "is_false")]
        repeated: bool,
    },
    /// To `/broadcast`.
    Broadcast,
    /// To `/passwd`.
    Passwd,
    /// To `/format`.
    Format {
        /// The new format.
        format: Format,
    },
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
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
            Self::Unknown => "unknown",
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
            Self::Unknown => "The server ended this session",
        }
    }
}

impl fmt::Display for Bye {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl Reply {
    /// The command that it answers.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Login { .. } => Verb::Login,
            Self::Register { .. } => Verb::Register,
            Self::Join { .. } => Verb::Join,
            Self::Leave { .. } => Verb::Leave,
            Self::Open { .. } => Verb::Open,
            Self::Close { .. } => Verb::Close,
            Self::Switch { .. } => Verb::Switch,
            Self::Read { .. } => Verb::Read,
            Self::Block { .. } => Verb::Block,
            Self::Unblock { .. } => Verb::Unblock,
            Self::Subscribe { .. } => Verb::Subscribe,
            Self::Unsubscribe { .. } => Verb::Unsubscribe,
            Self::Publish { .. } => Verb::Publish,
            Self::Message { .. } => Verb::Message,
            Self::Msg { .. } => Verb::Msg,
            Self::Broadcast => Verb::Broadcast,
            Self::Passwd => Verb::Passwd,
            Self::Format { .. } => Verb::Format,
        }
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
