//! Shows the progress on a terminal. Prints nothing if standard error is not a terminal. It must not slow down the
//! measurement: it is called between measurements, or a few times per second.

use std::cell::Cell;
use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Shows one line that is overwritten.
#[derive(Debug)]
pub(crate) struct Progress {
    is_shown: bool,
    what: String,
    last: Cell<Option<Instant>>,
}

impl Progress {
    /// Progress of the named work.
    pub(crate) fn of(what: String) -> Self {
        Self { is_shown: stderr().is_terminal(), what, last: Cell::new(None) }
    }

    /// Shows the progress, unless it was shown less than 200 ms ago.
    pub(crate) fn tell(&self, done: usize, of: usize, unit: &str) {
        const MOMENT: Duration = Duration::from_millis(200);
        if !self.is_shown || self.last.get().is_some_and(|last| last.elapsed() < MOMENT) {
            return;
        }
        self.last.set(Some(Instant::now()));
        const WIDTH: usize = 20;
        let full = (WIDTH * done / of.max(1)).min(WIDTH);
        let (bar, rest) = ("=".repeat(full), " ".repeat(WIDTH - full));
        // A closed terminal is no reason to stop.
        let _ = write!(stderr(), "\r\x1b[K{} [{bar}{rest}] {done}/{of} {unit}", self.what);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.is_shown {
            // As above.
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
