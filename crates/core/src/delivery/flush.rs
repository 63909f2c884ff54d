//! Work that is left after pushes: peers to flush, passes over a topic, threads to wake. It must not decide who
//! receives an event.

use std::fmt;
use std::sync::Arc;

use crate::delivery::outbox::Pushed;
use crate::delivery::peer::Peer;

/// A topic, as a flushing thread sees it.
pub(crate) trait FlushSource: Send + Sync {
    /// Flushes the waiting peers. Only for the holder of the token.
    fn flush_waiting(&self);

    /// Whether more peers wait after a pass. If not, then the token is free from now on.
    fn keeps_token_busy(&self) -> bool;

    /// Releases the token although peers may wait.
    fn release_token(&self);

    /// Makes a flush worker run `flush`.
    fn submit(&self, flush: Flush);
}

/// The flush token of a topic. Its holder flushes the waiting peers of the topic.
pub struct FlushToken {
    source: Arc<dyn FlushSource>,
    holds_token: bool,
}

impl fmt::Debug for FlushToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("FlushToken")
    }
}

impl FlushToken {
    /// For the thread that has just taken the token.
    pub(crate) fn new(source: Arc<dyn FlushSource>) -> Self {
        Self { source, holds_token: true }
    }

    fn run(mut self) {
        self.source.flush_waiting();
        self.holds_token = self.source.keeps_token_busy();
        if self.holds_token {
            self.submit();
        }
    }

    fn submit(self) {
        let source = self.source.clone();
        source.submit(Flush { passes: vec![self], ..Flush::default() });
    }
}

impl Drop for FlushToken {
    /// Releases the token if a flush panicked, or if nobody ran the pass. The next thread that pushes takes the token
    /// and finds the peers that still wait.
    fn drop(&mut self) {
        if self.holds_token {
            self.source.release_token();
        }
    }
}

/// Peers that were scheduled. The caller must flush them, on a thread that may write to sockets, with no lock held.
#[must_use = "scheduled peers receive nothing more until this flush runs"]
#[derive(Debug, Default)]
pub struct Flush {
    passes: Vec<FlushToken>,
    peers: Vec<Arc<Peer>>,
    interrupts: Vec<Arc<Peer>>,
}

impl Flush {
    /// The work after pushes to all recipients of a topic.
    pub(crate) fn after_pushes(pass: Option<FlushToken>, interrupts: Vec<Arc<Peer>>) -> Self {
        Self { passes: pass.into_iter().collect(), peers: Vec::new(), interrupts }
    }

    /// A flush of peers that were scheduled.
    pub(crate) fn of_peers(peers: Vec<Arc<Peer>>) -> Self {
        Self { peers, ..Self::default() }
    }

    /// The work after a push to one peer.
    pub(crate) fn after_push(peer: &Arc<Peer>, pushed: Pushed) -> Self {
        let mut flush = Self::default();
        if pushed.must_flush {
            flush.peers.push(peer.clone());
        }
        if pushed.must_interrupt {
            flush.interrupts.push(peer.clone());
        }
        flush
    }

    /// Adds the work of `other`.
    pub fn merge(&mut self, other: Self) {
        self.passes.extend(other.passes);
        self.peers.extend(other.peers);
        self.interrupts.extend(other.interrupts);
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.passes.is_empty() && self.peers.is_empty() && self.interrupts.is_empty()
    }

    /// Lets flush workers run the passes, and runs the rest itself. For a thread that has more to push: later pushes
    /// are flushed together.
    pub fn submit(mut self) {
        for pass in std::mem::take(&mut self.passes) {
            pass.submit();
        }
        self.run();
    }

