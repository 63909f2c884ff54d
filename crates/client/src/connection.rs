//! Lines over verified TLS over TCP, in both directions at once. It must not know what the lines mean,
//! except for the greeting, by which it knows a Parlor server.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use parlor_proto::{Line, LineSplitter, PROTOCOL, Text};
use rustls::{ClientConfig, ClientConnection};
use socket2::{SockRef, TcpKeepalive};
use zeroize::Zeroizing;

use crate::address::Address;
use crate::error::{ConnectError, Lost, TrustError, Untrusted};
use crate::lock;
use crate::trust::Trust;

/// Longest line that is accepted from a server: 500 entries of history fit many times.
const MAX_LINE_BYTES: usize = 64 << 20;
/// Bytes that are taken off the socket at once: one TLS record and its framing.
const READ_BYTES: usize = 17 << 10;

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For TCP, per address of the host, and then for each step of the TLS handshake and the greeting.
    pub connect: Duration,
    /// For the answer to a login; a busy server checks few passwords at once.
    pub login: Duration,
    /// Between two signs of life that the client asks for. After three times as long without a word the
    /// server counts as dead.
    pub keepalive: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let [connect, login, keepalive] = [10, 60, 20].map(Duration::from_secs);
        Self { connect, login, keepalive }
    }
}

/// Opens connections to one server under one rule of trust. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connector {
    address: Address,
    config: Arc<ClientConfig>,
    timeouts: Timeouts,
}

impl Connector {
    /// Reads what `trust` needs, therefore may block; does not connect yet.
    ///
    /// # Errors
    /// If the authorities cannot be read.
    pub fn new(address: Address, trust: &Trust) -> Result<Self, TrustError> {
        Ok(Self { address, config: trust.client_config()?, timeouts: Timeouts::default() })
    }

    /// With other timeouts than the default ones.
    #[must_use]
    pub fn with_timeouts(self, timeouts: Timeouts) -> Self {
        Self { timeouts, ..self }
    }

    /// The server.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Connects, verifies the server and reads its greeting. Blocks for as long as the timeouts allow.
    ///
    /// # Errors
    /// Says which of these failed.
    pub fn open(&self) -> Result<Greeted, ConnectError> {
        let mut socket = self.dial()?;
        let tls = self.handshake(&mut socket)?;
        let shared = Arc::new(Shared { socket, writing: Mutex::new(()), tls: Mutex::new(tls) });
        let mut receiver = LineReceiver::new(shared.clone());
        let server = self.read_greeting(&mut receiver)?;
        Ok(Greeted { sender: LineSender { shared }, receiver, server, timeouts: self.timeouts })
    }

    fn dial(&self) -> Result<TcpStream, ConnectError> {
        let host = self.address.host();
        let unresolved = |error| ConnectError::Unresolved { host: host.clone(), error };
        let unreachable = |error| ConnectError::Unreachable { address: self.address.clone(), error };
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for candidate in (host.as_str(), self.address.port()).to_socket_addrs().map_err(unresolved)? {
            match TcpStream::connect_timeout(&candidate, self.timeouts.connect) {
                Ok(socket) => return self.prepare(&socket).map(|()| socket).map_err(unreachable),
                Err(error) => last = error,
            }
        }
        Err(unreachable(last))
    }

