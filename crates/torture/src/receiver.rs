//! Receives what outgoing hooks post: a small HTTP server on this machine. Now and then it fails, as others do. It must not
//! judge what it receives.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use parlor_process_testkit::Failure;
use serde_json::Value;

use crate::record::Post;

/// Maximum time for each read and write: the server may be frozen.
const PATIENCE: Duration = Duration::from_secs(1);
/// Maximum size of a request in bytes.
const MAX_BYTES: u64 = 1 << 20;
/// Of so many requests, each failure hits one.
const FAILS_EVERY: usize = 100;

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Taken,
    /// It is answered 500.
    Refused,
    /// It is read, and not answered.
    Unanswered,
    /// It is not even read.
    Unread,
}

impl Fate {
    /// That of the request with this number.
    fn of(number: usize) -> Self {
        match number % FAILS_EVERY {
            13 => Self::Refused,
            47 => Self::Unanswered,
            81 => Self::Unread,
            _ => Self::Taken,
        }
    }
}

/// The receiver. It ends when it is dropped.
pub(crate) struct Receiver {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    began: Instant,
    posts: Mutex<Vec<Post>>,
    ends: AtomicBool,
}

impl Receiver {
    /// Listens on a port that is free. Times count from `began`.
    ///
    /// # Errors
    /// No port or no thread can be had.
    pub(crate) fn open(began: Instant) -> Result<Self, Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Failure::of("a receiver of posts"))?;
        let address = listener.local_addr().map_err(Failure::of("a receiver of posts"))?;
        let shared = Arc::new(Shared { began, posts: Mutex::default(), ends: AtomicBool::new(false) });
        let receives = shared.clone();
        let thread = thread::Builder::new().name("receiver".to_owned()).spawn(move || receives.serve(&listener));
        thread.map_err(Failure::of("a thread of the receiver of posts"))?;
        Ok(Self { address, shared })
    }

    /// The address of this name.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("http://{}/{name}", self.address)
    }

    /// Everything that was posted so far.
    pub(crate) fn posts(&self) -> Vec<Post> {
        self.shared.posts().clone()
    }

    /// Whether it took the message with this number at an address. What was refused comes again.
    pub(crate) fn has_taken(&self, url: &str, id: u64) -> bool {
        let is_it = |post: &Post| post.id == id && !post.is_refused && url.ends_with(&post.hook);
        self.shared.posts().iter().any(is_it)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Release);
        // It wakes the thread. If nobody listens any more, the thread has ended.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn posts(&self) -> MutexGuard<'_, Vec<Post>> {
        self.posts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve(&self, listener: &TcpListener) {
        for (number, socket) in listener.incoming().enumerate() {
            if self.ends.load(Ordering::Acquire) {
                return;
            }
            // A connection that breaks is one that the server has to repeat.
            let _ = socket.and_then(|socket| self.receive(socket, Fate::of(number)));
        }
    }

    fn receive(&self, mut socket: TcpStream, fate: Fate) -> io::Result<()> {
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        if fate == Fate::Unread {
            return Ok(());
        }
        let request = read_request(&mut socket)?;
        let post = Post { at: self.began.elapsed(), is_refused: fate != Fate::Taken, ..understand(&request) };
        self.posts().push(post);
        match fate {
            Fate::Taken => socket.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"),
            Fate::Refused => socket.write_all(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"),
            Fate::Unanswered | Fate::Unread => Ok(()),
        }
    }
}

/// Reads a request up to the end of its body.
fn read_request(socket: &mut TcpStream) -> io::Result<String> {
    let (mut bytes, mut part) = (Vec::new(), [0; 4096]);
    let mut source = socket.take(MAX_BYTES);
    loop {
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= length(head)
        {
            return Ok(text.into_owned());
        }
        match source.read(&mut part)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => bytes.extend_from_slice(&part[..count]),
        }
    }
}

/// The length of the body in bytes.
fn length(head: &str) -> usize {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().and_then(|(_, length)| length.trim().parse().ok()).unwrap_or(0)
}

/// What a request says.
fn understand(request: &str) -> Post {
    let (head, body) = request.split_once("\r\n\r\n").unwrap_or((request, ""));
    let hook = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let unread = || Post { hook: hook.clone(), text: request.to_owned(), ..Post::default() };
    read_body(&hook, body).unwrap_or_else(unread)
}

fn read_body(hook: &str, body: &str) -> Option<Post> {
    let event: Value = serde_json::from_str(body).ok()?;
    let field = |name: &str| event[name].as_str().map(str::to_owned);
    Some(Post {
        hook: hook.to_owned(),
        room: field("room")?,
        epoch: field("epoch")?,
        id: event["id"].as_u64()?,
        from: field("from")?,
        text: field("text")?,
        missed: event["missed"].as_u64().unwrap_or(0),
        ..Post::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"room":"red","id":7,"epoch":"e","time":"t","from":"ann","text":"hé"}"#;

    fn request() -> String {
        format!("POST /red/0 HTTP/1.1\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len())
    }

    #[test]
    fn what_is_posted_is_noted_and_taken() {
        let receiver = Receiver::open(Instant::now()).unwrap();
        let mut socket = TcpStream::connect(receiver.address).unwrap();
        let request = request();
        let (first, rest) = request.as_bytes().split_at(40);
        socket.write_all(first).unwrap();
        socket.write_all(rest).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
        let post = receiver.posts().pop().unwrap();
        assert_eq!((post.hook.as_str(), post.id, post.text.as_str()), ("/red/0", 7, "hé"));
        assert!(receiver.url("red/0").ends_with(&post.hook));
    }

    #[test]
    fn what_is_refused_is_not_taken_before_it_comes_again() {
        let receiver = Receiver::open(Instant::now()).unwrap();
        let url = receiver.url("red/0");
        let post = |id: usize| {
            let mut socket = TcpStream::connect(receiver.address).unwrap();
            let body = BODY.replace("\"id\":7", &format!("\"id\":{id}"));
            // The receiver may hang up at any time.
            let _ = write!(socket, "POST /red/0 HTTP/1.1\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = socket.read_to_end(&mut Vec::new());
            receiver.has_taken(&url, id as u64)
        };
        for number in 0..FAILS_EVERY {
            assert_eq!(post(number), Fate::of(number) == Fate::Taken, "{number}");
        }
        assert!(post(13) && !receiver.has_taken(&receiver.url("red/1"), 13));
    }

    #[test]
    fn what_cannot_be_read_is_kept_as_it_is() {
        let post = understand("POST /red/0 HTTP/1.1\r\n\r\n{}");
        assert_eq!((post.hook.as_str(), post.id), ("/red/0", 0));
        assert!(post.text.ends_with("{}"));
    }

    #[test]
    fn few_requests_fail() {
        let failed = (0..FAILS_EVERY).filter(|number| Fate::of(*number) != Fate::Taken).count();
        assert_eq!(failed, 3);
    }
}
