//! What is left to do after pushes: peers to flush, passes over a topic, threads to wake. It must not decide who hears
//! what.

use std::fmt;
use std::sync::Arc;

use crate::delivery::outbox::Pushed;
use crate::delivery::peer::Peer;

/// A topic, as those see it who flush.
pub(crate) trait FlushSource: Send + Sync {
    /// Flushes the peers that wait; only for the holder of the token.
    fn flush_waiting(&self);

    /// Whether more peers wait after a pass. If not, the token is free from here on.
    fn keeps_token_busy(&self) -> bool;

    /// Gives the token back although peers may wait.
    fn release_token(&self);

    /// Has a flush worker run `flush`.
    fn submit(&self, flush: Flush);
}

/// The flush token of a topic: its holder flushes the peers that wait there.
pub struct FlushToken {
    source: Arc<dyn FlushSource>,
    holds_token: bool,
}

impl fmt::Debug for FlushToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Pass")
    }
}

impl FlushToken {
    /// For whoever has just taken the token.
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
    /// Gives the token back when a flush panicked, or nobody ran the pass. Whoever pushes next takes it, and
    /// finds those who still wait.
    fn drop(&mut self) {
        if self.holds_token {
            self.source.release_token();
        }
    }
}

/// Peers that were scheduled and must now be flushed: an obligation. To be run on a thread that may write to
/// sockets, with no lock held.
#[must_use = "peers that were scheduled and are not flushed hear nothing any more"]
#[derive(Debug, Default)]
pub struct Flush {
    passes: Vec<FlushToken>,
    peers: Vec<Arc<Peer>>,
    interrupts: Vec<Arc<Peer>>,
}

impl Flush {
    /// What is to be done after pushes to all recipients of a topic.
    pub(crate) fn after_pushes(pass: Option<FlushToken>, interrupts: Vec<Arc<Peer>>) -> Self {
        Self { passes: pass.into_iter().collect(), peers: Vec::new(), interrupts }
    }

    /// Peers that were scheduled.
    pub(crate) fn of_peers(peers: Vec<Arc<Peer>>) -> Self {
        Self { peers, ..Self::default() }
    }

    /// What is to be done after a push to one peer.
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

    /// Takes over what `other` has to do.
    pub fn merge(&mut self, other: Self) {
        self.passes.extend(other.passes);
        self.peers.extend(other.peers);
        self.interrupts.extend(other.interrupts);
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.passes.is_empty() && self.peers.is_empty() && self.interrupts.is_empty()
    }

    /// Has the passes done by flush workers, and does the rest itself. For a thread that has more to push: what comes
    /// meanwhile is flushed together.
    pub fn submit(mut self) {
        for pass in std::mem::take(&mut self.passes) {
            pass.submit();
        }
        self.run();
    }

    /// Does it. Writes to sockets, never blocks.
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
