//! How long a client waits after failed logins. It must not wait, and must not store the failures.

use std::time::Duration;

/// The growing delay after failed logins, for an account or an address.
#[derive(Debug, Clone, Copy)]
pub struct LoginBackoff {
    /// Failures without a delay, since users mistype.
    pub free: u32,
    /// Delay after the first failure beyond `free`. It doubles with each further failure.
    pub first_delay: Duration,
    /// The longest delay. It is bounded, so that failures caused by others never lock a user out for ever.
    pub longest_delay: Duration,
    /// After this time without a failure, all failures are forgotten.
    pub forget_after: Duration,
}

impl LoginBackoff {
    /// For accounts: guessing one password soon becomes slow.
    pub const ACCOUNT: Self = Self {
        free: 5,
        first_delay: Duration::from_millis(500),
        longest_delay: Duration::from_secs(60),
        forget_after: Duration::from_secs(900),
    };

    /// For addresses: many users may share one.
    pub const ADDRESS: Self = Self { free: 20, ..Self::ACCOUNT };

    /// The result of an attempt is known within this time. After it the permit expires, so that a server that died
    /// meanwhile locks nobody out.
    pub const ANSWER_TIME: Duration = Duration::from_secs(60);

    /// How many attempts may run at once after this many failures: as many as may fail before there is a delay.
    pub fn at_once(&self, failures: u32) -> u32 {
        (self.free + 1).saturating_sub(failures).max(1)
    }

    /// Time from the last failure until the next attempt is allowed, after this many failures.
    pub fn delay(&self, failures: u32) -> Duration {
        let Some(beyond) = failures.checked_sub(self.free + 1) else { return Duration::ZERO };
        let doubled = self.first_delay.saturating_mul(1u32.checked_shl(beyond).unwrap_or(u32::MAX));
        doubled.min(self.longest_delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_grow_up_to_a_bound() {
        let delay = |failures| LoginBackoff::ACCOUNT.delay(failures).as_millis();
        assert_eq!([0, 1, 5, 6, 7, 8].map(delay), [0, 0, 0, 500, 1000, 2000]);
        assert_eq!([13, 40, u32::MAX].map(delay), [60_000; 3]);
    }

    #[test]
    fn no_more_are_tried_at_once_than_may_fail_one_after_the_other() {
        assert_eq!(
            [0, 1, 5, 6, 7, u32::MAX].map(|failures| LoginBackoff::ACCOUNT.at_once(failures)),
            [6, 5, 1, 1, 1, 1]
        );
    }
}
