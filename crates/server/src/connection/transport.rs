//! The wire behind an outbox: encrypts frames and sends them without blocking, and decrypts what the client's
//! thread received. It must not wait for the peer, except on the client's own thread.

use std::io::{self, ErrorKind, Read};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use parlor_core::ports::Transport;
use parlor_core::{ConnectionId, Outbox, Settled, Taken};
use parlor_proto::Bye;

use super::socket::{receive_now, send_now};
use super::stream::Stream;
use crate::workers::blocked_writer::BlockedWriter;

/// Maximum bytes in one TLS record and one send: the most that a record holds (RFC 8446, section 5.1).
const RECORD_BYTES: usize = 16 * 1024;

/// Up to this many encrypted bytes are not sent alone, but along with the next frames. Mostly these are tickets after a
/// handshake.
const ALONG_BYTES: usize = 1024;

/// Maximum bytes of one read from a socket, on the stack of the client's thread.
const READ_BYTES: usize = 2048;

/// Maximum bytes of a client's input that run together: 64 messages of medium length.
const BATCH_BYTES: usize = 16 * 1024;

/// A client's socket and the stream on it.
#[derive(Debug)]
pub(super) struct TlsTransport {
    connection: ConnectionId,
    socket: TcpStream,
    blocked_writer: Arc<BlockedWriter>,
    /// `None` before the handshake. Lock tier 3, never together with a channel's. It is the only lock held during a
    /// system call, the non-blocking send. While it is held, only this connection's outbox is locked.
    stream: Mutex<Option<Stream>>,
    /// The client's thread, woken from a pause by an interrupt. A leaf lock: no other lock is taken while it is held.
    thread: Mutex<Option<Thread>>,
    interrupted: AtomicBool,
}

/// Result of one step of a flush.
enum Step {
    /// Everything is sent.
    Sent,
    /// The socket is full.
    Full,
    /// The connection is broken.
    Broken,
}

/// Result of a read on the client's thread.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// Bytes, perhaps only of TLS itself.
    Bytes,
    /// The end: the peer closed, or the connection was interrupted.
    End,
    /// The timeout passed without a byte.
    TimedOut,
}

impl TlsTransport {
    pub(super) fn new(connection: ConnectionId, socket: TcpStream, blocked_writer: Arc<BlockedWriter>) -> Self {
        Self {
            connection,
            socket,
            blocked_writer,
            stream: Mutex::new(None),
            thread: Mutex::new(None),
            interrupted: AtomicBool::new(false),
        }
    }

    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Makes the calling thread the client's thread.
    pub(super) fn adopt_thread(&self) {
        *self.thread() = Some(std::thread::current());
    }

