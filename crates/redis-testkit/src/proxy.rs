//! A TCP proxy that makes a link fail on demand. It must not understand the data: it knows bytes and connections only.

mod connection;
mod control;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use self::control::{Control, Limit, Mode};
use crate::{Port, wait_for, wait_until};

/// Direction of the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server: requests.
    ToServer,
    /// From the server to the client: replies.
    ToClient,
}

/// A proxy on 127.0.0.1 in front of a port of 127.0.0.1. All its methods take effect at once, for open and for new
/// connections. Each mode replaces the earlier mode.
///
/// Each connection has two threads with one buffer of 16 KiB each. Data that does not fit stays with the sender.
///
/// ```
/// use parlor_redis_testkit::{Direction, FaultProxy, RedisServer};
///
/// let redis = RedisServer::start();
/// let proxy = FaultProxy::start(redis.port());
/// let client = std::net::TcpStream::connect(proxy.address()).unwrap();
/// proxy.black_hole(); // Nothing arrives any more, and neither side is notified.
/// proxy.pass(); // Held data arrives late.
/// proxy.cut_after_bytes(Direction::ToClient, 3); // The next reply ends after its third byte.
/// ```
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    control: Arc<Control>,
    acceptor: Option<JoinHandle<()>>,
}

impl FaultProxy {
    /// A proxy in front of `port`, which passes data on. The port need not be open yet.
    #[must_use]
    pub fn start(port: u16) -> Self {
        Self::start_for(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// A proxy on 127.0.0.1 in front of any address.
    #[must_use]
    pub fn start_for(server: SocketAddr) -> Self {
        let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, Port::free().number())).ok();
        let listener = wait_for("a free port", bind);
        let address = listener.local_addr().unwrap();
        let control = Arc::new(Control::default());
        let acceptor = thread::spawn({
            let control = control.clone();
            move || accept(&listener, server, &control)
        });
        Self { address, control, acceptor: Some(acceptor) }
    }

    /// The address on which it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port on which it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Passes everything on. Held data is delivered now, late.
    pub fn pass(&self) {
        self.control.set(Mode::Pass);
    }

    /// Passes data on again, but held data is lost, together with its connections: they are reset first.
    pub fn pass_without_held(&self) {
        self.cut();
        self.pass();
    }

    /// Resets new connections at once. Open connections pass data on.
    pub fn refuse(&self) {
        self.control.set(Mode::Refuse);
    }

    /// Resets the open connections and all new ones: no client gets through until the mode changes.
    pub fn down(&self) {
        self.refuse();
        self.cut();
    }

    /// Passes nothing in either direction, not even that a connection was closed. New connections are accepted and stay
    /// silent.
    pub fn black_hole(&self) {
        self.control.set(Mode::Hold(None));
    }

    /// Holds this direction; the other one passes. With [`Direction::ToClient`] commands are carried out and their
    /// replies are missing.
    pub fn hold(&self, direction: Direction) {
        self.control.set(Mode::Hold(Some(direction)));
    }

    /// Delays every piece of up to 16 KiB by `duration` in each direction, so that a round trip takes at least twice
    /// that time.
    pub fn delay(&self, duration: Duration) {
        self.control.set(Mode::Delay(duration));
    }

    /// Resets all open connections, in any mode, and returns when that is done. Held data is lost.
    pub fn cut(&self) {
        let open = self.control.cut();
        wait_until("connections to be cut", || self.control.are_gone(&open));
    }

    /// Lets `bytes` more bytes pass in this direction, counted over all connections. Then it resets the connection that
    /// brings the next byte, once. With 0 a command is carried out and no byte of its reply arrives.
    pub fn cut_after_bytes(&self, direction: Direction, bytes: u64) {
        self.control.limit(Limit { direction, left: bytes, is_end: false });
    }

    /// Like [`Self::cut_after_bytes`], and refuses new connections from then on.
    pub fn end_after_bytes(&self, direction: Direction, bytes: u64) {
        self.control.limit(Limit { direction, left: bytes, is_end: true });
    }

    /// Waits until [`Self::cut_after_bytes`] has cut.
    pub fn wait_for_cut(&self) {
        wait_until("the proxy to cut", || !self.control.is_limited());
    }

    /// Number of open connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.control.connections()
    }

    /// Number of connections that were accepted since the start, including refused ones.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.control.accepted()
    }

    /// Number of bytes that were passed on in this direction since the start.
    #[must_use]
    pub fn passed(&self, direction: Direction) -> u64 {
        self.control.passed(direction)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.control.stop();
        // Wakes the acceptor, which then checks the mode.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            // A panic of the acceptor was printed already.
            let _ = acceptor.join();
        }
    }
}

fn accept(listener: &TcpListener, server: SocketAddr, control: &Arc<Control>) {
    for client in listener.incoming() {
        if control.has_stopped() {
            return;
        }
        match client {
            Ok(client) => connection::open(client, server, control.clone()),
            // The client closed before it was accepted, or there are no free descriptors at the moment.
            Err(_) => thread::yield_now(),
        }
    }
}
