//! Settings of the rules, and their rate limits. It must not read a clock: callers pass the time.

pub(crate) mod login_backoff;
pub(crate) mod policy;
pub(crate) mod rate_limit;

use std::time::Duration;

/// Seconds to wait, rounded up, so that a client that waits this long has waited long enough.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    #[test]
    fn waits_are_rounded_up_to_seconds() {
        let rounded = [0, 1, 1000, 1001].map(|millis| super::whole_seconds(Duration::from_millis(millis)));
        assert_eq!(rounded, [0, 1, 1, 2]);
    }
}
