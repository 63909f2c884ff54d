//! Read-only connections, each used by one thread at a time. It must not write.

use std::path::PathBuf;

use parlor_core::ports::StoreResult;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::BUSY_TIMEOUT;
use super::integrity::failure;
use super::writer::closed;
use crate::sync::{Condvar, Mutex, lock};

/// Maximum number of idle connections that are kept. Opening one takes as long as many reads, and during many
/// concurrent logins more threads read than there are processors.
const MAX_IDLE: usize = 8;

/// Read-only connections to one database. Lock tier 1, held only to take or return one.
pub(super) struct Readers {
    path: PathBuf,
    pool: Mutex<Pool>,
    /// Signalled when the last reader of a closed pool is done.
    all_done: Condvar,
}

#[derive(Default)]
struct Pool {
    idle: Vec<Connection>,
    /// Threads that read.
    busy: usize,
    is_closed: bool,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, pool: Mutex::default(), all_done: Condvar::new() }
    }

    /// Reads with a connection that nobody else uses meanwhile. An error after [`close`](Self::close).
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> StoreResult<T> {
        let mut turn = self.begin()?;
        let idle = turn.connection.take();
        let connection = idle.map_or_else(|| self.open(), Ok).map_err(|error| failure(&error))?;
        let result = read(&connection).map_err(|error| failure(&error));
        if result.is_ok() {
            turn.connection = Some(connection);
        }
        result
    }

    /// Closes all connections, those in use as soon as they are not. Blocks until then.
    pub(super) fn close(&self) {
        let mut pool = lock(&self.pool);
        pool.is_closed = true;
        let idle = std::mem::take(&mut pool.idle);
        while pool.busy > 0 {
            pool = self.all_done.wait(pool).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
        drop((pool, idle));
    }

    fn begin(&self) -> StoreResult<Turn<'_>> {
        let mut pool = lock(&self.pool);
        if pool.is_closed {
            return Err(closed());
        }
        pool.busy += 1;
        Ok(Turn { readers: self, connection: pool.idle.pop() })
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        plan_once(&connection)?;
        Ok(connection)
    }
}

/// A statement keeps its plan, whatever values it gets. Otherwise SQLite prepares statements with a join again for each value,
/// which cost a fifth of a login (<https://www.sqlite.org/queryplanner-ng.html#qpstab>).
pub(super) fn plan_once(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// The right to read, given back by dropping it, also by a panic.
struct Turn<'a> {
    readers: &'a Readers,
    /// What is given back.
    connection: Option<Connection>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut pool = lock(&self.readers.pool);
        if !pool.is_closed && pool.idle.len() < MAX_IDLE {
            pool.idle.extend(self.connection.take());
        }
        if let Some(surplus) = self.connection.take() {
            // Closed without the lock, and before it is said that nobody reads any more.
            drop(pool);
            drop(surplus);
            pool = lock(&self.readers.pool);
        }
        pool.busy -= 1;
        if pool.is_closed && pool.busy == 0 {
            self.readers.all_done.notify_all();
        }
    }
}
