//! Accepts connections for the admin listener: in the clear on loopback and Unix sockets, over TLS elsewhere. It must not
//! let a slow client hold up another.

use std::fmt;
use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{Admin, exchange};

/// Connections at the same time. Each has a thread.
const MAX_CONNECTIONS: usize = 16;

/// Time that a client has for each read and write.
const PATIENCE: Duration = Duration::from_secs(5);

/// Stack of a thread, in bytes: it may do a TLS handshake.
const STACK_BYTES: usize = 256 * 1024;

/// Where the admin listener is: an address with a port, or the path of a Unix socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AdminAddress {
    /// An address and a port.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl FromStr for AdminAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with('/') || text.starts_with("./") {
            return Ok(Self::Unix(text.into()));
        }
        parlor_settings::listen::parse(text).map(Self::Tcp).map_err(|error| format!("{error}, or the path of a socket"))
    }
}

/// A bound admin listener. Dropping it removes a Unix socket.
pub(crate) enum AdminListener {
    /// On a port; the configuration of TLS unless it is a loopback address.
    Tcp(TcpListener, Option<Arc<ServerConfig>>),
    /// On a Unix socket.
    Unix(UnixListener, SocketFile),
}

/// The file of a Unix socket, removed at the end.
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // The next start replaces one that is left.
        let _ = fs::remove_file(&self.0);
    }
}

impl fmt::Display for AdminListener {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(socket, tls) => {
                let scheme = if tls.is_some() { "https" } else { "http" };
                match socket.local_addr() {
                    Ok(address) => write!(out, "{scheme}://{address}/metrics"),
                    Err(_) => write!(out, "{scheme}"),
                }
            }
            Self::Unix(_, SocketFile(path)) => write!(out, "{}", path.display()),
        }
    }
}

impl AdminListener {
    /// Binds the address. `tls` is for those that other machines reach.
    ///
    /// # Errors
    /// The address is in use, or not of this machine.
    pub(crate) fn bind(address: &AdminAddress, tls: &Arc<ServerConfig>) -> anyhow::Result<Self> {
        match address {
            AdminAddress::Tcp(address) => {
                let socket = TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
                let is_local = address.ip().to_canonical().is_loopback();
                Ok(Self::Tcp(socket, (!is_local).then(|| tls.clone())))
            }
            AdminAddress::Unix(path) => {
                let socket = bind_unix(path).with_context(|| format!("cannot listen on {}", path.display()))?;
                Ok(Self::Unix(socket, SocketFile(path.clone())))
            }
        }
    }

    /// Starts the thread `admin` that accepts connections. It runs as long as the process.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn serve(self, admin: Arc<Admin>) -> io::Result<()> {
        let connections = Arc::new(AtomicUsize::new(0));
        let accept = move || {
            loop {
                match self.accept() {
                    Ok(stream) => welcome(&admin, &connections, stream),
                    Err(error) => {
                        tracing::warn!("the admin listener cannot accept a connection: {error}");
                        thread::sleep(Duration::from_millis(100));
                    }
                }
            }
        };
        thread::Builder::new().name("admin".to_owned()).stack_size(STACK_BYTES).spawn(accept).map(drop)
    }

    fn accept(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Tcp(socket, tls) => {
                let (stream, _) = socket.accept()?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                let Some(tls) = tls else { return Ok(Box::new(stream)) };
                let session = ServerConnection::new(tls.clone()).map_err(io::Error::other)?;
                Ok(Box::new(StreamOwned::new(session, stream)))
            }
            Self::Unix(socket, _) => {
                let (stream, _) = socket.accept()?;
                stream.set_read_timeout(Some(PATIENCE))?;
                stream.set_write_timeout(Some(PATIENCE))?;
                Ok(Box::new(stream))
            }
        }
    }
}

/// A connection of a client.
trait Stream: Read + Write + Send {
    /// Says that nothing more comes.
    fn finish(&mut self) {}
}

impl Stream for TcpStream {}
impl Stream for UnixStream {}
impl Stream for StreamOwned<ServerConnection, TcpStream> {
    fn finish(&mut self) {
        self.conn.send_close_notify();
        // The client has its answer.
        let _ = self.flush();
    }
}

/// Answers a connection on a thread of its own; closes it where there are too many.
fn welcome(admin: &Arc<Admin>, connections: &Arc<AtomicUsize>, mut stream: Box<dyn Stream>) {
    let Some(place) = Place::take(connections) else { return };
    let admin = admin.clone();
    let answer = move || {
        let _place = place;
        match exchange::serve(&admin, &mut stream) {
            Ok(()) => stream.finish(),
            Err(error) => tracing::debug!("a connection of the admin listener broke: {error}"),
        }
    };
    let thread = thread::Builder::new().name("admin-client".to_owned()).stack_size(STACK_BYTES).spawn(answer);
    if let Err(error) = thread {
        tracing::warn!("cannot start a thread for the admin listener: {error}");
    }
}

/// One of the connections that are served at the same time.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(connections: &Arc<AtomicUsize>) -> Option<Self> {
        let before = connections.fetch_add(1, Ordering::AcqRel);
        let place = Self(connections.clone());
        (before < MAX_CONNECTIONS).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Binds a Unix socket for everybody on this machine. One that no process listens on any more is replaced.
fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let is_socket = fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    if is_socket && UnixStream::connect(path).is_err() {
        fs::remove_file(path)?;
    }
    let socket = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    Ok(socket)
}