    /// Runs the work. Writes to sockets, never blocks.
    pub fn run(self) {
        for pass in self.passes {
            pass.run();
        }
        for peer in self.peers {
            peer.flush_scheduled();
        }
        for peer in self.interrupts {
            peer.transport().interrupt();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::delivery::outbox::Outbox;
    use crate::delivery::peer::ConnectionId;
    use crate::ports::Transport;

    /// What was done, in order.
    #[derive(Clone, Default)]
    struct Diary(Arc<Mutex<Vec<String>>>);

    impl Diary {
        fn write(&self, what: impl Into<String>) {
            self.0.lock().unwrap().push(what.into());
        }

        fn read(&self) -> Vec<String> {
            std::mem::take(&mut *self.0.lock().unwrap())
        }
    }

    /// A topic that only notes what is asked of it.
    #[derive(Default)]
    struct Source {
        diary: Diary,
        is_busy: AtomicBool,
        is_broken: AtomicBool,
        submitted: Mutex<Vec<Flush>>,
    }

    impl FlushSource for Source {
        fn flush_waiting(&self) {
            self.diary.write("pass");
            assert!(!self.is_broken.load(Ordering::SeqCst), "a bug in the pass");
        }

        fn keeps_token_busy(&self) -> bool {
            self.diary.write("settle");
            self.is_busy.load(Ordering::SeqCst)
        }

        fn release_token(&self) {
            self.diary.write("release");
        }

        fn submit(&self, flush: Flush) {
            self.diary.write("submit");
            self.submitted.lock().unwrap().push(flush);
        }
    }

    impl Source {
        fn pass(self: &Arc<Self>) -> Flush {
            Flush::after_pushes(Some(FlushToken::new(self.clone())), Vec::new())
        }

        fn submitted(&self) -> Flush {
            self.submitted.lock().unwrap().pop().unwrap()
        }
    }

    /// A connection that only notes what is asked of it.
    struct Noted(u64, Diary);

    impl Transport for Noted {
        fn flush(&self, _outbox: &Outbox) {
            self.1.write(format!("write {}", self.0));
        }

        fn interrupt(&self) {
            self.1.write(format!("wake {}", self.0));
        }

        fn pause(&self, _time: Duration) {}
    }

    fn peer(number: u64, diary: &Diary) -> Arc<Peer> {
        Arc::new(Peer::new(ConnectionId(number), 1000, Arc::new(Noted(number, diary.clone()))))
    }

    #[test]
    fn the_token_is_free_after_a_pass_unless_others_wait_and_then_a_worker_goes_on() {
        let source = Arc::new(Source::default());
        source.pass().run();
        assert_eq!(source.diary.read(), ["pass", "settle"]);
        source.is_busy.store(true, Ordering::SeqCst);
        source.pass().run();
        assert_eq!(source.diary.read(), ["pass", "settle", "submit"]);
        source.submitted().run();
        assert_eq!(source.diary.read(), ["pass", "settle", "submit"]);
        source.is_busy.store(false, Ordering::SeqCst);
        source.submitted().run();
        assert_eq!(source.diary.read(), ["pass", "settle"]);
    }

    #[test]
    fn a_token_that_nobody_uses_or_that_is_lost_in_a_panic_is_released() {
        let source = Arc::new(Source::default());
        drop(source.pass());
        assert_eq!(source.diary.read(), ["release"]);
        source.is_busy.store(true, Ordering::SeqCst);
        source.pass().run();
        drop(source.submitted());
        assert_eq!(source.diary.read(), ["pass", "settle", "submit", "release"]);
        source.is_broken.store(true, Ordering::SeqCst);
        let flush = source.pass();
        assert!(catch_unwind(AssertUnwindSafe(|| flush.run())).is_err());
        assert_eq!(source.diary.read(), ["pass", "release"]);
    }

    #[test]
    fn all_merged_work_is_done_and_frames_are_written_before_a_thread_is_woken() {
        let source = Arc::new(Source::default());
        let (ann, bob) = (peer(1, &source.diary), peer(2, &source.diary));
        let mut flush = Flush::after_push(&ann, Pushed { must_flush: true, must_interrupt: true });
        flush.merge(Flush::after_push(&bob, Pushed { must_flush: false, must_interrupt: true }));
        flush.merge(source.pass());
        flush.merge(Flush::of_peers(vec![bob]));
        flush.run();
        assert_eq!(source.diary.read(), ["pass", "settle", "write 1", "write 2", "wake 1", "wake 2"]);
    }

    #[test]
    fn whoever_has_more_to_push_leaves_the_passes_to_workers_and_does_the_rest() {
        let source = Arc::new(Source::default());
        let (ann, bob) = (peer(1, &source.diary), peer(2, &source.diary));
        let mut flush = Flush::of_peers(vec![ann]);
        flush.merge(Flush::after_pushes(Some(FlushToken::new(source.clone())), vec![bob]));
        flush.submit();
        assert_eq!(source.diary.read(), ["submit", "write 1", "wake 2"]);
        source.submitted().run();
        assert_eq!(source.diary.read(), ["pass", "settle"]);
    }

    #[test]
    fn a_flush_is_empty_if_nobody_is_to_be_written_to_or_woken() {
        let source = Arc::new(Source::default());
        let ann = peer(1, &source.diary);
        assert!(Flush::after_push(&ann, Pushed::default()).is_empty());
        assert!(!Flush::of_peers(vec![ann.clone()]).is_empty());
        assert!(!Flush::after_pushes(None, vec![ann]).is_empty());
        assert!(!source.pass().is_empty());
    }
}
