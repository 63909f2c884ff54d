//! The commands of a client, after parsing. It must not parse text or carry anything out.

use std::time::Duration;

use crate::endpoint::Endpoint;
use crate::format::Format;
use crate::hook::HookId;
use crate::ids::MessageId;
use crate::invitation::{InvitationCode, InvitationId};
use crate::name::{RoomName, UserName};
use crate::note::Note;
use crate::once_key::OnceKey;
use crate::password::Password;
use crate::rights::Order;
use crate::target::Target;
use crate::text::Text;
use crate::ticket::{TicketSecret, Tickets};
use crate::verb::Verb;

/// Name and password, as LOGIN and REGISTER contain them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user to log in.
    pub user: UserName,
    /// The given password.
    pub password: Password,
}

/// Name and ticket, as RESUME contains them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketCredentials {
    /// The user to log in.
    pub user: UserName,
    /// The given secret, which need not be one.
    pub secret: TicketSecret,
}

/// A command of a connection that has not logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PreLoginCommand {
    /// `LOGIN <user> <password>`
    Login(Credentials),
    /// `REGISTER <user> <password>`
    Register(Credentials),
    /// `RESUME <user> <secret>`
    Resume(TicketCredentials),
    /// `INVITE <code>`
    Invite(InvitationCode),
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
    /// `/edit <room> <id> <text>`
    Edit {
        /// The room, which must be open.
        room: RoomName,
        /// The message.
        of: MessageId,
        /// The text that it has from now on.
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
    /// `/room <room>`
    Room(RoomName),
    /// `/topic <room>`
    Topic(RoomName),
    /// A command of those who have rights in a room.
    Moderate(RoomName, Order),
    /// `/remove <room> <id> [reason]`
    Remove {
        /// The room.
        room: RoomName,
        /// The message.
        of: MessageId,
        /// Why.
        reason: Note,
    },
    /// `/hook <room> <label>`
    Hook {
        /// The room.
        room: RoomName,
        /// In whose name it speaks.
        label: UserName,
    },
    /// `/outhook <room> <url>`
    Outhook {
        /// The room.
        room: RoomName,
        /// Where its messages are posted.
        url: Endpoint,
    },
    /// `/hooks <room>`
    Hooks(RoomName),
    /// `/unhook <room> <id>`
    Unhook {
        /// The room.
        room: RoomName,
        /// The hook.
        id: HookId,
    },
    /// `/suspend <user> [duration] [reason]`
    Suspend {
        /// The user.
        user: UserName,
        /// For how long; none for ever.
        duration: Option<Duration>,
        /// Why.
        reason: Note,
    },
    /// `/unsuspend <user>`
    Unsuspend(UserName),
    /// `/broadcast <text>`
    Broadcast(Text),
    /// `/passwd <old> <new>`
    Passwd {
        /// The current password.
        old: Password,
        /// The new password.
        new: Password,
    },
    /// `/ticket [label]`
    Ticket(Note),
    /// `/tickets`
    Tickets,
    /// `/revoke <id>|all`
    Revoke(Tickets),
    /// `/invitation [room ...]`
    Invitation(Vec<RoomName>),
    /// `/invitations`
    Invitations,
    /// `/uninvite <id>`
    Uninvite(InvitationId),
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
            Self::Resume(_) => Verb::Resume,
            Self::Invite(_) => Verb::Invite,
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
            Self::Edit { .. } => Verb::Edit,
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
            Self::Room(_) => Verb::Room,
            Self::Topic(_) => Verb::Topic,
            Self::Moderate(_, order) => order.verb(),
            Self::Remove { .. } => Verb::Remove,
            Self::Hook { .. } => Verb::Hook,
            Self::Outhook { .. } => Verb::Outhook,
            Self::Hooks(_) => Verb::Hooks,
            Self::Unhook { .. } => Verb::Unhook,
            Self::Suspend { .. } => Verb::Suspend,
            Self::Unsuspend(_) => Verb::Unsuspend,
            Self::Broadcast(_) => Verb::Broadcast,
            Self::Passwd { .. } => Verb::Passwd,
            Self::Ticket(_) => Verb::Ticket,
            Self::Tickets => Verb::Tickets,
            Self::Revoke(_) => Verb::Revoke,
            Self::Invitation(_) => Verb::Invitation,
            Self::Invitations => Verb::Invitations,
            Self::Uninvite(_) => Verb::Uninvite,
            Self::Format(_) => Verb::Format,
            Self::Ping(_) => Verb::Ping,
            Self::Help => Verb::Help,
            Self::Quit => Verb::Quit,
        }
    }
}

impl Order {
    /// The row in the table of commands.
    pub fn verb(&self) -> Verb {
        match self {
            Self::Topic(_) => Verb::Topic,
            Self::Access(_) => Verb::Access,
            Self::Post(_) => Verb::Post,
            Self::Retention(_) => Verb::Retention,
            Self::Invite(_) => Verb::Invite,
            Self::Kick(..) => Verb::Kick,
            Self::Ban(..) => Verb::Ban,
            Self::Unban(_) => Verb::Unban,
            Self::Mute(..) => Verb::Mute,
            Self::Unmute(_) => Verb::Unmute,
            Self::Moderator(_) => Verb::Moderator,
            Self::Unmoderator(_) => Verb::Unmoderator,
            Self::Owner(_) => Verb::Owner,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{parse_command, parse_pre_login};

    #[test]
    fn no_secret_of_a_command_is_printed_for_debugging() {
        for line in ["LOGIN ann hunter2", "REGISTER ann hunter2", "RESUME ann hunter2", "INVITE hunter2"] {
            let command = parse_pre_login(line.as_bytes()).unwrap().unwrap();
            assert!(!format!("{command:?}").contains("hunter"), "{line}");
        }
        for line in ["/passwd hunter2 hunter3", "/outhook red https://bot.example/hunter2?hunter3"] {
            let command = parse_command(line.as_bytes()).unwrap().unwrap();
            assert!(!format!("{command:?}").contains("hunter"), "{line}");
        }
    }

    #[test]
    fn what_is_said_has_the_word_of_its_line_with_a_key_too() {
        for (line, word) in [
            ("hello", "message"),
            ("//hello", "message"),
            ("/say red hello", "say"),
            ("/publish hello", "publish"),
            ("/msg bob hello", "msg"),
            ("/edit red 7 hello", "edit"),
        ] {
            for line in [line.to_owned(), format!("/once k {line}")] {
                let command = parse_command(line.as_bytes()).unwrap().unwrap();
                assert_eq!(command.verb().word(), word, "{line}");
            }
        }
    }

    #[test]
    fn a_topic_that_is_set_has_the_word_of_one_that_is_shown() {
        for line in ["/topic red", "/topic red All about roses"] {
            assert_eq!(parse_command(line.as_bytes()).unwrap().unwrap().verb(), Verb::Topic, "{line}");
        }
    }
}
