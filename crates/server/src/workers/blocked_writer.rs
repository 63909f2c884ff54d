//! One thread that continues writing to connections whose sockets were full. It must not read, and must not know
//! what it writes.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, OnceLock};
use std::thread;

use parlor_core::{ConnectionId, Hub};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};

/// Stack of the thread, in bytes.
const STACK_BYTES: usize = 256 * 1024;

/// Maximum number of connections that one epoll call returns.
const EVENTS: usize = 256;

/// Watches full sockets until they are writable.
#[derive(Debug)]
pub(crate) struct BlockedWriter {
    epoll: OwnedFd,
    hub: OnceLock<Arc<Hub>>,
}

impl BlockedWriter {
    /// Creates a writer that watches nothing. It writes nothing before [`BlockedWriter::start`].
    ///
    /// # Errors
    /// The system gives no epoll instance.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)?, hub: OnceLock::new() })
    }

    /// Starts the thread, which writes to the connections of `hub`.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(self: &Arc<Self>, hub: Arc<Hub>) -> io::Result<()> {
        self.hub.get_or_init(|| hub);
        let blocked_writer = self.clone();
        let builder = thread::Builder::new().name("blocked-writer".to_owned()).stack_size(STACK_BYTES);
        builder.spawn(move || blocked_writer.serve()).map(drop)
    }

    /// Writes to the connection once, as soon as its socket is writable. The caller has blocked its outbox. The kernel
    /// stops watching a descriptor when it is closed.
    pub(crate) fn watch(&self, socket: impl AsFd, connection: ConnectionId) -> io::Result<()> {
        let (data, flags) = (EventData::new_u64(connection.0), EventFlags::OUT | EventFlags::ONESHOT);
        match epoll::modify(&self.epoll, &socket, data, flags) {
            Err(rustix::io::Errno::NOENT) => Ok(epoll::add(&self.epoll, &socket, data, flags)?),
            other => Ok(other?),
        }
    }

    fn serve(&self) {
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    tracing::error!("slow connections can not be watched any more: {error}");
                    return;
                }
            }
            for event in events.drain(..) {
                self.go_on(ConnectionId(event.data.u64()));
            }
        }
    }

    fn go_on(&self, connection: ConnectionId) {
        let peer = self.hub.get().and_then(|hub| hub.peer(connection));
        if let Some(peer) = peer {
            peer.outbox().take_back();
            peer.transport().flush(peer.outbox());
        }
    }
}
