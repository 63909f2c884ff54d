//! A client that speaks lines over TLS and verifies the server. Every read has a deadline.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// How long a line is waited for before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// What [`Client::poll`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Polled {
    /// A line, without its ending.
    Line(String),
    /// Nothing in time.
    Nothing,
    /// The server closed the connection as TLS demands.
    End,
    /// The connection broke, or was closed without a word.
    Broken,
}

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Client {
    stream: StreamOwned<ClientConnection, TcpStream>,
    buffer: Vec<u8>,
    lines: VecDeque<String>,
}

impl Client {
    /// Connects and shakes hands; the greeting is not read yet.
    pub(crate) fn open(address: SocketAddr, ca: &Path) -> Self {
        Self::open_with(address, Self::config(ca))
    }

    /// The same with a configuration that is shared by many clients.
    pub(crate) fn open_with(address: SocketAddr, config: Arc<ClientConfig>) -> Self {
        Self::over(TcpStream::connect(address).unwrap(), config, &[])
    }

    /// The same, unless nobody listens.
    pub(crate) fn try_open_with(address: SocketAddr, config: Arc<ClientConfig>) -> Option<Self> {
        TcpStream::connect(address).ok().map(|socket| Self::over(socket, config, &[]))
    }

    /// The same over a socket that is connected, on which `preface` comes before anything of TLS, in one packet with
    /// its beginning.
    pub(crate) fn over(mut socket: TcpStream, config: Arc<ClientConfig>, preface: &[u8]) -> Self {
        socket.set_nodelay(true).unwrap();
        let mut tls = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
        if !preface.is_empty() {
            let mut first = preface.to_vec();
            tls.write_tls(&mut first).unwrap();
            // The server may have turned it away already, as reading will tell.
            let _ = socket.write_all(&first);
        }
        Self { stream: StreamOwned::new(tls, socket), buffer: Vec::new(), lines: VecDeque::new() }
    }

    /// Connects and sends `bytes` together with the end of the handshake, before anything of the server's session
    /// can have been seen.
    pub(crate) fn open_speaking(address: SocketAddr, ca: &Path, bytes: &[u8]) -> Self {
        let mut client = Self::open(address, ca);
        client.stream.conn.writer().write_all(bytes).unwrap();
        while client.stream.conn.wants_write() || client.stream.conn.is_handshaking() {
            client.stream.conn.complete_io(&mut client.stream.sock).unwrap();
        }
        client
    }

