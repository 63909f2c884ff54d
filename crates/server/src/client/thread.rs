//! The thread of one client: handshake, a blocking loop of reading, and the same end however it comes. It must
//! not outlive its connection, nor touch others.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parlor_core::{Client, ConnectionId, Flow, Origin, Parlor, Peer};
use parlor_proto::Bye;
use rustls::ServerConfig;
use zeroize::Zeroize;

use super::handshake::{self, FirstByte};
use super::wire::{Received, TlsWire, WireHandle};
use super::{goodbye, socket};
use crate::admission::Permit;
use crate::drain::Drain;

/// Stack of a client's thread, in bytes. Only what is touched takes memory; the deepest user is the handshake.
const STACK_BYTES: usize = 512 * 1024;

/// What all clients share.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) parlor: Arc<Parlor>,
    pub(crate) tls: Arc<ServerConfig>,
    pub(crate) drain: Arc<Drain>,
    pub(crate) handshake_timeout: Duration,
    pub(crate) idle_timeout: Option<Duration>,
}

/// Starts the thread of a client. The permit is given back when the thread ends.
///
/// # Errors
/// The system gives no thread; the socket is closed.
pub(crate) fn spawn(
    service: Arc<Service>,
    connection: ConnectionId,
    socket: TcpStream,
    address: SocketAddr,
    permit: Permit,
) -> io::Result<()> {
    let builder = thread::Builder::new().name(format!("client-{connection}")).stack_size(STACK_BYTES);
    let body = move || {
        let _permit = permit;
        if let Err(error) = serve(&service, connection, socket, address) {
            tracing::debug!(%connection, %address, "connection ended: {error}");
        }
    };
    builder.spawn(body).map(drop)
}

fn serve(service: &Service, connection: ConnectionId, stream: TcpStream, address: SocketAddr) -> io::Result<()> {
    socket::configure(&stream)?;
    let deadline = Instant::now() + service.handshake_timeout;
    match handshake::first_byte(&stream, deadline)? {
        FirstByte::Tls => converse(service, connection, stream, address, deadline),
        FirstByte::Plaintext => {
            handshake::refuse_plaintext(&stream)?;
            stream.shutdown(std::net::Shutdown::Write)?;
            goodbye::linger(&stream, false);
            Ok(())
        }
        FirstByte::Gone => Ok(()),
    }
}

/// The life of a connection that speaks TLS. Whatever happens in it, a panic included, it ends in the same way.
fn converse(
    service: &Service,
    connection: ConnectionId,
    stream: TcpStream,
    address: SocketAddr,
    handshake_deadline: Instant,
) -> io::Result<()> {
    let wire = Arc::new(TlsWire::new(connection, stream, service.drain.clone()));
    wire.adopt_thread();
    let max_queued = service.parlor.policy.max_queued_bytes;
    let peer = Arc::new(Peer::new(connection, max_queued, Box::new(WireHandle(wire.clone()))));
    let ip = address.ip().to_canonical();
    let origin = Origin { address: ip.to_string(), is_loopback: ip.is_loopback() };
    let mut client = Client::new(service.parlor.clone(), peer.clone(), origin);
    let talked = catch_unwind(AssertUnwindSafe(|| {
        wire.open(handshake::shake(wire.socket(), service.tls.clone(), handshake_deadline)?);
        talk(service, &mut client, &wire, &peer)
    }));
    let ended = catch_unwind(AssertUnwindSafe(|| {
        client.depart();
        goodbye::say(&peer, &wire);
    }));
    client.release();
    if talked.is_ok() && ended.is_ok() {
        goodbye::linger(wire.socket(), wire.is_interrupted());
    }
    talked.unwrap_or_else(|_| Err(io::Error::other("its thread panicked")))
}

fn talk(service: &Service, client: &mut Client, wire: &TlsWire, peer: &Peer) -> io::Result<()> {
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
        if wire.wants_write() && peer.outbox().schedule() {
            peer.wire().flush(peer.outbox());
        }
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
