//! Ends a connection: it writes what waits, notifies the peer, and closes the socket in a way that lets the last line
//! arrive. It must not block forever: each step has a deadline.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use parlor_core::{Awaited, Outbox, Peer};

use super::transport::TlsTransport;

/// Timeout for writing the last lines while the session is not free, or if the server ended the connection. It is below
/// the patience of a login that waits for this end.
const FLUSH_PATIENCE: Duration = Duration::from_secs(1);

/// Timeout for writing them after that, to a client that quit and may have much to read: in all …
const FINISH_PATIENCE: Duration = Duration::from_secs(60);

/// … and without progress.
const STUCK_PATIENCE: Duration = Duration::from_secs(15);

/// How long the server waits for the peer to close.
const LINGER: Duration = Duration::from_millis(500);

/// The same for an interrupted connection, on which the server no longer sees that the peer closes.
const LINGER_BLIND: Duration = Duration::from_millis(100);

/// Time between two reads of what such a connection still sends.
const BLIND_STEP: Duration = Duration::from_millis(20);

/// Writes what waits, sends the end of the stream, and closes the writing half. Blocks for 1 s at most. Returns `false` if a
/// client that quit needs more time: the caller must then call [`flush_slow_reader`].
pub(super) fn flush_and_close(peer: &Peer, transport: &TlsTransport) -> bool {
    peer.flush();
    let is_over = peer.outbox().await_empty(FLUSH_PATIENCE) || peer.outbox().is_closed_by_server();
    if is_over {
        close(peer.outbox(), transport);
    }
    is_over
}

/// Does the same for a slow client, as long as it reads. The caller makes sure that nobody waits for this end. A client
/// that has not logged in gets no more than the time left for the login.
pub(super) fn flush_slow_reader(peer: &Peer, transport: &TlsTransport, time_to_log_in: Option<Duration>) {
    let outbox = peer.outbox();
    let deadline = Instant::now() + time_to_log_in.map_or(FINISH_PATIENCE, |time| time.min(FINISH_PATIENCE));
    let patience = || STUCK_PATIENCE.min(deadline.saturating_duration_since(Instant::now()));
    while !patience().is_zero() && outbox.await_empty_or_closed(patience()) == Awaited::Progress {}
    if outbox.is_closed_by_server() {
        outbox.await_empty(FLUSH_PATIENCE);
    }
    close(outbox, transport);
}

fn close(outbox: &Outbox, transport: &TlsTransport) {
    transport.close(outbox.goodbye());
    outbox.kill();
}

/// Reads and discards what the peer still sends. Closing a socket with unread bytes resets the connection, and the peer
/// may lose the last lines.
pub(super) fn linger(socket: &TcpStream, was_interrupted: bool) {
    let mut buffer = [0; 1024];
    let deadline = Instant::now() + if was_interrupted { LINGER_BLIND } else { LINGER };
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() || socket.set_read_timeout(Some(left)).is_err() {
            return;
        }
        match (&mut &*socket).read(&mut buffer) {
            Ok(0) if was_interrupted => std::thread::sleep(left.min(BLIND_STEP)),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
}
