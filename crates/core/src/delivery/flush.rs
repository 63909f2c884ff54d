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
