//! Counters of what happens in this process. It must not log, and must not block.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};

use parlor_core::ports::{LogKind, Observer, StoreError};
use parlor_core::{ConnectionId, Origin};
use parlor_proto::{Bye, HookId, RefusalCode, RoomName, UserName};

/// How the handshake of a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Handshake {
    /// It was completed.
    Done,
    /// It failed or took too long.
    Failed,
    /// The client does not speak TLS.
    Plaintext,
    /// The client closed before it said anything.
    Gone,
}

/// Counters since the start. They only grow.
#[derive(Debug)]
pub(crate) struct Counters {
    logins: AtomicU64,
    failed_logins: AtomicU64,
    store_failures: AtomicU64,
    accepted: [AtomicU64; 3],
    refused: Vec<AtomicU64>,
    ended: Vec<AtomicU64>,
    handshakes: [AtomicU64; 4],
    posted: AtomicU64,
    failed_posts: AtomicU64,
    missed_posts: AtomicU64,
}

/// A counter by its label.
pub(super) type Labelled = Vec<(&'static str, u64)>;

impl Default for Counters {
    fn default() -> Self {
        // One more each, for what has no code.
        let some = |count: usize| (0..=count).map(|_| AtomicU64::new(0)).collect();
        Self {
            logins: AtomicU64::new(0),
            failed_logins: AtomicU64::new(0),
            store_failures: AtomicU64::new(0),
            accepted: Default::default(),
            refused: some(RefusalCode::ALL.len()),
            ended: some(Bye::ALL.len()),
            handshakes: Default::default(),
            posted: AtomicU64::new(0),
            failed_posts: AtomicU64::new(0),
            missed_posts: AtomicU64::new(0),
        }
    }
}

impl Counters {
    /// Counts a handshake.
    pub(crate) fn shook(&self, handshake: Handshake) {
        add(&self.handshakes[handshake as usize]);
    }

    pub(super) fn logins(&self) -> Labelled {
        vec![("ok", read(&self.logins)), ("failed", read(&self.failed_logins))]
    }

    pub(super) fn outhook_posts(&self) -> Labelled {
        vec![("ok", read(&self.posted)), ("failed", read(&self.failed_posts))]
    }

    pub(super) fn outhook_missed(&self) -> u64 {
        read(&self.missed_posts)
    }

    pub(super) fn store_failures(&self) -> u64 {
        read(&self.store_failures)
    }

    pub(super) fn accepted_by_log(&self) -> Labelled {
        [LogKind::Room, LogKind::Feed, LogKind::Inbox]
            .map(|kind| (kind.word(), read(&self.accepted[kind as usize])))
            .into()
    }

    pub(super) fn refused_by_code(&self) -> Labelled {
        let codes = RefusalCode::ALL.iter().map(|(code, _)| code.as_str());
        codes.zip(self.refused.iter().map(read)).collect()
    }

    /// By the code of the goodbye, and `gone` for those without one.
    pub(super) fn ended(&self) -> Labelled {
        let codes = Bye::ALL.iter().map(|bye| bye.as_str()).chain(["gone"]);
        codes.zip(self.ended.iter().map(read)).collect()
    }

    pub(super) fn handshakes(&self) -> Labelled {
        let words = ["ok", "failed", "plaintext", "gone"];
        words.into_iter().zip(self.handshakes.iter().map(read)).collect()
    }
}

impl Observer for Counters {
    fn store_failed(&self, _what: &'static str, _error: &StoreError) {
        add(&self.store_failures);
    }

    fn session_began(&self, _connection: ConnectionId, _user: &UserName, _origin: &Origin) {
        add(&self.logins);
    }

    fn session_ended(&self, _connection: ConnectionId, _user: &UserName, why: Option<Bye>) {
        let known = why.and_then(|why| Bye::ALL.iter().position(|bye| *bye == why));
        add(&self.ended[known.unwrap_or(Bye::ALL.len())]);
    }

    fn accepted(&self, kind: LogKind) {
        add(&self.accepted[kind as usize]);
    }

    fn refused(&self, code: RefusalCode) {
        let known = RefusalCode::ALL.iter().position(|(known, _)| *known == code);
        add(&self.refused[known.unwrap_or(RefusalCode::ALL.len())]);
    }

    fn outhook_posted(&self, _room: &RoomName, _id: HookId, missed: u64) {
        add(&self.posted);
        self.missed_posts.fetch_add(missed, Ordering::Relaxed);
    }

    fn outhook_failed(&self, _room: &RoomName, _id: HookId, _why: &dyn Display) {
        add(&self.failed_posts);
    }

    fn login_failed(&self, _connection: ConnectionId, _user: &UserName, _origin: &Origin) {
        add(&self.failed_logins);
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_is_counted_under_its_own_label() {
        let counters = Counters::default();
        let user = "ann".parse().unwrap();
        counters.accepted(LogKind::Inbox);
        counters.refused(RefusalCode::Muted);
        counters.shook(Handshake::Plaintext);
        for why in [None, Some(Bye::SlowConsumer), Some(Bye::LoggedOut), Some(Bye::Unknown)] {
            counters.session_ended(ConnectionId(1), &user, why);
        }
        let counted = |labelled: Labelled| -> Vec<_> { labelled.into_iter().filter(|(_, count)| *count > 0).collect() };
        assert_eq!(counted(counters.accepted_by_log()), [("inbox", 1)]);
        assert_eq!(counted(counters.refused_by_code()), [("muted", 1)]);
        assert_eq!(counted(counters.handshakes()), [("plaintext", 1)]);
        assert_eq!(counted(counters.ended()), [("slow-consumer", 1), ("logged-out", 1), ("gone", 2)]);
    }
}
