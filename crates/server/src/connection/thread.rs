//! The threads of one client: a first one for the handshake, then a worker that reads and works, and an idle thread
//! that only waits while the client is quiet. They must not outlive the connection, nor touch others.
//!
//! There is one thread at any time. Each thread ends with its part, because touched pages of its stack, and memory that
//! the allocator caches for it, stay as long as the thread lives.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_core::{ConnectionDriver, ConnectionId, Flow};
use parlor_proto::{Bye, Encoding, Format, Framing};
use parlor_websocket::{Payload, ping as ping_frame};
use zeroize::Zeroize;

use super::accepted::{AcceptedConnection, Admitted, RejectReason, RemoteClient};
use super::handover::ConnectionTask;
use super::handshake::{self, FirstBytes, Opening};
use super::http;
use super::lifetime::Connection;
use super::service::Service;
use super::silence::{Due, Silence};
use super::socket;
use super::stream::Stream;
use super::tls_session::TlsSession;
use super::transport::{Received, TlsTransport};
use crate::metrics::Handshake;

/// How long a client is silent before an idle thread replaces its worker.
const QUIET_AFTER: Duration = Duration::from_secs(3);

/// The same for a client that has just logged in. When a server starts, all clients connect at once and most only
/// listen. The allocator caches about 7 KiB for each of their threads, which is free afterwards but stays with the
/// process.
const QUIET_AFTER_LOGIN: Duration = Duration::from_millis(500);

/// What connections of a listener speak after their TLS handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    /// HTTP if the client offers it by ALPN, else lines.
    ByAlpn,
    /// HTTP, whatever the client offers.
    Web,
}

/// Starts the thread of a connection through `door`. The connection's end frees its place.
///
/// # Errors
/// The system gives no thread; the socket is closed.
pub(crate) fn spawn(
    service: Arc<Service>,
    id: ConnectionId,
    socket: TcpStream,
    address: SocketAddr,
    entry: Admitted,
    door: Door,
) -> io::Result<()> {
    let pool = service.pool.clone();
    pool.start(format!("handshake-{id}"), move || {
        let deadline = Instant::now() + service.handshake_timeout;
        // The hub knows the connection from here on, so that it ends with all others when the server stops.
        let accepted = AcceptedConnection::new(&service, id, socket, address);
        match accepted.remote(entry, deadline) {
            Ok(remote) => set_up(service, accepted, remote, door, deadline),
            Err(reason) => {
                // Closed first: nothing more is sent on it.
                drop(accepted);
                report(&service, id, address, &reason);
            }
        }
    })
}

/// Logs why a balancer's connection was rejected. An empty connection is a health check and is not logged; one above
/// the limit of its address is logged at debug level only, since the admission counts it.
fn report(service: &Service, id: ConnectionId, balancer: SocketAddr, reason: &RejectReason) {
    match reason {
        RejectReason::Closed => {}
        RejectReason::TooManyFromAddress(_) => {
            tracing::debug!(connection = %id, %balancer, "a connection was refused: {reason}")
        }
        RejectReason::Malformed(_) | RejectReason::Truncated | RejectReason::TimedOut => {
            if let Some(connections) = service.bad_proxy_headers.due() {
                tracing::warn!(%balancer, connections, "a connection of a balancer was closed: {reason}");
            }
        }
    }
}

/// Whoever forgot a setting sees connections fail only.
fn report_unknown_balancer(service: &Service, peer: SocketAddr) {
    if let Some(connections) = service.bad_proxy_headers.due() {
        let ip = peer.ip();
        tracing::warn!(%ip, connections, "a connection was closed: it has a PROXY header, and proxy-from does not have its address");
    }
}

fn set_up(service: Arc<Service>, accepted: AcceptedConnection, remote: RemoteClient, door: Door, deadline: Instant) {
    let address = remote.address;
    let connection = Connection::new(&service, accepted, remote);
    let id = connection.id();
    tracing::debug!(connection = %id, %address, "somebody connected");
    if let Err(error) = handshake(service, connection, address, door, deadline) {
        tracing::debug!(connection = %id, %address, "no session came of a connection: {error}");
    }
}

fn handshake(
    service: Arc<Service>,
    mut connection: Connection,
    address: SocketAddr,
    door: Door,
    deadline: Instant,
) -> io::Result<()> {
    let transport = connection.transport();
    socket::configure(transport.socket())?;
    match handshake::first_bytes(transport.socket(), deadline)? {
        first @ (FirstBytes::Plaintext | FirstBytes::ProxyHeader) => {
            if first == FirstBytes::ProxyHeader {
                report_unknown_balancer(&service, address);
            }
            service.counters.shook(Handshake::Plaintext);
            return handshake::refuse_plaintext(transport.socket());
        }
        FirstBytes::Gone => {
            service.counters.shook(Handshake::Gone);
            return Ok(());
        }
        FirstBytes::TlsSession => {}
    }
    match greet(&service, &mut connection, door, deadline)? {
        Some(framing) => {
            let silence = Silence::new(service.idle_timeout, framing == Framing::WebSocket);
            let task = Box::new(ConnectionTask { service, connection, silence });
            task.hand_to_worker(serve).map_err(|_| io::Error::other("there is no thread for it"))
        }
        None => Ok(()),
    }
}

