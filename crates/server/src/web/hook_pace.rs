//! How fast each hook may speak. It must not know what is said.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Time that each line costs in the long run.
const INTERVAL: Duration = Duration::from_secs(1);

/// Lines that may come at once.
const BURST: u32 = 60;

/// Hooks that are remembered. Beyond that, those that were quiet are forgotten; whoever comes then has to wait.
const MAX_REMEMBERED: usize = 10_000;

/// The pace of each hook, by the hash of its address: when it could speak its whole burst again. A leaf lock.
#[derive(Debug, Default)]
pub(super) struct HookPaces {
    hashing: RandomState,
    full_at: Mutex<HashMap<u64, Instant>>,
}

impl HookPaces {
    /// Counts lines of a hook, or says how long it has to wait before it may say them.
    ///
    /// # Errors
    /// The time to wait; nothing was counted.
    pub(super) fn take(&self, address: &str, lines: u32, now: Instant) -> Result<(), Duration> {
        let hook = self.hashing.hash_one(address);
        // A panic leaves no half-done change.
        let mut paces = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        if paces.len() >= MAX_REMEMBERED {
            paces.retain(|_, full_at| *full_at > now);
        }
        if paces.len() >= MAX_REMEMBERED && !paces.contains_key(&hook) {
            return Err(INTERVAL);
        }
        let full_at = paces.get(&hook).copied().unwrap_or(now).max(now) + INTERVAL * lines;
        let excess = full_at.saturating_duration_since(now).saturating_sub(INTERVAL * BURST);
        if !excess.is_zero() {
            return Err(excess);
        }
        paces.insert(hook, full_at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_a_line_a_second() {
        let (paces, start) = (HookPaces::default(), Instant::now());
        assert_eq!(paces.take("one", 59, start), Ok(()));
        assert_eq!(paces.take("one", 2, start), Err(INTERVAL));
        assert_eq!(paces.take("one", 1, start), Ok(()));
        assert_eq!(paces.take("one", 1, start), Err(INTERVAL));
        assert_eq!(paces.take("two", 1, start), Ok(()));
        assert_eq!(paces.take("one", 1, start + INTERVAL), Ok(()));
    }
}
