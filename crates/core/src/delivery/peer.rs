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
    use std::sync::atomic::{AtomicBool, Ordering};
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
}
