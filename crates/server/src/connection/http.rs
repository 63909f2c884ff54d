//! HTTP on a connection, up to the handshake of WebSocket: moves the bytes between the socket's TLS and the web door. It
//! must not read what they say.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use parlor_proto::TicketCredentials;

use super::handshake::DeadlineStream;
use super::lifetime::Connection;
use super::service::Service;
use super::stream::Stream;
use super::tls_session::TlsSession;
use crate::web::{self, ByteStream, Site};

/// Maximum bytes that are encrypted before they are sent, so that a long file takes little memory for each client.
const SEND_BYTES: usize = 16 * 1024;

/// A client that changed from HTTP to WebSocket.
pub(super) struct Upgraded {
    pub(super) stream: Stream,
    /// The ticket of its cookie.
    pub(super) ticket: Option<TicketCredentials>,
}

/// Answers requests until the client is done or asks for WebSocket. Blocks; each request has the time of a handshake.
pub(super) fn serve(
    service: &Service,
    site: &Site,
    connection: &mut Connection,
    tls: TlsSession,
) -> io::Result<Option<Upgraded>> {
    let (mut client, transport) = connection.web_parts();
    let mut stream = HttpStream { tls, socket: transport.socket() };
    let upgrade = web::serve(site, &mut client, &mut stream, service.handshake_timeout);
    match upgrade? {
        Some(upgrade) => {
            stream.tls.put_back(&upgrade.unread);
            Ok(Some(Upgraded { stream: Stream::of_websocket(stream.tls), ticket: upgrade.ticket }))
        }
        None => {
            // Fails only if the connection is broken.
            let _ = stream.close(Instant::now() + service.handshake_timeout);
            Ok(None)
        }
    }
}

struct HttpStream<'a> {
    tls: TlsSession,
    socket: &'a TcpStream,
}

impl HttpStream<'_> {
    fn flush(&mut self, deadline: Instant) -> io::Result<()> {
        let mut socket = DeadlineStream { socket: self.socket, deadline };
        socket.write_all(self.tls.outgoing())?;
        self.tls.note_sent(self.tls.outgoing().len());
        Ok(())
    }

    fn close(&mut self, deadline: Instant) -> io::Result<()> {
        self.tls.encrypt_close()?;
        self.flush(deadline)
    }
}

impl ByteStream for HttpStream<'_> {
    fn receive(&mut self, plain: &mut Vec<u8>, deadline: Instant) -> io::Result<usize> {
        let before = plain.len();
        // The end of the handshake, without which a client of TLS 1.2 says nothing.
        self.flush(deadline)?;
        self.tls.receive(&[], plain)?;
        let mut buffer = [0; 4096];
        while plain.len() == before && !self.tls.peer_has_closed() {
            let mut socket = DeadlineStream { socket: self.socket, deadline };
            let count = match socket.read(&mut buffer) {
                Ok(0) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read?,
            };
            let received = self.tls.receive(&buffer[..count], plain);
            // Alerts, and answers of TLS itself.
            self.flush(deadline)?;
            received?;
        }
        Ok(plain.len() - before)
    }

    fn send(&mut self, bytes: &[u8], deadline: Instant) -> io::Result<()> {
        for part in bytes.chunks(SEND_BYTES) {
            self.tls.encrypt(part)?;
            self.flush(deadline)?;
        }
        Ok(())
    }
}
