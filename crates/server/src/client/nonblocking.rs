//! Writing to a socket without ever waiting for it. It must not be used where the handshake is still to come.

use std::io;
use std::net::TcpStream;

use rustix::net::{SendFlags, send};

/// Sends what a blocking socket takes at once: a full one is `WouldBlock`.
pub(super) fn send_now(socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    Ok(send(socket, bytes, SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL))?)
}
