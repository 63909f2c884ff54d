//! A TCP proxy that makes a link fail on demand. It must not understand what it passes on: it sees bytes and
//! connections only.

mod connection;
mod control;

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use self::control::{Control, Mode};
use crate::{free_port, wait_for, wait_until};

/// Which way bytes flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server: requests.
    ToServer,
    /// From the server to the client: replies.
    ToClient,
}

/// A proxy on 127.0.0.1 in front of a port of 127.0.0.1. All its methods act at once, for the connections
/// that are open as for new ones, and each mode ends the one before.
///
/// A connection is held by two threads with one buffer of 16 KiB each; what does not fit stays with the sender.
///
/// ```
/// use parlor_redis_testkit::{Direction, FaultProxy, RedisServer};
///
/// let redis = RedisServer::start();
/// let proxy = FaultProxy::start(redis.port());
/// let client = std::net::TcpStream::connect(proxy.address()).unwrap();
/// proxy.black_hole(); // Nothing arrives any more, and nobody is told.
/// proxy.pass(); // What was held arrives late.
/// proxy.cut_after_bytes(Direction::ToClient, 3); // The next reply ends behind its third byte.
/// ```
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    control: Arc<Control>,
    acceptor: Option<JoinHandle<()>>,
}

impl FaultProxy {
    /// A proxy in front of `port`, which passes on. Nobody need listen there yet.
    #[must_use]
    pub fn start(port: u16) -> Self {
        Self::start_for(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// A proxy on 127.0.0.1 in front of any address.
    #[must_use]
    pub fn start_for(server: SocketAddr) -> Self {
        let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, free_port())).ok();
        let listener = wait_for("a free port", bind);
        let address = listener.local_addr().unwrap();
        let control = Arc::new(Control::default());
        let acceptor = thread::spawn({
            let control = control.clone();
            move || accept(&listener, server, &control)
        });
        Self { address, control, acceptor: Some(acceptor) }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The port on which it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Passes everything on. What was held is delivered now, late.
    pub fn pass(&self) {
        self.control.set(Mode::Pass);
    }

    /// Passes on again, but what was held is lost, together with its connections: they are reset first.
    pub fn pass_without_held(&self) {
        self.cut();
        self.pass();
    }

    /// New connections are reset at once; the open ones are passed on.
    pub fn refuse(&self) {
        self.control.set(Mode::Refuse);
    }

    /// Resets the open connections and all new ones: nobody gets through until the mode is changed.
    pub fn down(&self) {
        self.refuse();
        self.cut();
    }

    /// Nothing arrives any more, in no direction, not even that a connection was closed. New connections are
    /// accepted and stay silent.
    pub fn black_hole(&self) {
        self.control.set(Mode::Hold(None));
    }

    /// Nothing arrives in this direction; the other one passes. With [`Direction::ToClient`] commands are
    /// carried out and their replies are missing.
    pub fn hold(&self, direction: Direction) {
        self.control.set(Mode::Hold(Some(direction)));
    }

    /// Every piece of up to 16 KiB is held back for `duration` in each direction, so that a round trip takes
    /// at least twice that.
    pub fn delay(&self, duration: Duration) {
        self.control.set(Mode::Delay(duration));
    }

    /// Resets all open connections, whatever the mode, and returns when that is done. What was held is lost.
    pub fn cut(&self) {
        let open = self.control.cut();
        wait_until("connections to be cut", || self.control.are_gone(&open));
    }

    /// Lets `bytes` more pass in this direction, counted over all connections, and resets the connection that
    /// brings the next one, once. With 0 a command is carried out and no byte of its reply arrives.
    pub fn cut_after_bytes(&self, direction: Direction, bytes: u64) {
        self.control.limit(direction, bytes);
    }

    /// Waits until [`Self::cut_after_bytes`] has cut.
    pub fn wait_for_cut(&self) {
        wait_until("the proxy to cut", || !self.control.is_limited());
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.control.connections()
    }

    /// How many connections were accepted since the start, those that were refused included.
    #[must_use]
    pub fn accepted(&self) -> u64 {
        self.control.accepted()
    }

    /// How many bytes were passed on in this direction since the start.
    #[must_use]
    pub fn passed(&self, direction: Direction) -> u64 {
        self.control.passed(direction)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.control.stop();
        // Wakes the acceptor, which then sees the mode.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            // A panic there was printed already.
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
            // It was closed before it was accepted, or descriptors are short for a while.
            Err(_) => thread::yield_now(),
        }
    }
}
