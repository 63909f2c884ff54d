//! Posts one message: resolves the host, connects to an address that is allowed, speaks TLS and HTTP, and looks at the status. It
//! must not repeat anything, nor follow where an answer points to.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parlor_client::Trust;
use parlor_core::DuePost;
use parlor_proto::Endpoint;
use parlor_web::post::{NoAnswer, Post, status};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::guard::Guard;
use super::signature::hmac_sha256;

/// Maximum time from the look at the turn to the end of a post. It is less than the turn lasts.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Maximum time for the connection.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);

/// Maximum time in which the rest of an answer is read, so that the receiver can write it …
const FAREWELL: Duration = Duration::from_secs(1);

/// … and its maximum size in bytes.
const FAREWELL_BYTES: u64 = 64 * 1024;

/// How the server names itself.
const AGENT: &str = concat!("parlor/", env!("CARGO_PKG_VERSION"));

/// Why a message was not posted. No text has the path of the address in it.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    #[error("its host cannot be resolved: {0}")]
    Unresolved(io::Error),
    #[error("the operator does not allow the address {0} of its host")]
    NotAllowed(IpAddr),
    #[error("the address {0} of its host is one of this machine")]
    OwnAddress(IpAddr),
    #[error("its host has no address")]
    NoAddress,
    #[error("cannot connect: {0}")]
    Unconnected(io::Error),
    #[error("no TLS: {0}")]
    Tls(String),
    #[error("the connection failed: {0}")]
    Broken(io::Error),
    #[error("the connection ended before the answer")]
    Ended,
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
    #[error("the answer is {0}")]
    Status(u16),
}

/// Posts messages to what is allowed.
pub(super) struct Poster {
    guard: Arc<Guard>,
    /// An error if this system has no authorities.
    tls: Result<Arc<ClientConfig>, String>,
}

impl Poster {
    /// Reads the authorities of the system. Blocks.
    pub(super) fn new(guard: Arc<Guard>) -> Self {
        Self { guard, tls: Trust::System.client_config().map_err(|error| error.to_string()) }
    }

    /// Posts a message. Blocks until `deadline` at most, or until the system has resolved the name.
    ///
    /// # Errors
    /// The receiver did not say that it has it. It may have it.
    pub(super) fn post(&self, due: &DuePost, deadline: Instant) -> Result<(), PostError> {
        let DuePost { url, secret, body, .. } = due;
        let signature = format!("sha256={}", hmac_sha256(secret.expose().as_bytes(), body.as_bytes()));
        let (authority, target) = (url.authority(), url.target());
        let request = Post { authority, target, agent: AGENT, signature: &signature, body }.bytes();
        let socket = self.connect(url, deadline)?;
        let timed = Timed { socket, deadline };
        if url.is_encrypted() { exchange(self.shake(url, timed)?, &request) } else { exchange(timed, &request) }
    }

