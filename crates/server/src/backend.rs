//! The store of a server: the database in its data directory, or a Redis that it shares with other servers. It must not
//! know what is stored.

use std::cell::Cell;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use crossbeam_channel::{Receiver, Sender, bounded, select};
use parlor_core::ports::{Clock, Sink, Store, StoreResult};
use parlor_store::BatchStatistics;
use parlor_store::redis::{self, EventSink, OpenError, Redis};
use parlor_store::sqlite::{self, Durability, Note, Sqlite};

use crate::clock::SystemClock;
use crate::logging::redis_events::RedisEventLog;
use crate::service_manager;
use crate::settings::{self, RedisArgs, Settings, Synchronous, installation};
use crate::workers::housekeeping::PeriodicTask;
use crate::workers::signals::Request;

/// Time between two attempts to reach Redis at start.
const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// Time between two looks for messages that are too old.
const FORGET_INTERVAL: Duration = Duration::from_secs(60);

/// Time between two warnings while the server waits for Redis.
const WARNING_INTERVAL: Duration = Duration::from_secs(10);

/// The store to open. It is made before anything slow, so that wrong settings show at once.
pub(crate) enum BackendConfig {
    /// The database, with the lock that makes this its only server.
    Sqlite(File),
    /// A Redis.
    Redis(redis::Config),
}

/// An open store. Drop it after all clients are gone: it then releases what other servers would have to wait for.
pub(crate) enum Backend {
    /// The database.
    Sqlite {
        /// The open database.
        store: Arc<Sqlite>,
        /// Held as long as the server runs, so that no other server appends to the same logs.
        lock: File,
    },
    /// A Redis.
    Redis(Arc<Redis>),
}

/// What monitoring may ask of the store. It keeps the store open.
#[derive(Clone)]
pub(crate) enum StoreMonitor {
    /// The database.
    Sqlite {
        /// The open database.
        store: Arc<Sqlite>,
        /// Its file.
        database: PathBuf,
    },
    /// A Redis.
    Redis(Arc<Redis>),
}

impl StoreMonitor {
    /// The kind of the store.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "sqlite",
            Self::Redis(_) => "redis",
        }
    }

    /// The batches of changes since the start.
    pub(crate) fn batches(&self) -> BatchStatistics {
        match self {
            Self::Sqlite { store, .. } => store.batches(),
            Self::Redis(redis) => redis.link_facts().batches,
        }
    }

    /// Sends a canary through the store. Blocks as an append does.
    ///
    /// # Errors
    /// No message would be accepted, or none delivered, now.
    pub(crate) fn send_canary(&self) -> StoreResult<()> {
        match self {
            Self::Sqlite { store, .. } => store.send_canary(),
            Self::Redis(redis) => redis.send_canary(),
        }
    }
}

impl BackendConfig {
    /// Returns the store that the settings ask for. Locks the data directory, unless the store is a Redis.
    ///
    /// # Errors
    /// One line that names the resource that is in use, missing or wrong.
    pub(crate) fn of(settings: &Settings) -> anyhow::Result<Self> {
        let Some(config) = redis_config(&settings.redis, settings.server_name.as_str())? else {
            return Ok(Self::Sqlite(lock_data(&settings.data)?));
        };
        Ok(Self::Redis(redis::Config { history: settings.history, replicas: settings.redis_replicas, ..config }))
    }

    /// Opens the store, which tells `sink` what it has for the clients, and asks `requester` for what concerns the process. A Redis that cannot be reached is waited for, and a
    /// database is looked through for damage; meanwhile `requests` are heard, and `reload` is called where they ask for it. `None` if the end was asked for.
    ///
    /// # Errors
    /// One line that names the problem with the store.
    pub(crate) fn open(
        self,
        settings: &Settings,
        sink: Arc<dyn Sink>,
        (requests, requester): (&Receiver<Request>, &Sender<Request>),
        reload: impl Fn(),
    ) -> anyhow::Result<Option<Backend>> {
        match self {
            Self::Sqlite(lock) => {
                let (data, history, durability) = (settings.data.clone(), settings.history, durability(settings));
                let open = move || Ok(Sqlite::open(&data, history, durability, sink)?);
                let Some(store) = open_interruptibly(open, requests, reload)? else { return Ok(None) };
                store.notes().iter().for_each(|note| tell(*note));
                Ok(Some(Backend::Sqlite { store: Arc::new(store), lock }))
            }
            Self::Redis(config) => {
                let events = Arc::new(RedisEvents { requester: requester.clone() });
                let address = config.url.to_string();
                let open = move || Redis::open(&config, sink.clone(), events.clone());
                let redis = open_interruptibly(move || retry_until_reachable(open), requests, reload)?;
                if redis.is_some() {
                    note_redis(&settings.data, &address);
                }
                Ok(redis.map(|redis| Backend::Redis(Arc::new(redis))))
            }
        }
    }
}

