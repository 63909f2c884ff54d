//! The real clock. It must not be used by anything that the rules could decide.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use parlor_core::ports::Clock;
use parlor_proto::Timestamp;

/// Wall clock and monotonic clock of this machine.
#[derive(Debug)]
pub(crate) struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// Monotonic time counts from now on.
    pub(crate) fn start() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A machine whose clock stands before 1970 is shown as 1970.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let millis = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(millis.saturating_add(planted_jump()))
    }

    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

/// By how many milliseconds the wall clock is wrong.
#[cfg(not(feature = "planted-bugs"))]
const fn planted_jump() -> i64 {
    0
}

/// By how many milliseconds the wall clock is wrong: a file says so, which `parlor torture` names and writes.
#[cfg(feature = "planted-bugs")]
fn planted_jump() -> i64 {
    let jump = || std::fs::read_to_string(std::env::var_os("PARLOR_PLANTED_CLOCK")?).ok()?.trim().parse().ok();
    jump().unwrap_or(0)
}
