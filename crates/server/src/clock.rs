//! The real clock. Code that belongs in the rules must not use it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parlor_core::ports::Clock;
use parlor_proto::Timestamp;

/// Wall clock and monotonic clock of this machine.
#[derive(Debug)]
pub(crate) struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Starts the monotonic clock at zero.
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A time before 1970 becomes 1970.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(millis.saturating_add(planted_jump()))
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// Error of the wall clock, in milliseconds.
#[cfg(not(feature = "planted-bugs"))]
const fn planted_jump() -> i64 {
    0
}

/// Error of the wall clock, in milliseconds, read from a file that `parlor torture` names and writes.
#[cfg(feature = "planted-bugs")]
fn planted_jump() -> i64 {
    let jump = || std::fs::read_to_string(std::env::var_os("PARLOR_PLANTED_CLOCK")?).ok()?.trim().parse().ok();
    jump().unwrap_or(0)
}
