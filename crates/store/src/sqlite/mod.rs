//! The embedded store: accounts, follows and logs in one SQLite file in WAL mode. Several processes may open it for
//! accounts (the admin commands do). Only one process may append to logs; the server's lock ensures that.

mod accounts;
mod admin_polling;
mod administration;
mod amend;
mod append;
mod archive;
mod audit;
pub mod backup;
mod canary;
mod comeback;
mod committed;
mod database;
mod departure;
mod follows;
mod governance;
mod heads;
mod import_file;
mod inspect;
mod integrity;
mod invitations;
mod job;
mod kick_requests;
mod known_addresses;
mod log;
mod once;
mod open_error;
mod outhooks;
mod page;
mod personal;
mod readers;
mod retention;
mod rights;
mod room_facts;
mod room_requests;
mod rows;
mod schema;
mod shrinking;
mod stamp;
mod tickets;
mod unlock_requests;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parlor_core::ports::{Accounts, Governance, Invitations, Log, Sink, Store, StoreResult, Tickets};
use parlor_proto::Timestamp;

use crate::batches::BatchStatistics;
use crate::in_process::{InProcessBus, InProcessLoginLimiter, InProcessSessions};
use crate::memory::MemoryLog;

use admin_polling::{AdminChanges, ServerAccounts, ServerTickets};
pub use administration::open_rooms;
use administration::{RoomKeeper, RoomRequests, UnloggedRooms};
pub use archive::{SqliteMovingSource, SqliteSource, SqliteTarget};
pub use audit::overview;
pub use comeback::{Left, left, take_back};
pub use database::{Database, Durability};
pub use import_file::IMPORT_FILE_NAME;
pub use inspect::{Probe, inspect, probe};
pub use integrity::Damage;
use log::SqliteLog;
pub use open_error::OpenError;
use stamp::StampFile;

/// Timeout of the wait for a locked database. With it, an answer comes within the 3 s of the protocol.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// Name of the database within the data directory.
pub const FILE_NAME: &str = "parlor.db";

/// The embedded store of a server.
pub struct Sqlite {
    store: Store,
    database: Arc<Database>,
    stamp: Arc<StampFile>,
    changes: Arc<AdminChanges>,
    requests: RoomRequests,
    notes: Vec<Note>,
    is_closed: AtomicBool,
}

/// What an operator should know of the database that was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// It is so large that not all messages were looked at for damage.
    CheckedInPart,
    /// It is older than the one that was here, or comes from elsewhere: its logs have begun a new epoch.
    WentBack,
}

impl Sqlite {
    /// Opens or creates the database in the directory `data`. Keeps the newest `history` entries of each log (none at
    /// all if 0), and sends news for clients to `sink`.
    ///
    /// # Errors
    /// The file cannot be opened or made, is damaged, or was written by a newer version.
    pub fn open(data: &Path, history: u64, durability: Durability, sink: Arc<dyn Sink>) -> Result<Self, OpenError> {
        let (database, stamp, notes) = Database::open_to_serve(data, durability)?;
        let (database, stamp) = (Arc::new(database), Arc::new(stamp));
        let live = Arc::new(InProcessSessions::new(sink.clone()));
        let Logs { log, governance, keeper } = open_logs(&database, &stamp, &live, &sink, history)?;
        let attempts = Arc::new(InProcessLoginLimiter::new(database.clone()));
        let changes = Arc::new(AdminChanges::since_now(database.clone(), sink.clone(), attempts.clone())?);
        let store = Store {
            accounts: Arc::new(ServerAccounts::new(database.clone(), changes.clone())),
            follows: database.clone(),
            sessions: live.clone(),
            rooms: live,
            governance,
            log,
            personal: database.clone(),
            outhooks: database.clone(),
            invitations: database.clone(),
            tickets: Arc::new(ServerTickets::new(database.clone(), changes.clone())),
            bus: Arc::new(InProcessBus::new(sink)),
            attempts,
            logins: None,
        };
        let requests = RoomRequests { database: database.clone(), keeper };
        Ok(Self { store, database, stamp, changes, requests, notes, is_closed: AtomicBool::new(false) })
    }

