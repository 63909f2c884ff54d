//! A client's socket: its settings, and reading and writing without ever waiting. It must not know of TLS.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use rustix::net::{RecvFlags, SendFlags, recv, send};
use socket2::{SockRef, TcpKeepalive};

/// Bytes that the kernel keeps for a client that does not read; the kernel doubles it for its own book-keeping.
/// Without a bound it grows to megabytes, and a stuck client is noticed late.
const SEND_BUFFER: usize = 128 * 1024;

/// A silent connection is probed after this time …
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
/// … and then in this interval …
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// … and given up, as is one that takes nothing of what is sent, after this time (TCP_USER_TIMEOUT, tcp(7)).
///
/// A client that is there and does not read ends in the same way: its kernel answers that it has no room, and the system
/// has one time for both. A longer one would keep the sessions of those who are gone, since nothing else finds them while
/// something is to be sent: keep-alive does not probe then.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);

/// Sends at once, finds dead peers, bounds the kernel's buffer.
pub(super) fn configure(socket: &TcpStream) -> io::Result<()> {
    let options = SockRef::from(socket);
    options.set_tcp_nodelay(true)?;
    options.set_send_buffer_size(SEND_BUFFER)?;
    options.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_INTERVAL))?;
    options.set_tcp_user_timeout(Some(GIVE_UP_AFTER))
}

/// Sends what a blocking socket takes at once: a full one is `WouldBlock`. Only after the handshake.
pub(super) fn send_now(socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    Ok(send(socket, bytes, SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL))?)
}

/// Receives what a blocking socket has: an empty one is `WouldBlock`, and 0 is the end. Only
/// after the handshake.
pub(super) fn receive_now(socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let (count, _) = recv(socket, buffer, RecvFlags::DONTWAIT)?;
    Ok(count)
}
