//! A program that receives what outgoing hooks post, and answers as a test wants. Every wait has a deadline.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

/// How long a test waits for a post: longer than a dead server keeps its turn.
const PATIENCE: Duration = Duration::from_secs(60);

/// Servers look for something to post several times within this.
const LOOKS: Duration = Duration::from_secs(3);

/// What a program received.
#[derive(Debug)]
pub(crate) struct Received {
    /// The head of the request.
    pub(crate) head: String,
    /// The body of the request.
    pub(crate) body: String,
}

impl Received {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The number of the message.
    pub(crate) fn id(&self) -> u64 {
        self.json()["id"].as_u64().unwrap()
    }

    /// Fails unless the request is signed by this secret, as `openssl` understands it.
    pub(crate) fn expect_signed_by(&self, secret: &str) {
        let mut openssl = Command::new("openssl");
        openssl.args(["dgst", "-sha256", "-hmac", secret, "-r"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut openssl = openssl.spawn().unwrap();
        openssl.stdin.take().unwrap().write_all(self.body.as_bytes()).unwrap();
        let digest = String::from_utf8(openssl.wait_with_output().unwrap().stdout).unwrap();
        let wanted = format!("X-Parlor-Signature: sha256={}\r\n", digest.split(' ').next().unwrap());
        assert!(self.head.contains(&wanted), "{} lacks {wanted}", self.head);
    }
}

/// What the program does with what it gets.
#[derive(Debug, Clone)]
enum Mode {
    /// It answers with this status, and these fields.
    Answer(u16, &'static str),
    /// It answers only when it is in another mode.
    Hold,
}

/// A program that receives posts, also while it holds others.
pub(crate) struct Receiver {
    address: SocketAddr,
    mode: Arc<(Mutex<Mode>, Condvar)>,
    received: mpsc::Receiver<Received>,
    closes: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Receiver {
    /// A program that takes everything, on any port.
    pub(crate) fn start() -> Self {
        Self::over(TcpListener::bind("127.0.0.1:0").unwrap(), None)
    }

    /// The same on the port on which another one was.
    pub(crate) fn start_at(address: SocketAddr) -> Self {
        Self::over(TcpListener::bind(address).unwrap(), None)
    }

    /// The same in TLS, with the certificate that a server made in this data directory.
    pub(crate) fn start_tls(data: &Path) -> Self {
        let chain = CertificateDer::pem_file_iter(data.join("tls/server.pem")).unwrap().map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(data.join("tls/server.key")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(chain, key).unwrap();
        Self::over(TcpListener::bind("127.0.0.1:0").unwrap(), Some(Arc::new(config)))
    }

    fn over(listener: TcpListener, tls: Option<Arc<ServerConfig>>) -> Self {
        let address = listener.local_addr().unwrap();
        let mode = Arc::new((Mutex::new(Mode::Answer(200, "")), Condvar::new()));
        let (sender, received) = mpsc::channel();
        let (closes, connections) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (shared, ends, count) = (mode.clone(), closes.clone(), connections.clone());
        let work = move || {
            for socket in listener.incoming().map_while(Result::ok) {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                count.fetch_add(1, Ordering::SeqCst);
                socket.set_read_timeout(Some(PATIENCE)).unwrap();
                let (shared, sender) = (shared.clone(), sender.clone());
                let connection = tls.clone().map(|config| ServerConnection::new(config).unwrap());
                thread::spawn(move || match connection {
                    None => serve(&socket, &shared, &sender),
                    Some(connection) => serve(StreamOwned::new(connection, socket), &shared, &sender),
                });
            }
        };
        let thread = Some(thread::spawn(work));
        Self { address, mode, received, closes, connections, thread }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where hooks post, in the clear.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/in?a=b", self.address)
    }

    /// Answers with this status from now on.
    pub(crate) fn answer(&self, status: u16) {
        self.answer_with(status, "");
    }

    /// The same with fields in the answer, each with its line ending.
    pub(crate) fn answer_with(&self, status: u16, fields: &'static str) {
        self.set(Mode::Answer(status, fields));
    }

    /// Answers nothing from now on.
    pub(crate) fn hold(&self) {
        self.set(Mode::Hold);
    }

    fn set(&self, mode: Mode) {
        *self.mode.0.lock().unwrap() = mode;
        self.mode.1.notify_all();
    }

    /// The next post.
    pub(crate) fn next(&self) -> Received {
        self.received.recv_timeout(PATIENCE).expect("no post came in time")
    }

    /// The numbers of the next posts, up to `last`.
    pub(crate) fn ids_up_to(&self, last: u64) -> Vec<u64> {
        let mut ids = Vec::new();
        while ids.last() != Some(&last) {
            ids.push(self.next().id());
        }
        ids
    }

    /// What came and was not looked at.
    pub(crate) fn rest(&self) -> Vec<Received> {
        self.received.try_iter().collect()
    }

    /// Whether nothing comes for a while, in which every server looks for something to post.
    pub(crate) fn stays_quiet(&self) -> bool {
        self.received.recv_timeout(LOOKS).is_err()
    }

    /// How many connections were opened to it.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Listens no longer. Returns where it did.
    pub(crate) fn close(mut self) -> SocketAddr {
        self.end();
        self.address
    }

    fn end(&mut self) {
        self.closes.store(true, Ordering::SeqCst);
        self.answer(503);
        // Wakes the thread.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if self.thread.is_some() && !thread::panicking() {
            self.end();
        }
    }
}

/// Reads a request and answers it. A connection that breaks is none.
fn serve(stream: impl Read + Write, mode: &(Mutex<Mode>, Condvar), sender: &Sender<Received>) {
    let mut stream = BufReader::new(stream);
    let Some(received) = read(&mut stream) else { return };
    // Before the test hears of it: what the test wants from then on is about later requests.
    let current = mode.0.lock().unwrap().clone();
    // Nobody looks at it if the test is over.
    let _ = sender.send(received);
    let (status, fields) = match current {
        Mode::Answer(status, fields) => (status, fields),
        Mode::Hold => released(mode),
    };
    let answer = format!("HTTP/1.1 {status} Whatever\r\n{fields}Content-Length: 3\r\nConnection: close\r\n\r\nok\n");
    let _ = stream.get_mut().write_all(answer.as_bytes()).and_then(|()| stream.get_mut().flush());
}

/// How a request that is held is answered in the end.
fn released((mode, changed): &(Mutex<Mode>, Condvar)) -> (u16, &'static str) {
    let mut current = mode.lock().unwrap();
    loop {
        match &*current {
            Mode::Answer(status, fields) => return (*status, fields),
            Mode::Hold => current = changed.wait(current).unwrap(),
        }
    }
}

fn read(stream: &mut impl BufRead) -> Option<Received> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "))?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Received { head, body: String::from_utf8(body).ok()? })
}
