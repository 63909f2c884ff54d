//! A client's socket: its settings, and non-blocking reads and writes. It must not know of TLS.

use std::io;
use std::net::TcpStream;
use std::time::Duration;

use rustix::net::{RecvFlags, SendFlags, recv, send};
use socket2::{SockRef, TcpKeepalive};

/// Send buffer of the kernel, in bytes; the kernel doubles it for its own bookkeeping. Without a bound the buffer grows
/// to megabytes, and the server notices late that a client does not read.
const SEND_BUFFER: usize = 128 * 1024;

/// The kernel probes a silent connection after this time …
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);
/// … and then in this interval …
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// … and resets it after this time, also if sent data is not acknowledged for so long (TCP_USER_TIMEOUT, tcp(7)).
///
/// A client that is alive and does not read ends in the same way: its kernel reports a full window, and the system has
/// one timeout for both. A longer timeout would keep the sessions of dead clients: keep-alive does not probe while data
/// is unsent, so nothing else finds them.
const GIVE_UP_AFTER: Duration = Duration::from_secs(60);

/// Turns off delayed sending, makes the kernel find dead peers, and bounds the kernel's buffer.
pub(super) fn configure(socket: &TcpStream) -> io::Result<()> {
    let options = SockRef::from(socket);
    options.set_tcp_nodelay(true)?;
    options.set_send_buffer_size(SEND_BUFFER)?;
    options.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE_AFTER).with_interval(KEEPALIVE_INTERVAL))?;
    options.set_tcp_user_timeout(Some(GIVE_UP_AFTER))
}

/// Sends what a blocking socket takes without blocking; a full socket is `WouldBlock`. Call it only after the
/// handshake.
pub(super) fn send_now(socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    Ok(send(socket, bytes, SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL))?)
}

/// Receives what a blocking socket has without blocking; an empty socket is `WouldBlock`, and 0 is the end. Call it
/// only after the handshake.
pub(super) fn receive_now(socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let (count, _) = recv(socket, buffer, RecvFlags::DONTWAIT)?;
    Ok(count)
}
