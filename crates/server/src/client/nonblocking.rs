//! A socket without ever waiting for it. It must not be used where the handshake is still to come.

use std::io;
use std::net::TcpStream;

use rustix::net::{RecvFlags, SendFlags, recv, send};

/// Sends what a blocking socket takes at once: a full one is `WouldBlock`.
pub(super) fn send_now(socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    Ok(send(socket, bytes, SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL))?)
}

/// Receives what a blocking socket has: an empty one is `WouldBlock`, and 0 is the end.
pub(super) fn receive_now(socket: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    let (count, _) = recv(socket, buffer, RecvFlags::DONTWAIT)?;
    Ok(count)
}
