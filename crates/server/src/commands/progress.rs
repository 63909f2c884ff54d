//! Tells on standard error how far long work has come, now and then. It must not slow the work down.

use std::io::{self, Write};
use std::time::{Duration, Instant};

/// Time between two lines.
const INTERVAL: Duration = Duration::from_secs(2);

/// How far something has come.
pub(super) struct Progress {
    what: &'static str,
    told: Instant,
}

impl Progress {
    /// Work that counts `what`.
    pub(super) fn of(what: &'static str) -> Self {
        Self { what, told: Instant::now() }
    }

    /// Tells the count if the last line is some time ago.
    pub(super) fn tell(&mut self, count: u64) {
        // A look at the clock for each record would cost more than the record.
        if count.is_multiple_of(1024) && self.told.elapsed() >= INTERVAL {
            self.told = Instant::now();
            // The work goes on also where nobody reads this.
            let _ = writeln!(io::stderr(), "{count} {} so far", self.what);
        }
    }
}
