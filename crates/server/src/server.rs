//! The running server: everything that `parlor serve` starts, and how it ends. It must not read settings from
//! anywhere but the struct it is given.

use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use jiff::Timestamp;
use parlor_core::ports::{EndpointGuard, FlushWorkers, Observer, PasswordAuthority};
use parlor_core::{DuplicateLogin, Hub, LineRate, Policy, Services};
use parlor_proto::Bye;

use crate::admin::{Admin, AdminListener, Readiness};
use crate::admission::Admission;
use crate::audit_trail::AuditTrail;
use crate::backend::{Backend, BackendConfig};
use crate::clock::SystemClock;
use crate::connection::{Door, Service, ThreadPool};
use crate::control::SessionList;
use crate::listener::{Acceptors, Listener, Stopper};
use crate::logging::observer::LogObserver;
use crate::logging::rate_limit::LogRateLimit;
use crate::metrics::{Counters, Sources};
use crate::observers::Observers;
use crate::public_address;
use crate::random::SystemRandom;
use crate::settings::{self, Registration, Settings};
use crate::tls::{CertificateInfo, CertificateWatch, Material, Resolver, TlsConfigs, TlsName};
use crate::web::Site;
use crate::workers::auth_program::AuthProgram;
use crate::workers::blocked_writer::BlockedWriter;
use crate::workers::flush_pool::FlushPool;
use crate::workers::hashing::HashingPool;
use crate::workers::housekeeping;
use crate::workers::outhooks::{Guard, OuthookThreads};
use crate::workers::signals::Request;

/// Maximum time in which clients receive their goodbye.
const GOODBYE_PATIENCE: Duration = Duration::from_secs(4);

/// Longest time between the end of accepting and the first goodbye of a drain: balancers look every second or two.
const GRACE: Duration = Duration::from_secs(2);

/// The part of a drain that this time is at most.
const GRACE_PART: u32 = 5;

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
    resolver: Arc<Resolver>,
    /// Its sessions, for operators.
    pub(crate) sessions: Arc<SessionList>,
    hub: Arc<Hub>,
    readiness: Arc<Readiness>,
    audit_trail: Option<AuditTrail>,
    admission: Arc<Admission>,
    acceptors: Arc<Acceptors>,
    stoppers: Vec<Stopper>,
    outhooks: Option<OuthookThreads>,
    backend: Backend,
}

