//! Tells on a terminal how far it has come; says nothing where standard error is none. It must not slow what is
//! measured: it is called between measurements, or a few times a second.

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
    /// Of something that is named.
    pub(crate) fn of(what: String) -> Self {
        Self { is_shown: stderr().is_terminal(), what, last: Cell::new(None) }
    }

    /// How far it is, unless that was told a moment ago.
    pub(crate) fn tell(&self, done: usize, of: usize, unit: &str) {
        const MOMENT: Duration = Duration::from_millis(200);
        if !self.is_shown || self.last.get().is_some_and(|last| last.elapsed() < MOMENT) {
            return;
        }
        self.last.set(Some(Instant::now()));
        const WIDTH: usize = 20;
        let full = (WIDTH * done / of.max(1)).min(WIDTH);
        let (bar, rest) = ("=".repeat(full), " ".repeat(WIDTH - full));
        // A terminal that is gone is no reason to stop.
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
