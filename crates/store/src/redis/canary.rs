//! What this server knows of its link to Redis, and the canary that proves that messages go both ways. It must not change
//! anything that users see.

use std::sync::atomic::Ordering;
use std::time::Duration;

use parlor_core::ports::{StoreError, StoreResult};

use super::Redis;
use super::connection::command::Command;
use super::keys;
use crate::batches::BatchStatistics;

/// Age of the last heartbeat above which this server is said to hear nothing. A heartbeat comes each second.
const PULSE_LIMIT: Duration = Duration::from_secs(3);

/// Seconds after which Redis forgets a canary.
const CANARY_SECONDS: &str = "60";

/// The state of the link to Redis.
#[derive(Debug, Clone)]
pub struct LinkFacts {
    /// Whether this server has its lease.
    pub has_lease: bool,
    /// Time since the last heartbeat that came back; none if none ever did.
    pub pulse_age: Option<Duration>,
    /// Logs that this server follows.
    pub logs: usize,
    /// Entries that it had not received at the last check, in the log with the most.
    pub lag: u64,
    /// Entries that it had missed and requested, since its start.
    pub repaired: u64,
    /// The batches that were sent to all nodes.
    pub batches: BatchStatistics,
    /// For each script that ran: its name, its calls, and the time that they took.
    pub scripts: Vec<(&'static str, u64, Duration)>,
}

impl Redis {
    /// Writes to Redis, and looks whether this server hears what it publishes. Blocks as an append does.
    ///
    /// # Errors
    /// A message would not be accepted or delivered now.
    pub fn send_canary(&self) -> StoreResult<()> {
        let server = &self.server;
        server.lease.check()?;
        if server.pubsub_readers.pulse_age().is_none_or(|age| age > PULSE_LIMIT) {
            return Err(StoreError::new("nothing is heard from Redis"));
        }
        let key = keys::canary(&server.id());
        server.call::<()>(Command::plain("SET", key, &["1", "EX", CANARY_SECONDS]))
    }

    /// The state of the link to Redis. Does not block.
    pub fn link_facts(&self) -> LinkFacts {
        let (server, statistics) = (&self.server, self.server.router.statistics());
        let scripts = statistics.read().into_iter();
        LinkFacts {
            has_lease: server.lease.is_held(),
            pulse_age: server.pubsub_readers.pulse_age(),
            logs: server.cursors.len(),
            lag: server.lag.load(Ordering::Relaxed),
            repaired: server.repaired.load(Ordering::Relaxed),
            batches: statistics.batches.read(),
            scripts: scripts.map(|(name, calls, micros, _)| (name, calls, Duration::from_micros(micros))).collect(),
        }
    }
}
