//! The TLS of one connection: decrypts bytes of the socket and encrypts bytes for it. Between two calls it keeps only
//! unfinished records, so that an idle connection takes little memory: the buffered interface of rustls keeps a read
//! buffer of 4 KiB per connection. It must not touch sockets.

use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use parlor_proto::append_secret;
use rustls::ServerConfig;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus, WriteTraffic};
use zeroize::Zeroize;

/// Maximum number of received bytes that wait for the rest of their record or message; a handshake message is no
/// longer.
const MAX_UNFINISHED_BYTES: usize = 0xffff;

/// Bytes of one or two records besides their content. If they are not enough, rustls returns the required size.
const RECORD_OVERHEAD: usize = 64;

type Traffic<'c> = WriteTraffic<'c, ServerConnectionData>;

/// The TLS of one connection.
pub(super) struct TlsSession {
    connection: UnbufferedServerConnection,
    /// The received part of an unfinished record or handshake message.
    unfinished: Vec<u8>,
    /// Decrypted bytes that the client sent before the first call of [`TlsSession::receive`], or while this side wrote.
    early: Vec<u8>,
    /// Encrypted bytes that are not sent yet …
    outgoing: Vec<u8>,
    /// … from this index on.
    sent: usize,
    peer_has_closed: bool,
}

impl fmt::Debug for TlsSession {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Tls")
    }
}

/// Where rustls stopped.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    /// At a state that is handled; rustls can continue.
    OnTheWay,
    /// It needs more bytes from the peer, and can encrypt.
    Ready,
    /// It needs more bytes from the peer, and cannot encrypt.
    Mute,
}

