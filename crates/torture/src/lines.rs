//! The lines that clients send. It must not know what they are answered.

use std::time::Duration;

use crate::entry::EDIT_OF;
use crate::ticket::Ticket;

/// A line from a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    Format,
    Login,
    Register,
    /// A login by a ticket: a line, or the cookie with which the connection was opened.
    Resume(Ticket, ShownBy),
    /// A new ticket.
    Ticket,
    /// Makes the ticket with this id void, or all of the user.
    Revoke(Option<String>),
    /// Sets the password that the user has already, which makes all tickets void.
    Passwd,
    /// Suspends a user for some seconds. Operators alone may.
    Suspend {
        user: String,
        seconds: u64,
    },
    Say(String),
    Publish(String),
    Direct {
        to: String,
        text: String,
    },
    /// To an open room, whether it is the current one or not.
    SayIn {
        room: String,
        text: String,
    },
    Join(String),
    Leave,
    Open(String),
    Close(String),
    Switch(String),
    Sync,
    Read {
        target: String,
        id: u64,
    },
    Backlog {
        target: String,
        range: Range,
        count: usize,
    },
    Subscribe(String),
    Unsubscribe(String),
    Subscriptions,
    Who(String),
    Rooms,
    History,
    Ping,
    /// Another text for a message of its own.
    Edit {
        room: String,
        of: u64,
        text: String,
    },
    Remove {
        room: String,
        of: u64,
        reason: String,
    },
    Topic {
        room: String,
        text: String,
    },
    /// A new invitation for one account, which opens this room.
    Invitation(String),
    /// Makes the invitation with this id void.
    Uninvite(String),
    /// Shows an invitation, before an account is made.
    Invite(Ticket),
    /// A hook by which a program says things.
    Hook {
        room: String,
        label: String,
    },
    /// Ends the hook with this id.
    Unhook {
        room: String,
        id: String,
    },
    /// What a program says by the hook with this id. It is the body of a request of HTTP, and the answer to it is a status.
    Report {
        room: String,
        id: String,
        text: String,
    },
    /// A hook that posts what is said in a room.
    Outhook {
        room: String,
        url: String,
    },
    /// What those do who have rights in a room.
    Order {
        room: String,
        action: &'static str,
        /// A user, or a setting.
        about: String,
        /// A duration, a reason, both, or nothing.
        more: String,
    },
}

/// How a ticket is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ShownBy {
    Line,
    /// It is not answered if it is not valid.
    Cookie,
}

/// Which entries of a log are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Range {
    Newest,
    Before(u64),
    After(u64),
}

impl Line {
    /// Whether both order the same act about the same user or setting, for however long. An invitation does not say whom it
    /// is for to whom it is for, so all are the same.
    pub(crate) fn is_same_order(&self, other: &Self) -> bool {
        let order = |line: &Self| match line {
            Self::Order { room, action: action @ "invite", .. } => Some((room.clone(), *action, String::new())),
            Self::Order { room, action, about, .. } => Some((room.clone(), *action, about.clone())),
            _ => None,
        };
        order(self).is_some() && order(self) == order(other)
    }

    /// How long an order holds, if it says so.
    pub(crate) fn term(&self) -> Option<Duration> {
        let Self::Order { more, .. } = self else { return None };
        let seconds = more.split(' ').next()?.strip_suffix('s')?.parse().ok()?;
        Some(Duration::from_secs(seconds))
    }