    /// What was noticed when it was opened.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The ports.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Polls for accounts that were deleted, kicked or unlocked and for tickets that were revoked since the last poll, by
    /// this process or another. Reports deletions, kicks and revocations to the sink, and clears the failures of unlocked accounts; carries out what operators want with
    /// rooms; raises the mark of the stamp if
    /// something was appended. Call it about every second; it does nothing after [`Sqlite::close`]. Blocks.
    ///
    /// # Errors
    /// The database cannot be read or written; the next look makes up for it.
    pub fn notice_changes(&self) -> StoreResult<()> {
        let advanced = self.stamp.advance(&self.database);
        let changes = &self.changes;
        let noticed = changes.notice_deletions().and_then(|()| changes.notice_kicks());
        let noticed = noticed.and_then(|()| changes.notice_revocations());
        let noticed = noticed.and_then(|()| changes.notice_unlockings()).and_then(|()| self.requests.notice());
        // After the end nobody is left whom a change would concern.
        if self.is_closed.load(Ordering::Relaxed) { Ok(()) } else { noticed.and(advanced) }
    }

    /// The transactions since the start.
    pub fn batches(&self) -> BatchStatistics {
        self.database.batches()
    }

    /// Deletes entries that are older than `age` at the time `now`, or than the retention of their room, some thousands at most,
    /// and gives their room in the file back. Returns whether there are more. The newest entry of each log stays. Does nothing after [`Sqlite::close`]. Blocks on the disk.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub fn forget_older(&self, now: Timestamp, age: Option<Duration>) -> StoreResult<bool> {
        let has_more = self.database.forget_older(now, age);
        if self.is_closed.load(Ordering::Relaxed) { Ok(false) } else { has_more }
    }

    /// Brings everything into the one file of the database and closes it. Whoever still holds a port gets errors from now
    /// on. Blocks on the disk, and some seconds at most on other programs that use the database.
    ///
    /// # Errors
    /// Another program uses it, or the disk fails: then the newest changes are in the file that ends in `-wal`.
    pub fn close(&self) -> StoreResult<()> {
        let advanced = self.stamp.advance(&self.database);
        self.is_closed.store(true, Ordering::Relaxed);
        self.database.close().and(advanced)
    }
}

/// The logs, the rights in their rooms, and who carries out what operators want with these.
struct Logs {
    log: Arc<dyn Log>,
    governance: Arc<dyn Governance>,
    keeper: Arc<dyn RoomKeeper>,
}

/// Opens the logs and the rights. Without a history the logs are in memory, and the rights are kept all the same.
fn open_logs(
    database: &Arc<Database>,
    stamp: &Arc<StampFile>,
    live: &Arc<InProcessSessions>,
    sink: &Arc<dyn Sink>,
    history: u64,
) -> Result<Logs, OpenError> {
    if history == 0 {
        let epoch = database.fresh_epoch()?;
        live.install(database.read(rights::load)?.into_iter());
        let log = Arc::new(MemoryLog::new(live.clone(), sink.clone(), database.clone(), 0, epoch));
        let keeper = Arc::new(UnloggedRooms { database: database.clone(), log: log.clone() });
        return Ok(Logs { log: log.clone(), governance: log, keeper });
    }
    let log = Arc::new(SqliteLog::open(database.clone(), stamp.clone(), live.clone(), sink.clone(), history)?);
    Ok(Logs { log: log.clone(), governance: log.clone(), keeper: log })
}

/// Opens or creates the database in the directory `data`, for its accounts only.
///
/// # Errors
/// As [`Sqlite::open`].
pub fn open_accounts(data: &Path) -> Result<Arc<dyn Accounts>, OpenError> {
    Ok(Arc::new(Database::open(data, Durability::Process)?))
}

/// Opens or creates the database in the directory `data`, for its invitations only.
///
/// # Errors
/// As [`Sqlite::open`].
pub fn open_invitations(data: &Path) -> Result<Arc<dyn Invitations>, OpenError> {
    Ok(Arc::new(Database::open(data, Durability::Process)?))
}

/// Opens or creates the database in the directory `data`, for its tickets only.
///
/// # Errors
/// As [`Sqlite::open`].
pub fn open_tickets(data: &Path) -> Result<Arc<dyn Tickets>, OpenError> {
    Ok(Arc::new(Database::open(data, Durability::Process)?))
}

#[cfg(test)]
mod tests;
