//! One connection through a proxy: a thread for each direction. It must not decide what passes; the gate of
//! [`Control`] does.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use super::Direction;
use super::control::{Control, Verdict};

/// How much a thread reads at once, and holds back at most.
const PIECE: usize = 16 * 1024;
/// So often a thread whose receiver takes nothing looks whether the connection was reset.
const WRITE_TIMEOUT: Duration = Duration::from_millis(20);

/// Both sockets of a connection. They are closed when the last of its threads lets go of it.
#[derive(Debug)]
pub(super) struct Connection {
    client: TcpStream,
    /// Opened by the first piece that may pass, so that one that came into a black hole stays unknown to the server.
    server: OnceLock<TcpStream>,
    /// Nothing passes any more, and the sockets are to be closed by a reset.
    condemned: AtomicBool,
}

impl Connection {
    pub(super) fn is_condemned(&self) -> bool {
        self.condemned.load(Ordering::SeqCst)
    }

    /// Wakes its threads to the end; whoever closes the sockets then sends a reset.
    pub(super) fn condemn(&self) {
        self.condemned.store(true, Ordering::SeqCst);
        for stream in [Some(&self.client), self.server.get()].into_iter().flatten() {
            reset_at_close(stream);
            // Wakes the reader, and does not tell the other end, which is to see the reset only. It may
            // have been closed by the other end already.
            let _ = stream.shutdown(Shutdown::Read);
        }
    }

    fn streams(&self, direction: Direction) -> (&TcpStream, &TcpStream) {
        // Threads begin once both are there.
        let server = self.server.get().unwrap();
        match direction {
            Direction::ToServer => (&self.client, server),
            Direction::ToClient => (server, &self.client),
        }
    }

    /// Passes bytes on until their end, which is passed on too.
    fn pump(&self, control: &Control, direction: Direction) {
        let (mut from, to) = self.streams(direction);
        let mut piece = vec![0; PIECE];
        loop {
            let Ok(length) = from.read(&mut piece) else { return self.condemn_at_gate(control, direction) };
            match control.gate(self, direction, length) {
                Verdict::Pass if length == 0 => return to.shutdown(Shutdown::Write).unwrap_or_default(),
                Verdict::Pass if self.write(to, &piece[..length]).is_ok() => {}
                Verdict::Cut(allowed) => {
                    // A receiver that is gone already needs no reset.
                    let _ = self.write(to, &piece[..allowed]);
                    return self.condemn();
                }
                Verdict::Pass | Verdict::Gone => return self.condemn(),
            }
        }
    }

    /// A reset is passed on as one, when news may pass.
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

/// Takes in a client, or resets it; its threads end with it.
pub(super) fn open(client: TcpStream, address: SocketAddr, control: Arc<Control>) {
    let connection = Arc::new(Connection { client, server: OnceLock::new(), condemned: AtomicBool::new(false) });
    let Some(id) = control.admit(&connection) else { return connection.condemn() };
    thread::spawn(move || {
        if connect(&connection, address, &control).is_ok() {
            pump_both(&connection, &control);
        }
        // Before it is reported to be gone: it is the last but one who holds the sockets.
        drop(connection);
        control.remove(id);
    });
}

/// Connects to the server, as soon as anything may pass.
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
    // Set here only, so it is empty.
    connection.server.set(server).unwrap();
    if connection.is_condemned() {
        // It was cut while it had no server yet to be woken from.
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
    // Fails only if the other end was faster; then nothing is left to reset.
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}
