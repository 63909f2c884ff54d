//! Rate limit for log lines that clients can trigger. It must not write them.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Lets one line through per interval, and counts the others.
#[derive(Debug)]
pub(crate) struct LogRateLimit {
    interval: Duration,
    /// A leaf lock; nothing blocks while it is held.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last_logged: Option<Instant>,
    unlogged: u64,
}

impl LogRateLimit {
    /// Allows one line per `interval`.
    pub(crate) fn every(interval: Duration) -> Self {
        Self { interval, state: Mutex::default() }
    }

    /// Counts an event. Returns how many events a line logged now stands for; `None` if the caller must not log one.
    pub(crate) fn due(&self) -> Option<u64> {
        self.due_at(Instant::now())
    }

    fn due_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.unlogged += 1;
        if state.last_logged.is_some_and(|last| now.saturating_duration_since(last) < self.interval) {
            return None;
        }
        state.last_logged = Some(now);
        Some(std::mem::take(&mut state.unlogged))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_often_is_few_lines() {
        let seldom = LogRateLimit::every(Duration::from_secs(1));
        let start = Instant::now();
        let due: Vec<_> = (0..25).map(|step| seldom.due_at(start + Duration::from_millis(100) * step)).collect();
        let logged: Vec<u64> = due.into_iter().flatten().collect();
        assert_eq!(logged, [1, 10, 10]);
    }
}
