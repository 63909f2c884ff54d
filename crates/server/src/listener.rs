//! Accepts connections: one thread per listening address. It must not read from or write to clients.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use parlor_core::ConnectionId;
use socket2::{Domain, Protocol, Socket, Type};

use crate::admission::Admission;
use crate::connection::{self, Admitted, Door, Service};
use crate::settings::Network;

/// Maximum number of connections that the kernel queues until they are accepted.
const BACKLOG: i32 = 1024;

/// Stack of an acceptor, in bytes.
const STACK_BYTES: usize = 128 * 1024;

/// How long an acceptor pauses after the machine ran out of descriptors or threads.
const BACK_OFF: Duration = Duration::from_millis(100);

/// A bound address that is not served yet. The kernel refuses connections until it is.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Socket,
    address: SocketAddr,
    door: Door,
}

/// State that all acceptors share.
#[derive(Debug)]
pub(crate) struct Acceptors {
    service: Arc<Service>,
    admission: Arc<Admission>,
    balancers: Vec<Network>,
    proxies: Vec<Network>,
    next_connection: AtomicU64,
    stopping: AtomicBool,
}

impl Listener {
    /// Binds `address`. Its connections come through `door`.
    ///
    /// # Errors
    /// The address is in use, or this machine does not have it.
    pub(crate) fn bind(address: SocketAddr, door: Door) -> anyhow::Result<Self> {
        let socket = bind(address).with_context(|| format!("cannot listen on {address}"))?;
        let bound = socket.local_addr().with_context(|| format!("cannot listen on {address}"))?;
        Ok(Self { socket, address: bound.as_socket().unwrap_or(address), door })
    }

    /// Returns the bound address; its port is the assigned one if port 0 was requested.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts the acceptor's thread, and returns a handle that stops it.
    ///
    /// # Errors
    /// Another program listens on the address by now, or the system gives no descriptor or thread.
    pub(crate) fn serve(self, acceptors: Arc<Acceptors>) -> anyhow::Result<Stopper> {
        self.socket.listen(BACKLOG).with_context(|| format!("cannot listen on {}", self.address))?;
        let (socket, door): (TcpListener, _) = (self.socket.into(), self.door);
        let stopper = Stopper(socket.try_clone()?);
        let name = format!("accept-{}", self.address.port());
        let builder = thread::Builder::new().name(name).stack_size(STACK_BYTES);
        builder.spawn(move || acceptors.serve(&socket, door)).context("cannot start threads")?;
        Ok(stopper)
    }
}

/// Handle that stops one acceptor.
#[derive(Debug)]
pub(crate) struct Stopper(TcpListener);

impl Acceptors {
    /// Creates the shared state. Peers in `balancers` are not clients themselves; they forward clients. Neither are peers in
    /// `proxies`, on listeners for the web.
    pub(crate) fn new(
        service: Arc<Service>,
        admission: Arc<Admission>,
        balancers: Vec<Network>,
        proxies: Vec<Network>,
    ) -> Self {
        let (next_connection, stopping) = (AtomicU64::new(1), AtomicBool::new(false));
        Self { service, admission, balancers, proxies, next_connection, stopping }
    }

    /// Stops accepting, once. Existing connections stay open.
    pub(crate) fn stop(&self, stoppers: &[Stopper]) {
        if self.stopping.swap(true, Ordering::AcqRel) {
            return;
        }
        for Stopper(socket) in stoppers {
            // Shutdown wakes the thread that waits in accept; closing does not.
            if let Err(error) = rustix::net::shutdown(socket, rustix::net::Shutdown::Both) {
                tracing::warn!("cannot stop a listener: {error}");
            }
        }
    }

    fn serve(&self, socket: &TcpListener, door: Door) {
        loop {
            let accepted = socket.accept();
            if self.stopping.load(Ordering::Acquire) {
                return;
            }
            match accepted {
                Ok((stream, address)) => self.welcome(stream, address, door),
                Err(error) if is_per_connection(&error) => {}
                Err(error) => {
                    tracing::warn!("cannot accept connections at the moment: {error}");
                    thread::sleep(BACK_OFF);
                }
            }
        }
    }

    fn welcome(&self, stream: TcpStream, address: SocketAddr, door: Door) {
        let Some(entry) = self.admit(address.ip(), door) else { return };
        let connection = ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed));
        if let Err(error) = connection::spawn(self.service.clone(), connection, stream, address, entry, door) {
            tracing::warn!(%address, "cannot start a thread for a connection: {error}");
            thread::sleep(BACK_OFF);
        }
    }

    fn admit(&self, peer: IpAddr, door: Door) -> Option<Admitted> {
        let is_in = |networks: &[Network]| networks.iter().any(|network| network.contains(peer));
        if is_in(&self.balancers) {
            self.admission.admit_balancer().map(Admitted::Balanced)
        } else if door == Door::Web && is_in(&self.proxies) {
            self.admission.admit_balancer().map(|place| Admitted::Proxied(place.unassigned()))
        } else {
            self.admission.admit(peer).map(Admitted::Direct)
        }
    }
}

/// Whether an error of accept concerns only the connection that was about to be accepted, see accept(2).
fn is_per_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // Allows listening on both 0.0.0.0 and [::].
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
