//! Refusals: errors of the client, each with its code and its explanation. Errors of the server are not here; a client
//! sees them only as [`Refusal::StoreUnavailable`].

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::MessageId;
use crate::name::{RoomName, UserName};
use crate::note::{NOTE_MAX_BYTES, Note};
use crate::password::PASSWORD_MAX_BYTES;
use crate::time::Timestamp;

macro_rules! codes {
    ($($variant:ident = $code:literal : $meaning:literal),* $(,)?) => {
        /// The code of a refusal, as in `ERR` lines.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum RefusalCode {
            $(#[doc = $meaning] $variant,)*
            /// A code that this version does not know. Only clients can receive it.
            #[serde(other)]
            Unknown,
        }

        impl RefusalCode {
            /// All codes that a server sends, with their meanings.
            pub const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, $meaning)),*];

            /// The code on the wire.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)*
                    Self::Unknown => "unknown",
                }
            }
        }
    };
}

codes! {
    LineTooLong = "line-too-long": "The line passed the limit; it is discarded up to its end.",
    InvalidUtf8 = "invalid-utf8": "The line is not UTF-8; it is dropped.",
    BadArgument = "bad-argument": "An argument is missing, superfluous or malformed; the usage follows.",
    BadName = "bad-name": "No name of a user or room.",
    PasswordTooLong = "password-too-long": "A password has at most 72 bytes; it is never cut.",
    PasswordTooShort = "password-too-short": "The operator wants longer passwords; the number of characters follows.",
    UnknownCommand = "unknown-command": "No such command.",
    LeadingSpace = "leading-space": "A command is not at the start of its line; the line goes nowhere.",
    LoginRequired = "login-required": "Only LOGIN, REGISTER, RESUME, INVITE, FORMAT, PING, HELP and QUIT are understood before login.",
    LoginTimeout = "login-timeout": "The time for logging in is over; the connection is closed.",
    BadCredentials = "bad-credentials": "Unknown user, wrong password, or no valid ticket.",
    BadInvitation = "bad-invitation": "No such invitation, or it is used up, over or revoked.",
    TooManyAttempts = "too-many-attempts": "Too many failed logins of this account or from this address; the seconds to wait follow.",
    NameTaken = "name-taken": "The account exists already.",
    NameReserved = "name-reserved": "Only the operator makes an account of this name.",
    RegistrationClosed = "registration-closed": "Accounts are made by the operator only.",
    AlreadyLoggedIn = "already-logged-in": "The user has a session, and the server's policy keeps it.",
    TakeoverLoop = "takeover-loop": "Two clients throw each other out; the seconds to wait follow.",
    AlreadyAuthenticated = "already-authenticated": "LOGIN, REGISTER, RESUME or INVITE in a session; the line goes nowhere.",
    AlreadyInRoom = "already-in-room": "I am in this room already.",
    NotInRoom = "not-in-room": "The room is not among my open rooms.",
    InLobby = "in-lobby": "There is nothing to leave in the lobby.",
    NoSuchRoom = "no-such-room": "The room has no members.",
    NoSuchUser = "no-such-user": "There is no such account.",
    AlreadySubscribed = "already-subscribed": "I follow this user already.",
    SelfSubscription = "self-subscription": "Nobody follows themselves.",
    NotSubscribed = "not-subscribed": "I do not follow this user.",
    Blocked = "blocked": "This user blocks my direct messages.",
    InviteOnly = "invite-only": "The room is private, and I am not invited.",
    Banned = "banned": "I am banned from the room.",
    Muted = "muted": "I may not speak in the room now.",
    Suspended = "suspended": "An operator suspended the account; no login is accepted.",
    NotAllowed = "not-allowed": "I have no right to do that in this room.",
    NoSuchMessage = "no-such-message": "The room keeps no message with this number.",
    TooLate = "too-late": "The time for editing the message is over.",
    UserOffline = "user-offline": "Reserved: servers before version 0.2 send it if the user has no session.",
    Forbidden = "forbidden": "Operators only.",
    LimitReached = "limit-reached": "The server keeps no more rooms, or no more open rooms, subscriptions or blocks of one user.",
    StoreUnavailable = "store-unavailable": "The store cannot be reached; try again later.",
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

/// Why the server refused a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The line has more than this many bytes.
    LineTooLong(usize),
    /// The line is not UTF-8.
    InvalidUtf8,
    /// The arguments do not match this usage.
    BadArgument(String),
    /// An argument other than message text contains a control character. The field is the usage.
    ControlCharacter(String),
    /// The log has no such number yet; its newest is the field.
    BeyondLast(MessageId),
    /// Users cannot block themselves.
    SelfBlock,
    /// Not a valid name.
    BadName,
    /// More than [`PASSWORD_MAX_BYTES`] bytes.
    PasswordTooLong,
    /// Fewer than this many characters.
    PasswordTooShort(usize),
    /// No such command.
    UnknownCommand,
    /// Something that shows nothing is before a command.
    LeadingSpace,
    /// Not before login.
    LoginRequired,
    /// No login within this many seconds.
    LoginTimeout(u64),
    /// Unknown user or wrong password.
    BadCredentials,
    /// Unknown user, or no valid ticket of this user.
    BadTicket,
    /// The user has no such ticket.
    NoSuchTicket,
    /// The room has no hook with this id.
    NoSuchHook,
    /// No valid invitation.
    BadInvitation,
    /// There is no invitation with this id.
    NoSuchInvitation,
    /// Too many failures; wait this many seconds.
    TooManyAttempts(u64),
    /// The name is taken.
    NameTaken,
    /// The name is for accounts that the operator makes.
    NameReserved,
    /// Registration is closed.
    RegistrationClosed,
    /// The user has a session, and the policy keeps it.
    AlreadyLoggedIn,
    /// Too many takeovers; wait this many seconds.
    TakeoverLoop(u64),
    /// Already logged in here.
    AlreadyAuthenticated,
    /// Already in this room.
    AlreadyInRoom(RoomName),
    /// Not among the open rooms.
    NotInRoom(RoomName),
    /// The client is in the lobby, which cannot be left.
    InLobby,
    /// Unknown room.
    NoSuchRoom(RoomName),
    /// Unknown user.
    NoSuchUser(UserName),
    /// Followed already.
    AlreadySubscribed(UserName),
    /// A user cannot follow themselves.
    SelfSubscription,
    /// Not followed.
    NotSubscribed(UserName),
    /// The user blocks the sender.
    Blocked(UserName),
    /// The room is private.
    InviteOnly(RoomName),
    /// Banned from a room, until then or for ever.
    Banned(RoomName, Option<Timestamp>),
    /// May not speak in a room, until then or as long as the room says so.
    Muted(RoomName, Option<Timestamp>),
    /// The account is suspended, until then or for ever, with a reason.
    Suspended(Option<Timestamp>, Note),
    /// No right to do that; the field says who has it.
    NotAllowed(&'static str),
    /// The user has no such thing to end, or has it already; the field says so.
    Pointless(&'static str),
    /// There is no such message.
    NoSuchMessage(MessageId),
    /// A message can be edited for this many seconds only.
    TooLate(u64),
    /// A topic or a reason is too long. The field is the usage.
    NoteTooLong(String),
    /// Operators only.
    Forbidden,
    /// Too many of the named things.
    LimitReached(&'static str),
    /// The store cannot be reached.
    StoreUnavailable,
    /// The store has no room for more.
    StoreFull,
}

impl Refusal {
    /// The code on the wire.
    pub fn code(&self) -> RefusalCode {
        match self {
            Self::LineTooLong(_) => RefusalCode::LineTooLong,
            Self::InvalidUtf8 => RefusalCode::InvalidUtf8,
            Self::BadArgument(_)
            | Self::ControlCharacter(_)
            | Self::BeyondLast(_)
            | Self::SelfBlock
            | Self::Pointless(_)
            | Self::NoSuchTicket
            | Self::NoSuchInvitation
            | Self::NoSuchHook
            | Self::NoteTooLong(_) => RefusalCode::BadArgument,
            Self::BadName => RefusalCode::BadName,
            Self::PasswordTooLong => RefusalCode::PasswordTooLong,
            Self::PasswordTooShort(_) => RefusalCode::PasswordTooShort,
            Self::UnknownCommand => RefusalCode::UnknownCommand,
            Self::LeadingSpace => RefusalCode::LeadingSpace,
            Self::LoginRequired => RefusalCode::LoginRequired,
            Self::LoginTimeout(_) => RefusalCode::LoginTimeout,
            Self::BadCredentials | Self::BadTicket => RefusalCode::BadCredentials,
            Self::BadInvitation => RefusalCode::BadInvitation,
            Self::TooManyAttempts(_) => RefusalCode::TooManyAttempts,
            Self::NameTaken => RefusalCode::NameTaken,
            Self::NameReserved => RefusalCode::NameReserved,
            Self::RegistrationClosed => RefusalCode::RegistrationClosed,
            Self::AlreadyLoggedIn => RefusalCode::AlreadyLoggedIn,
            Self::TakeoverLoop(_) => RefusalCode::TakeoverLoop,
            Self::AlreadyAuthenticated => RefusalCode::AlreadyAuthenticated,
            Self::AlreadyInRoom(_) => RefusalCode::AlreadyInRoom,
            Self::NotInRoom(_) => RefusalCode::NotInRoom,
            Self::InLobby => RefusalCode::InLobby,
            Self::NoSuchRoom(_) => RefusalCode::NoSuchRoom,
            Self::NoSuchUser(_) => RefusalCode::NoSuchUser,
            Self::AlreadySubscribed(_) => RefusalCode::AlreadySubscribed,
            Self::SelfSubscription => RefusalCode::SelfSubscription,
            Self::NotSubscribed(_) => RefusalCode::NotSubscribed,
            Self::Blocked(_) => RefusalCode::Blocked,
            Self::InviteOnly(_) => RefusalCode::InviteOnly,
            Self::Banned(..) => RefusalCode::Banned,
            Self::Muted(..) => RefusalCode::Muted,
            Self::Suspended(..) => RefusalCode::Suspended,
            Self::NotAllowed(_) => RefusalCode::NotAllowed,
            Self::NoSuchMessage(_) => RefusalCode::NoSuchMessage,
            Self::TooLate(_) => RefusalCode::TooLate,
            Self::Forbidden => RefusalCode::Forbidden,
            Self::LimitReached(_) => RefusalCode::LimitReached,
            Self::StoreUnavailable | Self::StoreFull => RefusalCode::StoreUnavailable,
        }
    }

    /// Whether it counts as a login failure. After too many of them, a connection that has not logged in is closed.
    pub fn counts_as_login_failure(&self) -> bool {
        matches!(
            self.code(),
            RefusalCode::BadCredentials
                | RefusalCode::BadInvitation
                | RefusalCode::BadName
                | RefusalCode::BadArgument
                | RefusalCode::PasswordTooLong
        )
    }
}

impl fmt::Display for Refusal {
    /// The explanation, in one line.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong(max) => write!(out, "A line has at most {max} bytes"),
            Self::InvalidUtf8 => out.write_str("The line is not UTF-8"),
            Self::BadArgument(usage) => out.write_str(usage),
            Self::ControlCharacter(usage) => write!(out, "{usage} (without control characters)"),
            Self::BeyondLast(last) => write!(out, "/read <target> <id> (the newest id there is {last})"),
            Self::SelfBlock => out.write_str("/block <user> (not yourself)"),
            Self::BadName => {
                out.write_str("Names are made of letters, digits, _ and -: at most 32 for a user, 64 for a room")
            }
            Self::PasswordTooLong => write!(out, "A password has at most {PASSWORD_MAX_BYTES} bytes"),
            Self::PasswordTooShort(min) => write!(out, "{min} characters at least for a new password"),
            Self::UnknownCommand => out.write_str("No such command; /help lists them"),
            Self::LeadingSpace => out.write_str(
                "Nothing may be before a command, so the line was sent to nobody; begin it with // to say it",
            ),
            Self::LoginRequired => out.write_str("First LOGIN <user> <password>; HELP lists what else is understood"),
            Self::LoginTimeout(seconds) => write!(out, "Not logged in within {seconds} s"),
            Self::BadCredentials => out.write_str("Unknown user or wrong password"),
            Self::BadTicket => out.write_str("Unknown user, or no valid ticket"),
            Self::NoSuchTicket => out.write_str("You have no ticket with this id; /tickets lists them"),
            Self::BadInvitation => {
                out.write_str("This invitation is unknown, used up, over or revoked; ask for another")
            }
            Self::NoSuchHook => out.write_str("There is no hook with this id; /hooks <room> lists them"),
            Self::NoSuchInvitation => out.write_str("There is no invitation with this id; /invitations lists them"),
            Self::TooManyAttempts(seconds) => write!(out, "{seconds} seconds to wait after too many failures"),
            Self::NameTaken => out.write_str("There is such an account already"),
            Self::NameReserved => {
                out.write_str("This name is reserved; take another, or ask the operator for an account")
            }
            Self::RegistrationClosed => out.write_str("Ask the operator of this server for an account"),
            Self::AlreadyLoggedIn => out.write_str("This user is logged in elsewhere, and that session is kept"),
            Self::TakeoverLoop(seconds) => write!(out, "{seconds} seconds to wait: two clients throw each other out"),
            Self::AlreadyAuthenticated => {
                out.write_str("Already logged in; the line was sent to nobody; to say it, put another word first")
            }
            Self::AlreadyInRoom(room) => write!(out, "You are in {room} already"),
            Self::NotInRoom(room) => write!(out, "You are not in {room}; /open {room} enters it"),
            Self::InLobby => out.write_str("You are in the lobby; /quit ends the session"),
            Self::NoSuchRoom(room) => write!(out, "There is nobody in a room {room}"),
            Self::NoSuchUser(user) => write!(out, "There is no user {user}"),
            Self::AlreadySubscribed(user) => write!(out, "You follow {user} already"),
            Self::SelfSubscription => out.write_str("You cannot follow yourself"),
            Self::NotSubscribed(user) => write!(out, "You do not follow {user}"),
            Self::Blocked(user) => write!(out, "{user} accepts no direct messages from you"),
            Self::InviteOnly(room) => write!(out, "{room} is private; somebody inside has to invite you"),
            Self::Banned(room, until) => write!(out, "You are banned from {room}{}", Until(*until)),
            Self::Muted(room, until) => write!(out, "You may not speak in {room}{}", Until(*until)),
            Self::Suspended(until, reason) if reason.is_empty() => {
                write!(out, "This account is suspended{}", Until(*until))
            }
            Self::Suspended(until, reason) => write!(out, "This account is suspended{}: {reason}", Until(*until)),
            Self::NotAllowed(who) => write!(out, "Only {who} may do that"),
            Self::Pointless(why) => out.write_str(why),
            Self::NoSuchMessage(id) => write!(out, "There is no message {id} here"),
            Self::TooLate(seconds) => write!(out, "{seconds} seconds is how long a message can be edited"),
            Self::NoteTooLong(usage) => write!(out, "{usage} (at most {NOTE_MAX_BYTES} bytes)"),
            Self::Forbidden => out.write_str("Only operators may do that"),
            Self::LimitReached(what) => write!(out, "This server keeps no more {what}"),
            Self::StoreUnavailable => out.write_str("The store cannot be reached; try again later"),
            Self::StoreFull => out.write_str("The store is full; the operator of this server has to make room"),
        }
    }
}

/// The end of a sentence that says until when something holds.
struct Until(Option<Timestamp>);

impl fmt::Display for Until {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |until| write!(out, " until {until}"))
    }
}

#[cfg(test)]
mod tests;