    /// A configuration that trusts the authority in the file `ca`.
    pub(crate) fn config(ca: &Path) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
        Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth())
    }

    /// Sends one line.
    pub(crate) fn send(&mut self, line: &str) {
        self.send_bytes(format!("{line}\n").as_bytes());
    }

    /// Renews the keys that it encrypts with, asks the server for the same, and sends a line, byte by byte.
    pub(crate) fn send_renewed_in_pieces(&mut self, line: &str) {
        self.stream.conn.refresh_traffic_keys().unwrap();
        self.stream.conn.writer().write_all(format!("{line}\n").as_bytes()).unwrap();
        let mut cipher = Vec::new();
        while self.stream.conn.wants_write() {
            self.stream.conn.write_tls(&mut cipher).unwrap();
        }
        for byte in cipher {
            self.stream.sock.write_all(&[byte]).unwrap();
        }
    }

    /// Sends bytes as they are.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
        self.stream.flush().unwrap();
    }

    /// Sends bytes if the connection still takes them.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// The next line, without its ending.
    pub(crate) fn line(&mut self) -> String {
        self.line_within(PATIENCE).expect("no line came in time, or the connection ended")
    }

    /// The next line; none if the connection ends, or no line comes in time.
    pub(crate) fn line_within(&mut self, patience: Duration) -> Option<String> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(line) = self.take_line() {
                return Some(line);
            }
            if !self.read_some(deadline)? {
                return None;
            }
        }
    }

    /// The next line, or what came instead; unlike [`Client::line_within`] it does not fail if the connection breaks.
    pub(crate) fn poll(&mut self, patience: Duration) -> Polled {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(line) = self.take_line() {
                return Polled::Line(line);
            }
            match self.try_read(deadline) {
                Ok(Some(true)) => {}
                Ok(Some(false)) => return Polled::End,
                Ok(None) => return Polled::Nothing,
                Err(_) => return Polled::Broken,
            }
        }
    }

    /// All lines up to the end, and how it ended.
    pub(crate) fn rest(&mut self) -> (Vec<String>, Polled) {
        let mut lines = Vec::new();
        loop {
            match self.poll(PATIENCE) {
                Polled::Line(line) => lines.push(line),
                end => return (lines, end),
            }
        }
    }

    /// Makes the kernel keep little for this client, so that the server notices soon if it does not read.
    pub(crate) fn shrink_window(&self) {
        socket2::SockRef::from(&self.stream.sock).set_recv_buffer_size(128 * 1024).unwrap();
    }

    /// Sends one line and returns the next that comes.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.line()
    }

    /// Reads lines up to the first that begins with `prefix`, and returns that.
    pub(crate) fn until(&mut self, prefix: &str) -> String {
        loop {
            let line = self.line();
            if line.starts_with(prefix) {
                return line;
            }
        }
    }

    /// Fails unless nothing more comes before the answer to a ping.
    pub(crate) fn expect_quiet(&mut self) {
        assert_eq!(self.ask("/ping quiet"), "PONG quiet");
    }

    /// Fails unless the server closes the connection, with a close_notify, after all lines were read.
    pub(crate) fn expect_end(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        assert!(self.lines.is_empty(), "unread: {:?}", self.lines);
        assert!(self.buffer.is_empty(), "unread: {}", String::from_utf8_lossy(&self.buffer));
        assert_eq!(self.read_some(deadline), Some(false), "more came: {}", String::from_utf8_lossy(&self.buffer));
    }

    /// The socket below.
    pub(crate) fn socket(&self) -> &TcpStream {
        &self.stream.sock
    }

    /// Says close_notify and closes the writing half.
    pub(crate) fn half_close(&mut self) {
        self.stream.conn.send_close_notify();
        self.stream.flush().unwrap();
        self.stream.sock.shutdown(Shutdown::Write).unwrap();
    }

    /// Closes with a reset instead of a FIN.
    pub(crate) fn reset(self) {
        socket2::SockRef::from(&self.stream.sock).set_linger(Some(Duration::ZERO)).unwrap();
    }

    fn take_line(&mut self) -> Option<String> {
        // Whole lines are taken out at once, since a long backlog would be moved for each of them.
        if self.lines.is_empty() {
            let end = self.buffer.iter().rposition(|&byte| byte == b'\n')? + 1;
            let text = String::from_utf8(self.buffer.drain(..end).collect()).unwrap();
            self.lines.extend(text.split_terminator('\n').map(str::to_owned));
        }
        self.lines.pop_front()
    }

    /// `Some(true)` if bytes came, `Some(false)` at a clean end, `None` if nothing came in time.
    fn read_some(&mut self, deadline: Instant) -> Option<bool> {
        self.try_read(deadline).unwrap_or_else(|error| panic!("the connection broke: {error}"))
    }

    fn try_read(&mut self, deadline: Instant) -> std::io::Result<Option<bool>> {
        let mut bytes = [0; 16 * 1024];
        loop {
            let remaining = deadline.saturating_duration_since(Instant::now());
            self.stream.sock.set_read_timeout(Some(remaining.max(Duration::from_millis(1))))?;
            match self.read_plain(&mut bytes) {
                Ok(0) => return Ok(Some(false)),
                Ok(count) => {
                    self.buffer.extend_from_slice(&bytes[..count]);
                    return Ok(Some(true));
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads what the server said, also if it takes nothing more, which the stream's own reading does not.
    fn read_plain(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let StreamOwned { conn, sock } = &mut self.stream;
        while conn.is_handshaking() {
            conn.complete_io(sock)?;
        }
        loop {
            match conn.reader().read(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                done => return done,
            }
            conn.read_tls(sock)?;
            conn.process_new_packets().map_err(std::io::Error::other)?;
        }
    }
}
