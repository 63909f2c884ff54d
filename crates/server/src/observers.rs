//! Hands each report of the rules to all who want it: the log, the counters, the audit trail. It must not judge any.

use std::fmt::Display;
use std::sync::Arc;

use parlor_core::ports::{LogKind, Observer, StoreError};
use parlor_core::{ConnectionId, Origin};
use parlor_proto::{AuditedCommand, Bye, HookId, RefusalCode, RoomName, UserName};

/// Several observers as one.
pub(crate) struct Observers(pub(crate) Vec<Arc<dyn Observer>>);

impl Observer for Observers {
    fn store_failed(&self, what: &'static str, error: &StoreError) {
        self.0.iter().for_each(|observer| observer.store_failed(what, error));
    }

    fn session_began(&self, connection: ConnectionId, user: &UserName, origin: &Origin) {
        self.0.iter().for_each(|observer| observer.session_began(connection, user, origin));
    }

    fn session_ended(&self, connection: ConnectionId, user: &UserName, why: Option<Bye>) {
        self.0.iter().for_each(|observer| observer.session_ended(connection, user, why));
    }

    fn accepted(&self, kind: LogKind) {
        self.0.iter().for_each(|observer| observer.accepted(kind));
    }

    fn refused(&self, code: RefusalCode) {
        self.0.iter().for_each(|observer| observer.refused(code));
    }

    fn audited(&self, user: &UserName, command: &AuditedCommand) {
        self.0.iter().for_each(|observer| observer.audited(user, command));
    }

    fn outhook_posted(&self, room: &RoomName, id: HookId, missed: u64) {
        self.0.iter().for_each(|observer| observer.outhook_posted(room, id, missed));
    }

    fn outhook_failed(&self, room: &RoomName, id: HookId, why: &dyn Display) {
        self.0.iter().for_each(|observer| observer.outhook_failed(room, id, why));
    }

    fn login_failed(&self, connection: ConnectionId, user: &UserName, origin: &Origin) {
        self.0.iter().for_each(|observer| observer.login_failed(connection, user, origin));
    }
}