    fn prepare(&self, socket: &TcpStream) -> io::Result<()> {
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(self.timeouts.connect))?;
        let keepalive = TcpKeepalive::new().with_time(Duration::from_secs(30)).with_interval(Duration::from_secs(10));
        SockRef::from(socket).set_tcp_keepalive(&keepalive)
    }

    fn handshake(&self, socket: &mut TcpStream) -> Result<ClientConnection, ConnectError> {
        let name = self.address.server_name().clone();
        let made = ClientConnection::new(self.config.clone(), name).map_err(io::Error::other);
        let finished = made.and_then(|mut tls| {
            // A line is encrypted as a whole, however long; it is bounded by whoever made it.
            tls.set_buffer_limit(None);
            tls.complete_io(socket)?;
            Ok(tls)
        });
        finished.map_err(|error| self.explain(error))
    }

    fn explain(&self, error: io::Error) -> ConnectError {
        let address = self.address.clone();
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidMessage(_)) => ConnectError::NotTls(address),
            Some(tls) => match untrusted(tls) {
                Some(untrusted) => ConnectError::Untrusted { address, untrusted },
                None => ConnectError::Tls { address, error },
            },
            None => ConnectError::Tls { address, error },
        }
    }

    /// Returns the server's name of itself.
    fn read_greeting(&self, receiver: &mut LineReceiver) -> Result<String, ConnectError> {
        let address = self.address.clone();
        let line = match receiver.line_before(Instant::now() + self.timeouts.connect) {
            Ok(line) => line,
            Err(lost) => return Err(ConnectError::NoGreeting { address, lost }),
        };
        let mut words = line.splitn(3, ' ');
        if words.next() == Some("HELLO") && words.next() == Some(PROTOCOL) {
            return Ok(readable(words.next().unwrap_or_default()));
        }
        let line: String = readable(&line).chars().take(80).collect();
        let turned_away = line.starts_with("ERR ") || line.starts_with("BYE ");
        Err(if turned_away {
            ConnectError::TurnedAway { address, line }
        } else {
            ConnectError::WrongProtocol { address, line }
        })
    }
}

/// The verifier's own error inside the TLS library's.
fn untrusted(error: &rustls::Error) -> Option<Untrusted> {
    match error {
        rustls::Error::InvalidCertificate(rustls::CertificateError::Other(other)) => other.0.downcast_ref().cloned(),
        _ => None,
    }
}

/// `text` without control characters, safe for a terminal.
pub(crate) fn readable(text: &str) -> String {
    Text::sanitise(text).map(|text| text.as_str().replace('\t', " ")).unwrap_or_default()
}

/// A connection that has been greeted and has not logged in.
#[derive(Debug)]
pub struct Greeted {
    pub(crate) sender: LineSender,
    pub(crate) receiver: LineReceiver,
    pub(crate) server: String,
    pub(crate) timeouts: Timeouts,
}

impl Greeted {
    /// What the server calls itself.
    pub fn server(&self) -> &str {
        &self.server
    }
}

#[derive(Debug)]
struct Shared {
    socket: TcpStream,
    /// Tier 1, taken before `tls`: fixes the order of records on the socket. Held while writing, so a
    /// server that does not read stops the senders; the receiver never waits for it.
    writing: Mutex<()>,
    /// Tier 2: never held across a system call.
    tls: Mutex<ClientConnection>,
}

impl Shared {
    /// Encrypts `plain` behind whatever TLS itself wants to say, and writes both.
    fn write(&self, plain: &[u8], _order: &MutexGuard<'_, ()>) -> io::Result<()> {
        let mut records = Vec::with_capacity(plain.len() + 64);
        {
            let mut tls = lock(&self.tls);
            tls.writer().write_all(plain)?;
            while tls.wants_write() {
                tls.write_tls(&mut records)?;
            }
        }
        (&self.socket).write_all(&records)
    }
}

/// The sending half of a connection. Clones send on the same connection; lines of several threads are
/// never mixed.
#[derive(Debug, Clone)]
pub struct LineSender {
    shared: Arc<Shared>,
}

impl LineSender {
    /// Sends one line, to which this adds the LF. Blocks while the server does not read.
    ///
    /// # Errors
    /// If the connection is gone. The line may have been sent or not.
    pub fn send_line(&self, line: &str) -> io::Result<()> {
        self.send_bytes(line.as_bytes())
    }

    /// As [`Self::send_line`], for lines that may not be UTF-8.
    ///
    /// # Errors
    /// If the connection is gone.
    pub fn send_bytes(&self, line: &[u8]) -> io::Result<()> {
        let order = lock(&self.shared.writing);
        self.shared.write(&terminated(line), &order)
    }

    /// Sends one line unless somebody else is sending; says whether it did.
    pub(crate) fn send_if_idle(&self, line: &str) -> io::Result<bool> {
        let Ok(order) = self.shared.writing.try_lock() else { return Ok(false) };
        self.shared.write(&terminated(line.as_bytes()), &order).map(|()| true)
    }

    /// Ends the connection in both directions at once; whoever waits for it wakes up. What has arrived
    /// already can still be received.
    pub fn close(&self) {
        lock(&self.shared.tls).send_close_notify();
        if let Ok(order) = self.shared.writing.try_lock() {
            // The connection ends in any case; the server learns of it by close_notify or by FIN.
            let _ = self.shared.write(&[], &order);
        }
        // Fails only where the connection is gone already.
        let _ = self.shared.socket.shutdown(Shutdown::Both);
    }
}

