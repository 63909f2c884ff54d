//! What a reader keeps from one connection to the next: how long it waits, and how much it requests at once. It must not
//! open connections.

use std::time::Duration;

/// Pauses before the next connection: the first, and the longest.
const PAUSES: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

/// A connection that ends earlier than this costs Redis more than it brings: each one subscribes to all channels and
/// requests what is missing.
const SHORT: Duration = Duration::from_secs(2);

/// Maximum number of entries in one request for missing entries.
const MAX_PAGE: usize = 500;

/// The memory of a reader.
#[derive(Debug)]
pub(in crate::redis) struct Retry {
    /// Whether the loss of the previous connection was reported, and no connection was ready since.
    pub(in crate::redis) is_loss_reported: bool,
    pause: Duration,
    page: usize,
}

impl Default for Retry {
    fn default() -> Self {
        Self { is_loss_reported: false, pause: PAUSES[0], page: MAX_PAGE }
    }
}

impl Retry {
    /// Number of entries to request at once.
    pub(in crate::redis) fn page(&self) -> usize {
        self.page
    }

    /// Records that nothing is missing any more.
    pub(in crate::redis) fn caught_up(&mut self) {
        self.page = MAX_PAGE;
    }

    /// Records that a connection broke after a time. If it broke during a request, the answer may have been more than
    /// Redis keeps for a reader (`client-output-buffer-limit pubsub`): the next request is smaller.
    pub(in crate::redis) fn broke(&mut self, lived: Duration, was_requesting: bool) {
        self.pause = if lived < SHORT { (self.pause * 2).min(PAUSES[1]) } else { PAUSES[0] };
        if was_requesting {
            self.page = (self.page / 2).max(1);
        }
    }

    /// The pause before the next connection.
    pub(in crate::redis) fn pause(&self) -> Duration {
        self.pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_that_break_at_once_are_opened_less_often() {
        let mut retry = Retry::default();
        let pauses: Vec<u128> = std::iter::repeat_with(|| {
            retry.broke(Duration::ZERO, false);
            retry.pause().as_millis()
        })
        .take(6)
        .collect();
        assert_eq!(pauses, [200, 400, 800, 1000, 1000, 1000]);
        retry.broke(SHORT, false);
        assert_eq!((retry.pause(), retry.page()), (PAUSES[0], MAX_PAGE));
    }

    #[test]
    fn what_is_too_much_at_once_is_requested_in_parts() {
        let mut retry = Retry::default();
        retry.broke(SHORT, true);
        assert_eq!(retry.page(), 250);
        (0..20).for_each(|_| retry.broke(SHORT, true));
        assert_eq!(retry.page(), 1);
        retry.caught_up();
        assert_eq!(retry.page(), MAX_PAGE);
    }
}
