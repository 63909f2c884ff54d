//! The TLS of one connection: bytes of the socket in, what the client said out, and the other way round. Between two
//! calls it keeps only what is unfinished, so that an idle connection takes little memory: the buffered interface of
//! rustls keeps 4 KiB of each connection to read into. It must not touch sockets.

use std::fmt;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use parlor_proto::append_secret;
use rustls::ServerConfig;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus, WriteTraffic};
use zeroize::Zeroize;

/// Bytes of the peer that may wait for the rest of what they belong to; a message of a handshake has no more.
const MAX_UNFINISHED_BYTES: usize = 0xffff;

/// What one or two records take besides their content. Where it is not enough, rustls says what is.
const RECORD_OVERHEAD: usize = 64;

type Traffic<'c> = WriteTraffic<'c, ServerConnectionData>;

/// The TLS of one connection.
pub(super) struct TlsSession {
    connection: UnbufferedServerConnection,
    /// Of a record, or of a message of the handshake, what came so far.
    unfinished: Vec<u8>,
    /// What the client said before it was asked for.
    early: Vec<u8>,
    /// What is encrypted and has yet to be sent …
    outgoing: Vec<u8>,
    /// … from here on.
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
    /// At something that was dealt with.
    OnTheWay,
    /// Where it needs more from the peer, and encrypts what it is given.
    Ready,
    /// Where it needs more from the peer, and encrypts nothing.
    Mute,
}

impl TlsSession {
    /// A connection on which nothing was said.
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

    /// Whether the handshake is still to be finished.
    pub(super) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Goes on with the handshake by what came from the peer. What the client said already is kept.
    ///
    /// # Errors
    /// The peer breaks the rules of TLS; what is to be sent tells it so.
    pub(super) fn shake(&mut self, cipher: &[u8]) -> io::Result<()> {
        let mut early = std::mem::take(&mut self.early);
        let done = self.decrypt(cipher, &mut early);
        self.early = early;
        done
    }

    /// Decrypts what came from the peer and appends what the client said to `plain`.
    ///
    /// # Errors
    /// The peer breaks the rules of TLS; what is to be sent tells it so.
    pub(super) fn receive(&mut self, cipher: &[u8], plain: &mut Vec<u8>) -> io::Result<()> {
        append_secret(plain, &self.early);
        self.early.zeroize();
        self.early = Vec::new();
        self.decrypt(cipher, plain)
    }

    /// Whether the peer has said that nothing more comes.
    pub(super) fn peer_has_closed(&self) -> bool {
        self.peer_has_closed
    }

    /// What is to be sent.
    pub(super) fn outgoing(&self) -> &[u8] {
        &self.outgoing[self.sent..]
    }

    /// So many bytes of it were sent.
    pub(super) fn note_sent(&mut self, count: usize) {
        self.sent += count;
        if self.sent >= self.outgoing.len() {
            self.outgoing = Vec::new();
            self.sent = 0;
        }
    }

    /// Encrypts `plain` in as few records as it fits.
    ///
    /// # Errors
    /// The connection is over, or its keys are used up.
    pub(super) fn encrypt(&mut self, plain: &[u8]) -> io::Result<()> {
        self.write(|traffic, outgoing| {
            append(outgoing, plain.len() + RECORD_OVERHEAD, |room| traffic.encrypt(plain, room).map_err(too_small))
        })
    }

    /// Encrypts the word that nothing more comes.
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
            // It has to say why, and then stops there again.
            let _ = self.run(plain);
        }
        done
    }

    /// As far as it goes without more from the peer.
    fn run(&mut self, plain: &mut Vec<u8>) -> io::Result<()> {
        while self.step(plain, |_, _| Ok(()))? == Stop::OnTheWay {}
        Ok(())
    }

    fn write(&mut self, mut put: impl FnMut(&mut Traffic<'_>, &mut Vec<u8>) -> io::Result<()>) -> io::Result<()> {
        let mut early = std::mem::take(&mut self.early);
        let stop = loop {
            // What TLS itself has to say goes first.
            match self.step(&mut early, &mut put) {
                Ok(Stop::OnTheWay) => {}
                stop => break stop,
            }
        };
        self.early = early;
        if stop? == Stop::Mute { Err(ErrorKind::NotConnected.into()) } else { Ok(()) }
    }

    /// Takes rustls to its next stop, with `write` where it encrypts.
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
                // It is sent before anything else is.
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
            // Early data, which is never accepted, would be of the last kind.
            Ok(_) => Ok(Stop::Mute),
            Err(error) => Err(invalid(error)),
        };
        self.forget(discard);
        stop
    }

    /// Overwrites and gives back what rustls has done with: it was decrypted in its place.
    fn forget(&mut self, count: usize) {
        self.unfinished[..count].zeroize();
        self.unfinished.drain(..count);
        if self.unfinished.is_empty() {
            self.unfinished = Vec::new();
        }
    }
}

/// Appends what `put` writes, which says how much room it needs if there is too little.
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
