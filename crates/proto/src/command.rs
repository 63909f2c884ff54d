//! The commands of a client, after parsing. It must not parse text or carry anything out.

use crate::encode::Format;
use crate::name::{RoomName, UserName};
use crate::password::Password;
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

/// A command of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// A line without a slash in front: a message to the current room.
    Message(Text),
    /// `/join <room>`
    Join(RoomName),
    /// `/leave`
    Leave,
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
    /// `/publish <text>`
    Publish(Text),
    /// `/msg <user> <text>`
    Msg {
        /// The recipient.
        to: UserName,
        /// The text.
        text: Text,
    },
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

impl Command {
    /// The command's row in the table of commands.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Message(_) => Verb::Message,
            Self::Join(_) => Verb::Join,
            Self::Leave => Verb::Leave,
            Self::Rooms => Verb::Rooms,
            Self::Who(_) => Verb::Who,
            Self::Subscribe(_) => Verb::Subscribe,
            Self::Unsubscribe(_) => Verb::Unsubscribe,
            Self::Subscriptions => Verb::Subscriptions,
            Self::Subscribers => Verb::Subscribers,
            Self::Publish(_) => Verb::Publish,
            Self::Msg { .. } => Verb::Msg,
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
