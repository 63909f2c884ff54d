//! Repeats a step that was judged by what was read, and that Redis refuses if others have changed it meanwhile. It must not
//! know what a step does.

use std::thread;
use std::time::{Duration, Instant};

use parlor_core::ports::{StoreError, StoreResult};

use super::random;

/// Time after which a step is given up. A count of attempts would not do: a slow server loses each attempt as long as fast
/// ones go on.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest pause before the second attempt, in microseconds. It doubles with each attempt.
const FIRST_PAUSE: u64 = 1_000;

/// The longest pause of all, in microseconds.
const LONGEST_PAUSE: u64 = 32_000;

/// Calls `step` until it returns something; `None` means that others have changed `what` since the step read it. Blocks
/// for the pauses, which are random so that those who compete do not meet again.
///
/// # Errors
/// The error of a step, or that `what` has changed all the time for five seconds.
pub(super) fn until_unchanged<T>(what: &str, mut step: impl FnMut() -> StoreResult<Option<T>>) -> StoreResult<T> {
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(done) = step()? {
            return Ok(done);
        }
        if start.elapsed() > PATIENCE {
            return Err(StoreError::new(format!("{what} change all the time; try again")));
        }
        thread::sleep(Duration::from_micros(random::number() % pause));
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_loses_often_comes_through() {
        let mut left = 60;
        let step = || {
            left -= 1;
            Ok((left == 0).then_some("done"))
        };
        assert_eq!(until_unchanged("the rights", step).unwrap(), "done");
    }

    #[test]
    fn an_error_is_not_repeated() {
        let mut calls = 0;
        let step = || -> StoreResult<Option<()>> {
            calls += 1;
            Err(StoreError::new("down"))
        };
        assert_eq!(until_unchanged("the rights", step).unwrap_err().to_string(), "down");
        assert_eq!(calls, 1);
    }
}
