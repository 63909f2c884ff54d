//! A client without a socket: lines in, lines out. It also does the work of the client's thread: an interrupt of that
//! thread ends the client at once, unless the client is frozen.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};

use parlor_core::{ConnectionDriver, ConnectionId, Flow, Hub, Origin, Peer, Services};
use parlor_proto::{Bye, Encoding};

use crate::fakes::{FakeClock, FakeFlushWorkers};
use crate::lock;
use crate::transport::{ClientBuffer, FakeTransport};

/// A connection to the world. Cheap to clone. All clones are the same connection, which ends with the last clone.
#[derive(Clone)]
pub struct Connection(Arc<Link>);

pub(crate) struct Link {
    client: Mutex<Option<ConnectionDriver>>,
    hub: Arc<Hub>,
    peer: Arc<Peer>,
    tap: Arc<ClientBuffer>,
    is_frozen: AtomicBool,
    flush_workers: Arc<FakeFlushWorkers>,
}

impl fmt::Debug for Connection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Connection({})", self.0.peer.connection())
    }
}

impl Connection {
    pub(crate) fn open(
        services: Arc<Services>,
        clock: Arc<FakeClock>,
        flush_workers: Arc<FakeFlushWorkers>,
        number: u64,
        origin: Origin,
    ) -> Self {
        let tap = Arc::new(ClientBuffer::default());
        let max_queued_bytes = services.policy.max_queued_bytes;
        let link = Arc::new_cyclic(|link: &Weak<Link>| {
            let transport = FakeTransport { tap: tap.clone(), clock, link: link.clone() };
            let peer = Arc::new(Peer::new(ConnectionId(number), max_queued_bytes, Arc::new(transport)));
            let hub = services.hub.clone();
            Link { client: Mutex::new(None), hub, peer, tap, is_frozen: AtomicBool::new(false), flush_workers }
        });
        services.hub.connect(link.peer.clone());
        let mut client = ConnectionDriver::new(services, link.peer.clone(), origin);
        client.send_hello(Encoding::default());
        *lock(&link.client) = Some(client);
        Self(link)
    }

    /// Sends one line.
    pub fn send(&self, line: &str) {
        self.send_raw(format!("{line}\n").as_bytes());
    }

    /// Sends bytes, as one read of the socket.
    pub fn send_raw(&self, bytes: &[u8]) {
        self.act(|client| client.receive(bytes));
    }

    /// Sends one line and returns all lines that reached the client since the last read.
    pub fn ask(&self, line: &str) -> Vec<String> {
        self.send(line);
        self.read()
    }

    /// The lines that reached the client since the last read.
    pub fn read(&self) -> Vec<String> {
        let written = std::mem::take(&mut *lock(&self.0.tap.written));
        String::from_utf8(written).expect("the server writes UTF-8").lines().map(str::to_owned).collect()
    }

    /// The client disconnects without a goodbye.
    pub fn disconnect(&self) {
        self.0.end();
    }

    /// The server says goodbye, since the client sent nothing for too long.
    pub fn idle_out(&self) {
        self.act(|client| {
            client.hang_up(Bye::IdleTimeout);
            Flow::End
        });
    }

    /// The time limit for the login ends.
    pub fn time_out(&self) {
        self.act(|client| {
            client.time_out();
            Flow::End
        });
    }

    /// Whether the connection is open.
    pub fn is_open(&self) -> bool {
        lock(&self.0.client).is_some()
    }

    /// Whether a user is logged in.
    pub fn is_logged_in(&self) -> bool {
        lock(&self.0.client).as_ref().is_some_and(ConnectionDriver::is_logged_in)
    }

    /// From now on the client does not read (its socket is full), or reads again.
    pub fn stick(&self, is_stuck: bool) {
        self.0.tap.is_stuck.store(is_stuck, Ordering::SeqCst);
        if !is_stuck {
            self.0.tap.drain(self.0.peer.outbox());
        }
    }

    /// From now on the client's thread ignores interrupts, as if it hung.
    pub fn freeze(&self) {
        self.0.is_frozen.store(true, Ordering::SeqCst);
    }

    fn act(&self, act: impl FnOnce(&mut ConnectionDriver) -> Flow) {
        let mut slot = lock(&self.0.client);
        let flow = slot.as_mut().map(act);
        drop(slot);
        match flow {
            Some(Flow::End) => self.0.end(),
            // An interrupt during `act` found the slot locked.
            _ => self.0.notice(),
        }
        self.0.flush_workers.run_errands();
    }
}

impl Link {
    /// The client's thread checks whether it must end.
    pub(crate) fn notice(&self) {
        let is_over = self.peer.outbox().goodbye().is_some() || self.peer.outbox().is_dead();
        if is_over && !self.is_frozen.load(Ordering::SeqCst) {
            self.end();
        }
    }

    /// Ends the client as its thread would. Does nothing if the client is busy: the busy thread checks again
    /// afterwards.
    fn end(&self) {
        let Ok(mut slot) = self.client.try_lock() else { return };
        let Some(client) = slot.take() else { return };
        drop(slot);
        self.bury(client);
    }

    fn bury(&self, mut client: ConnectionDriver) {
        client.leave_all();
        self.peer.flush();
        client.release();
        self.hub.disconnect(self.peer.connection());
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if let Some(client) = lock(&self.client).take() {
            self.bury(client);
        }
    }
}