impl Backend {
    /// Another handle of what keeps other servers from the database, if there is one: it is locked as long as one is open.
    pub(crate) fn lock(&self) -> Option<File> {
        match self {
            Self::Sqlite { lock, .. } => lock.try_clone().ok(),
            Self::Redis(_) => None,
        }
    }

    /// Returns the ports of the store.
    pub(crate) fn store(&self) -> &Store {
        match self {
            Self::Sqlite { store, .. } => store.store(),
            Self::Redis(redis) => redis.store(),
        }
    }

    /// Returns what monitoring may ask. `data` is the data directory of the server.
    pub(crate) fn monitor(&self, data: &Path) -> StoreMonitor {
        match self {
            Self::Sqlite { store, .. } => {
                StoreMonitor::Sqlite { store: store.clone(), database: data.join(sqlite::FILE_NAME) }
            }
            Self::Redis(redis) => StoreMonitor::Redis(redis.clone()),
        }
    }

    /// Returns the periodic task of the store: it also deletes entries that are too old.
    pub(crate) fn chore(&self, settings: &Settings) -> PeriodicTask {
        let age = settings.history_age;
        match self {
            Self::Sqlite { store, .. } => {
                let store = store.clone();
                let (clock, kept) = (SystemClock::start(), store.clone());
                let forget = forgetting(move || kept.forget_older(clock.now(), age));
                let run = move || store.notice_changes().and_then(|()| forget());
                PeriodicTask { what: "looking after the database", run: Box::new(run) }
            }
            Self::Redis(redis) => {
                let redis = redis.clone();
                let forget = forgetting(move || redis.forget_older(redis.time()?, age));
                PeriodicTask { what: "forgetting old messages", run: Box::new(forget) }
            }
        }
    }
}

impl Drop for Backend {
    fn drop(&mut self) {
        match self {
            Self::Sqlite { store, .. } => close(store),
            Self::Redis(redis) => redis.close(),
        }
    }
}

/// Hears what happens to the link to Redis: the log gets it, and the main thread what concerns the process.
struct RedisEvents {
    requester: Sender<Request>,
}

impl EventSink for RedisEvents {
    fn note(&self, note: &redis::Note) {
        match note {
            // Whoever hears it twice ends once.
            redis::Note::Moving => drop(self.requester.send(Request::Depart)),
            note => RedisEventLog.note(note),
        }
    }
}

/// Forgets what is too old from time to time, and again at once where there was more. `forget` tells whether there is more.
fn forgetting(forget: impl Fn() -> StoreResult<bool> + Send) -> impl Fn() -> StoreResult<()> + Send {
    let last = Cell::new(None::<Instant>);
    move || {
        if last.get().is_some_and(|last| last.elapsed() < FORGET_INTERVAL) {
            return Ok(());
        }
        // Also after a failure: a store that is away is asked for nothing here meanwhile.
        last.set(Some(Instant::now()));
        if forget()? {
            last.set(None);
        }
        Ok(())
    }
}

fn tell(note: Note) {
    match note {
        Note::WentBack => tracing::warn!(
            "the database is older than the one that was here, or comes from elsewhere: all logs begin a new epoch, and \
             clients read their history anew"
        ),
        Note::CheckedInPart => tracing::warn!(
            "the database is so large that not all messages were looked at for damage: parlor audit looks at everything"
        ),
    }
}

fn close(store: &Sqlite) {
    if let Err(error) = store.close() {
        let file = sqlite::FILE_NAME;
        tracing::warn!("{file} could not be closed, and {file}-wal belongs to it: copy both, or neither: {error}");
    }
}

/// How the Redis of a command line is reached; `None` if there is none. Reads the file of the authority.
///
/// # Errors
/// Names the file that cannot be read.
pub(crate) fn redis_config(args: &RedisArgs, server_name: &str) -> anyhow::Result<Option<redis::Config>> {
    let Some(url) = args.redis.clone() else { return Ok(None) };
    let read = |path: &PathBuf| fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    let ca = args.redis_ca.as_ref().map(read).transpose()?;
    Ok(Some(redis::Config { url, ca, server_name: server_name.to_owned(), history: 0, replicas: 0 }))
}