/// The line with its ending, overwritten after use since it may hold a password.
fn terminated(line: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(line.len() + 1));
    bytes.extend_from_slice(line);
    bytes.push(b'\n');
    bytes
}

/// The receiving half of a connection.
pub(crate) struct LineReceiver {
    shared: Arc<Shared>,
    splitter: LineSplitter,
    records: Box<[u8]>,
    plain: Vec<u8>,
    /// How much of `plain` has been split into lines.
    split: usize,
    ended: bool,
}

impl fmt::Debug for LineReceiver {
    /// Shows nothing of what was received, which is not for logs.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LineReceiver").field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// What a wait for a line brought.
#[derive(Debug)]
pub(crate) enum Received {
    Line(String),
    /// Nothing within the read timeout.
    Silence,
    End,
}

impl LineReceiver {
    fn new(shared: Arc<Shared>) -> Self {
        let records = vec![0; READ_BYTES].into_boxed_slice();
        let splitter = LineSplitter::new(MAX_LINE_BYTES);
        Self { shared, splitter, records, plain: Vec::new(), split: 0, ended: false }
    }

    /// From now on, [`Self::next`] returns [`Received::Silence`] after so long; never zero.
    pub(crate) fn set_patience(&self, patience: Duration) -> io::Result<()> {
        self.shared.socket.set_read_timeout(Some(patience.max(Duration::from_millis(1))))
    }

    /// The next line, by a deadline after which the server counts as silent.
    pub(crate) fn line_before(&mut self, deadline: Instant) -> Result<String, Lost> {
        loop {
            self.set_patience(deadline.saturating_duration_since(Instant::now()))?;
            match self.next()? {
                Received::Line(line) => return Ok(line),
                Received::Silence if Instant::now() < deadline => {}
                Received::Silence => return Err(Lost::Silent),
                Received::End => return Err(Lost::Closed),
            }
        }
    }

    /// Blocks until a line is there, or the patience is over. An unfinished last line is dropped.
    pub(crate) fn next(&mut self) -> io::Result<Received> {
        loop {
            if let Some(line) = self.take_line()? {
                return Ok(Received::Line(line));
            }
            if self.ended {
                return Ok(Received::End);
            }
            // The handshake may have brought the first lines along, so this comes before the socket.
            self.decrypt(0)?;
            if self.plain.is_empty() && !self.ended {
                match self.read_records() {
                    Ok(count) => self.decrypt(count)?,
                    Err(error) if is_timeout(&error) => return Ok(Received::Silence),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    fn take_line(&mut self) -> io::Result<Option<String>> {
        let mut rest = &self.plain[self.split..];
        let line = match self.splitter.next_line(&mut rest) {
            Some(Line::Complete(bytes)) => Some(String::from_utf8_lossy(bytes).into_owned()),
            Some(Line::TooLong) => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the server sent an endless line"));
            }
            None => None,
        };
        self.split = self.plain.len() - rest.len();
        if line.is_none() {
            self.plain.clear();
            self.split = 0;
        }
        Ok(line)
    }

    fn read_records(&mut self) -> io::Result<usize> {
        let count = (&self.shared.socket).read(&mut self.records)?;
        self.ended = count == 0;
        Ok(count)
    }

    /// Decrypts the first `count` bytes of what was read, and answers whatever TLS itself was asked.
    fn decrypt(&mut self, count: usize) -> io::Result<()> {
        let mut records = &self.records[..count];
        let mut tls = lock(&self.shared.tls);
        loop {
            if !records.is_empty() {
                tls.read_tls(&mut records)?;
            }
            let state = tls.process_new_packets().map_err(io::Error::other)?;
            let have = self.plain.len();
            self.plain.resize(have + state.plaintext_bytes_to_read(), 0);
            tls.reader().read_exact(&mut self.plain[have..])?;
            self.ended |= state.peer_has_closed();
            if records.is_empty() || self.ended {
                break;
            }
        }
        let answers = tls.wants_write();
        drop(tls);
        match self.shared.writing.try_lock() {
            Ok(order) if answers => self.shared.write(&[], &order),
            // Whoever is writing takes the answer along with the next line.
            _ => Ok(()),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
