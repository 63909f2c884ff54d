//! Writes the events that the rules report to the log. It must not flood the log, however often a store fails.

use std::time::Duration;

use parlor_core::ports::{Observer, StoreError};
use parlor_core::{ConnectionId, Origin};
use parlor_proto::{AuditedCommand, Bye, UserName};

use crate::logging::rate_limit::LogRateLimit;

/// Store failures are logged at most once per interval; the others are counted.
const STORE_INTERVAL: Duration = Duration::from_secs(1);

/// The rules' observer that writes to the log.
#[derive(Debug)]
pub(crate) struct LogObserver {
    store: LogRateLimit,
}

impl Default for LogObserver {
    fn default() -> Self {
        Self { store: LogRateLimit::every(STORE_INTERVAL) }
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

    fn login_failed(&self, connection: ConnectionId, user: &UserName, origin: &Origin) {
        tracing::info!(%connection, %user, address = %origin.address, "login failed");
    }
}