/// Does the TLS handshake, answers what the client asks for in HTTP, and greets a client that wants a session. Returns
/// `None` if it wants none.
fn greet(service: &Service, connection: &mut Connection, door: Door, deadline: Instant) -> io::Result<Option<Framing>> {
    let socket = connection.transport().socket();
    let shaken = shake(service, socket, deadline);
    service.counters.shook(if shaken.is_ok() { Handshake::Done } else { Handshake::Failed });
    let (tls, offers_http) = shaken?;
    let Some(site) = service.site.as_ref().filter(|_| offers_http || door == Door::Web) else {
        return Ok(Some(greet_lines(connection, tls)));
    };
    let Some(upgraded) = http::serve(service, site, connection, tls)? else { return Ok(None) };
    let (client, transport) = connection.parts();
    transport.open(upgraded.stream);
    client.send_hello(Encoding { format: Format::Json, framing: Framing::WebSocket });
    let flow = upgraded.ticket.map_or(Flow::Continue, |ticket| client.resume(&ticket));
    Ok((flow == Flow::Continue).then_some(Framing::WebSocket))
}

/// Does the TLS handshake. Returns also whether the client offers HTTP, which is asked only where there is a site.
fn shake(service: &Service, socket: &TcpStream, deadline: Instant) -> io::Result<(TlsSession, bool)> {
    let opening = match service.site {
        Some(_) => handshake::open(socket, deadline)?,
        None => Opening::default(),
    };
    let config = if opening.offers_http { &service.tls.http } else { &service.tls.without_alpn };
    let tls = handshake::shake(socket, &opening, config.clone(), deadline)?;
    Ok((tls, opening.offers_http))
}

fn greet_lines(connection: &mut Connection, tls: TlsSession) -> Framing {
    let (client, transport) = connection.parts();
    transport.open(Stream::of_lines(tls));
    client.send_hello(Encoding::default());
    Framing::Lines
}

/// The body of a worker thread, until the client is gone or quiet.
fn serve(mut task: Box<ConnectionTask>) {
    task.connection.transport().adopt_thread();
    loop {
        match read_loop(&mut task) {
            Ok(Flow::Continue) if task.silence.due() != Due::Nothing => continue,
            Ok(Flow::Continue) => {}
            Ok(Flow::End) => return,
            Err(error) => {
                tracing::debug!(connection = %task.connection.id(), "a connection broke: {error}");
                return;
            }
        }
        match task.park(serve) {
            Ok(()) => return,
            Err(back) => task = back,
        }
    }
}

/// Reads and runs what the client says, until it is quiet ([`Flow::Continue`]) or its connection ends.
fn read_loop(task: &mut ConnectionTask) -> io::Result<Flow> {
    match task.silence.due() {
        Due::Nothing => {}
        Due::Ping => ping(task),
        Due::Dead => return Err(ErrorKind::TimedOut.into()),
        Due::IdleTimeout => return Ok(time_out(task.connection.parts().0)),
    }
    let is_new = !task.connection.parts().0.is_logged_in();
    let quiet_after = if is_new { QUIET_AFTER_LOGIN } else { QUIET_AFTER };
    let quiet_after = task.silence.time_left().map_or(quiet_after, |time| time.min(quiet_after));
    let (client, transport) = task.connection.parts();
    let login_deadline = Instant::now() + task.service.services.policy.login_timeout;
    let mut plain = Vec::new();
    transport.receive_buffered(&mut plain)?;
    let mut flow = client.receive(&plain);
    let mut is_idling = false;
    while flow == Flow::Continue && !transport.is_interrupted() {
        wipe(&mut plain);
        if client.is_logged_in() && !is_idling {
            transport.set_timeout(Some(quiet_after))?;
            is_idling = true;
        }
        let received = match is_idling {
            true => transport.receive(&mut plain),
            false => receive_before(login_deadline, transport, &mut plain),
        };
        client.flush_wire(transport.wants_write());
        flow = match received? {
            Received::Bytes => {
                task.silence.end(!plain.is_empty());
                if let Some(answers) = transport.take_answers() {
                    client.send_frame(answers);
                }
                client.receive(&plain)
            }
            Received::End => Flow::End,
            Received::TimedOut if is_idling => {
                task.silence.add(quiet_after);
                return Ok(Flow::Continue);
            }
            Received::TimedOut => time_out(client),
        };
    }
    wipe(&mut plain);
    Ok(Flow::End)
}

/// Asks a client that has been silent whether it is there.
fn ping(task: &mut ConnectionTask) {
    task.connection.parts().0.send_frame(ping_frame(&Payload::EMPTY).as_bytes().into());
    task.silence.note_ping();
}

/// Receives from a connection that has not logged in. A client that never stops sending gets no more time.
fn receive_before(deadline: Instant, transport: &TlsTransport, plain: &mut Vec<u8>) -> io::Result<Received> {
    let remaining = deadline.saturating_duration_since(Instant::now());
    if remaining.is_zero() {
        return Ok(Received::TimedOut);
    }
    transport.set_timeout(Some(remaining))?;
    transport.receive(plain)
}

fn time_out(client: &mut ConnectionDriver) -> Flow {
    if client.is_logged_in() {
        client.hang_up(Bye::IdleTimeout);
    } else {
        client.time_out();
    }
    Flow::End
}

/// Overwrites what was read, since it may contain a password, and frees a large buffer.
fn wipe(plain: &mut Vec<u8>) {
    plain.zeroize();
    if plain.capacity() > 4096 {
        *plain = Vec::new();
    }
}
