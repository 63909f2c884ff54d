//! The running server: everything that `parlor serve` starts, and how it ends. It must not read settings from
//! anywhere but the struct it is given.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::Receiver;
use parlor_core::ports::{FlushWorkers, Observer};
use parlor_core::{DuplicateLogin, Hub, LineRate, Policy, Services};
use parlor_proto::Bye;

use crate::admission::Admission;
use crate::backend::{Backend, BackendConfig};
use crate::clock::SystemClock;
use crate::connection::{Door, Service, ThreadPool};
use crate::listener::{Acceptors, Listener, Stopper};
use crate::logging::observer::LogObserver;
use crate::logging::rate_limit::LogRateLimit;
use crate::random::SystemRandom;
use crate::settings::{self, Registration, Settings};
use crate::tls::{CertificateInfo, Material, Resolver, TlsConfigs};
use crate::web::Site;
use crate::workers::blocked_writer::BlockedWriter;
use crate::workers::flush_pool::FlushPool;
use crate::workers::hashing::HashingPool;
use crate::workers::housekeeping;
use crate::workers::signals::Request;

/// Maximum time in which clients receive their goodbye.
const GOODBYE_PATIENCE: Duration = Duration::from_secs(4);

/// Rejected connections of balancers are logged at most once per interval; the others are counted.
const STRANGE_HEADERS_INTERVAL: Duration = Duration::from_secs(10);

/// A server that accepts connections.
pub(crate) struct Server {
    /// The addresses on which it listens.
    pub(crate) addresses: Vec<SocketAddr>,
    /// The addresses on which it speaks HTTP only.
    pub(crate) web_addresses: Vec<SocketAddr>,
    /// The CA file with which clients verify the server, if the server made its own certificate.
    pub(crate) ca_path: Option<PathBuf>,
    /// The facts of the certificate with which it started.
    pub(crate) certificate: CertificateInfo,
    /// The certificate; it can be reloaded.
    pub(crate) resolver: Arc<Resolver>,
    hub: Arc<Hub>,
    admission: Arc<Admission>,
    acceptors: Arc<Acceptors>,
    stoppers: Vec<Stopper>,
    backend: Backend,
}

impl Server {
    /// Opens everything, binds all addresses, and only then begins to accept. Blocks until Redis is reachable and
    /// handles `requests` meanwhile; returns `None` if one of them is a shutdown.
    ///
    /// # Errors
    /// One line that names the resource that is in use, missing or wrong.
    pub(crate) fn start(settings: &Settings, requests: &Receiver<Request>) -> anyhow::Result<Option<Self>> {
        let plan = BackendConfig::of(settings)?;
        let material = Material::open(&settings.certificate(), &settings.tls_name)?;
        let tls = TlsConfigs::new(material.resolver.clone())?;
        let listeners = bind(&settings.listen, Door::ByAlpn)?;
        let web_listeners = bind(&settings.web_listen, Door::Web)?;
        let addresses = listeners.iter().map(Listener::address).collect();
        let web_addresses = web_listeners.iter().map(Listener::address).collect();
        let site = settings.has_web().then(|| {
            let (resolver, names) = (material.resolver.clone(), settings.web_host.clone());
            Arc::new(Site::new(resolver, names, material.ca_path.clone()))
        });

        let flush_workers: Arc<dyn FlushWorkers> = Arc::new(FlushPool::start().context("cannot start threads")?);
        let hub = Arc::new(Hub::new(flush_workers, settings.presence_limit));
        let blocked_writer = Arc::new(BlockedWriter::new().context("cannot watch connections")?);
        blocked_writer.start(hub.clone()).context("cannot start threads")?;
        let Some(backend) = plan.open(settings, hub.clone(), requests, || material.resolver.reload())? else {
            return Ok(None);
        };
        let observer: Arc<dyn Observer> = Arc::new(LogObserver::default());
        let admission = Arc::new(admission(settings));
        housekeeping::start(backend.chore(), admission.clone(), observer.clone()).context("cannot start threads")?;

        let services = Arc::new(Services {
            hub: hub.clone(),
            store: backend.store().clone(),
            passwords: Arc::new(HashingPool::start(settings.bcrypt_cost).context("cannot start threads")?),
            random: Arc::new(SystemRandom),
            clock: Arc::new(SystemClock::start()),
            observer,
            policy: policy(settings),
        });
        let (handshake_timeout, idle_timeout) = (settings.handshake_timeout, settings.idle_timeout());
        let bad_proxy_headers = LogRateLimit::every(STRANGE_HEADERS_INTERVAL);
        let pool = Arc::new(ThreadPool::new());
        let service = Arc::new(Service {
            services,
            tls,
            blocked_writer,
            pool,
            handshake_timeout,
            idle_timeout,
            site,
            bad_proxy_headers,
        });
        let acceptors = Arc::new(Acceptors::new(
            service,
            admission.clone(),
            settings.proxy_from.clone(),
            settings.forwarded_from.clone(),
        ));
        let serve = |listener: Listener| listener.serve(acceptors.clone());
        let stoppers = listeners.into_iter().chain(web_listeners).map(serve).collect::<Result<_, _>>()?;
        let Material { resolver, ca_path, facts } = material;
        tracing::info!(pin = %facts.pin, not_after = %facts.not_after, "serving with this certificate");
        Ok(Some(Self {
            addresses,
            web_addresses,
            ca_path,
            certificate: facts,
            resolver,
            hub,
            admission,
            acceptors,
            stoppers,
            backend,
        }))
    }

