//! The store that many servers share. Everything is in Redis, so each server can be replaced by another. Each atomic
//! step is one script on keys of one slot (`scripts/`), so a Cluster works as well as a single Redis. It must not keep
//! anything in memory that cannot be rebuilt from Redis and the connections of its clients.
//!
//! The path of a command: port (`sessions`, `rooms`, `log`, …) → `connection` (`router`, then `pipeline`) → Redis. The
//! path of a message: Redis → `pubsub` (`reader`, then `log_cursors`) → the sink. `membership` keeps the lease, ends
//! the sessions of dead servers, and checks for missing data.

mod accounts;
mod administration;
mod archive;
mod audit;
mod bus;
mod canary;
mod codec;
mod connection;
mod contention;
mod departure;
mod directs;
mod follows;
mod governance;
mod import_note;
mod invitations;
mod keys;
mod log;
mod login_limiter;
mod logins;
mod membership;
mod outhooks;
mod personal;
mod probe;
mod pubsub;
mod random;
mod retention;
mod rooms;
mod session_list;
mod sessions;
mod status;
mod tickets;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use parlor_core::ports::{Accounts, Invitations, Sink, Store, StoreError, Tickets};

use accounts::AdminAccounts;
use administration::RedisRooms;
use connection::command::Command;
use connection::dial::{Dialer, HelloReply};
use connection::router::Router;
use connection::url::Address;
use membership::maintenance::{Maintenance, StopSignal};
use membership::server::Server;

use crate::administration::{Overview, RoomAdministration};

pub use archive::{RedisMovingSource, RedisSource, RedisTarget, drop_aside, put_aside};
pub use canary::LinkFacts;
pub use connection::url::RedisUrl;
pub use departure::{moved_to, take_back};
pub use probe::{Probe, probe};
pub use session_list::{ListedSession, sessions};
pub use status::{Lease, NodeFacts, NodeStatus, Pulse, RoomStatus, ScriptStatus, ServerStatus, Status, status};

/// How a server uses Redis.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address of Redis.
    pub url: RedisUrl,
    /// PEM of the authority that signed its certificate; none for the authorities of the system.
    pub ca: Option<Vec<u8>>,
    /// Name of this server, for operators.
    pub server_name: String,
    /// Number of entries of each log that users may read back.
    pub history: u64,
    /// Number of replicas that must have a message before it is accepted.
    pub replicas: u32,
}

/// Why Redis cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OpenError {
    /// Redis is unreachable. This may be temporary.
    #[error("cannot reach Redis: {0}")]
    Unreachable(String),
    /// Redis is reachable, but cannot be used in its present state.
    #[error("cannot use Redis: {0}")]
    Unsuitable(String),
}

impl OpenError {
    /// The reason, without the prefix of the error message.
    fn reason(&self) -> &str {
        match self {
            Self::Unreachable(reason) | Self::Unsuitable(reason) => reason,
        }
    }
}

/// An event for the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A link was lost, or could not be established yet.
    LinkLost {
        /// The node of the link.
        node: String,
        /// The reason.
        error: String,
    },
    /// A lost link is connected again.
    LinkRestored {
        /// The node of the link.
        node: String,
    },
    /// Redis came back empty.
    Emptied {
        /// The number of restored sessions of this server.
        sessions: usize,
    },
    /// The lease could not be renewed in time: this server serves no client until it is renewed.
    LeaseLapsed {
        /// The error of the last attempt.
        error: String,
    },
    /// The lease was renewed after it had expired.
    LeaseRegained {
        /// The number of sessions that continue.
        kept: usize,
        /// The number of sessions that a later login displaced in the meantime.
        displaced: usize,
    },
    /// Another server was dead.
    Reaped {
        /// The id of its run.
        server: String,
        /// The number of its sessions that were ended.
        sessions: usize,
    },
    /// A log lost entries that were already delivered. Their numbers are not used again.
    LogGapFound {
        /// The log.
        log: String,
        /// The number of lost entries.
        lost: u64,
    },
    /// Everything moves to another store. The server has to end: when it starts again, it waits until it may go on, or is told
    /// where everything is.
    Moving,
    /// A problem that an operator should fix.
    Warning(String),
}