impl Server {
    /// Opens everything, binds all addresses, and only then begins to accept. Blocks until Redis is reachable and
    /// handles `requests` meanwhile; returns `None` if one of them is a shutdown.
    ///
    /// # Errors
    /// One line that names the resource that is in use, missing or wrong.
    pub(crate) fn start(
        settings: &Settings,
        requests: &Receiver<Request>,
        requester: &Sender<Request>,
    ) -> anyhow::Result<Option<Self>> {
        let plan = BackendConfig::of(settings)?;
        let material = Material::open(&settings.certificate(), &settings.tls_name)?;
        let tls = TlsConfigs::new(material.resolver.clone())?;
        let admin_listeners = bind_admin(settings, &tls)?;
        let listeners = bind(&settings.listen, Door::ByAlpn)?;
        let web_listeners = bind(&settings.web_listen, Door::Web)?;
        let addresses: Vec<SocketAddr> = listeners.iter().map(Listener::address).collect();
        let web_addresses = web_listeners.iter().map(Listener::address).collect();
        let site = settings.has_web().then(|| site(settings, &material));
        let (hub, blocked_writer) = delivery(settings)?;
        let Some(backend) = plan.open(settings, hub.clone(), (requests, requester), || material.resolver.reload())?
        else {
            return Ok(None);
        };
        let Watch { counters, sessions, audit_trail, observer } = Watch::begin(settings)?;
        let (admission, chore) = (Arc::new(admission(settings)), backend.chore(settings));
        let watch = CertificateWatch::new(material.resolver.clone());
        housekeeping::start(chore, watch, admission.clone(), observer.clone()).context("cannot start threads")?;
        let hashing = Arc::new(HashingPool::start(settings.bcrypt_cost).context("cannot start threads")?);
        let policy = policy(settings, page(settings, &addresses, &material.facts.names));
        let guard = settings.outhook_allow().map(|rules| Arc::new(Guard::new(rules)));
        let endpoints = guard.clone().map(|guard| guard as Arc<dyn EndpointGuard>);
        let services = services(&hub, &backend, hashing.clone(), authority(settings)?, endpoints, observer, policy);
        let outhooks = guard.map(|guard| OuthookThreads::start(services.clone(), guard)).transpose();
        let outhooks = outhooks.context("cannot start threads")?;
        let service = Arc::new(service(settings, services, tls, blocked_writer, counters.clone(), site));
        let (balancers, proxies) = (settings.proxy_from.clone(), settings.forwarded_from.clone());
        let acceptors = Arc::new(Acceptors::new(service, admission.clone(), balancers, proxies));
        let sources = Sources {
            hub: hub.clone(),
            counters,
            admission: admission.clone(),
            hashing,
            resolver: material.resolver.clone(),
            store: backend.monitor(&settings.data),
            started: Timestamp::now(),
        };
        let readiness = show(admin_listeners, sources)?;
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
            sessions,
            hub,
            readiness,
            audit_trail,
            admission,
            acceptors,
            stoppers,
            outhooks,
            backend,
        }))
    }

    /// Reads the certificate again, and opens the audit trail by its name again. Logs what fails.
    pub(crate) fn reload(&self) {
        self.resolver.reload();
        if let Some(trail) = &self.audit_trail {
            trail.reopen();
        }
    }

    /// Sends all clients away: is not ready from now on, stops accepting, waits until balancers know, and says goodbye to one
    /// after the other. Blocks for the time `over`, or until one of the `requests` is a shutdown.
    pub(crate) fn drain(&self, over: Duration, requests: &Receiver<Request>) {
        self.readiness.drain();
        self.acceptors.stop(&self.stoppers);
        let grace = (over / GRACE_PART).min(GRACE);
        if self.pause(grace, requests) {
            return;
        }
        let (mut departures, flush) = self.hub.ask_to_leave(over.saturating_sub(grace));
        flush.run();
        let begun = Instant::now();
        loop {
            let (flush, next) = departures.depart(begun.elapsed());
            flush.run();
            let Some(next) = next else { return };
            if self.pause(next.saturating_sub(begun.elapsed()), requests) {
                return;
            }
        }
    }

    /// Waits; reloads meanwhile if asked to. Returns whether the end was asked for.
    fn pause(&self, time: Duration, requests: &Receiver<Request>) -> bool {
        let deadline = Instant::now() + time;
        loop {
            match requests.recv_deadline(deadline) {
                Ok(Request::Reload) => self.reload(),
                // It drains already.
                Ok(Request::Drain(_) | Request::HandOver | Request::Depart) => {}
                Ok(Request::Shutdown) | Err(RecvTimeoutError::Disconnected) => return true,
                Err(RecvTimeoutError::Timeout) => return false,
            }
        }
    }

    /// Asks all clients to connect again, and says goodbye to them as [`Server::stop`] does. Returns what keeps other servers
    /// from the database, if there is one.
    pub(crate) fn send_away(self) -> Option<File> {
        self.acceptors.stop(&self.stoppers);
        let (mut departures, flush) = self.hub.ask_to_leave(Duration::ZERO);
        flush.run();
        departures.depart(Duration::ZERO).0.run();
        let lock = self.backend.lock();
        self.stop();
        lock
    }

    /// Whether a database keeps everything, and no Redis.
    pub(crate) fn has_database(&self) -> bool {
        matches!(self.backend, Backend::Sqlite { .. })
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
        if let Some(threads) = self.outhooks {
            threads.stop(deadline);
        }
        drop(self.backend);
        if let Some(trail) = &self.audit_trail {
            trail.flush();
        }
    }
}

fn site(settings: &Settings, material: &Material) -> Arc<Site> {
    let (resolver, names) = (material.resolver.clone(), settings.web_host.clone());
    Arc::new(Site::new(resolver, names, material.ca_path.clone()))
}

/// All who hear what happens.
struct Watch {
    counters: Arc<Counters>,
    sessions: Arc<SessionList>,
    audit_trail: Option<AuditTrail>,
    /// All of them and the log, as one.
    observer: Arc<dyn Observer>,
}

impl Watch {
    fn begin(settings: &Settings) -> anyhow::Result<Self> {
        let (counters, sessions) = (Arc::new(Counters::default()), Arc::new(SessionList::default()));
        let audit_trail = settings.operations.audit_log.as_deref().map(AuditTrail::open).transpose()?;
        let mut all: Vec<Arc<dyn Observer>> =
            vec![Arc::new(LogObserver::default()), counters.clone(), sessions.clone()];
        if let Some(trail) = &audit_trail {
            all.push(Arc::new(trail.clone()));
        }
        Ok(Self { counters, sessions, audit_trail, observer: Arc::new(Observers(all)) })
    }
}

