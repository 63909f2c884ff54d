//! The end of a connection: what waits is written, the peer is told, and the socket is closed in a way that lets
//! the last line arrive. It must not last: each step has a deadline.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use parlor_core::Peer;

use super::wire::TlsWire;

/// How long the last lines may take to be written. Below the patience of a login that waits for this end.
const FLUSH_PATIENCE: Duration = Duration::from_secs(1);

/// How long the peer's own end is waited for.
const LINGER: Duration = Duration::from_millis(500);

/// The same for a connection that was interrupted, whose end cannot be seen any more.
const LINGER_BLIND: Duration = Duration::from_millis(100);

/// Time between two looks for what such a connection still sends.
const BLIND_STEP: Duration = Duration::from_millis(20);

/// Writes what waits, says so at the level of TLS, and closes the writing half.
pub(super) fn say(peer: &Peer, wire: &TlsWire) {
    peer.flush();
    peer.outbox().await_empty(FLUSH_PATIENCE);
    wire.close();
    peer.outbox().kill();
}

/// Reads and forgets what the peer still sends: closing a socket with unread bytes resets the connection, and
/// the peer may lose what was sent to it last.
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