    /// Connects to the first address that is allowed and answers.
    fn connect(&self, url: &Endpoint, deadline: Instant) -> Result<TcpStream, PostError> {
        let mut failed = PostError::NoAddress;
        for address in (url.host(), url.port()).to_socket_addrs().map_err(PostError::Unresolved)? {
            if !self.guard.allows(url, address.ip()) {
                failed = PostError::NotAllowed(address.ip());
                continue;
            }
            match open(&address, deadline).map_err(PostError::Unconnected).and_then(|socket| self.judge(socket)) {
                Ok(socket) => return Ok(socket),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// Gives a connection back that may be spoken on.
    fn judge(&self, socket: TcpStream) -> Result<TcpStream, PostError> {
        let ends = socket.local_addr().and_then(|from| Ok((from.ip(), socket.peer_addr()?.ip())));
        let (from, to) = ends.map_err(PostError::Unconnected)?;
        if self.guard.allows_connection(from, to) { Ok(socket) } else { Err(PostError::OwnAddress(to)) }
    }

    fn shake(&self, url: &Endpoint, timed: Timed) -> Result<StreamOwned<ClientConnection, Timed>, PostError> {
        let config = self.tls.clone().map_err(PostError::Tls)?;
        let name = ServerName::try_from(url.host().to_owned()).map_err(|error| PostError::Tls(error.to_string()))?;
        let connection = ClientConnection::new(config, name).map_err(|error| PostError::Tls(error.to_string()))?;
        let mut stream = StreamOwned::new(connection, timed);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).map_err(|error| PostError::Tls(error.to_string()))?;
        }
        Ok(stream)
    }
}

fn open(address: &SocketAddr, deadline: Instant) -> io::Result<TcpStream> {
    let socket = TcpStream::connect_timeout(address, left(deadline)?.min(CONNECT_PATIENCE))?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// A socket, or TLS on it.
trait Stream: Read + Write {
    /// Says the end, and lets the receiver write the rest of its answer.
    fn part(self);
}

impl Stream for Timed {
    fn part(mut self) {
        // The answer is there: nothing that fails from here on matters.
        let _ = self.socket.shutdown(Shutdown::Write);
        self.deadline = self.deadline.min(Instant::now() + FAREWELL);
        let _ = io::copy(&mut self.take(FAREWELL_BYTES), &mut io::sink());
    }
}

impl Stream for StreamOwned<ClientConnection, Timed> {
    fn part(mut self) {
        self.conn.send_close_notify();
        let _ = self.flush();
        self.sock.part();
    }
}

/// Sends the request, and reads the status of the answer.
fn exchange(mut stream: impl Stream, request: &[u8]) -> Result<(), PostError> {
    stream.write_all(request).and_then(|()| stream.flush()).map_err(PostError::Broken)?;
    let (mut answer, mut bytes) = (Vec::new(), [0; 2048]);
    let status = loop {
        match stream.read(&mut bytes) {
            Ok(0) => return Err(PostError::Ended),
            Ok(read) => answer.extend_from_slice(&bytes[..read]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(PostError::Broken(error)),
        }
        if let Some(status) = status(&answer)? {
            break status;
        }
    };
    stream.part();
    if (200..300).contains(&status) { Ok(()) } else { Err(PostError::Status(status)) }
}

/// The time that is left.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

/// A socket of which every call ends at the deadline.
struct Timed {
    socket: TcpStream,
    deadline: Instant,
}

/// A time limit of a socket shows itself as a call that would block.
fn as_timeout(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}

impl Read for Timed {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(left(self.deadline)?))?;
        self.socket.read(bytes).map_err(as_timeout)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(left(self.deadline)?))?;
        self.socket.write(bytes).map_err(as_timeout)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use parlor_proto::{MessageId, OuthookSecret};

    use super::*;

    fn poster(rule: &str) -> Poster {
        Poster::new(Arc::new(Guard::new(vec![rule.parse().unwrap()])))
    }

    fn due(listener: &TcpListener) -> DuePost {
        DuePost {
            id: MessageId(1),
            missed: 0,
            url: format!("http://{}/", listener.local_addr().unwrap()).parse().unwrap(),
            secret: OuthookSecret::given("plo_07"),
            body: "{}".to_owned(),
        }
    }

    #[test]
    fn an_answer_that_drips_ends_at_the_deadline() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let due = due(&listener);
        // Each byte comes long before the deadline, and the last one long after it.
        let drip = move || {
            let mut socket = listener.accept().unwrap().0;
            let mut answer = b"HTTP/1.1 200 OK\r\nX: ".iter().chain(std::iter::repeat_n(&b'x', 200));
            while answer.next().is_some_and(|byte| socket.write_all(&[*byte]).is_ok()) {
                thread::sleep(Duration::from_millis(20));
            }
        };
        let receiver = thread::spawn(drip);
        let begun = Instant::now();
        let posted = poster("127.0.0.1").post(&due, begun + Duration::from_millis(400));
        assert!(
            matches!(&posted, Err(PostError::Broken(error)) if error.kind() == io::ErrorKind::TimedOut),
            "{posted:?}"
        );
        assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
        receiver.join().unwrap();
    }

    #[test]
    fn a_connection_of_this_machine_to_itself_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let judge = |rule| poster(rule).judge(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
        let refused = judge("*").unwrap_err();
        assert_eq!(refused.to_string(), "the address 127.0.0.1 of its host is one of this machine");
        judge("127.0.0.0/8").unwrap();
    }
}
