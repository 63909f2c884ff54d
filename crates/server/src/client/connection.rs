//! A connection with all that has to be given back when it ends, however it ends: by its own word, by a reset,
//! by a panic of its thread, or for want of a thread. It must not read.

use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parlor_core::{Client, ConnectionId, Origin, Peer};

use super::goodbye;
use super::thread::Service;
use super::wire::{TlsWire, WireHandle};
use crate::admission::Permit;

/// One client's connection. Dropping it ends it: members see one PART, the client its goodbye, and then the
/// session is free.
pub(super) struct Connection {
    /// There until the end.
    client: Option<Client>,
    peer: Arc<Peer>,
    wire: Arc<TlsWire>,
    _permit: Permit,
}

impl Connection {
    /// A connection that has not shaken hands.
    pub(super) fn new(
        service: &Service,
        id: ConnectionId,
        socket: TcpStream,
        address: SocketAddr,
        permit: Permit,
    ) -> Self {
        let wire = Arc::new(TlsWire::new(id, socket, service.drain.clone()));
        let max_queued = service.parlor.policy.max_queued_bytes;
        let peer = Arc::new(Peer::new(id, max_queued, Box::new(WireHandle(wire.clone()))));
        let ip = address.ip().to_canonical();
        let origin = Origin { address: ip.to_string(), is_loopback: ip.is_loopback() };
        let client = Some(Client::new(service.parlor.clone(), peer.clone(), origin));
        Self { client, peer, wire, _permit: permit }
    }

    pub(super) fn id(&self) -> ConnectionId {
        self.peer.connection()
    }

    pub(super) fn wire(&self) -> &TlsWire {
        &self.wire
    }

    /// What its thread drives, and what it reads from.
    pub(super) fn parts(&mut self) -> (&mut Client, &TlsWire) {
        // The client is taken out only when the connection is dropped.
        (self.client.as_mut().expect("a connection has its client until it is dropped"), &self.wire)
    }

    fn say_goodbye(&mut self) {
        if let Some(client) = &mut self.client {
            client.depart();
        }
        goodbye::say(&self.peer, &self.wire);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A second panic must not keep the session from being released.
        let said = catch_unwind(AssertUnwindSafe(|| self.say_goodbye()));
        if let Some(client) = self.client.take() {
            client.release();
        }
        if said.is_ok() {
            goodbye::linger(self.wire.socket(), self.wire.is_interrupted());
        }
    }
}
