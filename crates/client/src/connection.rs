//! Lines over TLS over TCP, in both directions at once. It must not open connections or interpret the lines.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use parlor_proto::{Line, LineSplitter, Text};
use rustls::ClientConnection;
use zeroize::Zeroizing;

use crate::address::Address;
use crate::connector::Timeouts;
use crate::error::Lost;
use crate::lock;

/// Maximum length of a line from a server. 500 entries of history are many times smaller.
const MAX_LINE_BYTES: usize = 64 << 20;
/// Maximum number of bytes per read from the socket: one TLS record and its framing.
const READ_BYTES: usize = 17 << 10;

/// `text` without control characters, safe for a terminal.
pub(crate) fn readable(text: &str) -> String {
    Text::sanitise(text).map(|text| text.as_str().replace('\t', " ")).unwrap_or_default()
}

/// A connection after the greeting and before the login.
#[derive(Debug)]
pub struct UnauthenticatedConnection {
    pub(crate) sender: LineSender,
    pub(crate) receiver: LineReceiver,
    pub(crate) server: String,
    pub(crate) address: Address,
    pub(crate) timeouts: Timeouts,
}

impl UnauthenticatedConnection {
    /// The name of the server, as the server gives it.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The address of the server.
    pub fn address(&self) -> &Address {
        &self.address
    }
}

/// The two halves of a connection after the handshake.
pub(crate) fn halves(socket: TcpStream, tls: ClientConnection) -> (LineSender, LineReceiver) {
    let (spoke, opened) = (AtomicU64::new(0), Instant::now());
    let shared = Arc::new(Shared { socket, writing: Mutex::new(()), tls: Mutex::new(tls), opened, spoke });
    (LineSender { shared: shared.clone() }, LineReceiver::new(shared))
}

#[derive(Debug)]
struct Shared {
    socket: TcpStream,
    /// Tier 1, taken before `tls`: fixes the order of records on the socket. Held while writing, so a server that does
    /// not read blocks the senders. The receiver never waits for this lock.
    writing: Mutex<()>,
    /// Tier 2: never held across a system call.
    tls: Mutex<ClientConnection>,
    opened: Instant,
    /// When something was sent last, in milliseconds since `opened`.
    spoke: AtomicU64,
}

impl Shared {
    /// Encrypts `plain`, and writes it after the pending records of TLS itself.
    fn write(&self, plain: &[u8], _order: &MutexGuard<'_, ()>) -> io::Result<()> {
        let mut records = Vec::with_capacity(plain.len() + 64);
        {
            let mut tls = lock(&self.tls);
            tls.writer().write_all(plain)?;
            while tls.wants_write() {
                tls.write_tls(&mut records)?;
            }
        }
        (&self.socket).write_all(&records)?;
        if !plain.is_empty() {
            let spoke = self.opened.elapsed().as_millis();
            self.spoke.store(u64::try_from(spoke).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        Ok(())
    }
}

/// The sending half of a connection. Clones send on the same connection. The lines of several threads are never mixed.
#[derive(Debug, Clone)]
pub struct LineSender {
    shared: Arc<Shared>,
}

impl LineSender {
    /// Adds the LF to the line and sends it. Blocks while the server does not read.
    ///
    /// # Errors
    /// If the connection is lost. The line may have been sent or not.
    pub fn send_line(&self, line: &str) -> io::Result<()> {
        self.send_bytes(line.as_bytes())
    }

    /// As [`Self::send_line`], for lines that may not be UTF-8.
    ///
    /// # Errors
    /// If the connection is lost.
    pub fn send_bytes(&self, line: &[u8]) -> io::Result<()> {
        let order = lock(&self.shared.writing);
        self.shared.write(&terminated(line), &order)
    }

    /// Sends one line, unless another thread is sending. Returns whether it sent the line.
    pub(crate) fn send_if_idle(&self, line: &str) -> io::Result<bool> {
        let Ok(order) = self.shared.writing.try_lock() else { return Ok(false) };
        self.shared.write(&terminated(line.as_bytes()), &order).map(|()| true)
    }

    /// The time since the last line was sent.
    pub fn silent_for(&self) -> Duration {
        let spoke = Duration::from_millis(self.shared.spoke.load(Ordering::Relaxed));
        self.shared.opened.elapsed().saturating_sub(spoke)
    }

    /// Ends the connection in both directions at once; whoever waits for it wakes up. What has arrived
    /// already can still be received.
    pub fn close(&self) {
        lock(&self.shared.tls).send_close_notify();
        if let Ok(order) = self.shared.writing.try_lock() {
            // The connection ends in any case. The server learns of it by close_notify or by FIN.
            let _ = self.shared.write(&[], &order);
        }
        // This fails only if the connection is already lost.
        let _ = self.shared.socket.shutdown(Shutdown::Both);
    }
}

/// The line with its line ending. The buffer is overwritten after use, since it may hold a password.
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
    /// Number of bytes of `plain` that are already split into lines.
    split: usize,
    ended: bool,
}

impl fmt::Debug for LineReceiver {
    /// Shows no received data, since that must not go to logs.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LineReceiver").field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// The result of a wait for a line.
#[derive(Debug)]
pub(crate) enum Received {
    Line(String),
    /// No data within the read timeout.
    Silence,
    End,
}

impl LineReceiver {
    fn new(shared: Arc<Shared>) -> Self {
        let records = vec![0; READ_BYTES].into_boxed_slice();
        let splitter = LineSplitter::new(MAX_LINE_BYTES);
        Self { shared, splitter, records, plain: Vec::new(), split: 0, ended: false }
    }

