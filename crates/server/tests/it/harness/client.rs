//! A client that speaks lines over TLS and verifies the server. Every read has a deadline.

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

/// A connection to a server.
pub(crate) struct Client {
    stream: StreamOwned<ClientConnection, TcpStream>,
    buffer: Vec<u8>,
}

impl Client {
    /// Connects and shakes hands; the greeting is not read yet.
    pub(crate) fn open(address: SocketAddr, ca: &Path) -> Self {
        Self::open_with(address, Self::config(ca))
    }

    /// The same with a configuration that is shared by many clients.
    pub(crate) fn open_with(address: SocketAddr, config: Arc<ClientConfig>) -> Self {
        let socket = TcpStream::connect(address).unwrap();
        socket.set_nodelay(true).unwrap();
        let tls = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
        Self { stream: StreamOwned::new(tls, socket), buffer: Vec::new() }
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
            if let Some(at) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let rest = self.buffer.split_off(at + 1);
                let line = std::mem::replace(&mut self.buffer, rest);
                return Some(String::from_utf8(line[..at].to_vec()).unwrap());
            }
            if !self.read_some(deadline)? {
                return None;
            }
        }
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

    /// `Some(true)` if bytes came, `Some(false)` at a clean end, `None` if nothing came in time.
    fn read_some(&mut self, deadline: Instant) -> Option<bool> {
        let mut bytes = [0; 16 * 1024];
        loop {
            let remaining = deadline.checked_duration_since(Instant::now())?;
            self.stream.sock.set_read_timeout(Some(remaining.max(Duration::from_millis(1)))).unwrap();
            match self.stream.read(&mut bytes) {
                Ok(0) => return Some(false),
                Ok(count) => {
                    self.buffer.extend_from_slice(&bytes[..count]);
                    return Some(true);
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return None,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => panic!("the connection broke: {error}"),
            }
        }
    }
}
