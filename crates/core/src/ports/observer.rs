//! The port through which the rules report events to operators. Nothing secret may pass it.

use std::fmt::Display;

use parlor_proto::{AuditedCommand, Bye, HookId, RefusalCode, RoomName, UserName};

use super::{LogKind, StoreError};
use crate::delivery::peer::{ConnectionId, Origin};

/// Receives the reports; an observer implements those that it wants. Must not block for long, and must not call back.
pub trait Observer: Send + Sync {
    /// The store failed during `what`. The client was notified if it waits for a reply.
    fn store_failed(&self, _what: &'static str, _error: &StoreError) {}

    /// A user logged in from `origin`.
    fn session_began(&self, _connection: ConnectionId, _user: &UserName, _origin: &Origin) {}

    /// A session ended. `why` is `None` if the client disconnected without a goodbye.
    fn session_ended(&self, _connection: ConnectionId, _user: &UserName, _why: Option<Bye>) {}

    /// A message, an edit or a publication was accepted into a log of this kind.
    fn accepted(&self, _kind: LogKind) {}

    /// A line of a client was refused.
    fn refused(&self, _code: RefusalCode) {}

    /// A command was carried out that operators want to find later.
    fn audited(&self, _user: &UserName, _command: &AuditedCommand) {}

    /// A message was posted by an outgoing hook; so many entries before it were forgotten before they could be posted.
    fn outhook_posted(&self, _room: &RoomName, _id: HookId, _missed: u64) {}

    /// A message could not be posted. It will be tried again.
    fn outhook_failed(&self, _room: &RoomName, _id: HookId, _why: &dyn Display) {}

    /// A login from `origin` failed.
    fn login_failed(&self, _connection: ConnectionId, _user: &UserName, _origin: &Origin) {}
}
