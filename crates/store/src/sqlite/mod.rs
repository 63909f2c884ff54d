//! The embedded store: accounts, follows and logs in one SQLite file in WAL mode. Several processes may open it for
//! accounts (the admin commands do). Only one process may append to logs; the server's lock ensures that.

mod accounts;
mod admin_polling;
mod append;
mod committed;
mod database;
mod follows;
mod heads;
mod job;
mod kick_requests;
mod known_addresses;
mod log;
mod readers;
mod rows;
mod schema;
mod unlock_requests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parlor_core::ports::{Accounts, Log, Sink, Store, StoreResult};

use crate::in_process::{InProcessBus, InProcessLoginLimiter, InProcessSessions};
use crate::memory::MemoryLog;

use admin_polling::{AdminChanges, ServerAccounts};
pub use database::{Database, Durability, OpenError};
use log::SqliteLog;

/// Timeout of the wait for a locked database. With it, an answer comes within the 3 s of the protocol.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// Name of the database within the data directory.
pub const FILE_NAME: &str = "parlor.db";

/// The embedded store of a server.
pub struct Sqlite {
    store: Store,
    changes: Arc<AdminChanges>,
}

impl Sqlite {
    /// Opens or creates the database in the directory `data`. Keeps the newest `history` entries of each log (none at
    /// all if 0), and sends news for clients to `sink`.
    ///
    /// # Errors
    /// The file cannot be opened or created, or was written by a newer version.
    pub fn open(data: &Path, history: u64, durability: Durability, sink: Arc<dyn Sink>) -> Result<Self, OpenError> {
        let database = Arc::new(Database::open(data, durability)?);
        let live = Arc::new(InProcessSessions::new(sink.clone()));
        let log: Arc<dyn Log> = match history {
            0 => Arc::new(MemoryLog::new(live.clone(), sink.clone(), 0, database.fresh_epoch()?)),
            _ => Arc::new(SqliteLog::open(database.clone(), live.clone(), sink.clone(), history)?),
        };
        let attempts = Arc::new(InProcessLoginLimiter::new(database.clone()));
        let changes = Arc::new(AdminChanges::since_now(database.clone(), sink.clone(), attempts.clone())?);
        let store = Store {
            accounts: Arc::new(ServerAccounts::new(database.clone(), changes.clone())),
            follows: database,
            sessions: live.clone(),
            rooms: live,
            log,
            bus: Arc::new(InProcessBus::new(sink)),
            attempts,
        };
        Ok(Self { store, changes })
    }

    /// The ports.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Polls for accounts that were deleted, kicked or unlocked since the last poll, by this process or another. Reports
    /// deletions and kicks to the sink, and clears the failures of unlocked accounts. Call it about every second. Blocks.
    ///
    /// # Errors
    /// The database cannot be read; the next poll repeats the work.
    pub fn notice_changes(&self) -> StoreResult<()> {
        self.changes.notice_deletions()?;
        self.changes.notice_kicks()?;
        self.changes.notice_unlockings()
    }
}

/// Opens or creates the database in the directory `data`, for its accounts only.
///
/// # Errors
/// As [`Sqlite::open`].
pub fn open_accounts(data: &Path) -> Result<Arc<dyn Accounts>, OpenError> {
    Ok(Arc::new(Database::open(data, Durability::Process)?))
}
