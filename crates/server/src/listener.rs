//! Accepts connections: one thread per address that is listened on. It must not read from or write to clients.

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
use crate::connection::{self, Admitted, Service};
use crate::settings::Network;

/// Connections that the kernel keeps until they are accepted.
const BACKLOG: i32 = 1024;

/// Stack of an acceptor, in bytes.
const STACK_BYTES: usize = 128 * 1024;

/// How long nothing is accepted after the machine ran out of descriptors or threads.
const BACK_OFF: Duration = Duration::from_millis(100);

/// A bound address that is not served yet: until then, whoever connects is refused.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: Socket,
    address: SocketAddr,
}

/// What all acceptors share.
#[derive(Debug)]
pub(crate) struct Acceptors {
    service: Arc<Service>,
    admission: Arc<Admission>,
    balancers: Vec<Network>,
    next_connection: AtomicU64,
    stopping: AtomicBool,
}

impl Listener {
    /// Binds `address`.
    ///
    /// # Errors
    /// The address is taken, or not one of this machine.
    pub(crate) fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let socket = bind(address).with_context(|| format!("cannot listen on {address}"))?;
        let bound = socket.local_addr().with_context(|| format!("cannot listen on {address}"))?;
        Ok(Self { socket, address: bound.as_socket().unwrap_or(address) })
    }

    /// The address, with the port that was found where 0 was asked for.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Starts the acceptor's thread, and returns the means to stop it.
    ///
    /// # Errors
    /// Another program came to listen on the address, or the system gives no descriptor or thread.
    pub(crate) fn serve(self, acceptors: Arc<Acceptors>) -> anyhow::Result<Stopper> {
        self.socket.listen(BACKLOG).with_context(|| format!("cannot listen on {}", self.address))?;
        let socket: TcpListener = self.socket.into();
        let stopper = Stopper(socket.try_clone()?);
        let name = format!("accept-{}", self.address.port());
        let builder = thread::Builder::new().name(name).stack_size(STACK_BYTES);
        builder.spawn(move || acceptors.serve(&socket)).context("cannot start threads")?;
        Ok(stopper)
    }
}

/// Ends one acceptor.
#[derive(Debug)]
pub(crate) struct Stopper(TcpListener);

impl Acceptors {
    /// Of connections from `balancers` others are the clients.
    pub(crate) fn new(service: Arc<Service>, admission: Arc<Admission>, balancers: Vec<Network>) -> Self {
        let (next_connection, stopping) = (AtomicU64::new(1), AtomicBool::new(false));
        Self { service, admission, balancers, next_connection, stopping }
    }

    /// Accepts no more. Connections that exist stay.
    pub(crate) fn stop(&self, stoppers: &[Stopper]) {
        self.stopping.store(true, Ordering::Release);
        for Stopper(socket) in stoppers {
            // Wakes the thread that waits in accept, which closing would not do.
            if let Err(error) = rustix::net::shutdown(socket, rustix::net::Shutdown::Both) {
                tracing::warn!("cannot stop a listener: {error}");
            }
        }
    }

    fn serve(&self, socket: &TcpListener) {
        loop {
            let accepted = socket.accept();
            if self.stopping.load(Ordering::Acquire) {
                return;
            }
            match accepted {
                Ok((stream, address)) => self.welcome(stream, address),
                Err(error) if is_per_connection(&error) => {}
                Err(error) => {
                    tracing::warn!("cannot accept connections at the moment: {error}");
                    thread::sleep(BACK_OFF);
                }
            }
        }
    }

    fn welcome(&self, stream: TcpStream, address: SocketAddr) {
        let Some(entry) = self.admit(address.ip()) else { return };
        let connection = ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed));
        if let Err(error) = connection::spawn(self.service.clone(), connection, stream, address, entry) {
            tracing::warn!(%address, "cannot start a thread for a connection: {error}");
            thread::sleep(BACK_OFF);
        }
    }

    fn admit(&self, peer: IpAddr) -> Option<Admitted> {
        if self.balancers.iter().any(|network| network.contains(peer)) {
            self.admission.admit_balancer().map(Admitted::Balanced)
        } else {
            self.admission.admit(peer).map(Admitted::Direct)
        }
    }
}

/// Whether an error of accept is that of the connection that would have been accepted, see accept(2).
fn is_per_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

fn bind(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // So that listening on both 0.0.0.0 and [::] works.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}
