//! The store that many servers share: everything in Redis, so that each server is one of many that can be exchanged.
//! Each step that must be atomic is one script on keys of one slot (`scripts/`), so a Cluster serves as well as a single
//! Redis. It must not keep anything in memory that cannot be rebuilt from Redis and the connections of its clients.
//!
//! The way of a command: port (`sessions`, `rooms`, `log`, …) → `connection` (`router`, then `pipeline`) → Redis. The way of news:
//! Redis → `pubsub` (`reader`, then `log_cursors`) → the sink. `membership` keeps the lease, ends what dead servers left, and looks
//! whether anything is missing.

mod accounts;
mod bus;
mod codec;
mod connection;
mod follows;
mod keys;
mod log;
mod login_limiter;
mod membership;
mod pubsub;
mod random;
mod rooms;
mod sessions;
mod status;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use parlor_core::ports::{Accounts, Sink, Store, StoreError};

use accounts::AdminAccounts;
use connection::command::Command;
use connection::dial::{Dialer, HelloReply};
use connection::router::Router;
use connection::url::Address;
use membership::maintenance::{Maintenance, StopSignal};
use membership::server::Server;

pub use connection::url::RedisUrl;
pub use status::{Lease, NodeFacts, NodeStatus, Pulse, RoomStatus, ScriptStatus, ServerStatus, Status, status};

/// How a server uses Redis.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where it is.
    pub url: RedisUrl,
    /// PEM of the authority that signed its certificate; the system's authorities if there is none.
    pub ca: Option<Vec<u8>>,
    /// Name of this server, for people.
    pub server_name: String,
    /// Entries of each log that people may read back.
    pub history: u64,
    /// How many replicas must have a message before it is accepted.
    pub replicas: u32,
}

/// Why Redis cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OpenError {
    /// It is not reached, which may pass.
    #[error("cannot reach Redis: {0}")]
    Unreachable(String),
    /// It is reached and cannot be used as it is.
    #[error("cannot use Redis: {0}")]
    Unsuitable(String),
}

impl OpenError {
    /// Why, without what could not be done.
    fn reason(&self) -> &str {
        match self {
            Self::Unreachable(reason) | Self::Unsuitable(reason) => reason,
        }
    }
}

/// Something that an operator wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// A link was lost, or is not there yet.
    LinkLost {
        /// To which node.
        node: String,
        /// Why.
        error: String,
    },
    /// A lost link is there again.
    LinkRestored {
        /// To which node.
        node: String,
    },
    /// Redis came back empty.
    Emptied {
        /// How many sessions of this server were put back.
        sessions: usize,
    },
    /// The lease could not be renewed in time: this server serves nobody until it is.
    LeaseLapsed,
    /// It was renewed after it had run out.
    LeaseRegained {
        /// Sessions that go on.
        kept: usize,
        /// Sessions that a later login displaced meanwhile.
        displaced: usize,
    },
    /// Another server was dead.
    Reaped {
        /// Its run.
        server: String,
        /// How many sessions of it were ended.
        sessions: usize,
    },
    /// A log had lost entries that were heard before; their numbers are not given out again.
    LogGapFound {
        /// Which.
        log: String,
        /// How many.
        lost: u64,
    },
    /// Something is not as it should be.
    Warning(String),
}

/// Hears what operators want to know. Must not block for long.
pub trait EventSink: Send + Sync {
    /// Something happened.
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
    /// Connects, takes the server's lease and starts its threads. What is there for its clients is told to `sink`.
    /// Blocks for a few seconds at most.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(config: &Config, sink: Arc<dyn Sink>, journal: Arc<dyn EventSink>) -> Result<Self, OpenError> {
        let dialer = Arc::new(Dialer::new(config.url.clone(), config.ca.clone()));
        let router = connect(&dialer, &journal, config.replicas)?;
        let server = Arc::new(Server::new(config.server_name.clone(), config.history, router, sink, journal));
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
            log: server.clone(),
            bus: server.clone(),
            attempts: server.clone(),
        };
        Ok(Self { server, store, stop_signal, maintenance: Mutex::new(Some(thread)) })
    }

    /// The ports.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Gives the lease up, so that nobody waits for this server. To be called after its clients are gone; sessions
    /// that could not be released are left to the other servers. Blocks for some seconds at most.
    pub fn close(&self) {
        if !self.end_maintenance() {
            return;
        }
        self.server.undo_leftovers();
        let id = &self.server.id();
        let gone = self.server.router.call(Command::plain("DEL", keys::lease(id), &[]));
        let left: Result<u64, StoreError> = self.server.call(Command::plain("SCARD", keys::server_sessions(id), &[]));
        // If this fails, the lease runs out, and others look after the rest.
        if gone.is_ok() && left == Ok(0) {
            drop(self.server.router.call(Command::plain("SREM", keys::SERVERS, &[id.as_str()])));
        }
    }

    /// Ends the rounds and the followers. `false` if that was done before.
    fn end_maintenance(&self) -> bool {
        self.stop_signal.end();
        self.server.set_closing();
        let thread = self.maintenance.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A panic of it was told when it happened.
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
    let journal: Arc<dyn EventSink> = Arc::new(NoEvents);
    Ok(Arc::new(AdminAccounts { router: connect(&dialer, &journal, config.replicas)? }))
}

/// A journal for programs that say themselves what goes wrong.
struct NoEvents;

impl EventSink for NoEvents {
    fn note(&self, _note: &Note) {}
}

/// Looks whether Redis can be used, and finds its nodes.
fn connect(dialer: &Arc<Dialer>, journal: &Arc<dyn EventSink>, replicas: u32) -> Result<Router, OpenError> {
    dialer.check()?;
    let node = dialer.locate()?;
    let greeting = examine(dialer, &node, journal)?;
    let router = Router::start(dialer.clone(), journal.clone(), greeting.is_cluster, replicas)?;
    for other in router.nodes().into_iter().flatten().filter(|other| *other != node) {
        match examine(dialer, &other, journal) {
            // Its link tells of it, and looks at it when it is there.
            Err(OpenError::Unreachable(_)) => {}
            looked => drop(looked?),
        }
    }
    Ok(router)
}

/// Looks whether a node can be used.
fn examine(dialer: &Dialer, node: &Address, journal: &Arc<dyn EventSink>) -> Result<HelloReply, OpenError> {
    let (mut connection, greeting) = dialer.connect(node)?;
    for warning in connection::check::check(node, &greeting, &mut connection)? {
        journal.note(&Note::Warning(warning));
    }
    Ok(greeting)
}
