//! Jobs that share one transaction, and how their results return. It must not know what the jobs are.

use std::sync::Arc;

use parlor_core::Flush;
use parlor_core::ports::{StoreError, StoreResult};
use rusqlite::Connection;

use super::committed::{CommittedEntries, StagedActs};
use super::heads::Heads;
use crate::sync::{Mutex, lock};

/// The open transaction, and the cached state of the rows that were written.
pub(super) struct Transaction {
    pub(super) connection: Connection,
    pub(super) heads: Heads,
    /// The entries that it has appended so far.
    pub(super) written: CommittedEntries,
    /// The acts in rooms that hold already, though they are not committed.
    pub(super) staged: StagedActs,
}

impl Transaction {
    /// Starts without an open transaction.
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            heads: Heads::default(),
            written: CommittedEntries::default(),
            staged: StagedActs::default(),
        }
    }
}

/// A job that shares a transaction with others.
pub(super) trait Job: Send {
    /// Writes. An error rolls the whole batch back.
    fn apply(&mut self, transaction: &mut Transaction) -> rusqlite::Result<()>;

    /// Whether the database is closed behind the transaction. What comes later is refused.
    fn closes(&self) -> bool {
        false
    }

    /// Tells the waiting thread; called in the order of the batch, after its commit or failure. Whoever appends takes along
    /// what is to be flushed of the whole batch.
    fn settle(self: Box<Self>, outcome: StoreResult<()>, flush: &mut Flush);
}

/// The place of a job's result, for the thread that waits for it.
pub(super) struct JobResult<T>(Arc<Mutex<Option<StoreResult<T>>>>);

impl<T> Default for JobResult<T> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(None)))
    }
}

impl<T> Clone for JobResult<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> JobResult<T> {
    pub(super) fn set(&self, outcome: StoreResult<T>) {
        *lock(&self.0) = Some(outcome);
    }

    /// Takes the result. It is an error if the leader of the commit panicked before this job.
    pub(super) fn take(&self) -> StoreResult<T> {
        lock(&self.0).take().unwrap_or_else(|| Err(StoreError::new("the commit was aborted")))
    }
}
