//! A connection that speaks lines over TLS and verifies the server. Every read has a deadline, and what goes wrong is
//! an answer like any other. It must not know what the lines mean.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// How long a server may take to accept a connection; one that is frozen has its kernel do that.
const CONNECTED_WITHIN: Duration = Duration::from_secs(4);

/// What [`LineClient::poll`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// A line, without its ending.
    Line(String),
    /// Nothing in time.
    Nothing,
    /// The server closed the connection as TLS demands.
    End,
    /// The connection broke, or was closed without a word.
    Broken,
}

/// Whom a client takes for the server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Trust {
    /// Trusts whoever has a certificate for `name`, which may be an IP address, of the authority in the file `ca`.
    ///
    /// # Errors
    /// If the file has no certificate that can be one of an authority, or the name cannot be one of a server.
    pub fn new(ca: &Path, name: &str) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca).map_err(io::Error::other)?).map_err(io::Error::other)?;
        let config = Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth());
        Ok(Self { config, name: ServerName::try_from(name.to_owned()).map_err(io::Error::other)? })
    }

    /// The client's side of a connection on which nothing was said yet.
    ///
    /// # Errors
    /// If the system gives no random numbers.
    pub fn begin(&self) -> io::Result<ClientConnection> {
        ClientConnection::new(self.config.clone(), self.name.clone()).map_err(io::Error::other)
    }
}

/// A connection to a server.
#[derive(Debug)]
pub struct LineClient {
    stream: StreamOwned<ClientConnection, TcpStream>,
    buffer: Vec<u8>,
    lines: VecDeque<String>,
}

impl LineClient {
    /// Connects. The handshake is done by the first read or write.
    ///
    /// # Errors
    /// If nobody accepts the connection within 4 s.
    pub fn open(address: SocketAddr, trust: &Trust) -> io::Result<Self> {
        Self::over(TcpStream::connect_timeout(&address, CONNECTED_WITHIN)?, trust, &[])
    }

    /// The same over a socket that is connected, on which `preface` comes before anything of TLS, in one packet with
    /// its beginning.
    ///
    /// # Errors
    /// If the socket is gone, or TLS refuses the configuration.
    pub fn over(mut socket: TcpStream, trust: &Trust, preface: &[u8]) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        let mut tls = trust.begin()?;
        if !preface.is_empty() {
            let mut first = preface.to_vec();
            tls.write_tls(&mut first)?;
            // The server may have turned it away already, as reading will tell.
            let _ = socket.write_all(&first);
        }
        Ok(Self { stream: StreamOwned::new(tls, socket), buffer: Vec::new(), lines: VecDeque::new() })
    }

    /// Sends bytes as they are. Blocks while the server does not read.
    ///
    /// # Errors
    /// If the connection is gone.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)?;
        self.stream.flush()
    }

    /// The next line, or what came instead.
    pub fn poll(&mut self, patience: Duration) -> Polled {
        let deadline = Instant::now() + patience;
        loop {
            match self.take_line() {
                Ok(Some(line)) => return Polled::Line(line),
                Ok(None) => {}
                Err(_) => return Polled::Broken,
            }
            match self.read(deadline) {
                Ok(Some(true)) => {}
                Ok(Some(false)) => return Polled::End,
                Ok(None) => return Polled::Nothing,
                Err(_) => return Polled::Broken,
            }
        }
    }

    /// What has come and is in no line that was handed out, as text.
    #[must_use]
    pub fn unread(&self) -> String {
        let lines: String = self.lines.iter().map(|line| format!("{line}\n")).collect();
        lines + &String::from_utf8_lossy(&self.buffer)
    }

    /// Makes the kernel keep little for this client, so that the server notices soon if it does not read.
    ///
    /// # Errors
    /// If the socket is gone.
    pub fn shrink_window(&self) -> io::Result<()> {
        socket2::SockRef::from(&self.stream.sock).set_recv_buffer_size(128 * 1024)
    }

    /// The socket below.
    #[must_use]
    pub fn socket(&self) -> &TcpStream {
        &self.stream.sock
    }

    /// TLS and the socket below, for whoever wants to misuse them.
    pub fn stream(&mut self) -> &mut StreamOwned<ClientConnection, TcpStream> {
        &mut self.stream
    }

    /// Closes with a reset instead of a FIN.
    ///
    /// # Errors
    /// If the socket is gone already.
    pub fn reset(self) -> io::Result<()> {
        socket2::SockRef::from(&self.stream.sock).set_linger(Some(Duration::ZERO))
    }

    /// What a server says is UTF-8; anything else counts as a broken connection.
    fn take_line(&mut self) -> io::Result<Option<String>> {
        // Whole lines are taken out at once, since a long backlog would be moved for each of them.
        if self.lines.is_empty()
            && let Some(end) = self.buffer.iter().rposition(|&byte| byte == b'\n')
        {
            let text = String::from_utf8(self.buffer.drain(..=end).collect()).map_err(io::Error::other)?;
            self.lines.extend(text.split_terminator('\n').map(str::to_owned));
        }
        Ok(self.lines.pop_front())
    }

    /// `Some(true)` if bytes came, `Some(false)` at a clean end, `None` if nothing came in time.
    ///
    /// # Errors
    /// If the connection broke.
    pub fn read(&mut self, deadline: Instant) -> io::Result<Option<bool>> {
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
    fn read_plain(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
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
            conn.process_new_packets().map_err(io::Error::other)?;
        }
    }
}
