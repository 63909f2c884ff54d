//! Makes a TLS connection of an accepted socket, within a deadline, on the client's own thread. It must not interpret
//! anything that a client sends in the clear.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_proto::{TLS_HANDSHAKE_RECORD, TLS_REQUIRED_LINE};
use rustls::ServerConfig;
use rustls::server::Acceptor;

use super::tls_session::TlsSession;
use crate::tls::HTTP_1_1;

/// Maximum bytes of the first message of a handshake, which tells the configuration.
const MAX_HELLO_BYTES: usize = 64 * 1024;

/// A blocking socket that fails after the deadline.
pub(super) struct DeadlineStream<'a> {
    pub(super) socket: &'a TcpStream,
    pub(super) deadline: Instant,
}

/// What the first bytes of a connection show.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FirstBytes {
    /// A TLS handshake begins.
    TlsSession,
    /// A balancer says where the client is, but this peer is not known as one.
    ProxyHeader,
    /// The client does not speak TLS.
    Plaintext,
    /// The peer closed without a byte.
    Gone,
}

/// Checks the first bytes, which stay unread. Blocks until `deadline` at most.
pub(super) fn first_bytes(socket: &TcpStream, deadline: Instant) -> io::Result<FirstBytes> {
    socket.set_read_timeout(Some(remaining(deadline)?))?;
    let mut bytes = [0; 12];
    let count = socket.peek(&mut bytes)?;
    Ok(match &bytes[..count] {
        [] => FirstBytes::Gone,
        [TLS_HANDSHAKE_RECORD, ..] => FirstBytes::TlsSession,
        bytes if parlor_proxy_header::is_header(bytes) => FirstBytes::ProxyHeader,
        _ => FirstBytes::Plaintext,
    })
}

/// Sends a client the notice that this port speaks TLS only.
pub(super) fn refuse_plaintext(socket: &TcpStream) -> io::Result<()> {
    socket.set_write_timeout(Some(Duration::from_secs(1)))?;
    (&mut &*socket).write_all(TLS_REQUIRED_LINE.as_bytes())
}

/// The beginning of a TLS handshake.
#[derive(Debug, Default)]
pub(super) struct Opening {
    /// What the client sent so far.
    bytes: Vec<u8>,
    /// Whether the client offers HTTP/1.1 by ALPN.
    pub(super) offers_http: bool,
}

/// Reads the first message of a handshake, to choose the configuration by what the client offers. Blocks until
/// `deadline` at most.
pub(super) fn open(socket: &TcpStream, deadline: Instant) -> io::Result<Opening> {
    let mut stream = DeadlineStream { socket, deadline };
    let (mut acceptor, mut opening) = (Acceptor::default(), Opening::default());
    let mut buffer = [0; 4096];
    while opening.bytes.len() < MAX_HELLO_BYTES {
        let count = read_some(&mut stream, &mut buffer)?;
        let mut read = &buffer[..count];
        opening.bytes.extend_from_slice(read);
        acceptor.read_tls(&mut read)?;
        match acceptor.accept() {
            Ok(None) => {}
            Ok(Some(accepted)) => {
                let hello = accepted.client_hello();
                opening.offers_http = hello.alpn().is_some_and(|mut names| names.any(|name| name == HTTP_1_1));
                break;
            }
            // The session finds the same error, and has the alert for it.
            Err(_) => break,
        }
    }
    Ok(opening)
}

/// Completes the TLS handshake that begins with `opening`. Bytes left to send at the end, such as tickets, go along with
/// the first line. Blocks until `deadline` at most.
pub(super) fn shake(
    socket: &TcpStream,
    opening: &Opening,
    config: Arc<ServerConfig>,
    deadline: Instant,
) -> io::Result<TlsSession> {
    let mut tls = TlsSession::new(config)?;
    let mut stream = DeadlineStream { socket, deadline };
    let mut buffer = [0; 4096];
    let mut shaken = tls.shake(&opening.bytes);
    loop {
        if shaken.is_err() || tls.is_handshaking() {
            // If the handshake failed, this sends the alert with the reason. The alert may not arrive.
            let sent = send(&mut tls, &mut stream);
            shaken.and(sent)?;
        }
        if !tls.is_handshaking() {
            return Ok(tls);
        }
        let count = read_some(&mut stream, &mut buffer)?;
        shaken = tls.shake(&buffer[..count]);
    }
}

fn read_some(stream: &mut DeadlineStream<'_>, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match stream.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

fn send(tls: &mut TlsSession, stream: &mut DeadlineStream<'_>) -> io::Result<()> {
    stream.write_all(tls.outgoing())?;
    tls.note_sent(tls.outgoing().len());
    Ok(())
}

fn remaining(deadline: Instant) -> io::Result<Duration> {
    let remaining = deadline.saturating_duration_since(Instant::now());
    if remaining.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(remaining) }
}

impl Read for DeadlineStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(remaining(self.deadline)?))?;
        (&mut &*self.socket).read(buffer)
    }
}

impl Write for DeadlineStream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(remaining(self.deadline)?))?;
        (&mut &*self.socket).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
