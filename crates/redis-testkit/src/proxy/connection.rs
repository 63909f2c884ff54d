//! One connection through a proxy: a thread for each direction. It must not decide what passes; the gate of [`Control`]
//! does.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use super::Direction;
use super::control::{Control, Verdict};

/// Maximum number of bytes that a thread reads at once and holds back.
const PIECE: usize = 16 * 1024;
/// How often a thread whose receiver takes nothing checks whether the connection was reset.
const WRITE_TIMEOUT: Duration = Duration::from_millis(20);

/// Both sockets of a connection. They are closed when the last of its threads drops it.
#[derive(Debug)]
pub(super) struct Connection {
    client: TcpStream,
    /// Opened by the first piece that may pass, so that the server does not see a connection that came during a black
    /// hole.
    server: OnceLock<TcpStream>,
    /// Nothing passes any more, and the sockets must be closed with a reset.
    condemned: AtomicBool,
}

impl Connection {
    pub(super) fn is_condemned(&self) -> bool {
        self.condemned.load(Ordering::SeqCst)
    }

    /// Wakes its threads, so that they end. The thread that closes the sockets then sends a reset.
    pub(super) fn condemn(&self) {
        self.condemned.store(true, Ordering::SeqCst);
        for stream in [Some(&self.client), self.server.get()].into_iter().flatten() {
            reset_at_close(stream);
            // Wakes the reader without a sign to the other end, which must only see the reset. The other end may have
            // closed it already.
            let _ = stream.shutdown(Shutdown::Read);
        }
    }

    fn streams(&self, direction: Direction) -> (&TcpStream, &TcpStream) {
        // Threads start once both sockets exist.
        let server = self.server.get().unwrap();
        match direction {
            Direction::ToServer => (&self.client, server),
            Direction::ToClient => (server, &self.client),
        }
    }

    /// Passes bytes on until the end of the stream, and then passes the end on.
    fn pump(&self, control: &Control, direction: Direction) {
        let (mut from, to) = self.streams(direction);
        let mut piece = vec![0; PIECE];
        loop {
            let Ok(length) = from.read(&mut piece) else { return self.condemn_at_gate(control, direction) };
            match control.gate(self, direction, length) {
                Verdict::Pass if length == 0 => return to.shutdown(Shutdown::Write).unwrap_or_default(),
                Verdict::Pass if self.write(to, &piece[..length]).is_ok() => {}
                Verdict::Cut(allowed) => {
                    // A receiver that is closed already needs no reset.
                    let _ = self.write(to, &piece[..allowed]);
                    return self.condemn();
                }
                Verdict::Pass | Verdict::Gone => return self.condemn(),
            }
        }
    }

    /// Passes a reset on as a reset, once data may pass.
    fn condemn_at_gate(&self, control: &Control, direction: Direction) {
        control.gate(self, direction, 0);
        self.condemn();
    }

    fn write(&self, mut to: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match to.write(bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock && !self.is_condemned() => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Accepts a client, or resets it. Its threads end with it.
pub(super) fn open(client: TcpStream, address: SocketAddr, control: Arc<Control>) {
    let connection = Arc::new(Connection { client, server: OnceLock::new(), condemned: AtomicBool::new(false) });
    let Some(id) = control.admit(&connection) else { return connection.condemn() };
    thread::spawn(move || {
        if connect(&connection, address, &control).is_ok() {
            pump_both(&connection, &control);
        }
        // Dropped before it is removed below: then only `control` still holds the sockets.
        drop(connection);
        control.remove(id);
    });
}

/// Connects to the server as soon as data may pass.
fn connect(connection: &Connection, address: SocketAddr, control: &Control) -> io::Result<()> {
    let refused = |error| {
        connection.condemn();
        Err(error)
    };
    if control.gate(connection, Direction::ToServer, 0) != Verdict::Pass {
        return refused(ErrorKind::ConnectionAborted.into());
    }
    let server = match TcpStream::connect(address) {
        Ok(server) => server,
        Err(error) => return refused(error),
    };
    for stream in [&connection.client, &server] {
        stream.set_nodelay(true)?;
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    }
    // Only set here, so it is empty.
    connection.server.set(server).unwrap();
    if connection.is_condemned() {
        // The connection was cut before it had a server socket to wake.
        connection.condemn();
    }
    Ok(())
}

fn pump_both(connection: &Connection, control: &Control) {
    thread::scope(|scope| {
        scope.spawn(|| connection.pump(control, Direction::ToClient));
        connection.pump(control, Direction::ToServer);
    });
}

fn reset_at_close(stream: &TcpStream) {
    // Fails only if the other end closed first; then there is nothing to reset.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
