//! One TLS connection that never blocks. It decrypts in place and encrypts straight into the send buffer, so that a
//! load generator, or the bare server, costs little more than TLS itself. It must not interpret the bytes.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, bail};
use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, EncodeTlsData, UnbufferedStatus};

use super::Poller;

/// Maximum overhead of a TLS record (RFC 8446, section 5.2), and its maximum content.
const RECORD_OVERHEAD: usize = 5 + 256;
const RECORD_CONTENT: usize = 16 * 1024;

/// Either side of a TLS connection.
pub(crate) trait Tls {
    /// The data that rustls keeps for this side.
    type Data;

    /// Processes records until the caller must act.
    fn process<'c, 'i>(&'c mut self, records: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data>;
}

impl Tls for UnbufferedClientConnection {
    type Data = ClientConnectionData;

    fn process<'c, 'i>(&'c mut self, records: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(records)
    }
}

impl Tls for UnbufferedServerConnection {
    type Data = ServerConnectionData;

    fn process<'c, 'i>(&'c mut self, records: &'i mut [u8]) -> UnbufferedStatus<'c, 'i, Self::Data> {
        self.process_tls_records(records)
    }
}

/// State of a connection after a receive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// It is open.
    Open,
    /// The peer has closed it.
    Closed,
}

/// A connection.
#[derive(Debug)]
pub(crate) struct Link<T> {
    socket: TcpStream,
    tls: T,
    /// The start of a record that is not complete yet.
    partial: Vec<u8>,
    sealed: Vec<u8>,
    sent: usize,
    is_open: bool,
    /// Whether the poller watches for room to write.
    is_full: bool,
}

impl<T: Tls> Link<T> {
    /// A connection over a connected socket. The handshake happens while the connection is driven.
    pub(crate) fn new(socket: TcpStream, tls: T) -> Result<Self> {
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, tls, partial: Vec::new(), sealed: Vec::new(), sent: 0, is_open: false, is_full: false })
    }

    /// The socket, for the poller.
    pub(crate) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Whether the handshake is done.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Begins the handshake. [`Link::flush`] sends its first records.
    pub(crate) fn begin(&mut self) -> Result<()> {
        self.process(&mut [], &mut |_| Ok(()))?;
        Ok(())
    }

    /// Receives once and passes the decrypted data to `hear`. `buffer` is scratch memory of [`super::BUFFER_BYTES`].
    pub(crate) fn receive(&mut self, buffer: &mut [u8], hear: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<Heard> {
        let kept = self.partial.len();
        let count = match self.socket.read(&mut buffer[kept..]) {
            Ok(0) => return Ok(Heard::Closed),
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Ok(Heard::Open);
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(Heard::Closed),
            Err(error) => return Err(error.into()),
        };
        buffer[..kept].copy_from_slice(&self.partial);
        self.partial.clear();
        let filled = &mut buffer[..kept + count];
        let (used, heard) = self.process(filled, hear)?;
        self.partial.extend_from_slice(&filled[used..]);
        Ok(heard)
    }

    /// Encrypts `plain` into separate records. [`Link::flush`] sends them. The handshake must be done.
    pub(crate) fn seal(&mut self, plain: &[u8]) -> Result<()> {
        let UnbufferedStatus { state, .. } = self.tls.process(&mut []);
        let ConnectionState::WriteTraffic(mut writer) = state? else { bail!("nothing can be said at this point") };
        let begin = self.sealed.len();
        let records = plain.len().div_ceil(RECORD_CONTENT);
        self.sealed.resize(begin + plain.len() + records * RECORD_OVERHEAD, 0);
        let count = writer.encrypt(plain, &mut self.sealed[begin..])?;
        self.sealed.truncate(begin + count);
        Ok(())
    }

    /// Sends the encrypted records. If the socket is full, the poller watches it under its `number`, and the caller
    /// must call this again when the socket is ready.
    pub(crate) fn flush(&mut self, poller: &Poller, number: usize) -> Result<()> {
        let is_full = !self.send()?;
        if is_full != std::mem::replace(&mut self.is_full, is_full) {
            poller.watch_writable(&self.socket, number, is_full)?;
        }
        Ok(())
    }

    /// Returns `false` if data is left.
    fn send(&mut self) -> Result<bool> {
        while self.sent < self.sealed.len() {
            match self.socket.write(&self.sealed[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).context("the connection broke"),
            }
        }
        self.sealed.clear();
        self.sent = 0;
        Ok(true)
    }

    /// Processes records. Returns how many bytes are used up, and whether the peer continues.
    fn process(&mut self, bytes: &mut [u8], hear: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<(usize, Heard)> {
        let mut used = 0;
        loop {
            let UnbufferedStatus { mut discard, state, .. } = self.tls.process(&mut bytes[used..]);
            let mut heard = None;
            match state? {
                ConnectionState::ReadTraffic(mut traffic) => {
                    while let Some(record) = traffic.next_record() {
                        let record = record?;
                        discard += record.discard;
                        hear(record.payload)?;
                    }
                }
                ConnectionState::EncodeTlsData(mut data) => encode(&mut data, &mut self.sealed)?,
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::WriteTraffic(_) => {
                    self.is_open = true;
                    heard = Some(Heard::Open);
                }
                ConnectionState::BlockedHandshake => heard = Some(Heard::Open),
                ConnectionState::PeerClosed | ConnectionState::Closed => heard = Some(Heard::Closed),
                other => bail!("unexpected: {other:?}"),
            }
            used += discard;
            if let Some(heard) = heard {
                return Ok((used, heard));
            }
        }
    }
}

fn encode<Data>(data: &mut EncodeTlsData<'_, Data>, sealed: &mut Vec<u8>) -> Result<()> {
    let begin = sealed.len();
    loop {
        match data.encode(&mut sealed[begin..]) {
            Ok(count) => {
                sealed.truncate(begin + count);
                return Ok(());
            }
            Err(EncodeError::InsufficientSize(needed)) => sealed.resize(begin + needed.required_size, 0),
            Err(error) => return Err(error.into()),
        }
    }
}
