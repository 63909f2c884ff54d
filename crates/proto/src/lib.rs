//! The language between Parlor and its clients, version 1: names, lines, commands, events and their text and JSON
//! forms. This crate is pure: it must not know sockets, files, threads or locks.

mod audited;
mod blank_chars;
mod command;
mod control_chars;
mod encode;
mod encoding;
mod endpoint;
mod event;
mod format;
mod hook;
mod ids;
mod invitation;
mod line;
mod lists;
mod name;
mod note;
mod once_key;
mod parse;
mod password;
mod refusal;
mod reply;
mod retention;
mod rights;
mod secret;
mod secret_word;
mod target;
mod text;
mod ticket;
mod time;
mod tokens;
mod verb;

pub use audited::AuditedCommand;
pub use command::{Command, Credentials, PageRange, Post, PreLoginCommand, TicketCredentials};
pub use encode::{Encoded, HookPost, encode};
pub use encoding::{Encoding, Framing};
pub use endpoint::{ENDPOINT_MAX_BYTES, Endpoint, EndpointError};
pub use event::{Bye, Event};
pub use format::Format;
pub use hook::{HookId, HookIdError, HookInfo, HookSecret, HookUrl, OuthookSecret};
pub use ids::{Epoch, Generation, MessageId};
pub use invitation::{
    INVITATION_PREFIX, INVITATION_ROOMS_MAX, InvitationCode, InvitationId, InvitationIdError, InvitationInfo, Invite,
};
pub use line::{Line, LineSplitter};
pub use lists::{
    DirectEntry, DirectState, EditEntry, FeedState, Help, HistoryEntry, InboxState, InvitationEntry, LogEntry,
    LostRoom, ModerationEntry, RemovalEntry, RoomInfo, RoomState, RoomSummary, Sync, TicketInfo, TopicEntry,
};
pub use name::{NameError, RoomName, UserName};
pub use note::{NOTE_MAX_BYTES, Note};
pub use once_key::{OnceKey, OnceKeyError};
pub use parse::{ParseError, Phase, parse_command, parse_pre_login};
pub use password::{PASSWORD_MAX_BYTES, Password, PasswordError};
pub use refusal::{Refusal, RefusalCode};
pub use reply::{Reply, RoomUser};
pub use retention::Retention;
pub use rights::{Access, Action, Order, RoomRole, Speakers};
pub use secret::append_secret;
pub use target::{Target, TargetError};
pub use text::Text;
pub use ticket::{TICKET_PREFIX, TicketId, TicketIdError, TicketSecret, Tickets};
pub use time::Timestamp;
pub use verb::{VERBS, Verb, VerbInfo, VerbPhase};

/// Version of the protocol, as in HELLO.
pub const PROTOCOL: &str = "parlor/1";

/// Default port of the line protocol.
pub const DEFAULT_PORT: u16 = 7878;

/// Longest line that a server accepts by default, in bytes, its ending included.
pub const DEFAULT_MAX_LINE_BYTES: usize = 4096;

/// Entries that `/history` and `/backlog` show if no count is given.
pub const HISTORY_DEFAULT: usize = 50;

/// Maximum number of entries that `/history` and `/backlog` show.
pub const HISTORY_MAX: usize = 500;

/// Maximum size of the entries of one `/history`, `/backlog` or `/inbox`, in bytes of JSON. A list ends early rather
/// than exceed it.
pub const LIST_MAX_BYTES: usize = 256 * 1024;

/// First byte of every TLS connection: the content type of a handshake record (RFC 8446, section 5.1).
pub const TLS_HANDSHAKE_RECORD: u8 = 0x16;

/// The unencrypted line that a connection gets if its first byte is not [`TLS_HANDSHAKE_RECORD`].
pub const TLS_REQUIRED_LINE: &str = "ERR tls-required This port speaks TLS only\n";
