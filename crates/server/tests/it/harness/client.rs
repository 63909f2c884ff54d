//! A client that speaks lines over TLS and verifies the server. Every read has a deadline, and every error fails the
//! test.

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use parlor_process_testkit::{LineClient, Polled, Trust};

/// How long a client waits for a line before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Client {
    wire: LineClient,
}

impl Client {
    /// Connects, with the TLS handshake. Does not read the greeting.
    pub(crate) fn open(address: SocketAddr, ca: &Path) -> Self {
        Self::open_with(address, Self::config(ca))
    }

    /// Connects through the web door. Does not read the greeting.
    pub(crate) fn open_web(address: SocketAddr, ca: &Path) -> Self {
        Self { wire: LineClient::open_web(address, &Self::config(ca).for_http()).unwrap() }
    }

    /// The same with further fields in the request, each with its line ending.
    pub(crate) fn open_web_with(address: SocketAddr, ca: &Path, fields: &str) -> Self {
        Self { wire: LineClient::open_web_with(address, &Self::config(ca).for_http(), fields).unwrap() }
    }

    /// Connects and offers these protocols by ALPN.
    pub(crate) fn open_offering(address: SocketAddr, ca: &Path, protocols: &[&str]) -> Self {
        Self::open_with(address, Self::config(ca).offering(protocols))
    }

    /// Sends bytes within TLS, without a frame around them.
    pub(crate) fn send_unframed(&mut self, bytes: &[u8]) {
        let stream = self.wire.stream();
        stream.write_all(bytes).unwrap();
        stream.flush().unwrap();
    }

    /// The same with a configuration that many clients share.
    pub(crate) fn open_with(address: SocketAddr, config: Trust) -> Self {
        Self::over(TcpStream::connect(address).unwrap(), config, &[])
    }

    /// The same; returns `None` if nobody listens.
    pub(crate) fn try_open_with(address: SocketAddr, config: Trust) -> Option<Self> {
        TcpStream::connect(address).ok().map(|socket| Self::over(socket, config, &[]))
    }

    /// The same over a connected socket. It sends `preface` before TLS, in one packet with the first bytes of TLS.
    pub(crate) fn over(socket: TcpStream, config: Trust, preface: &[u8]) -> Self {
        Self { wire: LineClient::over(socket, &config, preface).unwrap() }
    }

    /// Connects and sends `bytes` together with the end of the handshake, before the client can have seen anything of
    /// the server's session.
    pub(crate) fn open_speaking(address: SocketAddr, ca: &Path, bytes: &[u8]) -> Self {
        let mut client = Self::open(address, ca);
        let stream = client.wire.stream();
        stream.conn.writer().write_all(bytes).unwrap();
        while stream.conn.wants_write() || stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        client
    }

    /// The same, and sends close_notify.
    pub(crate) fn open_speaking_and_closing(address: SocketAddr, ca: &Path, bytes: &[u8]) -> Self {
        let mut client = Self::open(address, ca);
        let stream = client.wire.stream();
        // The client's last handshake bytes stay unsent until then.
        while stream.conn.is_handshaking() {
            while stream.conn.wants_write() {
                stream.conn.write_tls(&mut stream.sock).unwrap();
            }
            stream.conn.read_tls(&mut stream.sock).unwrap();
            stream.conn.process_new_packets().unwrap();
        }
        client.send_and_close_tls(bytes);
        client
    }

    /// Trusts the authority in the file `ca`.
    pub(crate) fn config(ca: &Path) -> Trust {
        Trust::new(ca, "localhost").unwrap()
    }

    /// Sends one line.
    pub(crate) fn send(&mut self, line: &str) {
        self.send_bytes(format!("{line}\n").as_bytes());
    }

    /// Updates its encryption keys, requests the same of the server, and sends a line, byte by byte.
    pub(crate) fn send_renewed_in_pieces(&mut self, line: &str) {
        let stream = self.wire.stream();
        stream.conn.refresh_traffic_keys().unwrap();
        stream.conn.writer().write_all(format!("{line}\n").as_bytes()).unwrap();
        let mut cipher = Vec::new();
        while stream.conn.wants_write() {
            stream.conn.write_tls(&mut cipher).unwrap();
        }
        for byte in cipher {
            stream.sock.write_all(&[byte]).unwrap();
        }
    }

