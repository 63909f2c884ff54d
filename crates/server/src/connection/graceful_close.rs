//! The end of a connection: what waits is written, the peer is told, and the socket is closed in a way that lets
//! the last line arrive. It must not last without end: each step has a deadline.

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use parlor_core::{Awaited, Outbox, Peer};

use super::transport::TlsTransport;

/// How long the last lines may take to be written while the session is not free, or to one who is thrown out. Below the
/// patience of a login that waits for this end.
const FLUSH_PATIENCE: Duration = Duration::from_secs(1);

/// How long they may take after that, to one who ended the connection by themselves and may have much to read: in all …
const FINISH_PATIENCE: Duration = Duration::from_secs(60);

/// … and while nothing goes out.
const STUCK_PATIENCE: Duration = Duration::from_secs(15);

/// How long the peer's own end is waited for.
const LINGER: Duration = Duration::from_millis(500);

/// The same for a connection that was interrupted, whose end cannot be seen any more.
const LINGER_BLIND: Duration = Duration::from_millis(100);

/// Time between two looks for what such a connection still sends.
const BLIND_STEP: Duration = Duration::from_millis(20);

/// Writes what waits, says so at the level of TLS, and closes the writing half. `false` if more time is needed, and
/// granted: [`flush_slow_reader`] is to follow.
pub(super) fn flush_and_close(peer: &Peer, transport: &TlsTransport) -> bool {
    peer.flush();
    let is_over = peer.outbox().await_empty(FLUSH_PATIENCE) || peer.outbox().is_closed_by_server();
    if is_over {
        close(peer.outbox(), transport);
    }
    is_over
}

/// Does the same for one who reads slowly, for as long as they read. Nobody may wait for this end any more. One who has
/// not logged in gets no more than the time that is left for that.
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
    transport.close();
    outbox.kill();
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
