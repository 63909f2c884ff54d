//! What is said on standard error, by a thread of its own, so that a reader that hangs keeps nobody from the
//! connection. It must not decide what is said, and never waits for longer than it is told.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use crate::lock;

/// What may wait to be read. More is counted only.
const WAITING_MAX: usize = 64 << 10;
/// How long the end of the program waits for those who read its errors.
pub(super) const LAST_WORDS: Duration = Duration::from_secs(1);

/// The way to standard error. Clones say things on the same one.
#[derive(Clone)]
pub(super) struct Complaints(Arc<Shared>);

#[derive(Default)]
struct Shared {
    /// No lock is taken inside this one, nor is anything written.
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<String>,
    bytes: usize,
    /// Lines that found no place.
    dropped: u64,
    /// Whether the thread is writing one.
    is_writing: bool,
}

impl Complaints {
    /// Says everything on `errors`.
    ///
    /// # Errors
    /// If no thread can be started.
    pub(super) fn start(errors: impl Write + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let complaints = Self(shared.clone());
        thread::Builder::new().name("complaints".to_owned()).spawn(move || shared.write_all(errors))?;
        Ok(complaints)
    }

    /// Says one line. Never blocks; where too much waits to be read, it is only counted.
    pub(super) fn say(&self, line: &str) {
        let mut waiting = lock(&self.0.waiting);
        if waiting.bytes + line.len() > WAITING_MAX {
            waiting.dropped += 1;
        } else {
            waiting.bytes += line.len();
            waiting.lines.push_back(line.to_owned());
        }
        self.0.changed.notify_all();
    }

    /// Waits until everything is written, but not for longer than that.
    pub(super) fn finish(&self, patience: Duration) {
        let waiting = lock(&self.0.waiting);
        // Who reads too slowly does without; the exit code still tells.
        drop(self.0.changed.wait_timeout_while(waiting, patience, |waiting| !waiting.is_empty()));
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.dropped == 0 && !self.is_writing
    }

    fn next(&mut self) -> Option<String> {
        if let Some(line) = self.lines.pop_front() {
            self.bytes -= line.len();
            return Some(line);
        }
        let dropped = std::mem::take(&mut self.dropped);
        (dropped > 0).then(|| format!("parlor: standard error was not read; lines that are missing here: {dropped}"))
    }
}

impl Shared {
    fn write_all(&self, mut errors: impl Write) {
        loop {
            let line = self.next();
            // Where standard error is gone, nobody is left to be told; the exit code still tells.
            drop(writeln!(errors, "{line}").and_then(|()| errors.flush()));
            lock(&self.waiting).is_writing = false;
            self.changed.notify_all();
        }
    }

    /// Waits for the next line. The thread ends with the program.
    fn next(&self) -> String {
        let mut waiting = lock(&self.waiting);
        loop {
            if let Some(line) = waiting.next() {
                waiting.is_writing = true;
                return line;
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    /// Somebody who reads one line each time they are asked to.
    struct Slow {
        turns: Receiver<()>,
        read: Sender<String>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.turns.recv().map_err(io::Error::other)?;
            self.read.send(String::from_utf8_lossy(bytes).into_owned()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn who_reads_no_errors_stops_nobody_and_is_told_how_many_are_missing() {
        let ((turn, turns), (read, lines)) = (channel(), channel());
        let complaints = Complaints::start(Slow { turns, read }).unwrap();
        let line = "x".repeat(WAITING_MAX / 4);
        (0..10).for_each(|_| complaints.say(&line));
        complaints.finish(Duration::ZERO);
        (0..100).for_each(|_| turn.send(()).unwrap());
        complaints.finish(Duration::from_secs(20));
        let said: String = lines.try_iter().collect();
        let (whole, told) = (said.matches(&line).count(), said.lines().last().unwrap());
        assert!((4..=5).contains(&whole), "{whole}");
        let missing = format!("parlor: standard error was not read; lines that are missing here: {}", 10 - whole);
        assert_eq!(told, missing);
    }

    #[test]
    fn errors_that_cannot_be_written_stop_nobody() {
        let ((turn, turns), (read, _)) = (channel::<()>(), channel());
        drop(turn);
        let complaints = Complaints::start(Slow { turns, read }).unwrap();
        complaints.say("nobody hears this");
        complaints.finish(Duration::from_secs(20));
        assert!(lock(&complaints.0.waiting).is_empty());
    }

    #[test]
    fn what_was_read_makes_room_for_more() {
        let ((turn, turns), (read, lines)) = (channel(), channel());
        let complaints = Complaints::start(Slow { turns, read }).unwrap();
        (0..20).for_each(|_| turn.send(()).unwrap());
        let line = "x".repeat(WAITING_MAX - 1);
        for _ in 0..5 {
            complaints.say(&line);
            complaints.finish(Duration::from_secs(20));
        }
        complaints.say("last");
        complaints.finish(Duration::from_secs(20));
        let said: String = lines.try_iter().collect();
        assert_eq!((said.matches(&line).count(), said.lines().last()), (5, Some("last")));
    }
}