impl TlsSession {
    /// Creates the TLS state of a new connection.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub(super) fn new(config: Arc<ServerConfig>) -> io::Result<Self> {
        Ok(Self {
            connection: UnbufferedServerConnection::new(config).map_err(io::Error::other)?,
            unfinished: Vec::new(),
            early: Vec::new(),
            outgoing: Vec::new(),
            sent: 0,
            peer_has_closed: false,
        })
    }

    /// Whether the handshake is unfinished.
    pub(super) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Continues the handshake with bytes from the peer. Keeps what the client says already.
    ///
    /// # Errors
    /// The peer violates TLS; [`TlsSession::outgoing`] then has the alert.
    pub(super) fn shake(&mut self, cipher: &[u8]) -> io::Result<()> {
        let mut early = std::mem::take(&mut self.early);
        let done = self.decrypt(cipher, &mut early);
        self.early = early;
        done
    }

    /// Decrypts bytes from the peer and appends the plaintext to `plain`.
    ///
    /// # Errors
    /// The peer violates TLS; [`TlsSession::outgoing`] then has the alert.
    pub(super) fn receive(&mut self, cipher: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
        append_secret(plain, &self.early);
        self.early.zeroize();
        self.early = Vec::new();
        self.decrypt(cipher, plain)
    }

    /// Puts plaintext back that was received and belongs to somebody else. The next [`TlsSession::receive`] returns it.
    pub(super) fn put_back(&mut self, plain: &[u8]) {
        let mut early = Vec::new();
        append_secret(&mut early, plain);
        append_secret(&mut early, &self.early);
        self.early.zeroize();
        self.early = early;
    }

    /// Whether the peer has sent its TLS close.
    pub(super) fn peer_has_closed(&self) -> bool {
        self.peer_has_closed
    }

    /// Returns the encrypted bytes to send.
    pub(super) fn outgoing(&self) -> &[u8] {
        &self.outgoing[self.sent..]
    }

    /// Removes `count` bytes from the bytes to send.
    pub(super) fn note_sent(&mut self, count: usize) {
        self.sent += count;
        if self.sent >= self.outgoing.len() {
            self.outgoing = Vec::new();
            self.sent = 0;
        }
    }

    /// Encrypts `plain` into as few records as possible.
    ///
    /// # Errors
    /// The connection is over, or its keys are used up.
    pub(super) fn encrypt(&mut self, plain: &[u8]) -> io::Result<()> {
        self.write(|traffic, outgoing| {
            append(outgoing, plain.len() + RECORD_OVERHEAD, |room| traffic.encrypt(plain, room).map_err(too_small))
        })
    }

    /// Encrypts the TLS close (`close_notify`).
    ///
    /// # Errors
    /// As [`TlsSession::encrypt`].
    pub(super) fn encrypt_close(&mut self) -> io::Result<()> {
        self.write(|traffic, outgoing| {
            append(outgoing, RECORD_OVERHEAD, |room| traffic.queue_close_notify(room).map_err(too_small))
        })
    }

    fn decrypt(&mut self, cipher: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
        if self.unfinished.len() + cipher.len() > MAX_UNFINISHED_BYTES {
            return Err(io::Error::new(ErrorKind::InvalidData, "a message of TLS is too long"));
        }
        self.unfinished.extend_from_slice(cipher);
        let done = self.run(plain);
        if done.is_err() {
            // The second run encodes the alert and returns the same error.
            let _ = self.run(plain);
        }
        done
    }

    /// Runs rustls until it needs more bytes from the peer.
    fn run(&mut self, plain: &mut Vec<u8>) -> io::Result<()> {
        while self.step(plain, |_, _| Ok(()))? == Stop::OnTheWay {}
        Ok(())
    }

    fn write(&mut self, mut put: impl FnMut(&mut Traffic<'_>, &mut Vec<u8>) -> io::Result<()>) -> io::Result<()> {
        let mut early = std::mem::take(&mut self.early);
        let stop = loop {
            // Bytes of TLS itself go first.
            match self.step(&mut early, &mut put) {
                Ok(Stop::OnTheWay) => {}
                stop => break stop,
            }
        };
        self.early = early;
        if stop? == Stop::Mute { Err(ErrorKind::NotConnected.into()) } else { Ok(()) }
    }

    /// Runs rustls to its next stop. Calls `write` if rustls can encrypt.
    fn step(
        &mut self,
        plain: &mut Vec<u8>,
        write: impl FnOnce(&mut Traffic<'_>, &mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<Stop> {
        let UnbufferedStatus { discard, state } = self.connection.process_tls_records(&mut self.unfinished);
        let stop = match state {
            Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                while let Some(record) = traffic.next_record() {
                    append_secret(plain, record.map_err(invalid)?.payload);
                }
                Ok(Stop::OnTheWay)
            }
            Ok(ConnectionState::EncodeTlsData(mut data)) => {
                let encode = |room: &mut [u8]| data.encode(room).map_err(too_small_to_encode);
                append(&mut self.outgoing, RECORD_OVERHEAD, encode).map(|()| Stop::OnTheWay)
            }
            Ok(ConnectionState::TransmitTlsData(data)) => {
                // These bytes are sent before any later ones.
                data.done();
                Ok(Stop::OnTheWay)
            }
            Ok(ConnectionState::PeerClosed) => {
                self.peer_has_closed = true;
                Ok(Stop::OnTheWay)
            }
            Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                write(&mut traffic, &mut self.outgoing).map(|()| Stop::Ready)
            }
            // Early data would be handled here too; the server never accepts any.
            Ok(_) => Ok(Stop::Mute),
            Err(error) => Err(invalid(error)),
        };
        self.forget(discard);
        stop
    }

    /// Overwrites and removes the bytes that rustls has processed, since it decrypts in place.
    fn forget(&mut self, count: usize) {
        self.unfinished[..count].zeroize();
        self.unfinished.drain(..count);
        if self.unfinished.is_empty() {
            self.unfinished = Vec::new();
        }
    }
}

/// Appends what `put` writes. If the room is too small, `put` returns the required size and is called again.
fn append(
    outgoing: &mut Vec<u8>,
    mut room: usize,
    mut put: impl FnMut(&mut [u8]) -> Result<usize, Option<usize>>,
) -> io::Result<()> {
    let start = outgoing.len();
    loop {
        outgoing.resize(start + room, 0);
        let written = put(&mut outgoing[start..]);
        outgoing.truncate(start + written.unwrap_or(0));
        match written {
            Ok(_) => return Ok(()),
            Err(Some(required)) if required > room => room = required,
            Err(_) => return Err(io::Error::other("nothing more can be encrypted")),
        }
    }
}

fn too_small(error: EncryptError) -> Option<usize> {
    match error {
        EncryptError::InsufficientSize(size) => Some(size.required_size),
        EncryptError::EncryptExhausted => None,
    }
}

fn too_small_to_encode(error: EncodeError) -> Option<usize> {
    match error {
        EncodeError::InsufficientSize(size) => Some(size.required_size),
        EncodeError::AlreadyEncoded => None,
    }
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}