/// The hub, and the thread for sockets that are full.
fn delivery(settings: &Settings) -> anyhow::Result<(Arc<Hub>, Arc<BlockedWriter>)> {
    let flush_workers: Arc<dyn FlushWorkers> = Arc::new(FlushPool::start().context("cannot start threads")?);
    let hub = Arc::new(Hub::new(flush_workers, settings.presence_limit));
    let blocked_writer = Arc::new(BlockedWriter::new().context("cannot watch connections")?);
    blocked_writer.start(hub.clone()).context("cannot start threads")?;
    Ok((hub, blocked_writer))
}

fn bind_admin(settings: &Settings, tls: &TlsConfigs) -> anyhow::Result<Vec<AdminListener>> {
    settings.operations.admin_listen.iter().map(|address| AdminListener::bind(address, &tls.http)).collect()
}

/// Answers monitoring from now on.
fn show(listeners: Vec<AdminListener>, sources: Sources) -> anyhow::Result<Arc<Readiness>> {
    let readiness = Readiness::new(sources.hub.clone(), sources.store.clone());
    let admin = Arc::new(Admin { sources, readiness: readiness.clone() });
    for listener in listeners {
        tracing::info!("metrics are at {listener}");
        listener.serve(admin.clone()).context("cannot start threads")?;
    }
    Ok(readiness)
}

fn bind(addresses: &[SocketAddr], door: Door) -> anyhow::Result<Vec<Listener>> {
    addresses.iter().map(|address| Listener::bind(*address, door)).collect()
}

fn services(
    hub: &Arc<Hub>,
    backend: &Backend,
    hashing: Arc<HashingPool>,
    authority: Option<Arc<dyn PasswordAuthority>>,
    endpoints: Option<Arc<dyn EndpointGuard>>,
    observer: Arc<dyn Observer>,
    policy: Policy,
) -> Arc<Services> {
    Arc::new(Services {
        hub: hub.clone(),
        store: backend.store().clone(),
        passwords: hashing,
        authority,
        endpoints,
        random: Arc::new(SystemRandom),
        clock: Arc::new(SystemClock::start()),
        observer,
        policy,
    })
}

/// What each client's thread works with.
fn service(
    settings: &Settings,
    services: Arc<Services>,
    tls: TlsConfigs,
    blocked_writer: Arc<BlockedWriter>,
    counters: Arc<Counters>,
    site: Option<Arc<Site>>,
) -> Service {
    Service {
        services,
        tls,
        blocked_writer,
        pool: Arc::new(ThreadPool::new()),
        counters,
        handshake_timeout: settings.handshake_timeout,
        idle_timeout: settings.idle_timeout(),
        site,
        bad_proxy_headers: LogRateLimit::every(STRANGE_HEADERS_INTERVAL),
    }
}

/// Who decides about passwords, if that is a program.
fn authority(settings: &Settings) -> anyhow::Result<Option<Arc<dyn PasswordAuthority>>> {
    let Some(path) = &settings.auth_command else { return Ok(None) };
    Ok(Some(Arc::new(AuthProgram::start(path)?)))
}

/// The address of the web door, as others reach it. A proxy in front of the server has a name and a port of its own.
fn page(settings: &Settings, addresses: &[SocketAddr], names: &[TlsName]) -> Option<String> {
    if !settings.has_web() {
        return None;
    }
    if let Some(proxy) = settings.web_host.first() {
        return Some(format!("https://{}/", proxy.in_url()));
    }
    let (host, port) = public_address::find(addresses, &settings.tls_name, names)?;
    Some(public_address::page(&host.in_url(), port))
}

fn admission(settings: &Settings) -> Admission {
    Admission::new(settings.max_connections, settings.max_connections_per_address, settings.limit_loopback)
}

fn policy(settings: &Settings, page: Option<String>) -> Policy {
    let line_rate = settings.line_rate();
    Policy {
        server_name: settings.server_name.as_str().to_owned(),
        min_password: settings.min_password,
        reserved_names: settings.reserved_names(),
        page,
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
        room_retention: settings.room_retention(),
        ticket_lifetime: settings.ticket_lifetime,
        line_rate: line_rate.map(|rate| LineRate { per_second: rate.get(), burst: settings.line_burst }),
        limit_loopback: settings.limit_loopback,
    }
}
