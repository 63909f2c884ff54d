//! From an accepted socket to a TLS connection, within a deadline, on the client's own thread. It must not
//! interpret anything that a client sends in the clear.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_proto::{TLS_HANDSHAKE_RECORD, TLS_REQUIRED_LINE};
use rustls::ServerConfig;

use super::tls_session::TlsSession;

/// A blocking socket that fails once the deadline is over.
pub(super) struct DeadlineStream<'a> {
    pub(super) socket: &'a TcpStream,
    pub(super) deadline: Instant,
}

/// What a first look at a connection told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FirstByte {
    /// It begins a TLS handshake.
    TlsSession,
    /// It does not.
    Plaintext,
    /// There is none.
    Gone,
}

/// Looks at the first byte, which stays unread.
pub(super) fn first_byte(socket: &TcpStream, deadline: Instant) -> io::Result<FirstByte> {
    socket.set_read_timeout(Some(remaining(deadline)?))?;
    let mut byte = [0];
    Ok(match (socket.peek(&mut byte)?, byte) {
        (0, _) => FirstByte::Gone,
        (_, [TLS_HANDSHAKE_RECORD]) => FirstByte::TlsSession,
        _ => FirstByte::Plaintext,
    })
}

/// Tells a client that this port speaks TLS only.
pub(super) fn refuse_plaintext(socket: &TcpStream) -> io::Result<()> {
    socket.set_write_timeout(Some(Duration::from_secs(1)))?;
    (&mut &*socket).write_all(TLS_REQUIRED_LINE.as_bytes())
}

/// Shakes hands. What is left to be sent at the end, as tickets are, goes along with the first line. Blocks until
/// `deadline` at most.
pub(super) fn shake(socket: &TcpStream, config: Arc<ServerConfig>, deadline: Instant) -> io::Result<TlsSession> {
    let mut tls = TlsSession::new(config)?;
    let mut stream = DeadlineStream { socket, deadline };
    let mut buffer = [0; 4096];
    while tls.is_handshaking() {
        let count = match stream.read(&mut buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        let shaken = tls.shake(&buffer[..count]);
        if shaken.is_err() || tls.is_handshaking() {
            // If it failed, the alert that says why; that it may not arrive is the client's loss.
            let sent = send(&mut tls, &mut stream);
            shaken.and(sent)?;
        }
    }
    Ok(tls)
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
