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

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use tempfile::TempDir;

    use super::*;
    use crate::sqlite::{FILE_NAME, schema};

    /// A writer, and another connection to the same file. None of them waits for the other.
    fn writer() -> (Writer, Connection, TempDir) {
        let data = tempfile::tempdir().unwrap();
        let open = || Connection::open(data.path().join(FILE_NAME)).unwrap();
        let (mut connection, other) = (open(), open());
        schema::migrate(&mut connection).unwrap();
        connection.busy_timeout(Duration::ZERO).unwrap();
        (Writer::new(connection), other, data)
    }

    /// A change, and the place of its result.
    fn job(change: impl Fn(&Connection) -> rusqlite::Result<bool> + Send + 'static) -> (Box<dyn Job>, JobResult<bool>) {
        let answer = JobResult::default();
        (Box::new(Change { change: Box::new(change), changed: false, answer: answer.clone() }), answer)
    }

    fn follow(user: &'static str) -> (Box<dyn Job>, JobResult<bool>) {
        job(move |connection| Ok(connection.execute("INSERT INTO follow VALUES (?1, 'bob')", [user])? > 0))
    }

    fn followers(connection: &Connection) -> String {
        let sql = "SELECT coalesce(group_concat(follower), '') FROM follow";
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn timeout(writer: &Writer) -> u64 {
        let connection = &writer.transaction.as_ref().unwrap().connection;
        connection.query_row("PRAGMA busy_timeout", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn a_batch_is_written_as_a_whole_or_not_at_all() {
        let (mut writer, other, _data) = writer();
        let (ann, anns) = follow("ann");
        let (nothing, answer) = job(|_| Ok(false));
        assert_eq!(writer.work(vec![ann, nothing]), BatchHealth::Good);
        assert_eq!((anns.take(), answer.take(), followers(&other)), (Ok(true), Ok(false), "ann".to_owned()));
        // The second one is there already.
        let ((cyd, cyds), (ann, anns)) = (follow("cyd"), follow("ann"));
        assert_eq!(writer.work(vec![cyd, ann]), BatchHealth::Good);
        assert!(cyds.take().is_err() && anns.take().is_err());
        assert_eq!(followers(&other), "ann");
        let (cyd, cyds) = follow("cyd");
        writer.work(vec![cyd]);
        assert_eq!((cyds.take(), followers(&other)), (Ok(true), "ann,cyd".to_owned()));
    }

    #[test]
    fn a_change_that_panics_is_not_committed_by_the_next_one() {
        let (mut writer, other, _data) = writer();
        let ((ann, anns), (broken, answer)) = (follow("ann"), job(|_| panic!("a change of a test")));
        assert!(catch_unwind(AssertUnwindSafe(|| writer.work(vec![ann, broken]))).is_err());
        assert!(anns.take().is_err() && answer.take().is_err());
        let (cyd, cyds) = follow("cyd");
        writer.work(vec![cyd]);
        assert_eq!((cyds.take(), followers(&other)), (Ok(true), "cyd".to_owned()));
    }

    #[test]
    fn after_a_wait_in_vain_the_next_one_is_short_until_the_database_is_free() {
        let (mut writer, other, _data) = writer();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let (ann, anns) = follow("ann");
        assert_eq!(writer.work(vec![ann]), BatchHealth::Stuck);
        assert!(anns.take().is_err());
        assert_eq!(u128::from(timeout(&writer)), STUCK_TIMEOUT.as_millis());
        // Whoever waits behind it hears that at once.
        let (bob, bobs) = follow("bob");
        writer.refuse(bob);
        assert_eq!(bobs.take().unwrap_err().to_string(), "the database is locked");
        other.execute_batch("ROLLBACK").unwrap();
        let (ann, anns) = follow("ann");
        assert_eq!((writer.work(vec![ann]), anns.take()), (BatchHealth::Good, Ok(true)));
        assert_eq!(u128::from(timeout(&writer)), BUSY_TIMEOUT.as_millis());
    }

    #[test]
    fn what_comes_behind_the_end_is_refused() {
        let (mut writer, other, data) = writer();
        drop(other);
        let ((ann, anns), (cyd, cyds)) = (follow("ann"), follow("cyd"));
        let answer = JobResult::default();
        let closing = Box::new(Closing { answer: answer.clone() });
        assert_eq!(writer.work(vec![ann, closing]), BatchHealth::Good);
        assert_eq!((anns.take(), answer.take()), (Ok(true), Ok(())));
        assert_eq!(writer.work(vec![cyd]), BatchHealth::Good);
        assert_eq!(cyds.take().unwrap_err(), closed());
        let again = JobResult::default();
        writer.work(vec![Box::new(Closing { answer: again.clone() })]);
        assert_eq!(again.take(), Err(closed()));
        assert_eq!(followers(&Connection::open(data.path().join(FILE_NAME)).unwrap()), "ann");
    }

    #[test]
    fn it_is_closed_though_another_program_uses_it_or_the_last_batch_failed() {
        let (mut writer, other, _data) = writer();
        other.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(())).unwrap();
        other.execute_batch("BEGIN; SELECT count(*) FROM follow").unwrap();
        let ((ann, anns), answer) = (follow("ann"), JobResult::default());
        writer.work(vec![ann, Box::new(Closing { answer: answer.clone() })]);
        assert_eq!((anns.take(), writer.transaction.is_none()), (Ok(true), true));
        assert_eq!(answer.take().unwrap_err().to_string(), "another program uses it");
        let (mut writer, _other, _data) = self::writer();
        let ((broken, answer), end) = (job(|_| Err(rusqlite::Error::InvalidQuery)), JobResult::<()>::default());
        writer.work(vec![broken, Box::new(Closing { answer: end.clone() })]);
        assert!(answer.take().is_err() && end.take().is_err() && writer.transaction.is_none());
    }
}
