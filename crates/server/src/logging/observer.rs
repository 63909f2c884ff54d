//! Writes the events that the rules report to the log. It must not flood the log, however often a store fails.

use std::fmt::Display;
use std::time::{Duration, Instant};

use parlor_core::ports::{Observer, StoreError};
use parlor_core::{ConnectionId, Origin};
use parlor_proto::{AuditedCommand, Bye, HookId, RoomName, UserName};

use super::hook_lines::HookLines;
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
    hook_lines: HookLines,
}

impl Default for LogObserver {
    fn default() -> Self {
        let (store, outhooks) = (LogRateLimit::every(STORE_INTERVAL), LogRateLimit::every(OUTHOOK_INTERVAL));
        Self { store, outhooks, hook_lines: HookLines::default() }
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
        let now = Instant::now();
        if let Some(failures) = self.hook_lines.due(room, id, now)
            && self.outhooks.due().is_some()
        {
            self.hook_lines.note(room, id, now);
            tracing::warn!(%room, hook = %id, failures, "an outgoing hook cannot post, and will try again: {why}");
        }
    }

    fn login_failed(&self, connection: ConnectionId, user: &UserName, origin: &Origin) {
        tracing::info!(%connection, %user, address = %origin.address, "login failed");
    }
}
