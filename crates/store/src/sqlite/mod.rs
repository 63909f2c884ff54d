//! The embedded store: accounts, follows and logs in one SQLite file in WAL mode. Several processes may open
//! it for accounts (the admin commands do); only one may append to logs, which the server's lock sees to.

mod accounts;
mod append;
mod database;
mod follows;
mod log;
mod readers;
mod rows;
mod schema;
mod unlocking;
mod usual;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parlor_core::ports::{Accounts, Log, Sink, Store, StoreResult};

use crate::live::{Live, LiveAttempts, LiveBus};
use crate::memory::MemoryLog;

use accounts::Deletion;
pub use database::{Database, Durability, OpenError};
use log::SqliteLog;

/// Name of the database within the data directory.
pub const FILE_NAME: &str = "parlor.db";

/// The embedded store of a server.
pub struct Sqlite {
    database: Arc<Database>,
    store: Store,
    sink: Arc<dyn Sink>,
    attempts: Arc<LiveAttempts>,
    last_deletion: AtomicI64,
    last_unlocking: AtomicI64,
}

impl Sqlite {
    /// Opens or makes the database in the directory `data`, keeping the newest `history` entries of each log
    /// (none at all if 0), and tells `sink` what it has for the clients.
    ///
    /// # Errors
    /// The file cannot be opened or made, or was written by a newer version.
    pub fn open(data: &Path, history: u64, durability: Durability, sink: Arc<dyn Sink>) -> Result<Self, OpenError> {
        let database = Arc::new(Database::open(data, durability)?);
        let live = Arc::new(Live::new(sink.clone()));
        let log: Arc<dyn Log> = match history {
            0 => Arc::new(MemoryLog::new(live.clone(), sink.clone(), 0, database.fresh_epoch()?)),
            _ => Arc::new(SqliteLog::open(database.clone(), live.clone(), sink.clone(), history)?),
        };
        let attempts = Arc::new(LiveAttempts::new(database.clone()));
        let store = Store {
            accounts: database.clone(),
            follows: database.clone(),
            sessions: live.clone(),
            rooms: live,
            log,
            bus: Arc::new(LiveBus::new(sink.clone())),
            attempts: attempts.clone(),
        };
        let last_deletion = AtomicI64::new(database.last_deletion()?);
        let last_unlocking = AtomicI64::new(database.last_unlocking()?);
        Ok(Self { database, store, sink, attempts, last_deletion, last_unlocking })
    }

    /// The ports.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Looks for accounts that were deleted or unlocked since the last look, by this process or another, tells the
    /// sink of the former and forgives the latter. To be called every second or so, by one thread. Blocks.
    ///
    /// # Errors
    /// The database cannot be read; the next look makes up for it.
    pub fn notice_changes(&self) -> StoreResult<()> {
        let seen = self.last_deletion.load(Ordering::Relaxed);
        for Deletion { number, user, created } in self.database.deletions_after(seen)? {
            self.sink.account_deleted(&user, created).run();
            self.last_deletion.store(number, Ordering::Relaxed);
        }
        let seen = self.last_unlocking.load(Ordering::Relaxed);
        for (number, user) in self.database.unlockings_after(seen)? {
            self.attempts.forgive(&user);
            self.last_unlocking.store(number, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Opens or makes the database in the directory `data` for its accounts only.
///
/// # Errors
/// As [`Sqlite::open`].
pub fn open_accounts(data: &Path) -> Result<Arc<dyn Accounts>, OpenError> {
    Ok(Arc::new(Database::open(data, Durability::Process)?))
}
