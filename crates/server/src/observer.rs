//! Writes what the rules report to the log. It must not flood the log, however often a store fails.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use parlor_core::ConnectionId;
use parlor_core::ports::{Observer, StoreError};
use parlor_proto::{Bye, UserName};

/// Failures of the store are logged once in this time; the others are counted.
const STORE_INTERVAL: Duration = Duration::from_secs(1);

/// The log as the rules see it.
#[derive(Debug, Default)]
pub(crate) struct LogObserver {
    store: Mutex<StoreFailures>,
}

#[derive(Debug, Default)]
struct StoreFailures {
    last_logged: Option<Instant>,
    unlogged: u64,
}

impl StoreFailures {
    /// How many failures a line logged at `now` stands for; `None` if none is to be logged.
    fn due(&mut self, now: Instant) -> Option<u64> {
        self.unlogged += 1;
        if self.last_logged.is_some_and(|last| now.duration_since(last) < STORE_INTERVAL) {
            return None;
        }
        self.last_logged = Some(now);
        Some(std::mem::take(&mut self.unlogged))
    }
}

impl Observer for LogObserver {
    fn store_failed(&self, what: &'static str, error: &StoreError) {
        let due = self.store.lock().unwrap_or_else(PoisonError::into_inner).due(Instant::now());
        if let Some(failures) = due {
            tracing::error!(what, failures, "the store failed: {error}");
        }
    }

    fn session_began(&self, connection: ConnectionId, user: &UserName) {
        tracing::info!(%connection, %user, "session began");
    }

    fn session_ended(&self, connection: ConnectionId, user: &UserName, why: Option<Bye>) {
        let why = why.map_or("gone", Bye::as_str);
        tracing::info!(%connection, %user, why, "session ended");
    }

    fn login_failed(&self, connection: ConnectionId, user: &UserName) {
        tracing::info!(%connection, %user, "login failed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_failures_are_few_lines() {
        let mut failures = StoreFailures::default();
        let start = Instant::now();
        let due: Vec<_> = (0..25).map(|step| failures.due(start + STORE_INTERVAL / 10 * step)).collect();
        let logged: Vec<u64> = due.into_iter().flatten().collect();
        assert_eq!(logged, [1, 10, 10]);
    }
}