    /// Stores the stream after the handshake. From now on frames can be written.
    pub(super) fn open(&self, stream: Stream) {
        *self.stream() = Some(stream);
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Acquire)
    }

    /// Sets the timeout of [`TlsTransport::receive`].
    pub(super) fn set_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.socket.set_read_timeout(timeout)
    }

    /// Blocks until bytes arrive or the timeout passes. Decrypts all bytes available by then, about 16 KiB at most, and
    /// appends the plaintext to `plain`. Messages received together are one append and one pass over the members of a
    /// room, so that a client that sends much at once costs little. Only for the client's thread.
    ///
    /// # Errors
    /// The connection is broken, or the peer violates TLS.
    pub(super) fn receive(&self, plain: &mut Vec<u8>) -> io::Result<Received> {
        if self.peer_has_closed() {
            return Ok(Received::End);
        }
        let mut buffer = [0; READ_BYTES];
        let mut received = match (&mut &self.socket).read(&mut buffer) {
            Ok(0) => return Ok(Received::End),
            Ok(count) => (count, self.decrypt(&buffer[..count], plain)?),
            Err(error) if is_silence(&error) => return Ok(Received::TimedOut),
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(Received::Bytes),
            Err(error) => return Err(error),
        };
        // Only after a full buffer there can be more to read, so a client that sends little pays nothing for this.
        while received == (READ_BYTES, Received::Bytes) && plain.len() < BATCH_BYTES {
            match receive_now(&self.socket, &mut buffer) {
                // The next call finds the end again.
                Ok(0) => break,
                Ok(count) => received = (count, self.decrypt(&buffer[..count], plain)?),
                Err(error) if is_silence(&error) => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(received.1)
    }

    /// Blocks until there is something to receive, the end included, and leaves it unread. Blocks for `patience` at
    /// most, if it is given; returns `false` if nothing came in time. Takes almost no stack. Only for the client's
    /// thread.
    pub(super) fn await_bytes(&self, patience: Option<Duration>) -> bool {
        if self.peer_has_closed() {
            return true;
        }
        // A socket that accepts no timeout is broken; the next read returns the error.
        if self.set_timeout(patience).is_err() {
            return true;
        }
        loop {
            match self.socket.peek(&mut [0]).map_err(|error| error.kind()) {
                Err(ErrorKind::Interrupted) => {}
                Err(ErrorKind::WouldBlock | ErrorKind::TimedOut) => return false,
                Ok(_) | Err(_) => return true,
            }
        }
    }

    /// Receives what came together with the end of the handshake: a client may speak before the greeting.
    ///
    /// # Errors
    /// The peer violates TLS.
    pub(super) fn receive_buffered(&self, plain: &mut Vec<u8>) -> io::Result<()> {
        match self.stream().as_mut() {
            Some(stream) => stream.receive(&[], plain),
            None => Ok(()),
        }
    }

    fn decrypt(&self, cipher: &[u8], plain: &mut Vec<u8>) -> io::Result<Received> {
        let mut stream = self.stream();
        let Some(stream) = stream.as_mut() else { return Ok(Received::End) };
        stream.receive(cipher, plain)?;
        // What the client sent before it closed runs first; the next call finds the end.
        Ok(if stream.peer_has_closed() && plain.is_empty() { Received::End } else { Received::Bytes })
    }

    fn peer_has_closed(&self) -> bool {
        self.stream().as_ref().is_some_and(Stream::peer_has_closed)
    }

    /// Whether TLS itself has something to send: an alert, or the answer to a key update.
    pub(super) fn wants_write(&self) -> bool {
        self.stream().as_ref().is_some_and(|stream| !stream.outgoing().is_empty())
    }

    /// Takes the frames that the framing itself answers with, if there are any. The caller sends them.
    pub(super) fn take_answers(&self) -> Option<Arc<[u8]>> {
        self.stream().as_mut().and_then(Stream::take_answers)
    }

    /// Sends the end of the stream and closes the writing half. Does not block: bytes that cannot be sent at once are
    /// lost.
    pub(super) fn close(&self, goodbye: Option<Bye>) {
        if let Some(stream) = self.stream().as_mut() {
            // Fails if TLS has failed before; then there may be an alert to send.
            let _ = stream.encrypt_close(goodbye);
            let _ = send_pending(stream, &self.socket);
        }
        // Fails only if the connection is broken already.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    fn thread(&self) -> MutexGuard<'_, Option<Thread>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stream(&self) -> MutexGuard<'_, Option<Stream>> {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what is encrypted already, then takes frames from the outbox and sends them.
    fn step(&self, outbox: &Outbox, frames: &mut Vec<Arc<[u8]>>) -> Step {
        let mut stream = self.stream();
        let Some(stream) = stream.as_mut() else { return Step::Broken };
        let mut has_more = true;
        loop {
            if !has_more || stream.outgoing().len() > ALONG_BYTES {
                match send_pending(stream, &self.socket) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return Step::Full,
                    Err(_) => return Step::Broken,
                }
            }
            if !has_more {
                return Step::Sent;
            }
            frames.clear();
            has_more = outbox.take(RECORD_BYTES, frames) == Taken::Some;
            if !frames.is_empty() && stream.encrypt(frames).is_err() {
                return Step::Broken;
            }
        }
    }

    fn abort(&self, outbox: &Outbox) {
        outbox.kill();
        self.interrupt();
    }
}

impl Transport for TlsTransport {
    fn flush(&self, outbox: &Outbox) {
        let mut frames = Vec::new();
        loop {
            match self.step(outbox, &mut frames) {
                Step::Sent => {}
                Step::Full => {
                    outbox.hand_over();
                    if let Err(error) = self.blocked_writer.watch(&self.socket, self.connection) {
                        tracing::warn!(connection = %self.connection, "cannot watch a full socket: {error}");
                        outbox.take_back();
                        self.abort(outbox);
                    } else {
                        return;
                    }
                }
                Step::Broken => self.abort(outbox),
            }
            if outbox.release_if_empty() == Settled::Idle {
                return;
            }
        }
    }

    /// Wakes the client's thread from reads and pauses. Bytes can still be sent. Shuts down the reading half, since
    /// closing a descriptor does not wake its reader.
    fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Release);
        // Fails only if the connection is broken, which wakes the reader too.
        let _ = self.socket.shutdown(Shutdown::Read);
        // A thread that adopts the connection later sees that it is interrupted.
        if let Some(thread) = &*self.thread() {
            thread.unpark();
        }
    }

    fn pause(&self, time: Duration) {
        let end = Instant::now() + time;
        while !self.is_interrupted() {
            let remaining = end.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return;
            }
            std::thread::park_timeout(remaining);
        }
    }
}

/// Whether a read failed because there was nothing to read, within its timeout or at once.
fn is_silence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn send_pending(stream: &mut Stream, socket: &TcpStream) -> io::Result<()> {
    while !stream.outgoing().is_empty() {
        match send_now(socket, stream.outgoing())? {
            0 => return Err(ErrorKind::WriteZero.into()),
            count => stream.note_sent(count),
        }
    }
    Ok(())
}