/// Receives events for operators. Must not block for long.
pub trait EventSink: Send + Sync {
    /// Called for each event.
    fn note(&self, note: &Note);
}

/// The store of one server among many. A leaf lock.
pub struct Redis {
    server: Arc<Server>,
    store: Store,
    stop_signal: Arc<StopSignal>,
    maintenance: Mutex<Option<JoinHandle<()>>>,
}

impl Redis {
    /// Connects, takes the server's lease and starts its threads. News for clients goes to `sink`. Blocks for a few
    /// seconds at most.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(config: &Config, sink: Arc<dyn Sink>, events: Arc<dyn EventSink>) -> Result<Self, OpenError> {
        let dialer = Arc::new(Dialer::new(config.url.clone(), config.ca.clone()));
        let router = connect(&dialer, &events, config.replicas)?;
        // Whoever waits here takes no lease: a migration waits until there is none.
        departure::refuse(&router)?;
        let server = Arc::new(Server::new(config.server_name.clone(), config.history, router, sink, events));
        let unreachable = |error: StoreError| OpenError::Unreachable(error.to_string());
        let maintenance = Maintenance::begin(server.clone(), dialer).map_err(unreachable)?;
        let stop_signal = Arc::new(StopSignal::default());
        let shared = stop_signal.clone();
        let thread = thread::Builder::new().name("redis-maintain".to_owned()).spawn(move || maintenance.run(&shared));
        let thread = thread.map_err(|error| OpenError::Unreachable(format!("no thread: {error}")))?;
        let store = Store {
            accounts: server.clone(),
            follows: server.clone(),
            sessions: server.clone(),
            rooms: server.clone(),
            governance: server.clone(),
            log: server.clone(),
            personal: server.clone(),
            tickets: server.clone(),
            invitations: server.clone(),
            outhooks: server.clone(),
            bus: server.clone(),
            attempts: server.clone(),
            logins: Some(server.clone()),
        };
        let redis = Self { server, store, stop_signal, maintenance: Mutex::new(Some(thread)) };
        // Behind the lease: an import and a migration look for leases after they have noted themselves.
        match redis.may_serve() {
            Ok(()) => Ok(redis),
            Err(error) => {
                redis.close();
                Err(error)
            }
        }
    }

    /// # Errors
    /// Somebody fills this Redis, or everything in it is or goes elsewhere.
    fn may_serve(&self) -> Result<(), OpenError> {
        let router = &self.server.router;
        match import_note::is_under_way(router) {
            Ok(false) => departure::refuse(router),
            Ok(true) => Err(OpenError::Unsuitable(import_note::UNDER_WAY.to_owned())),
            Err(error) => Err(OpenError::Unreachable(error.to_string())),
        }
    }

    /// The ports.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Releases the lease, so that no other server waits for this one. Call it after all clients are gone. Sessions
    /// that could not be released are left to the other servers. Blocks for some seconds at most.
    pub fn close(&self) {
        if !self.end_maintenance() {
            return;
        }
        self.server.retry_cleanups();
        let id = &self.server.id();
        let gone = self.server.router.call(Command::plain("DEL", keys::lease(id), &[]));
        let left: Result<u64, StoreError> = self.server.call(Command::plain("SCARD", keys::server_sessions(id), &[]));
        // If this fails, the lease expires, and other servers clean up the rest.
        if gone.is_ok() && left == Ok(0) {
            drop(self.server.router.call(Command::plain("SREM", keys::SERVERS, &[id.as_str()])));
        }
    }

    /// Ends the rounds and the readers. Returns `false` if that was done before.
    fn end_maintenance(&self) -> bool {
        self.stop_signal.end();
        self.server.set_closing();
        let thread = self.maintenance.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A panic of the thread was reported when it happened.
        thread.map(|thread| drop(thread.join())).is_some()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.end_maintenance();
    }
}