    /// Stops accepting, says goodbye to all clients, waits until all are gone, for 4 s at most, and closes the store.
    pub(crate) fn stop(self) {
        self.acceptors.stop(&self.stoppers);
        let deadline = Instant::now() + GOODBYE_PATIENCE;
        while self.admission.connections() > 0 && Instant::now() < deadline {
            // Repeated, since the hub does not know a newly accepted connection at once.
            self.hub.close_all(Bye::ServerShutdown).run();
            thread::sleep(Duration::from_millis(20));
        }
        let left = self.admission.connections();
        if left > 0 {
            tracing::warn!(left, "connections did not end in time");
        }
        drop(self.backend);
    }
}

fn bind(addresses: &[SocketAddr], door: Door) -> anyhow::Result<Vec<Listener>> {
    addresses.iter().map(|address| Listener::bind(*address, door)).collect()
}

fn admission(settings: &Settings) -> Admission {
    Admission::new(settings.max_connections, settings.max_connections_per_address, settings.limit_loopback)
}

fn policy(settings: &Settings) -> Policy {
    let line_rate = settings.line_rate();
    Policy {
        server_name: settings.server_name.as_str().to_owned(),
        min_password: settings.min_password,
        reserved_names: settings.reserved_names(),
        registration_open: settings.registration() == Registration::Open,
        duplicate_login: match settings.duplicate_login {
            settings::DuplicateLogin::Takeover => DuplicateLogin::Takeover,
            settings::DuplicateLogin::Reject => DuplicateLogin::Reject,
        },
        max_line_bytes: settings.max_line_bytes,
        login_timeout: settings.login_timeout,
        max_login_failures: settings.max_login_failures,
        max_takeovers: usize::try_from(settings.max_takeovers).unwrap_or(usize::MAX),
        presence_limit: settings.presence_limit,
        max_queued_bytes: settings.max_queued_bytes,
        max_rooms: settings.max_rooms,
        max_subscriptions: settings.max_subscriptions,
        max_open_rooms: settings.max_open_rooms,
        edit_window: settings.edit_window,
        ticket_lifetime: settings.ticket_lifetime,
        line_rate: line_rate.map(|rate| LineRate { per_second: rate.get(), burst: settings.line_burst }),
        limit_loopback: settings.limit_loopback,
    }
}
