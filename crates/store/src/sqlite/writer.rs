//! The one connection that writes: runs jobs in transactions, a batch at a time, and is closed by the last of them. It must
//! not know the jobs.

use std::time::Duration;

use parlor_core::Flush;
use parlor_core::ports::{StoreError, StoreResult};
use rusqlite::{Connection, ErrorCode};

use super::BUSY_TIMEOUT;
use super::committed::CommittedEntries;
use super::heads::Heads;
use super::integrity::failure;
use super::job::{Job, JobResult, Transaction};
use crate::group::{BatchHealth, Worker};

/// The writing connection, and the cached state of the rows it wrote.
pub(super) struct Writer {
    /// `None` once the database is closed.
    transaction: Option<Transaction>,
    /// Whether the last batch found the database locked for all its patience.
    was_stuck: bool,
}

/// Timeout of the wait for a database that was locked before: a caller with several jobs in sequence must not wait the
/// full time for each.
const STUCK_TIMEOUT: Duration = Duration::from_millis(100);

impl Writer {
    pub(super) fn new(connection: Connection) -> Self {
        Self { transaction: Some(Transaction::new(connection)), was_stuck: false }
    }

    /// Shortens the timeout for the lock after a wait that failed, and restores it after one that succeeded.
    fn remember(&mut self, is_stuck: bool) -> BatchHealth {
        if is_stuck != self.was_stuck {
            self.was_stuck = is_stuck;
            let timeout = if is_stuck { STUCK_TIMEOUT } else { BUSY_TIMEOUT };
            if let Some(transaction) = &self.transaction {
                // Sets a field of the connection, which cannot fail while that is open.
                let _ = transaction.connection.busy_timeout(timeout);
            }
        }
        if is_stuck { BatchHealth::Stuck } else { BatchHealth::Good }
    }

    /// Brings everything into the one file, and closes it.
    fn close(&mut self) -> StoreResult<()> {
        let Some(Transaction { connection, .. }) = self.transaction.take() else { return Err(closed()) };
        let is_busy: bool = connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .map_err(|error| failure(&error))?;
        connection.close().map_err(|(_, error)| failure(&error))?;
        if is_busy { Err(StoreError::new("another program uses it")) } else { Ok(()) }
    }
}

/// The answer to whatever comes after the end.
pub(super) fn closed() -> StoreError {
    StoreError::new("the database is closed")
}

fn transact(transaction: &mut Transaction, batch: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    execute(transaction, "BEGIN IMMEDIATE")?;
    for job in batch {
        job.apply(transaction)?;
    }
    execute(transaction, "COMMIT")
}

/// Runs a statement that is understood only once.
fn execute(transaction: &Transaction, statement: &str) -> rusqlite::Result<()> {
    transaction.connection.prepare_cached(statement)?.execute([]).map(drop)
}

/// Forgets a transaction that did not come to its end.
fn roll_back(transaction: &mut Transaction) {
    transaction.heads = Heads::default();
    transaction.written = CommittedEntries::default();
    std::mem::take(&mut transaction.staged).undo();
    if !transaction.connection.is_autocommit() {
        // If even this fails, the next BEGIN does, and says so.
        let _ = transaction.connection.execute_batch("ROLLBACK");
    }
}

impl Worker for Writer {
    type Work = Box<dyn Job>;

    fn work(&mut self, mut batch: Vec<Box<dyn Job>>) -> BatchHealth {
        let Some(transaction) = &mut self.transaction else {
            batch.into_iter().for_each(|job| job.settle(Err(closed()), &mut Flush::default()));
            return BatchHealth::Good;
        };
        if !transaction.connection.is_autocommit() {
            roll_back(transaction);
        }
        let committed = transact(transaction, &mut batch);
        if committed.is_err() {
            roll_back(transaction);
        }
        let outcome = committed.as_ref().map(|_| ()).map_err(failure);
        let mut flush = std::mem::take(&mut transaction.written).deliver();
        flush.merge(std::mem::take(&mut transaction.staged).settle());
        for job in batch {
            // It is closed also if the transaction failed.
            let outcome = if job.closes() { outcome.clone().and(self.close()) } else { outcome.clone() };
            job.settle(outcome, &mut flush);
        }
        self.remember(committed.is_err_and(|error| is_busy(&error)))
    }

    fn refuse(&mut self, work: Box<dyn Job>) {
        work.settle(Err(StoreError::new("the database is locked")), &mut Flush::default());
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

/// The last job: the database is closed behind it.
pub(super) struct Closing {
    pub(super) answer: JobResult<()>,
}

impl Job for Closing {
    fn apply(&mut self, _transaction: &mut Transaction) -> rusqlite::Result<()> {
        Ok(())
    }

    fn closes(&self) -> bool {
        true
    }

    fn settle(self: Box<Self>, outcome: StoreResult<()>, _flush: &mut Flush) {
        self.answer.set(outcome);
    }
}
