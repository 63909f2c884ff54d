//! Writes the events that the rules report to the log. It must not flood the log, however often a store fails.

use std::fmt::Display;
use std::time::Duration;

use parlor_core::ports::{Observer, StoreError};
use parlor_core::{ConnectionId, Origin};
use parlor_proto::{AuditedCommand, Bye, HookId, RoomName, UserName};

use crate::logging::rate_limit::LogRateLimit;

/// Store failures are logged at most once per interval; the others are counted.
const STORE_INTERVAL: Duration = Duration::from_secs(1);

/// Posts of outgoing hooks that failed are logged at most once per interval; the others are counted.
const OUTHOOK_INTERVAL: Duration = Duration::from_secs(1);

/// The rules' observer that writes to the log.
#[derive(Debug)]
pub(crate) struct LogObserver {
    store: LogRateLimit,
    outhooks: LogRateLimit,
}

impl Default for LogObserver {
    fn default() -> Self {
        Self { store: LogRateLimit::every(STORE_INTERVAL), outhooks: LogRateLimit::every(OUTHOOK_INTERVAL) }
    }
}

impl Observer for LogObserver {
    fn store_failed(&self, what: &'static str, error: &StoreError) {
        if let Some(failures) = self.store.due() {
            tracing::error!(what, failures, "the store failed: {error}");
        }
    }

    fn session_began(&self, connection: ConnectionId, user: &UserName, origin: &Origin) {
        tracing::info!(%connection, %user, address = %origin.address, "session began");
    }

    fn session_ended(&self, connection: ConnectionId, user: &UserName, why: Option<Bye>) {
        let why = why.map_or("gone", Bye::as_str);
        tracing::info!(%connection, %user, why, "session ended");
    }

    fn audited(&self, user: &UserName, command: &AuditedCommand) {
        tracing::info!(%user, "carried out: {command}");
    }

    fn outhook_posted(&self, room: &RoomName, id: HookId, missed: u64) {
        if missed > 0 {
            tracing::warn!(%room, hook = %id, missed, "an outgoing hook missed messages, which were forgotten before they could be posted");
        }
    }

    fn outhook_failed(&self, room: &RoomName, id: HookId, why: &dyn Display) {
        if let Some(failures) = self.outhooks.due() {
            tracing::warn!(%room, hook = %id, failures, "an outgoing hook cannot post, and will try again: {why}");
        }
    }

    fn login_failed(&self, connection: ConnectionId, user: &UserName, origin: &Origin) {
        tracing::info!(%connection, %user, address = %origin.address, "login failed");
    }
}
