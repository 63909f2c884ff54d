//! How long this server may act without having heard from Redis, and what time it is there. It must not renew.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parlor_core::ports::{StoreError, StoreResult};

/// How long Redis keeps a lease that is not renewed. Then others may end this server's sessions.
pub(super) const LEASE: Duration = Duration::from_secs(9);

/// A server stops to act so much before, since clocks run apart and an answer takes time.
const MARGIN: Duration = Duration::from_secs(1);

/// The lease of this server, as far as it knows.
pub(super) struct Lease {
    start: Instant,
    /// Milliseconds since `start` until which it is held; 0 if it was lost.
    until: AtomicU64,
    /// Microseconds between `start` and the beginning of Redis's time.
    offset: AtomicI64,
}

impl Lease {
    /// One that is not held yet.
    pub(super) fn new() -> Self {
        Self { start: Instant::now(), until: AtomicU64::new(0), offset: AtomicI64::new(0) }
    }

    /// Whether it is held.
    pub(super) fn is_held(&self) -> bool {
        millis(self.start.elapsed()) < self.until.load(Ordering::Acquire)
    }

    /// # Errors
    /// It is not held, so others may have ended the sessions of this server.
    pub(super) fn check(&self) -> StoreResult<()> {
        if self.is_held() { Ok(()) } else { Err(StoreError::new("the lease of this server ran out")) }
    }

    /// It was renewed by a command that was sent at `sent`.
    pub(super) fn hold(&self, sent: Instant) {
        let until = sent.duration_since(self.start) + (LEASE - MARGIN);
        self.until.store(millis(until), Ordering::Release);
    }

    /// Redis told its time, in microseconds, as a command was answered that was sent at `sent`.
    pub(super) fn set_time(&self, sent: Instant, time: i64) {
        let passed = i64::try_from(sent.duration_since(self.start).as_micros()).unwrap_or(0);
        self.offset.store(time - passed, Ordering::Release);
    }

    /// Until when something may be done that was begun now, in Redis's time and microseconds: for `most`, and no longer
    /// than the lease is held. What puts sessions back is done before a new lease counts as held.
    pub(super) fn deadline(&self, most: Duration) -> i64 {
        let until = self.until.load(Ordering::Acquire);
        let passed = millis(self.start.elapsed() + most).min(if until == 0 { u64::MAX } else { until });
        self.offset.load(Ordering::Acquire) + i64::try_from(passed.saturating_mul(1000)).unwrap_or(i64::MAX)
    }

    /// It was lost.
    pub(super) fn lose(&self) {
        self.until.store(0, Ordering::Release);
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_held_for_less_than_redis_keeps_it() {
        let lease = Lease::new();
        assert!(lease.check().is_err());
        let now = Instant::now();
        lease.hold(now);
        assert!(lease.check().is_ok());
        let long_ago = Lease { start: now.checked_sub(LEASE).unwrap(), ..Lease::new() };
        long_ago.hold(long_ago.start);
        assert!(!long_ago.is_held());
        let lease = Lease::new();
        let now = Instant::now();
        lease.set_time(now, 1_000_000);
        lease.hold(now);
        assert!((2_000_000..3_000_000).contains(&lease.deadline(Duration::from_secs(1))));
        assert!((8_000_000..9_000_000).contains(&(lease.deadline(Duration::from_secs(60)) - 1_000_000)));
    }
}
