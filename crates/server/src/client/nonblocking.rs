//! Writing to a socket without ever waiting for it. It must not be used where the handshake is still to come.

use std::io::{self, IoSlice, Write};
use std::net::TcpStream;

use rustix::net::{SendAncillaryBuffer, SendFlags, send, sendmsg};

/// A blocking socket, written to without blocking: a full one is `WouldBlock`.
pub(super) struct Nonblocking<'a>(pub(super) &'a TcpStream);

const FLAGS: SendFlags = SendFlags::DONTWAIT.union(SendFlags::NOSIGNAL);

impl Write for Nonblocking<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(send(self.0, bytes, FLAGS)?)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match slices {
            [one] => self.write(one),
            several => Ok(sendmsg(self.0, several, &mut SendAncillaryBuffer::default(), FLAGS)?),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