    /// From now on, [`Self::next`] returns [`Received::Silence`] after this time, which is never zero.
    pub(crate) fn set_patience(&self, patience: Duration) -> io::Result<()> {
        self.shared.socket.set_read_timeout(Some(patience.max(Duration::from_millis(1))))
    }

    /// The next line. After `deadline` the server counts as silent.
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

    /// Blocks until a line arrives or the read timeout expires. An unfinished last line is dropped.
    pub(crate) fn next(&mut self) -> io::Result<Received> {
        loop {
            if let Some(line) = self.take_line()? {
                return Ok(Received::Line(line));
            }
            if self.ended {
                return Ok(Received::End);
            }
            // The handshake may have received the first lines too, so this comes before the socket.
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

    /// Decrypts the first `count` bytes that were read, and answers requests of TLS itself.
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
            // The thread that is writing sends the answer with its next line.
            _ => Ok(()),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{HELLO, Identity, Peer, Scripted, pinned};

    /// A connection to a server that greets and then plays `script`.
    fn greeted<T: Send + 'static>(
        script: impl FnOnce(Peer) -> T + Send + 'static,
    ) -> (UnauthenticatedConnection, Scripted<T>) {
        let identity = Identity::new(&["127.0.0.1"]);
        let server = Scripted::start(&identity, |mut peer| {
            peer.say(&[HELLO]);
            script(peer)
        });
        (pinned(&server.address, identity.pin).open().unwrap(), server)
    }

    /// All lines up to the end of the connection.
    fn lines(receiver: &mut LineReceiver) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match receiver.next().unwrap() {
                Received::Line(line) => lines.push(line),
                Received::Silence => panic!("nothing came"),
                Received::End => return lines,
            }
        }
    }

    #[test]
    fn a_text_of_others_is_one_line_without_control_characters() {
        let cases =
            [("a\tb", "a b"), ("\u{1b}[31mred\u{202e}\r\n", "[31mred"), ("  ", ""), ("\u{7}", ""), (" x ", " x ")];
        for (text, expected) in cases {
            assert_eq!(readable(text), expected, "{text:?}");
        }
    }

    #[test]
    fn lines_are_cut_from_whatever_pieces_they_come_in_and_an_unfinished_one_is_dropped() {
        let (mut connection, server) = greeted(|mut peer| {
            peer.say_bytes(b"one\ntwo\r\n\nth");
            peer.say_bytes(b"r\xc3");
            peer.say_bytes(b"\xa9e\nno \xff UTF-8\nlost");
            peer.close();
        });
        assert_eq!(lines(&mut connection.receiver), ["one", "two", "", "thr\u{e9}e", "no \u{fffd} UTF-8"]);
        assert!(matches!(connection.receiver.next().unwrap(), Received::End), "the end stays the end");
        server.finish();
    }

    #[test]
    fn a_silent_server_is_not_lost_and_patience_is_never_zero() {
        let (mut connection, server) = greeted(|mut peer| {
            peer.hear();
            peer.say(&["late"]);
            peer.hear()
        });
        connection.receiver.set_patience(Duration::ZERO).unwrap();
        assert!(matches!(connection.receiver.next().unwrap(), Received::Silence));
        assert!(matches!(connection.receiver.line_before(Instant::now()), Err(Lost::Silent)));
        connection.sender.send_line("x").unwrap();
        let limit = Instant::now() + Duration::from_secs(20);
        assert_eq!(connection.receiver.line_before(limit).unwrap(), "late");
        connection.sender.close();
        server.finish();
    }

    #[test]
    fn a_line_without_an_end_is_given_up() {
        let (mut connection, server) = greeted(|mut peer| {
            peer.say_bytes(&[b'x'; 10]);
            peer.hear()
        });
        connection.receiver.splitter = LineSplitter::new(10);
        let error = connection.receiver.next().unwrap_err();
        assert_eq!(error.to_string(), "the server sent an endless line");
        connection.sender.close();
        server.finish();
    }

    #[test]
    fn a_line_that_may_wait_is_not_sent_while_another_one_is() {
        let (connection, server) = greeted(|mut peer| peer.hear());
        let order = lock(&connection.sender.shared.writing);
        assert!(!connection.sender.send_if_idle("first").unwrap());
        drop(order);
        assert!(connection.sender.send_if_idle("second").unwrap());
        assert_eq!(server.finish(), "second");
    }

    #[test]
    fn the_server_is_told_of_the_end_which_is_no_sign_of_life() {
        let (connection, server) = greeted(|mut peer| peer.hears_end());
        let spoke = &connection.sender.shared.spoke;
        spoke.store(u64::MAX, Ordering::Relaxed);
        connection.sender.close();
        assert!(server.finish());
        assert_eq!(spoke.load(Ordering::Relaxed), u64::MAX);
    }

    #[test]
    fn short_lines_go_out_at_once_and_the_system_looks_after_a_quiet_connection() {
        let (connection, server) = greeted(|mut peer| peer.hear());
        let socket = &connection.sender.shared.socket;
        assert!(socket.nodelay().unwrap());
        assert!(socket2::SockRef::from(socket).keepalive().unwrap());
        connection.sender.close();
        server.finish();
    }

    #[test]
    fn what_is_received_goes_to_no_log() {
        let (mut connection, server) = greeted(|mut peer| peer.hear());
        connection.receiver.plain = b"secret".to_vec();
        assert_eq!(format!("{:?}", connection.receiver), "LineReceiver { ended: false, .. }");
        connection.sender.close();
        server.finish();
    }
}
