//! A connection with everything that must be released when it ends, however it ends: the client quits, a reset, a panic
//! of its thread, or a missing thread. It must not read.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use parlor_core::planted::{Bug, planted};
use parlor_core::{ConnectionDriver, ConnectionId, Peer};

use super::accepted::{AcceptedConnection, HubRegistration, RemoteClient};
use super::graceful_close;
use super::service::Service;
use super::transport::TlsTransport;
use crate::admission::ConnectionPermit;
use crate::web::Client;

/// One client's connection. Dropping it ends it: members see one PART, the client receives its goodbye, and then the
/// session is free. A client that quits and reads slowly receives the rest after that.
pub(super) struct Connection {
    /// `Some` until the drop.
    client: Option<ConnectionDriver>,
    peer: Arc<Peer>,
    transport: Arc<TlsTransport>,
    _registered: HubRegistration,
    permit: ConnectionPermit,
    is_proxied: bool,
}

impl Connection {
    /// Creates the connection of `remote`, before its TLS handshake.
    pub(super) fn new(service: &Service, accepted: AcceptedConnection, remote: RemoteClient) -> Self {
        let AcceptedConnection { peer, transport, registered, .. } = accepted;
        let client = Some(ConnectionDriver::new(service.services.clone(), peer.clone(), remote.origin()));
        let RemoteClient { permit, is_proxied, .. } = remote;
        Self { client, peer, transport, _registered: registered, permit, is_proxied }
    }

    pub(super) fn id(&self) -> ConnectionId {
        self.peer.connection()
    }

    pub(super) fn transport(&self) -> &TlsTransport {
        &self.transport
    }

    /// Returns the driver and the transport for the connection's thread.
    pub(super) fn parts(&mut self) -> (&mut ConnectionDriver, &TlsTransport) {
        // Only the drop of the connection takes the client out.
        (self.client.as_mut().expect("a connection has its client until it is dropped"), &self.transport)
    }

    /// The same for HTTP, with the permit if each request names another client.
    pub(super) fn web_parts(&mut self) -> (Client<'_>, &TlsTransport) {
        // As in `parts`.
        let driver = self.client.as_mut().expect("a connection has its client until it is dropped");
        (Client { driver, permit: self.is_proxied.then_some(&mut self.permit) }, &self.transport)
    }

    /// Returns `false` if the flush must still be finished, see [`graceful_close::flush_and_close`].
    fn say_goodbye(&mut self) -> bool {
        if let Some(client) = &mut self.client {
            client.leave_all();
        }
        graceful_close::flush_and_close(&self.peer, &self.transport)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Even after a second panic the session must be released.
        if planted(Bug::LeakDescriptors) {
            std::mem::forget(self.transport.socket().try_clone());
        }
        let said = catch_unwind(AssertUnwindSafe(|| self.say_goodbye()));
        let time_to_log_in = self.client.as_ref().and_then(ConnectionDriver::time_to_log_in);
        if let Some(client) = self.client.take() {
            client.release();
        }
        let Ok(is_over) = said else { return };
        if !is_over {
            graceful_close::flush_slow_reader(&self.peer, &self.transport, time_to_log_in);
        }
        graceful_close::linger(self.transport.socket(), self.transport.is_interrupted());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};
    use std::time::{Duration, Instant};

    use parlor_core::{Hub, Policy, Services};

    use super::*;
    use crate::admission::Admission;
    use crate::clock::SystemClock;
    use crate::connection::{Admitted, ThreadPool};
    use crate::logging::observer::LogObserver;
    use crate::logging::rate_limit::LogRateLimit;
    use crate::random::SystemRandom;
    use crate::settings::CertificateFiles;
    use crate::tls::{Material, TlsConfigs};
    use crate::workers::blocked_writer::BlockedWriter;
    use crate::workers::flush_pool::FlushPool;
    use crate::workers::hashing::HashingPool;

    fn service(hub: &Arc<Hub>) -> Service {
        let services = Services {
            hub: hub.clone(),
            store: parlor_store::memory::open(hub.clone(), 10),
            passwords: Arc::new(HashingPool::start(4).unwrap()),
            authority: None,
            endpoints: None,
            random: Arc::new(SystemRandom),
            clock: Arc::new(SystemClock::start()),
            observer: Arc::new(LogObserver::default()),
            policy: Policy::default(),
        };
        let dir = tempfile::tempdir().unwrap();
        let made = CertificateFiles::Made { dir: dir.path().join("tls") };
        let material = Material::open(&made, &[]).unwrap();
        Service {
            services: Arc::new(services),
            tls: TlsConfigs::new(material.resolver).unwrap(),
            site: None,
            blocked_writer: Arc::new(BlockedWriter::new().unwrap()),
            counters: Arc::default(),
            pool: Arc::new(ThreadPool::new()),
            handshake_timeout: Duration::from_secs(1),
            idle_timeout: None,
            bad_proxy_headers: LogRateLimit::every(Duration::from_secs(1)),
        }
    }

    #[test]
    fn a_panic_of_its_thread_ends_a_connection_like_any_other_end() {
        let hub = Arc::new(Hub::new(Arc::new(FlushPool::start().unwrap()), 10));
        let admission = Arc::new(Admission::new(1, 1, false));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (ours, address) = listener.accept().unwrap();
        let permit = admission.admit(address.ip()).unwrap();
        let service = service(&hub);
        let accepted = AcceptedConnection::new(&service, ConnectionId(1), ours, address);
        let remote = accepted.remote(Admitted::Direct(permit), Instant::now()).unwrap();
        let connection = Connection::new(&service, accepted, remote);
        assert_eq!((hub.connections(), admission.connections()), (1, 1));
        let thread = std::thread::spawn(move || {
            let _connection = connection;
            panic!("on purpose");
        });
        assert!(thread.join().is_err());
        assert_eq!((hub.connections(), admission.connections()), (0, 0));
        assert_eq!(theirs.read(&mut [0]).unwrap(), 0);
    }
}
