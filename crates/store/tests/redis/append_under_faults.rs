//! A client that sends messages during a fault, and the checks afterwards. It must not know the fault.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use parlor_core::ports::{Entry, LogId, SessionKey};
use parlor_redis_testkit::{wait_for, wait_until};

use crate::harness::{Server, stored};

/// Interval between two messages.
const PACE: Duration = Duration::from_millis(3);

/// Number of messages that must be accepted afterwards, and the time limit for them.
const ENOUGH: usize = 5;
const PATIENCE: Duration = Duration::from_secs(60);

/// The messages of a client, in their order.
#[derive(Debug, Default)]
pub(crate) struct Speech {
    /// Accepted messages, with their numbers.
    accepted: Vec<(u64, String)>,
    /// Messages that may or may not have been stored.
    unknown: Vec<String>,
}

impl Speech {
    /// The number of messages that were answered with an error.
    pub(crate) fn unknown(&self) -> usize {
        self.unknown.len()
    }

    /// Sends one more message. Returns whether it is accepted.
    fn say(&mut self, server: &Server, session_key: &SessionKey, log: &LogId) -> bool {
        let text = format!("{} {}", session_key.user, self.accepted.len() + self.unknown.len());
        match stored(server.try_say(session_key, log, &text)) {
            Ok(id) => self.accepted.push((id, text)),
            Err(_) => {
                self.unknown.push(text);
                return false;
            }
        }
        true
    }

    /// Checks that later accepted messages have larger numbers, that no accepted message is missing or stored twice,
    /// and that every server received the log as it can be read: gapless, and each entry once.
    pub(crate) fn check(&self, log: &LogId, servers: &[&Server]) {
        let kept = self.check_kept(log, servers[0]);
        let ids: Vec<u64> = kept.iter().map(|entry| entry.id.0).collect();
        assert!(ids.iter().zip(1..).all(|(id, expected)| *id == expected), "{ids:?}");
        for server in servers {
            wait_until("all entries", || server.sink.entries(log).len() >= kept.len());
            assert_eq!(server.sink.entries(log), kept);
        }
    }

    /// The same check after a failover, which may lose messages that were delivered but not accepted: then their
    /// numbers are missing.
    pub(crate) fn check_after_failover(&self, log: &LogId, servers: &[&Server]) {
        let kept = self.check_kept(log, servers[0]);
        for server in servers {
            let hears = |entry| server.sink.entries(log).contains(entry);
            wait_until("all entries", || kept.iter().all(hears));
            let ids = server.sink.ids(log);
            assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
            assert!(server.sink.restarts(log) == 0, "the log restarted");
        }
    }

    fn check_kept(&self, log: &LogId, server: &Server) -> Vec<Entry> {
        let kept = wait_for("the log", || server.newest(log, 100_000).ok());
        assert!(self.accepted.is_sorted_by(|a, b| a.0 < b.0), "{:?}", self.accepted);
        for (number, text) in &self.accepted {
            let found: Vec<u64> = numbers(&kept, text);
            assert_eq!(found, [*number], "{text} was accepted");
        }
        for text in &self.unknown {
            assert!(numbers(&kept, text).len() <= 1, "{text} is stored twice");
        }
        kept
    }
}

fn numbers(entries: &[Entry], text: &str) -> Vec<u64> {
    entries.iter().filter(|entry| entry.said().as_str() == text).map(|entry| entry.id.0).collect()
}

/// Signals the end when it is dropped, also by a panic. Otherwise the threads of a failed test would never end.
pub(crate) struct End<'a>(pub(crate) &'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Sends messages while `act` runs, and after that until a message is accepted again.
pub(crate) fn speak_while(server: &Server, session_key: &SessionKey, log: &LogId, act: impl FnOnce()) -> Speech {
    let (has_begun, is_over) = (AtomicBool::new(false), AtomicBool::new(false));
    thread::scope(|scope| {
        let speaker = scope.spawn(|| {
            let mut speech = Speech::default();
            let (mut over_at, mut after) = (None, 0);
            while after < ENOUGH {
                if is_over.load(Ordering::SeqCst) {
                    let over_at: Instant = *over_at.get_or_insert_with(Instant::now);
                    assert!(over_at.elapsed() < PATIENCE, "no message is accepted");
                }
                if speech.say(server, session_key, log) {
                    has_begun.store(true, Ordering::SeqCst);
                    after += usize::from(over_at.is_some());
                }
                thread::sleep(PACE);
            }
            speech
        });
        wait_until("the first message", || has_begun.load(Ordering::SeqCst) || speaker.is_finished());
        let end = End(&is_over);
        act();
        drop(end);
        speaker.join().unwrap()
    })
}
