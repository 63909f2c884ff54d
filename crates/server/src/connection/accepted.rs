//! An accepted connection whose client address is not known yet: it is the peer's, or comes in a PROXY header. It must
//! not run a command.

use std::io::{ErrorKind, Read};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use parlor_core::{ConnectionId, Hub, Origin, Peer};
use parlor_proxy_header::{Malformed, Progress, Source};
use thiserror::Error;

use super::handshake::DeadlineStream;
use super::service::Service;
use super::transport::TlsTransport;
use crate::admission::{ConnectionPermit, UnassignedPermit, origin_of};

/// How a connection was admitted.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// The peer is the client.
    Direct(ConnectionPermit),
    /// The peer is a balancer, which must name the client.
    Balanced(UnassignedPermit),
    /// The peer is a reverse proxy, which names the client in each request.
    Proxied(ConnectionPermit),
}

/// A connection that carries no commands yet. The hub knows it, so that it ends with all others when the server stops.
pub(super) struct AcceptedConnection {
    pub(super) peer: Arc<Peer>,
    pub(super) transport: Arc<TlsTransport>,
    pub(super) registered: HubRegistration,
    address: SocketAddr,
}

/// The client that a connection counts for.
pub(super) struct RemoteClient {
    /// The client's address, canonical.
    pub(super) address: SocketAddr,
    is_loopback: bool,
    /// Whether each request names the client.
    pub(super) is_proxied: bool,
    pub(super) permit: ConnectionPermit,
}

/// Why a connection is rejected before its client is known.
#[derive(Debug, Error)]
pub(super) enum RejectReason {
    /// Closed without a byte: the health check of a balancer does this.
    #[error("it was closed at once")]
    Closed,
    /// Too many connections come from the client's address.
    #[error("there are too many from {0}")]
    TooManyFromAddress(IpAddr),
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("it ended within its PROXY header")]
    Truncated,
    #[error("its PROXY header did not come in time")]
    TimedOut,
}

/// Takes a connection out of the hub when it is dropped.
pub(super) struct HubRegistration {
    hub: Arc<Hub>,
    connection: ConnectionId,
}

impl Drop for HubRegistration {
    fn drop(&mut self) {
        self.hub.disconnect(self.connection);
    }
}

impl AcceptedConnection {
    pub(super) fn new(service: &Service, id: ConnectionId, socket: TcpStream, address: SocketAddr) -> Self {
        let transport = Arc::new(TlsTransport::new(id, socket, service.blocked_writer.clone()));
        let max_queued = service.services.policy.max_queued_bytes;
        let peer = Arc::new(Peer::new(id, max_queued, transport.clone()));
        let hub = service.services.hub.clone();
        hub.connect(peer.clone());
        Self { peer, transport, registered: HubRegistration { hub, connection: id }, address: canonical(address) }
    }

    /// Determines the client of the connection. Blocks until `deadline` at most, and only for a balancer.
    pub(super) fn remote(&self, entry: Admitted, deadline: Instant) -> Result<RemoteClient, RejectReason> {
        let place = match entry {
            Admitted::Direct(permit) => {
                let is_loopback = self.address.ip().is_loopback();
                return Ok(RemoteClient { address: self.address, is_loopback, is_proxied: false, permit });
            }
            Admitted::Proxied(permit) => {
                return Ok(RemoteClient { address: self.address, is_loopback: false, is_proxied: true, permit });
            }
            Admitted::Balanced(place) => place,
        };
        // A client behind a balancer never counts as loopback: strangers connect this way.
        let (is_loopback, is_proxied) = (false, false);
        match read_header(DeadlineStream { socket: self.transport.socket(), deadline })? {
            Source::Balancer => {
                let permit = place.unassigned();
                Ok(RemoteClient { address: self.address, is_loopback, is_proxied, permit })
            }
            Source::Client(claimed) => {
                let address = canonical(claimed);
                let permit = place.assign(address.ip()).ok_or(RejectReason::TooManyFromAddress(address.ip()))?;
                Ok(RemoteClient { address, is_loopback, is_proxied, permit })
            }
        }
    }
}

impl RemoteClient {
    pub(super) fn origin(&self) -> Origin {
        origin_of(self.address.ip(), self.is_loopback)
    }
}

/// Converts an IPv4-mapped IPv6 address to the IPv4 address.
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// Reads a PROXY header, and no byte after it.
fn read_header(mut stream: impl Read) -> Result<Source, RejectReason> {
    let mut header = Vec::new();
    loop {
        let needed = match parlor_proxy_header::parse(&header)? {
            Progress::Complete(source) => return Ok(source),
            Progress::Needs(needed) => needed,
        };
        let before = header.len();
        header.resize(needed, 0);
        let read = stream.read(&mut header[before..]);
        header.truncate(before + read.as_ref().copied().unwrap_or_default());
        match read {
            Ok(count) if count > 0 => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(RejectReason::TimedOut);
            }
            Ok(_) | Err(_) => return Err(if before == 0 { RejectReason::Closed } else { RejectReason::Truncated }),
        }
    }
}
