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

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::channel;
    use std::thread;

    use tempfile::TempDir;

    use super::*;
    use crate::sqlite::{FILE_NAME, schema};

    fn readers() -> (Readers, TempDir) {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(FILE_NAME);
        schema::migrate(&mut Connection::open(&path).unwrap()).unwrap();
        (Readers::new(path), data)
    }

    fn count(connection: &Connection) -> rusqlite::Result<u64> {
        connection.query_row("SELECT count(*) FROM account", [], |row| row.get(0))
    }

    fn idle(readers: &Readers) -> usize {
        lock(&readers.pool).idle.len()
    }

    /// Reads by so many connections at the same time.
    fn read_at_once(readers: &Readers, depth: usize) {
        let read = |connection: &Connection| {
            if depth > 1 {
                read_at_once(readers, depth - 1);
            }
            count(connection)
        };
        assert_eq!(readers.read(read), Ok(0));
    }

    #[test]
    fn so_many_connections_wait_for_the_next_reader() {
        let (readers, _data) = readers();
        read_at_once(&readers, 1);
        read_at_once(&readers, 1);
        assert_eq!(idle(&readers), 1);
        read_at_once(&readers, MAX_IDLE + 2);
        assert_eq!((idle(&readers), lock(&readers.pool).busy), (MAX_IDLE, 0));
    }

    #[test]
    fn a_connection_that_failed_is_not_used_again() {
        let (readers, _data) = readers();
        read_at_once(&readers, 1);
        assert!(readers.read(|connection| connection.execute("SELECT nothing", [])).is_err());
        assert_eq!(idle(&readers), 0);
        read_at_once(&readers, 1);
    }

    #[test]
    fn nobody_writes_by_a_reader() {
        let (readers, _data) = readers();
        let write = |connection: &Connection| connection.execute("INSERT INTO follow VALUES ('ann', 'bob')", []);
        assert!(readers.read(write).is_err());
    }

    #[test]
    fn whoever_closes_waits_for_those_who_read_and_the_next_is_refused() {
        let (readers, _data) = readers();
        let (began, has_begun) = channel();
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let read = |connection: &Connection| {
                    began.send(()).unwrap();
                    // It is closed meanwhile: the next one is refused.
                    while readers.read(count).is_ok() {
                        thread::yield_now();
                    }
                    is_done.store(true, Ordering::SeqCst);
                    count(connection)
                };
                assert_eq!(readers.read(read), Ok(0), "who has begun comes to the end");
            });
            has_begun.recv().unwrap();
            readers.close();
            assert!(is_done.load(Ordering::SeqCst));
        });
        assert_eq!((idle(&readers), readers.read(count).is_err()), (0, true));
        // Once more does no harm.
        readers.close();
    }

    #[test]
    fn whoever_panics_while_reading_keeps_nobody_waiting() {
        let (readers, _data) = readers();
        let read = || readers.read(|_| -> rusqlite::Result<()> { panic!("a reader of a test") });
        assert!(catch_unwind(AssertUnwindSafe(read)).is_err());
        assert_eq!(lock(&readers.pool).busy, 0);
        readers.close();
    }
}
