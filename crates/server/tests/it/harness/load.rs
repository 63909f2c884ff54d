//! Helpers of heavy tests, of which few run at a time, with as many descriptors as the machine allows.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many heavy tests run at a time: most of them wait most of the time.
const HEAVY_AT_ONCE: usize = 2;

static HEAVY: Mutex<usize> = Mutex::new(0);
static ONE_HAS_ENDED: Condvar = Condvar::new();

/// A heavy test that runs.
pub(crate) struct Heavy(());

impl Drop for Heavy {
    fn drop(&mut self) {
        *HEAVY.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        ONE_HAS_ENDED.notify_one();
    }
}

/// Waits for its turn among the heavy tests. The turn ends with the guard.
pub(crate) fn heavy() -> Heavy {
    let running = HEAVY.lock().unwrap_or_else(PoisonError::into_inner);
    let is_full = |running: &mut usize| *running >= HEAVY_AT_ONCE;
    *ONE_HAS_ENDED.wait_while(running, is_full).unwrap_or_else(PoisonError::into_inner) += 1;
    let turn = Heavy(());
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    turn
}

/// Waits until a condition holds. Fails if it does not within 30 s.
pub(crate) fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "timed out waiting until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}
