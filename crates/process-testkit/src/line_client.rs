//! A connection that speaks lines over TLS, bare or in WebSocket messages, and verifies the server. Every read has a deadline, and a failure is a
//! result like any other. It must not know the meaning of the lines.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::web_framing::WebFraming;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

/// Timeout for a server to accept a connection. For a frozen server the kernel accepts.
const CONNECTED_WITHIN: Duration = Duration::from_secs(4);

/// The result of [`LineClient::poll`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polled {
    /// A line, without its ending.
    Line(String),
    /// Nothing arrived in time.
    Nothing,
    /// The server closed the connection with a TLS close notification.
    End,
    /// The connection broke, or was closed without a close notification.
    Broken,
}

/// How a client verifies the server. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Trust {
    /// Trusts every server with a certificate for `name`, which may be an IP address, from the authority in the file
    /// `ca`.
    ///
    /// # Errors
    /// If the file has no valid CA certificate, or the name is not a valid server name.
    pub fn new(ca: &Path, name: &str) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca).map_err(io::Error::other)?).map_err(io::Error::other)?;
        let config = Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth());
        Ok(Self { config, name: ServerName::try_from(name.to_owned()).map_err(io::Error::other)? })
    }

    /// The same for clients that offer HTTP by ALPN, as browsers do.
    #[must_use]
    pub fn for_http(&self) -> Self {
        self.offering(&["http/1.1"])
    }

    /// The same for clients that offer these protocols by ALPN.
    #[must_use]
    pub fn offering(&self, protocols: &[&str]) -> Self {
        let mut config = ClientConfig::clone(&self.config);
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Self { config: Arc::new(config), name: self.name.clone() }
    }

    /// The client's side of a new connection.
    ///
    /// # Errors
    /// If the system provides no random numbers.
    pub fn begin(&self) -> io::Result<ClientConnection> {
        ClientConnection::new(self.config.clone(), self.name.clone()).map_err(io::Error::other)
    }
}

/// A connection to a server.
#[derive(Debug)]
pub struct LineClient {
    stream: StreamOwned<ClientConnection, TcpStream>,
    /// `None` if lines come bare.
    web: Option<WebFraming>,
    buffer: Vec<u8>,
    lines: VecDeque<String>,
}

impl LineClient {
    /// Connects. The first read or write does the handshake.
    ///
    /// # Errors
    /// If the connection is not accepted within 4 s.
    pub fn open(address: SocketAddr, trust: &Trust) -> io::Result<Self> {
        Self::over(TcpStream::connect_timeout(&address, CONNECTED_WITHIN)?, trust, &[])
    }

    /// Connects through the web door, with the handshake of WebSocket. `trust` has to offer HTTP. The first read or write
    /// does the handshakes.
    ///
    /// # Errors
    /// If the connection is not accepted within 4 s.
    pub fn open_web(address: SocketAddr, trust: &Trust) -> io::Result<Self> {
        Self::open_web_with(address, trust, "")
    }

    /// The same as a page of the server does, with this cookie.
    ///
    /// # Errors
    /// As [`Self::open_web`].
    pub fn open_web_from_page(address: SocketAddr, trust: &Trust, cookie: &str) -> io::Result<Self> {
        let origin = format!("https://{}:{}", trust.name.to_str(), address.port());
        Self::open_web_with(address, trust, &format!("Origin: {origin}\r\nCookie: {cookie}\r\n"))
    }

    /// The same with further fields in the request, each with its line ending.
    ///
    /// # Errors
    /// As [`Self::open_web`].
    pub fn open_web_with(address: SocketAddr, trust: &Trust, fields: &str) -> io::Result<Self> {
        let mut client = Self::open(address, trust)?;
        let host = format!("{}:{}", trust.name.to_str(), address.port());
        client.stream.conn.writer().write_all(&WebFraming::request(&host, fields))?;
        client.web = Some(WebFraming::default());
        Ok(client)
    }

    /// Like [`Self::open`], over a connected socket. `preface` is sent before the TLS data, in one packet with its
    /// beginning.
    ///
    /// # Errors
    /// If the socket is closed, or TLS refuses the configuration.
    pub fn over(mut socket: TcpStream, trust: &Trust, preface: &[u8]) -> io::Result<Self> {
        socket.set_nodelay(true)?;
        let mut tls = trust.begin()?;
        if !preface.is_empty() {
            let mut first = preface.to_vec();
            tls.write_tls(&mut first)?;
            // The server may have refused the connection already; the next read will show it.
            let _ = socket.write_all(&first);
        }
        Ok(Self { stream: StreamOwned::new(tls, socket), web: None, buffer: Vec::new(), lines: VecDeque::new() })
    }

    /// Sends bytes unchanged. Blocks while the server does not read.
    ///
    /// # Errors
    /// If the connection is closed.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.web {
            None => self.stream.write_all(bytes)?,
            Some(web) => self.stream.write_all(&web.encode(bytes))?,
        }
        self.stream.flush()
    }

    /// The code of the server's close frame, if that came.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
        self.web.as_ref().and_then(WebFraming::close_code)
    }

    /// The next line, or the reason why there is none.
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

    /// Received bytes that were not returned as a line yet, as text.
    #[must_use]
    pub fn unread(&self) -> String {
        let lines: String = self.lines.iter().map(|line| format!("{line}\n")).collect();
        lines + &String::from_utf8_lossy(&self.buffer)
    }

    /// Shrinks the kernel's receive buffer of this client, so that the server soon notices if the client does not read.
    ///
    /// # Errors
    /// If the socket is closed.
    pub fn shrink_window(&self) -> io::Result<()> {
        socket2::SockRef::from(&self.stream.sock).set_recv_buffer_size(128 * 1024)
    }

    /// The socket under TLS.
    #[must_use]
    pub fn socket(&self) -> &TcpStream {
        &self.stream.sock
    }

    /// TLS and the socket under it, for tests that misuse them.
    pub fn stream(&mut self) -> &mut StreamOwned<ClientConnection, TcpStream> {
        &mut self.stream
    }

    /// Closes with a reset instead of a FIN.
    ///
    /// # Errors
    /// If the socket is closed already.
    pub fn reset(self) -> io::Result<()> {
        socket2::SockRef::from(&self.stream.sock).set_linger(Some(Duration::ZERO))
    }

    /// A server sends UTF-8; anything else counts as a broken connection.
    fn take_line(&mut self) -> io::Result<Option<String>> {
        // All whole lines are taken out together. Otherwise a long backlog would be moved for each line.
        if self.lines.is_empty()
            && let Some(end) = self.buffer.iter().rposition(|&byte| byte == b'\n')
        {
            let text = String::from_utf8(self.buffer.drain(..=end).collect()).map_err(io::Error::other)?;
            self.lines.extend(text.split_terminator('\n').map(str::to_owned));
        }
        Ok(self.lines.pop_front())
    }

    /// Returns `Some(true)` if bytes arrived, `Some(false)` at a clean end, and `None` if nothing arrived in time.
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
                    self.take_in(&bytes[..count])?;
                    return Ok(Some(true));
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Adds plain bytes of the server, and answers its pings.
    fn take_in(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(web) = &mut self.web else {
            self.buffer.extend_from_slice(bytes);
            return Ok(());
        };
        web.decode(bytes, &mut self.buffer)?;
        let answers = web.take_answers();
        if answers.is_empty() {
            return Ok(());
        }
        self.stream.write_all(&answers)?;
        self.stream.flush()
    }

    /// Reads the server's data even if the server accepts no more writes. The stream's own read does not.
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
