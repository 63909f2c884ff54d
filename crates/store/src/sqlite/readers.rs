//! Read-only connections, each used by one thread at a time. It must not write.

use std::path::PathBuf;

use parlor_core::ports::{StoreError, StoreResult};
use rusqlite::{Connection, OpenFlags};

use super::BUSY_TIMEOUT;
use crate::sync::{Mutex, lock};

/// Maximum number of idle connections that are kept. Opening one takes as long as many reads, and during many
/// concurrent logins more threads read than there are processors.
const MAX_IDLE: usize = 8;

/// Read-only connections to one database. Lock tier 1, held only to take or return one.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default() }
    }

    /// Reads with a connection that no other thread uses meanwhile.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> StoreResult<T> {
        let idle = lock(&self.idle).pop();
        let connection = idle.map_or_else(|| self.open(), Ok).map_err(StoreError::new)?;
        let result = read(&connection).map_err(StoreError::new);
        let mut idle = lock(&self.idle);
        if result.is_ok() && idle.len() < MAX_IDLE {
            idle.push(connection);
        }
        result
    }

    fn open(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        Ok(connection)
    }
}