    /// The line as `user` sends it, with this password. What it says to others has a key, the same for the same text, so
    /// that it can be sent again.
    pub(crate) fn wire(&self, user: &str, password: &str) -> String {
        match self {
            Self::Format => "FORMAT json".to_owned(),
            Self::Login => format!("LOGIN {user} {password}"),
            Self::Register => format!("REGISTER {user} {password}"),
            Self::Resume(ticket, _) => format!("RESUME {user} {}", ticket.secret()),
            Self::Ticket => "/ticket torture".to_owned(),
            Self::Revoke(id) => format!("/revoke {}", id.as_deref().unwrap_or("all")),
            Self::Passwd => format!("/passwd {password} {password}"),
            Self::Suspend { user, seconds } => format!("/suspend {user} {seconds}s"),
            Self::Say(text) => format!("/once {} {text}", key(text)),
            Self::Publish(text) => format!("/once {} /publish {text}", key(text)),
            Self::Direct { to, text } => format!("/once {} /msg {to} {text}", key(text)),
            Self::SayIn { room, text } => format!("/once {} /say {room} {text}", key(text)),
            Self::Join(room) => format!("/join {room}"),
            Self::Leave => "/leave".to_owned(),
            Self::Open(room) => format!("/open {room}"),
            Self::Close(room) => format!("/close {room}"),
            Self::Switch(room) => format!("/switch {room}"),
            Self::Sync => "/sync".to_owned(),
            Self::Read { target, id } => format!("/read {target} {id}"),
            Self::Backlog { target, range: Range::Newest, count } => format!("/backlog {target} {count}"),
            Self::Backlog { target, range: Range::Before(id), count } => {
                format!("/backlog {target} before {id} {count}")
            }
            Self::Backlog { target, range: Range::After(id), count } => format!("/backlog {target} after {id} {count}"),
            Self::Subscribe(user) => format!("/subscribe {user}"),
            Self::Unsubscribe(user) => format!("/unsubscribe {user}"),
            Self::Subscriptions => "/subscriptions".to_owned(),
            Self::Who(room) => format!("/who {room}"),
            Self::Rooms => "/rooms".to_owned(),
            Self::History => "/history 500".to_owned(),
            Self::Ping => "/ping".to_owned(),
            Self::Edit { room, of, text } => format!("/once {} /edit {room} {of} {text}", key(text)),
            Self::Remove { room, of, reason } => format!("/remove {room} {of} {reason}"),
            Self::Topic { room, text } => format!("/topic {room} {text}"),
            Self::Invitation(room) => format!("/invitation {room}"),
            Self::Uninvite(id) => format!("/uninvite {id}"),
            Self::Invite(invitation) => format!("INVITE {}", invitation.secret()),
            Self::Hook { room, label } => format!("/hook {room} {label}"),
            Self::Unhook { room, id } => format!("/unhook {room} {id}"),
            Self::Report { text, .. } => text.clone(),
            Self::Outhook { room, url } => format!("/outhook {room} {url}"),
            Self::Order { room, action, about, more } => {
                format!("/{action} {room} {about} {more}").trim_end().to_owned()
            }
        }
    }

    /// The command that its reply must name.
    pub(crate) fn command(&self) -> &'static str {
        match self {
            Self::Format => "format",
            Self::Login | Self::Resume(..) => "login",
            Self::Register => "register",
            Self::Ticket => "ticket",
            Self::Revoke(_) => "revoke",
            Self::Passwd => "passwd",
            Self::Suspend { .. } => "suspend",
            Self::Say(_) => "message",
            Self::Publish(_) => "publish",
            Self::Direct { .. } => "msg",
            Self::SayIn { .. } => "say",
            Self::Join(_) => "join",
            Self::Leave => "leave",
            Self::Open(_) => "open",
            Self::Close(_) => "close",
            Self::Switch(_) => "switch",
            Self::Sync => "sync",
            Self::Read { .. } => "read",
            Self::Backlog { .. } => "backlog",
            Self::Subscribe(_) => "subscribe",
            Self::Unsubscribe(_) => "unsubscribe",
            Self::Subscriptions => "subscriptions",
            Self::Who(_) => "who",
            Self::Rooms => "rooms",
            Self::History => "history",
            Self::Ping => "ping",
            Self::Edit { .. } => "edit",
            Self::Remove { .. } => "remove",
            Self::Topic { .. } => "topic",
            Self::Invitation(_) => "invitation",
            Self::Uninvite(_) => "uninvite",
            Self::Invite(_) => "invite",
            Self::Hook { .. } => "hook",
            Self::Unhook { .. } => "unhook",
            Self::Report { .. } => "report",
            Self::Outhook { .. } => "outhook",
            Self::Order { action, .. } => action,
        }
    }

    /// Whether it asks for a session.
    pub(crate) fn begins_session(&self) -> bool {
        matches!(self, Self::Login | Self::Register | Self::Resume(..))
    }

    /// The text that it sends to others, by which its entry is recognised. A text is sent again only with its key.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Say(text)
            | Self::Publish(text)
            | Self::Direct { text, .. }
            | Self::SayIn { text, .. }
            | Self::Edit { text, .. }
            | Self::Remove { reason: text, .. }
            | Self::Topic { text, .. }
            | Self::Report { text, .. } => Some(text),
            _ => None,
        }
    }

    /// Whether it has a key.
    pub(crate) fn can_be_sent_again(&self) -> bool {
        self.text().is_some() && !matches!(self, Self::Remove { .. } | Self::Topic { .. } | Self::Report { .. })
    }

    /// The room in whose log its entry is, if that does not depend on the current room.
    pub(crate) fn room(&self) -> Option<&str> {
        match self {
            Self::SayIn { room, .. } | Self::Edit { room, .. } => Some(room),
            _ => None,
        }
    }

    /// Whether it says something in a room.
    pub(crate) fn is_message(&self) -> bool {
        matches!(self, Self::Say(_) | Self::SayIn { .. } | Self::Report { .. })
    }
}

/// The key of a text: its first word that is unique in the run.
fn key(text: &str) -> &str {
    let unique = text.strip_prefix(MARKER).unwrap_or(text);
    unique.split([' ', EDIT_OF]).next().unwrap_or(unique)
}

/// The beginning of the texts that others must receive at the end of a round.
pub(crate) const MARKER: &str = "marker ";
