//! The commands of a client, after parsing. It must not parse text or carry anything out.

use crate::encode::Format;
use crate::ids::MessageId;
use crate::name::{RoomName, UserName};
use crate::once_key::OnceKey;
use crate::password::Password;
use crate::target::Target;
use crate::text::Text;
use crate::verb::Verb;

/// Name and password, as LOGIN and REGISTER contain them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user to log in.
    pub user: UserName,
    /// The given password.
    pub password: Password,
}

/// A command of a connection that has not logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreLoginCommand {
    /// `LOGIN <user> <password>`
    Login(Credentials),
    /// `REGISTER <user> <password>`
    Register(Credentials),
    /// `FORMAT text|json`
    Format(Format),
    /// `PING [token]`
    Ping(Option<String>),
    /// `HELP`
    Help,
    /// `QUIT`
    Quit,
}

/// Something that a user says. It becomes an entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Post {
    /// A line without a slash in front: a message to the current room.
    Message(Text),
    /// `/say <room> <text>`
    Say {
        /// The room, which must be open.
        room: RoomName,
        /// The text.
        text: Text,
    },
    /// `/publish <text>`
    Publish(Text),
    /// `/msg <user> <text>`
    Msg {
        /// The recipient.
        to: UserName,
        /// The text.
        text: Text,
    },
}

/// Which entries of a log are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageRange {
    /// The newest.
    Newest,
    /// Those next before a number.
    Before(MessageId),
    /// Those next after a number.
    After(MessageId),
}

/// A command of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Something to say; with a key at most once.
    Post {
        /// What is said.
        post: Post,
        /// The key of `/once <key> <line>`.
        once: Option<OnceKey>,
    },
    /// `/join <room>`
    Join(RoomName),
    /// `/leave`
    Leave,
    /// `/open <room>`
    Open(RoomName),
    /// `/close <room>`
    Close(RoomName),
    /// `/switch <room>`
    Switch(RoomName),
    /// `/sync`
    Sync,
    /// `/read <target> <id>`
    Read {
        /// The conversation.
        target: Target,
        /// The newest entry that was read.
        id: MessageId,
    },
    /// `/backlog <target> [before <id>|after <id>] [count]`, the count within 1 to [`crate::HISTORY_MAX`]
    Backlog {
        /// The conversation.
        target: Target,
        /// Where the page lies.
        range: PageRange,
        /// How many entries at most.
        count: usize,
    },
    /// `/inbox`
    Inbox,
    /// `/block <user>`
    Block(UserName),
    /// `/unblock <user>`
    Unblock(UserName),
    /// `/blocks`
    Blocks,
    /// `/rooms`
    Rooms,
    /// `/who [room]`
    Who(Option<RoomName>),
    /// `/subscribe <user>`
    Subscribe(UserName),
    /// `/unsubscribe <user>`
    Unsubscribe(UserName),
    /// `/subscriptions`
    Subscriptions,
    /// `/subscribers`
    Subscribers,
    /// `/history [count]`, the count within 1 to [`crate::HISTORY_MAX`]
    History(usize),
    /// `/broadcast <text>`
    Broadcast(Text),
    /// `/passwd <old> <new>`
    Passwd {
        /// The current password.
        old: Password,
        /// The new password.
        new: Password,
    },
    /// `/format text|json`
    Format(Format),
    /// `/ping [token]`
    Ping(Option<String>),
    /// `/help`
    Help,
    /// `/quit`
    Quit,
}

impl PreLoginCommand {
    /// The command's row in the table of commands.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Login(_) => Verb::Login,
            Self::Register(_) => Verb::Register,
            Self::Format(_) => Verb::Format,
            Self::Ping(_) => Verb::Ping,
            Self::Help => Verb::Help,
            Self::Quit => Verb::Quit,
        }
    }
}

impl Post {
    /// The row in the table of commands.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Message(_) => Verb::Message,
            Self::Say { .. } => Verb::Say,
            Self::Publish(_) => Verb::Publish,
            Self::Msg { .. } => Verb::Msg,
        }
    }
}

impl Command {
    /// The command's row in the table of commands.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Post { post, .. } => post.verb(),
            Self::Join(_) => Verb::Join,
            Self::Leave => Verb::Leave,
            Self::Open(_) => Verb::Open,
            Self::Close(_) => Verb::Close,
            Self::Switch(_) => Verb::Switch,
            Self::Sync => Verb::Sync,
            Self::Read { .. } => Verb::Read,
            Self::Backlog { .. } => Verb::Backlog,
            Self::Inbox => Verb::Inbox,
            Self::Block(_) => Verb::Block,
            Self::Unblock(_) => Verb::Unblock,
            Self::Blocks => Verb::Blocks,
            Self::Rooms => Verb::Rooms,
            Self::Who(_) => Verb::Who,
            Self::Subscribe(_) => Verb::Subscribe,
            Self::Unsubscribe(_) => Verb::Unsubscribe,
            Self::Subscriptions => Verb::Subscriptions,
            Self::Subscribers => Verb::Subscribers,
            Self::History(_) => Verb::History,
            Self::Broadcast(_) => Verb::Broadcast,
            Self::Passwd { .. } => Verb::Passwd,
            Self::Format(_) => Verb::Format,
            Self::Ping(_) => Verb::Ping,
            Self::Help => Verb::Help,
            Self::Quit => Verb::Quit,
        }
    }
}
