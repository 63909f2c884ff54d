//! The threads of one client: a first one for the handshake, which ends with it, and then the client's own, a
//! blocking loop of reading. They must not outlive the connection, nor touch others.
//!
//! There is one thread at any time. The handshake has one of its own because it needs much stack, and pages of
//! a stack that were touched stay in memory for as long as its thread lives.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parlor_core::{Client, ConnectionId, Flow, Parlor};
use parlor_proto::Bye;
use rustls::ServerConfig;
use zeroize::Zeroize;

use super::arrival::{Arrival, Caller, Entry, Unknown};
use super::connection::Connection;
use super::handshake::{self, FirstByte};
use super::socket;
use super::wire::{Received, TlsWire};
use crate::drain::Drain;
use crate::seldom::Seldom;

/// Stack of either thread, in bytes. Only what is touched takes memory.
const STACK_BYTES: usize = 512 * 1024;

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) parlor: Arc<Parlor>,
    pub(crate) tls: Arc<ServerConfig>,
    pub(crate) drain: Arc<Drain>,
    pub(crate) handshake_timeout: Duration,
    pub(crate) idle_timeout: Option<Duration>,
    /// Connections of balancers that came to nothing, since a wrong setting of a balancer makes all of them so.
    pub(crate) strange_headers: Seldom,
}

/// Starts the thread of a connection. Its place is given back when the connection has ended.
///
/// # Errors
/// The system gives no thread; the socket is closed.
pub(crate) fn spawn(
    service: Arc<Service>,
    id: ConnectionId,
    socket: TcpStream,
    address: SocketAddr,
    entry: Entry,
) -> io::Result<()> {
    start(format!("handshake-{id}"), move || {
        let deadline = Instant::now() + service.handshake_timeout;
        // Known to the hub from here on, so that it is ended with all others when the server stops.
        let arrival = Arrival::new(&service, id, socket, address);
        match arrival.caller(entry, deadline) {
            Ok(caller) => welcome(service, arrival, caller, deadline),
            Err(unknown) => {
                // Let go of first, since nothing more comes of it.
                drop(arrival);
                report(&service, id, address, &unknown);
            }
        }
    })
}

fn start(name: String, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name(name).stack_size(STACK_BYTES).spawn(body).map(drop)
}

/// Says why a balancer's connection came to nothing. One that says nothing is how balancers see that we listen, and
/// one from a crowd is counted where all such are.
fn report(service: &Service, id: ConnectionId, balancer: SocketAddr, unknown: &Unknown) {
    match unknown {
        Unknown::Closed => {}
        Unknown::Crowd(_) => tracing::debug!(connection = %id, %balancer, "a connection was refused: {unknown}"),
        Unknown::Malformed(_) | Unknown::Cut | Unknown::Late => {
            if let Some(connections) = service.strange_headers.due() {
                tracing::warn!(%balancer, connections, "a connection of a balancer was closed: {unknown}");
            }
        }
    }
}

fn welcome(service: Arc<Service>, arrival: Arrival, caller: Caller, deadline: Instant) {
    let address = caller.address;
    let connection = Connection::new(&service, arrival, caller);
    let id = connection.id();
    tracing::debug!(connection = %id, %address, "somebody connected");
    if let Err(error) = shake_hands(service, connection, deadline) {
        tracing::debug!(connection = %id, %address, "no session came of a connection: {error}");
    }
}

fn shake_hands(service: Arc<Service>, connection: Connection, deadline: Instant) -> io::Result<()> {
    let wire = connection.wire();
    socket::configure(wire.socket())?;
    match handshake::first_byte(wire.socket(), deadline)? {
        FirstByte::Tls => {
            wire.open(handshake::shake(wire.socket(), service.tls.clone(), deadline)?);
            start(format!("client-{}", connection.id()), move || converse(&service, connection))
        }
        FirstByte::Plaintext => handshake::refuse_plaintext(wire.socket()),
        FirstByte::Gone => Ok(()),
    }
}

/// The whole of a client's own thread.
fn converse(service: &Service, mut connection: Connection) {
    connection.wire().adopt_thread();
    if let Err(error) = talk(service, &mut connection) {
        tracing::debug!(connection = %connection.id(), "a connection broke: {error}");
    }
}

fn talk(service: &Service, connection: &mut Connection) -> io::Result<()> {
    let (client, wire) = connection.parts();
    client.greet();
    let login_deadline = Instant::now() + service.parlor.policy.login_timeout;
    let mut plain = Vec::new();
    wire.receive_early(&mut plain)?;
    let mut flow = client.receive(&plain);
    let mut is_idling = false;
    while flow == Flow::Continue && !wire.is_interrupted() {
        forget(&mut plain);
        if client.is_logged_in() && !is_idling {
            wire.set_timeout(service.idle_timeout)?;
            is_idling = true;
        }
        let received = match is_idling {
            true => wire.receive(&mut plain),
            false => receive_before(login_deadline, wire, &mut plain),
        };
        client.flush_wire(wire.wants_write());
        flow = match received? {
            Received::Bytes => client.receive(&plain),
            Received::End => Flow::End,
            Received::TimedOut => time_out(client),
        };
    }
    forget(&mut plain);
    Ok(())
}

/// Receives from a connection that has not logged in. One that sends without end is not given more time.
fn receive_before(deadline: Instant, wire: &TlsWire, plain: &mut Vec<u8>) -> io::Result<Received> {
    let remaining = deadline.saturating_duration_since(Instant::now());
    if remaining.is_zero() {
        return Ok(Received::TimedOut);
    }
    wire.set_timeout(Some(remaining))?;
    wire.receive(plain)
}

fn time_out(client: &mut Client) -> Flow {
    if client.is_logged_in() {
        client.hang_up(Bye::IdleTimeout);
    } else {
        client.time_out();
    }
    Flow::End
}

/// Overwrites what was read, since it may hold a password, and gives a large buffer back.
fn forget(plain: &mut Vec<u8>) {
    plain.zeroize();
    if plain.capacity() > 4096 {
        *plain = Vec::new();
    }
}
