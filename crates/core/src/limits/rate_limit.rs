//! Rate limit of the lines of one client. It must not wait; it returns how long the caller must wait.

use std::time::Duration;

use crate::limits::policy::LineRate;

/// A token bucket for one client, stored as the time at which it would be full again: the "virtual scheduling" form of
/// the generic cell rate algorithm (ITU-T I.371, annex A).
#[derive(Debug)]
pub(crate) struct RateLimiter {
    interval: Duration,
    tolerance: Duration,
    full_at: Duration,
}

impl RateLimiter {
    pub(crate) fn new(rate: LineRate) -> Self {
        let interval = Duration::from_secs(1) / rate.per_second.max(1);
        Self { interval, tolerance: interval * rate.burst.max(1), full_at: Duration::ZERO }
    }

    /// Counts one line at `now` and returns how long to wait before it is carried out.
    pub(crate) fn delay(&mut self, now: Duration) -> Duration {
        self.full_at = self.full_at.max(now) + self.interval;
        (self.full_at - now).saturating_sub(self.tolerance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> RateLimiter {
        RateLimiter::new(LineRate { per_second: 10, burst: 3 })
    }

    const NOW: Duration = Duration::from_secs(5);

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let mut pace = pace();
        let delays: Vec<u128> = (0..6).map(|_| pace.delay(NOW).as_millis()).collect();
        assert_eq!(delays, [0, 0, 0, 100, 200, 300]);
    }

    #[test]
    fn waiting_as_told_means_the_rate() {
        let mut pace = pace();
        let mut now = NOW;
        for _ in 0..103 {
            now += pace.delay(now);
        }
        assert_eq!(now - NOW, Duration::from_secs(10));
    }

    #[test]
    fn quiet_time_restores_the_burst_and_no_more() {
        let mut pace = pace();
        for _ in 0..9 {
            pace.delay(NOW);
        }
        let later = NOW + Duration::from_secs(60);
        let delays: Vec<u128> = (0..5).map(|_| pace.delay(later).as_millis()).collect();
        assert_eq!(delays, [0, 0, 0, 100, 200]);
    }

    #[test]
    fn a_rate_of_nothing_is_a_line_and_a_second() {
        let delays = |per_second, burst| {
            let mut pace = RateLimiter::new(LineRate { per_second, burst });
            [(); 3].map(|()| pace.delay(NOW).as_millis())
        };
        assert_eq!(delays(10, 0), [0, 100, 200]);
        assert_eq!(delays(0, 2), [0, 0, 1000]);
    }
}