/// Locks a data directory for whoever uses the database there, and makes it if it is missing: as long as the file is open, no
/// server uses the directory.
///
/// # Errors
/// A server uses it, or it cannot be made.
pub(crate) fn lock_data(data: &Path) -> anyhow::Result<File> {
    settings::make_private_dir(data)?;
    let path = data.join("server.lock");
    let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {
            installation::note_database(data).with_context(|| format!("cannot write to {}", data.display()))?;
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => bail!("another parlor server uses the data directory {}", data.display()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

/// Keeps commands from a database that the server does not use. It serves all the same.
fn note_redis(data: &Path, address: &str) {
    if let Err(error) = installation::note_redis(data, address) {
        tracing::warn!("commands cannot be told that the database in {} is not used: {error}", data.display());
    }
}

fn durability(settings: &Settings) -> Durability {
    match settings.synchronous {
        Synchronous::Normal => Durability::Process,
        Synchronous::Full => Durability::Power,
    }
}

/// Runs slow work on a thread of its own, so that requests are handled at once. Returns `None` for a shutdown: the
/// thread then runs on and ends with the process.
fn open_interruptibly<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
    requests: &Receiver<Request>,
    reload: impl Fn(),
) -> anyhow::Result<Option<T>> {
    let (sender, done) = bounded(1);
    let work = move || {
        // After a shutdown request nobody waits for the result.
        let _ = sender.send(work());
    };
    thread::Builder::new().name("opening".to_owned()).spawn(work).context("cannot start threads")?;
    loop {
        select! {
            recv(done) -> outcome => return outcome.unwrap_or_else(|_| Err(anyhow!("opening the store failed"))).map(Some),
            recv(requests) -> request => match request {
                Ok(Request::Reload) => reload(),
                // There is nobody yet to send away.
                Ok(Request::Shutdown | Request::Drain(_) | Request::HandOver) | Err(_) => return Ok(None),
                // The store is not open, so nothing of it is used.
                Ok(Request::Depart) => {}
            },
        }
    }
}

/// Retries until Redis is reachable or the error is permanent.
fn retry_until_reachable<T>(open: impl Fn() -> Result<T, OpenError>) -> anyhow::Result<T> {
    let mut warned: Option<Instant> = None;
    loop {
        match open() {
            Ok(opened) => {
                if warned.is_some() {
                    tracing::info!("Redis can be reached now");
                }
                return Ok(opened);
            }
            Err(OpenError::Unreachable(why)) => {
                if warned.is_none_or(|at| at.elapsed() >= WARNING_INTERVAL) {
                    tracing::warn!("waiting for Redis: {why}");
                    service_manager::waiting("Redis");
                    warned = Some(Instant::now());
                }
            }
            Err(unfit @ OpenError::Unsuitable(_)) => return Err(anyhow!("{unfit}")),
        }
        thread::sleep(RETRY_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::unbounded;

    use super::*;

    fn away() -> OpenError {
        OpenError::Unreachable("nobody listens".to_owned())
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        let attempts = Cell::new(0);
        let opened = retry_until_reachable(|| {
            attempts.set(attempts.get() + 1);
            if attempts.get() < 3 { Err(away()) } else { Ok("open") }
        });
        assert_eq!((opened.unwrap(), attempts.get()), ("open", 3));
    }

    #[test]
    fn what_does_not_pass_is_told_at_once() {
        let attempts = Cell::new(0);
        let opened = retry_until_reachable(|| -> Result<(), _> {
            attempts.set(attempts.get() + 1);
            Err(OpenError::Unsuitable("a password is needed".to_owned()))
        });
        assert!(format!("{:#}", opened.unwrap_err()).contains("a password is needed"));
        assert_eq!(attempts.get(), 1);
    }

    #[test]
    fn the_end_can_be_asked_for_while_something_is_waited_for() {
        let (requests, inbox) = unbounded();
        let reloads = Cell::new(0);
        for request in [Request::Reload, Request::Reload, Request::Shutdown] {
            requests.send(request).unwrap();
        }
        let never = || retry_until_reachable(|| -> Result<(), _> { Err(away()) });
        let outcome = open_interruptibly(never, &inbox, || reloads.set(reloads.get() + 1)).unwrap();
        assert_eq!((outcome, reloads.get()), (None, 2));
    }

    #[test]
    fn what_was_waited_for_comes_through_and_a_panic_is_an_error() {
        let (_requests, inbox) = unbounded();
        let opened = open_interruptibly(|| Ok("open"), &inbox, || {}).unwrap();
        assert_eq!(opened, Some("open"));
        let broken =
            open_interruptibly(|| -> anyhow::Result<()> { panic!("this panic belongs to a test") }, &inbox, || {});
        assert_eq!(broken.unwrap_err().to_string(), "opening the store failed");
    }
}
