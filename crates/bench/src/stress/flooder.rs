//! A client that sends without end and drops all data that it receives. The server must not be able to block it: data
//! that the server does not read stays here.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};
use rustls::{ClientConnection, StreamOwned};

use crate::servers::parlor::Server;

/// Lines per batch.
const BATCH: usize = 200;

/// Logs in, enters a room and floods it until `stop` is set. Returns how many lines the server took.
pub(crate) fn flood(server: &Server, user: &str, room: &str, stop: &AtomicBool) -> Result<u64> {
    let socket = TcpStream::connect(server.address())?;
    socket.set_nodelay(true)?;
    let tls = ClientConnection::new(server.config().clone(), "localhost".try_into()?)?;
    let mut stream = StreamOwned::new(tls, socket);
    stream.write_all(format!("REGISTER {user} a secret word\n/join {room}\n").as_bytes())?;
    stream.flush()?;
    stream.sock.set_nonblocking(true)?;
    let batch = "flood\n".repeat(BATCH);
    let mut lines = 0;
    while !stop.load(Ordering::Acquire) {
        if !stream.conn.wants_write() {
            stream.conn.writer().write_all(batch.as_bytes())?;
            lines += BATCH as u64;
        }
        if !push(&mut stream)? & !drain(&mut stream)? {
            thread::sleep(Duration::from_millis(1));
        }
    }
    Ok(lines)
}

/// Sends as much as possible. Returns `false` if nothing was sent.
fn push(stream: &mut StreamOwned<ClientConnection, TcpStream>) -> Result<bool> {
    let mut is_moving = false;
    while stream.conn.wants_write() {
        match stream.conn.write_tls(&mut stream.sock) {
            Ok(_) => is_moving = true,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(is_moving)
}

/// Reads and drops the data that arrived. Returns `false` if there was none.
fn drain(stream: &mut StreamOwned<ClientConnection, TcpStream>) -> Result<bool> {
    match stream.conn.read_tls(&mut stream.sock) {
        Ok(0) => bail!("the server closed the connection of the one who floods"),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
        Err(error) => return Err(error.into()),
    }
    stream.conn.process_new_packets()?;
    let mut scratch = [0; 4096];
    while matches!(stream.conn.reader().read(&mut scratch), Ok(1..)) {}
    Ok(true)
}
