//! The bytes of one connection: its TLS, and within that the framing of what both sides say. It must not touch
//! sockets, nor know what a line says.

use std::io;
use std::sync::Arc;

use parlor_proto::Bye;

use super::tls_session::TlsSession;
use super::websocket::WebSocket;

/// A connection after its handshake.
#[derive(Debug)]
pub(super) struct Stream {
    tls: TlsSession,
    /// The state of a WebSocket connection; `None` if lines come without frames. Boxed, since it is the rarer one.
    websocket: Option<Box<WebSocket>>,
}

impl Stream {
    /// The stream of a client that sends lines and nothing around them.
    pub(super) fn of_lines(tls: TlsSession) -> Self {
        Self { tls, websocket: None }
    }

    /// The stream of a client whose lines come in WebSocket messages.
    pub(super) fn of_websocket(tls: TlsSession) -> Self {
        Self { tls, websocket: Some(Box::default()) }
    }

    /// Decrypts bytes from the peer, and appends the lines in them to `plain`.
    ///
    /// # Errors
    /// The peer violates TLS; [`Stream::outgoing`] then has the alert.
    pub(super) fn receive(&mut self, cipher: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
        match &mut self.websocket {
            None => self.tls.receive(cipher, plain),
            Some(websocket) => websocket.receive(&mut self.tls, cipher, plain),
        }
    }

    /// Whether the peer ended its direction.
    pub(super) fn peer_has_closed(&self) -> bool {
        self.tls.peer_has_closed() || self.websocket.as_ref().is_some_and(|websocket| websocket.is_over())
    }

    /// Encrypts all frames into as few records as possible.
    ///
    /// # Errors
    /// The connection is over, or its keys are used up.
    pub(super) fn encrypt(&mut self, frames: &[Arc<[u8]>]) -> io::Result<()> {
        match frames {
            [one] => self.tls.encrypt(one),
            several => self.tls.encrypt(&several.concat()),
        }
    }

    /// Takes the frames that the framing itself answers with, if there are any.
    pub(super) fn take_answers(&mut self) -> Option<Arc<[u8]>> {
        self.websocket.as_mut().and_then(|websocket| websocket.take_answers())
    }

    /// Encrypts the end of this side. `goodbye` is the reason, if the server ends the connection.
    ///
    /// # Errors
    /// As [`Stream::encrypt`].
    pub(super) fn encrypt_close(&mut self, goodbye: Option<Bye>) -> io::Result<()> {
        if let Some(websocket) = &self.websocket {
            self.tls.encrypt(&websocket.close_frame(goodbye))?;
        }
        self.tls.encrypt_close()
    }

    /// The encrypted bytes to send.
    pub(super) fn outgoing(&self) -> &[u8] {
        self.tls.outgoing()
    }

    /// Removes `count` bytes from the bytes to send.
    pub(super) fn note_sent(&mut self, count: usize) {
        self.tls.note_sent(count);
    }
}
