//! How long this server may act without an answer from Redis, and the current time at Redis. It must not renew the
//! lease.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parlor_core::ports::{StoreError, StoreResult};

/// Redis keeps a lease for this long after its last renewal. Then other servers may end this server's sessions.
pub(in crate::redis) const LEASE: Duration = Duration::from_secs(9);

/// A server stops acting this long before the end of its lease, because clocks drift and an answer takes time.
const MARGIN: Duration = Duration::from_secs(1);

/// The lease of this server, as far as it knows.
pub(in crate::redis) struct Lease {
    start: Instant,
    /// Milliseconds since `start` until which it is held; 0 if it was lost.
    until: AtomicU64,
    /// Milliseconds since `start` until which it is valid, whether or not it counts as held.
    limit: AtomicU64,
    /// Microseconds between `start` and the zero of Redis's clock.
    offset: AtomicI64,
}

impl Lease {
    /// A lease that is not held yet.
    pub(in crate::redis) fn new() -> Self {
        Self { start: Instant::now(), until: AtomicU64::new(0), limit: AtomicU64::new(0), offset: AtomicI64::new(0) }
    }

    /// Whether it is held.
    pub(in crate::redis) fn is_held(&self) -> bool {
        millis(self.start.elapsed()) < self.until.load(Ordering::Acquire)
    }

    /// # Errors
    /// The lease is not held, so other servers may have ended the sessions of this server.
    pub(in crate::redis) fn check(&self) -> StoreResult<()> {
        if self.is_held() { Ok(()) } else { Err(StoreError::new("the lease of this server ran out")) }
    }

    /// Records that a command which was sent at `sent` took or renewed the lease. `time` is Redis's time in
    /// microseconds.
    pub(in crate::redis) fn renewed(&self, sent: Instant, time: i64) {
        let passed = i64::try_from(sent.duration_since(self.start).as_micros()).unwrap_or(0);
        self.offset.store(time - passed, Ordering::Release);
        let limit = sent.duration_since(self.start) + (LEASE - MARGIN);
        self.limit.store(millis(limit), Ordering::Release);
    }

    /// Marks the lease as held for as long as it is valid.
    pub(in crate::redis) fn hold(&self) {
        self.until.store(self.limit.load(Ordering::Acquire), Ordering::Release);
    }

    /// The deadline for an operation that starts now, in Redis's time and microseconds: after `most`, but not after the
    /// lease ends.
    pub(in crate::redis) fn deadline(&self, most: Duration) -> i64 {
        let passed = millis(self.start.elapsed() + most).min(self.limit.load(Ordering::Acquire));
        self.offset.load(Ordering::Acquire) + i64::try_from(passed.saturating_mul(1000)).unwrap_or(i64::MAX)
    }

    /// Marks the lease as lost.
    pub(in crate::redis) fn lose(&self) {
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
        lease.renewed(now, 1_000_000);
        assert!(lease.check().is_err());
        lease.hold();
        assert!(lease.check().is_ok());
        assert!((1_900_000..3_000_000).contains(&lease.deadline(Duration::from_secs(1))));
        assert!((7_900_000..8_000_001).contains(&(lease.deadline(Duration::from_secs(60)) - 1_000_000)));
        lease.lose();
        assert!(lease.check().is_err());
        let long_ago = Lease { start: now.checked_sub(LEASE).unwrap(), ..Lease::new() };
        long_ago.renewed(long_ago.start, 0);
        long_ago.hold();
        assert!(!long_ago.is_held());
    }
}