/// Connects for the accounts only. Blocks for a few seconds at most.
///
/// # Errors
/// See [`OpenError`].
pub fn open_accounts(config: &Config) -> Result<Arc<dyn Accounts>, OpenError> {
    let dialer = Arc::new(Dialer::new(config.url.clone(), config.ca.clone()));
    let events: Arc<dyn EventSink> = Arc::new(NoEvents);
    let router = connect(&dialer, &events, config.replicas)?;
    departure::refuse(&router)?;
    Ok(Arc::new(AdminAccounts { router }))
}

/// Connects for the tickets only. Blocks for a few seconds at most.
///
/// # Errors
/// See [`OpenError`].
pub fn open_tickets(config: &Config) -> Result<Arc<dyn Tickets>, OpenError> {
    let dialer = Arc::new(Dialer::new(config.url.clone(), config.ca.clone()));
    let events: Arc<dyn EventSink> = Arc::new(NoEvents);
    let router = connect(&dialer, &events, config.replicas)?;
    departure::refuse(&router)?;
    Ok(Arc::new(AdminAccounts { router }))
}

/// Connects for the invitations only. Blocks for a few seconds at most.
///
/// # Errors
/// See [`OpenError`].
pub fn open_invitations(config: &Config) -> Result<Arc<dyn Invitations>, OpenError> {
    let dialer = Arc::new(Dialer::new(config.url.clone(), config.ca.clone()));
    let events: Arc<dyn EventSink> = Arc::new(NoEvents);
    let router = connect(&dialer, &events, config.replicas)?;
    departure::refuse(&router)?;
    Ok(Arc::new(AdminAccounts { router }))
}

/// Connects for the rooms only. Blocks for a few seconds at most.
///
/// # Errors
/// See [`OpenError`].
pub fn open_rooms(config: &Config) -> Result<Box<dyn RoomAdministration>, OpenError> {
    let dialer = Arc::new(Dialer::new(config.url.clone(), config.ca.clone()));
    let events: Arc<dyn EventSink> = Arc::new(NoEvents);
    let router = connect(&dialer, &events, config.replicas)?;
    departure::refuse(&router)?;
    Ok(Box::new(RedisRooms { router }))
}

/// Connects, and looks at operators and rooms as an audit does. Blocks for a few seconds at most to connect.
///
/// # Errors
/// See [`OpenError`].
pub fn overview(config: &Config) -> Result<Overview, OpenError> {
    let dialer = Arc::new(Dialer::new(config.url.clone(), config.ca.clone()));
    let events: Arc<dyn EventSink> = Arc::new(NoEvents);
    let router = connect(&dialer, &events, config.replicas)?;
    audit::overview(router).map_err(|error| OpenError::Unreachable(error.to_string()))
}

/// An event sink for programs that report errors themselves.
struct NoEvents;

impl EventSink for NoEvents {
    fn note(&self, _note: &Note) {}
}

/// Checks whether Redis can be used, and finds its nodes.
fn connect(dialer: &Arc<Dialer>, events: &Arc<dyn EventSink>, replicas: u32) -> Result<Router, OpenError> {
    dialer.check()?;
    let node = dialer.locate()?;
    let greeting = examine(dialer, &node, events)?;
    let router = Router::start(dialer.clone(), events.clone(), greeting.is_cluster, replicas)?;
    for other in router.nodes().into_iter().flatten().filter(|other| *other != node) {
        match examine(dialer, &other, events) {
            // The link of the node reports this, and checks the node when it connects.
            Err(OpenError::Unreachable(_)) => {}
            looked => drop(looked?),
        }
    }
    Ok(router)
}

/// Checks whether a node can be used.
fn examine(dialer: &Dialer, node: &Address, events: &Arc<dyn EventSink>) -> Result<HelloReply, OpenError> {
    let (mut connection, greeting) = dialer.connect(node)?;
    for warning in connection::check::check(node, &greeting, &mut connection)? {
        events.note(&Note::Warning(warning));
    }
    Ok(greeting)
}