    /// Sends bytes as they are.
    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.wire.send(bytes).unwrap();
    }

    /// Sends bytes, if the connection still accepts them.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.wire.send(bytes)
    }

    /// Returns the next line, without its ending.
    pub(crate) fn line(&mut self) -> String {
        self.line_within(PATIENCE).expect("no line came in time, or the connection ended")
    }

    /// Returns the next line; `None` if the connection ends, or no line comes in time. Fails if the connection breaks.
    pub(crate) fn line_within(&mut self, patience: Duration) -> Option<String> {
        match self.wire.poll(patience) {
            Polled::Line(line) => Some(line),
            Polled::Nothing | Polled::End => None,
            Polled::Broken => panic!("the connection broke"),
        }
    }

    /// Returns the next line, or what came instead. Unlike [`Client::line_within`] it does not fail if the connection
    /// breaks.
    pub(crate) fn poll(&mut self, patience: Duration) -> Polled {
        self.wire.poll(patience)
    }

    /// Returns all lines up to the end, and how the connection ended.
    pub(crate) fn rest(&mut self) -> (Vec<String>, Polled) {
        let mut lines = Vec::new();
        loop {
            match self.poll(PATIENCE) {
                Polled::Line(line) => lines.push(line),
                end => return (lines, end),
            }
        }
    }

    /// Makes the kernel's receive buffer small, so that the server notices soon if this client does not read.
    pub(crate) fn shrink_window(&self) {
        self.wire.shrink_window().unwrap();
    }

    /// Sends one line and returns the next line.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(line);
        self.line()
    }

    /// Sends a command and returns the lines of its answer, up to the line that begins with `last`.
    pub(crate) fn list(&mut self, command: &str, last: &str) -> Vec<String> {
        self.send(command);
        let mut lines = vec![self.line()];
        while !lines.last().unwrap().starts_with(last) {
            lines.push(self.line());
        }
        lines
    }

    /// Reads lines up to the first that begins with `prefix`, and returns it.
    pub(crate) fn until(&mut self, prefix: &str) -> String {
        let mut others = Vec::new();
        loop {
            let Some(line) = self.line_within(PATIENCE) else { panic!("no {prefix:?} came, only {others:?}") };
            if line.starts_with(prefix) {
                return line;
            }
            others.push(line);
        }
    }

    /// Fails if anything comes before the answer to a ping.
    pub(crate) fn expect_quiet(&mut self) {
        assert_eq!(self.ask("/ping quiet"), "PONG quiet");
    }

    /// Returns the code of the server's close frame, if one came.
    pub(crate) fn close_code(&self) -> Option<u16> {
        self.wire.close_code()
    }

    /// Fails unless all lines are read and the server closes the connection with a close_notify.
    pub(crate) fn expect_end(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        assert_eq!(self.wire.unread(), "", "unread");
        let mut has_more = self.wire.read(deadline).unwrap();
        if self.close_code().is_some() {
            // These bytes were the close frame.
            has_more = self.wire.read(deadline).unwrap();
        }
        assert_eq!(has_more, Some(false), "more came: {}", self.wire.unread());
        assert_eq!(self.wire.unread(), "", "unread");
    }

    /// Returns the socket of the connection.
    pub(crate) fn socket(&self) -> &TcpStream {
        self.wire.socket()
    }

    /// Sends bytes and close_notify in one piece, and leaves the socket open.
    pub(crate) fn send_and_close_tls(&mut self, bytes: &[u8]) {
        let stream = self.wire.stream();
        stream.conn.writer().write_all(bytes).unwrap();
        stream.conn.send_close_notify();
        let mut cipher = Vec::new();
        while stream.conn.wants_write() {
            stream.conn.write_tls(&mut cipher).unwrap();
        }
        stream.sock.write_all(&cipher).unwrap();
    }

    /// Sends close_notify and closes the writing half.
    pub(crate) fn half_close(&mut self) {
        let stream = self.wire.stream();
        stream.conn.send_close_notify();
        stream.flush().unwrap();
        stream.sock.shutdown(Shutdown::Write).unwrap();
    }

    /// Closes with a reset instead of a FIN.
    pub(crate) fn reset(self) {
        self.wire.reset().unwrap();
    }
}
