//! How long somebody waits after failed logins. It must not wait, nor keep the failures.

use std::time::Duration;

/// The growing delays after failed logins, for an account or an address.
#[derive(Debug, Clone, Copy)]
pub struct LoginBackoff {
    /// Failures that cost nothing: people mistype.
    pub free: u32,
    /// Delay after the first failure beyond those; it doubles with each further one.
    pub first_delay: Duration,
    /// The longest delay. It is bounded so that failures of others never lock anybody out for ever.
    pub longest_delay: Duration,
    /// After so much time without a failure all is forgotten.
    pub forget_after: Duration,
}

impl LoginBackoff {
    /// For accounts: guessing one password gets slow soon.
    pub const ACCOUNT: Self = Self {
        free: 5,
        first_delay: Duration::from_millis(500),
        longest_delay: Duration::from_secs(60),
        forget_after: Duration::from_secs(900),
    };

    /// For addresses: many people may share one.
    pub const ADDRESS: Self = Self { free: 20, ..Self::ACCOUNT };

    /// Within so much time it is known what an attempt came to. Then its place is free again, so that a server that
    /// died meanwhile keeps nobody out.
    pub const ANSWER_TIME: Duration = Duration::from_secs(60);

    /// How many attempts may be made at once after so many failures: as many as may fail before there is a delay.
    pub fn at_once(&self, failures: u32) -> u32 {
        (self.free + 1).saturating_sub(failures).max(1)
    }

    /// How long after its last failure somebody with so many failures may try again.
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
