//! The only connection that writes. It runs jobs in transactions, one batch at a time. It must not know the jobs.

use std::time::Duration;

use parlor_core::Flush;
use parlor_core::ports::{StoreError, StoreResult};
use rusqlite::{Connection, ErrorCode};

use super::BUSY_TIMEOUT;
use super::committed::CommittedEntries;
use super::heads::Heads;
use super::job::{Job, JobResult, Transaction};
use crate::group::{BatchHealth, Worker};

/// The writing connection, and the cached state of the rows it wrote.
pub(super) struct Writer {
    transaction: Transaction,
    /// Whether the last batch waited for the locked database until its timeout.
    was_stuck: bool,
}

/// Timeout of the wait for a database that was locked before: a caller with several jobs in sequence must not wait the
/// full time for each.
const STUCK_TIMEOUT: Duration = Duration::from_millis(100);

impl Writer {
    pub(super) fn new(connection: Connection) -> Self {
        Self { transaction: Transaction::new(connection), was_stuck: false }
    }

    fn transact(&mut self, batch: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
        self.execute("BEGIN IMMEDIATE")?;
        for job in batch {
            job.apply(&mut self.transaction)?;
        }
        self.execute("COMMIT")
    }

    /// Runs a cached statement, which is prepared only once.
    fn execute(&self, statement: &str) -> rusqlite::Result<()> {
        self.transaction.connection.prepare_cached(statement)?.execute([]).map(drop)
    }

    /// Shortens the timeout for the lock after a wait that failed, and restores it after one that succeeded.
    fn remember(&mut self, is_stuck: bool) -> BatchHealth {
        if is_stuck != self.was_stuck {
            self.was_stuck = is_stuck;
            let timeout = if is_stuck { STUCK_TIMEOUT } else { BUSY_TIMEOUT };
            // This sets a field of the connection. It cannot fail while the connection is open.
            let _ = self.transaction.connection.busy_timeout(timeout);
        }
        if is_stuck { BatchHealth::Stuck } else { BatchHealth::Good }
    }

    /// Discards a transaction that was not committed.
    fn roll_back(&mut self) {
        self.transaction.heads = Heads::default();
        self.transaction.written = CommittedEntries::default();
        if !self.transaction.connection.is_autocommit() {
            // If this fails, the next BEGIN fails, too, and reports it.
            let _ = self.transaction.connection.execute_batch("ROLLBACK");
        }
    }
}

impl Worker for Writer {
    type Work = Box<dyn Job>;

    fn work(&mut self, mut batch: Vec<Box<dyn Job>>) -> BatchHealth {
        if !self.transaction.connection.is_autocommit() {
            self.roll_back();
        }
        let committed = self.transact(&mut batch);
        if committed.is_err() {
            self.roll_back();
        }
        let outcome = committed.as_ref().map(|_| ()).map_err(failure);
        let mut flush = std::mem::take(&mut self.transaction.written).deliver();
        for job in batch {
            job.settle(outcome.clone(), &mut flush);
        }
        self.remember(committed.is_err_and(|error| is_busy(&error)))
    }

    fn refuse(&mut self, work: Box<dyn Job>) {
        work.settle(Err(StoreError::new("the database is locked")), &mut Flush::default());
    }
}

fn failure(error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::full(format!("the disk of the database is full: {error}")),
        _ => StoreError::new(error),
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Writes, and returns whether there was anything to change.
type ChangeFn = dyn Fn(&Connection) -> rusqlite::Result<bool> + Send;

/// A change that only reports whether there was anything to change.
pub(super) struct Change {
    pub(super) change: Box<ChangeFn>,
    pub(super) changed: bool,
    pub(super) answer: JobResult<bool>,
}

impl Job for Change {
    fn apply(&mut self, transaction: &mut Transaction) -> rusqlite::Result<()> {
        self.changed = (self.change)(&transaction.connection)?;
        Ok(())
    }

    fn settle(self: Box<Self>, outcome: StoreResult<()>, _flush: &mut Flush) {
        self.answer.set(outcome.map(|()| self.changed));
    }
}
