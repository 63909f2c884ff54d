//! One connection, as the rest of the rules see it: an outbox with a transport behind it. It must not know what the
//! client is allowed to do.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parlor_proto::{Bye, Encoded, Event};

use crate::delivery::flush::Flush;
use crate::delivery::outbox::Outbox;
use crate::ports::Transport;

/// Number of a connection of this server, never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

/// Where a connection comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its address, without the port.
    pub address: String,
    /// The unit that limits count as one address: for IPv6 a whole network.
    pub network: String,
    /// Whether it comes from this machine.
    pub is_loopback: bool,
}

/// A connection that events can be sent to.
pub struct Peer {
    connection: ConnectionId,
    outbox: Outbox,
    transport: Arc<dyn Transport>,
}

impl fmt::Debug for Peer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Peer({})", self.connection)
    }
}

impl Peer {
    /// A connection whose outbox takes `max_queued_bytes` of events.
    pub fn new(connection: ConnectionId, max_queued_bytes: usize, transport: Arc<dyn Transport>) -> Self {
        Self { connection, outbox: Outbox::new(max_queued_bytes), transport }
    }

    /// Its number.
    pub fn connection(&self) -> ConnectionId {
        self.connection
    }

    /// The frames that wait to be written to it.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// The transport behind the outbox.
    pub fn transport(&self) -> &dyn Transport {
        &*self.transport
    }

    /// Sends an event. For any thread.
    pub(crate) fn send(self: &Arc<Self>, event: &Encoded<'_>) -> Flush {
        Flush::after_push(self, self.outbox.push(event))
    }

    /// Sends a frame that is encoded already. For any thread.
    pub(crate) fn send_frame(self: &Arc<Self>, frame: Arc<[u8]>) -> Flush {
        Flush::after_push(self, self.outbox.push_frame(frame))
    }

    /// Queues the goodbye and wakes the connection's thread. For any thread.
    pub fn close(self: &Arc<Self>, bye: Bye) -> Flush {
        Flush::after_push(self, self.outbox.close(bye))
    }

    /// Queues the goodbye and flushes. Only for the connection's own thread: it is not woken, so it still sees how the
    /// client ends the connection.
    pub(crate) fn close_from_own_thread(&self, bye: Bye) {
        if self.outbox.close(bye).must_flush {
            self.flush_scheduled();
        }
    }

    /// Queues a reply. The caller must call [`Peer::flush`] afterwards. Only for the connection's own thread.
    pub(crate) fn reply(&self, event: &Event) {
        self.outbox.reply(&Encoded::new(event));
    }

    /// Writes the waiting frames, unless another thread is about to do so.
    pub fn flush(&self) {
        if !self.outbox.is_empty() && self.outbox.acquire() {
            self.flush_scheduled();
        }
    }

    /// Writes the waiting frames. Only for the thread that scheduled the outbox. A panic ends this connection only, not
    /// the flushing thread and not the peers that wait for that thread.
    pub(crate) fn flush_scheduled(&self) {
        if catch_unwind(AssertUnwindSafe(|| self.transport.flush(&self.outbox))).is_err() {
            self.outbox.kill();
            self.transport.interrupt();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;

    #[derive(Default)]
    struct Bomb(Arc<AtomicBool>);

    impl Transport for Bomb {
        fn flush(&self, _outbox: &Outbox) {
            panic!("a bug in the writer");
        }

        fn interrupt(&self) {
            self.0.store(true, Ordering::SeqCst);
        }

        fn pause(&self, _time: Duration) {}
    }

    #[test]
    fn a_panic_while_writing_ends_that_connection_only() {
        let interrupted = Arc::new(AtomicBool::new(false));
        let peer = Arc::new(Peer::new(ConnectionId(1), 1000, Arc::new(Bomb(interrupted.clone()))));
        peer.send(&Encoded::new(&Event::Pong { token: None })).run();
        assert!(peer.outbox().is_dead() && interrupted.load(Ordering::SeqCst));
        assert!(peer.close(Bye::Quit).is_empty());
    }

    /// Writes to nowhere, and counts.
    #[derive(Default)]
    struct Counter {
        flushes: AtomicUsize,
        interrupts: AtomicUsize,
    }

    impl Transport for Counter {
        fn flush(&self, outbox: &Outbox) {
            self.flushes.fetch_add(1, Ordering::SeqCst);
            outbox.take(usize::MAX, &mut Vec::new());
            outbox.release_if_empty();
        }

        fn interrupt(&self) {
            self.interrupts.fetch_add(1, Ordering::SeqCst);
        }

        fn pause(&self, _time: Duration) {}
    }

    impl Counter {
        fn peer(self: &Arc<Self>) -> Arc<Peer> {
            Arc::new(Peer::new(ConnectionId(1), 1000, self.clone()))
        }

        fn counts(&self) -> (usize, usize) {
            (self.flushes.load(Ordering::SeqCst), self.interrupts.load(Ordering::SeqCst))
        }
    }

    const PONG: Event = Event::Pong { token: None };

    #[test]
    fn the_own_thread_writes_only_what_is_there_and_what_nobody_else_is_about_to_write() {
        let counter = Arc::new(Counter::default());
        let peer = counter.peer();
        peer.flush();
        assert_eq!(counter.counts(), (0, 0));
        peer.reply(&PONG);
        peer.flush();
        assert_eq!(counter.counts(), (1, 0));
        let others = peer.send(&Encoded::new(&PONG));
        peer.reply(&PONG);
        peer.flush();
        assert_eq!(counter.counts(), (1, 0));
        others.run();
        assert_eq!((counter.counts(), peer.outbox().is_empty()), ((2, 0), true));
    }

    #[test]
    fn only_a_goodbye_of_others_wakes_the_thread_of_the_client() {
        let counter = Arc::new(Counter::default());
        counter.peer().close_from_own_thread(Bye::Quit);
        assert_eq!(counter.counts(), (1, 0));
        counter.peer().close(Bye::Kicked).run();
        assert_eq!(counter.counts(), (2, 1));
        // What somebody else is about to write is written with the goodbye.
        let peer = counter.peer();
        let others = peer.send(&Encoded::new(&PONG));
        peer.close_from_own_thread(Bye::Quit);
        assert_eq!(counter.counts(), (2, 1));
        others.run();
        assert_eq!((counter.counts(), peer.outbox().is_empty()), ((3, 1), true));
    }
}
