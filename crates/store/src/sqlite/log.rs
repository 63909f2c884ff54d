//! Logs in the embedded database. It must not keep anything that the database does not hold.

use std::sync::Arc;

use parlor_core::Flush;
use parlor_core::planted::{self, Bug, planted};
use parlor_core::ports::{Append, AppendReport, Entry, Head, Log, LogId, Sink, StoreResult};
use parlor_proto::{MessageId, Timestamp};
use rusqlite::{Row, params};

use super::append::AppendJob;
use super::database::Database;
use super::rows;
use super::stamp::StampFile;
use crate::in_process::InProcessSessions;

/// Logs of a single server.
pub(super) struct SqliteLog {
    database: Arc<Database>,
    stamp: Arc<StampFile>,
    live: Arc<InProcessSessions>,
    sink: Arc<dyn Sink>,
    history: u64,
}

impl SqliteLog {
    /// Opens the logs of a database; `in_process` receives the rooms that have one.
    pub(super) fn open(
        database: Arc<Database>,
        stamp: Arc<StampFile>,
        live: Arc<InProcessSessions>,
        sink: Arc<dyn Sink>,
        history: u64,
    ) -> StoreResult<Self> {
        let logs: Vec<LogId> = database.read(|connection| {
            let mut select = connection.prepare("SELECT name FROM log WHERE kind = 'room'")?;
            let rows = select.query_map([], |row| rows::room(row, 0).map(LogId::Room))?;
            rows.collect()
        })?;
        live.keep(logs.iter());
        Ok(Self { database, stamp, live, sink, history })
    }
}

impl Log for SqliteLog {
    fn append(&self, batch: Vec<Append>) -> AppendReport {
        let count = batch.len();
        while planted(Bug::Stuck) && planted::every_nth_call() {
            std::thread::park();
        }
        let job = AppendJob::new(batch, self.history, self.live.clone(), self.sink.clone());
        let answer = job.answer();
        self.database.run(Box::new(job));
        self.stamp.touch();
        answer
            .take()
            .unwrap_or_else(|error| AppendReport { outcomes: vec![Err(error); count], flush: Flush::default() })
    }

    fn follow(&self, log: &LogId) -> StoreResult<Head> {
        let (kind, name) = rows::kind_and_name(log);
        let last = self.database.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT coalesce(max(number), 0) FROM entry
                 WHERE log = (SELECT id FROM log WHERE kind = ?1 AND name = ?2)",
            )?;
            select.query_row([kind, name], |row| row.get(0))
        })?;
        Ok(Head { epoch: self.database.epoch(), last: MessageId(last) })
    }

    /// Nothing to do: every entry is delivered to the sink, and the sink sends an entry only to listeners.
    fn unfollow(&self, _log: &LogId) {}

    fn newest(&self, log: &LogId, count: usize) -> StoreResult<Vec<Entry>> {
        let (kind, name) = rows::kind_and_name(log);
        let count = self.history.min(count as u64);
        let mut entries: Vec<Entry> = self.database.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT number, time, author, text FROM entry
                 WHERE log = (SELECT id FROM log WHERE kind = ?1 AND name = ?2)
                 ORDER BY number DESC LIMIT ?3",
            )?;
            let rows = select.query_map(params![kind, name, count], entry)?;
            rows.collect()
        })?;
        entries.reverse();
        Ok(entries)
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: MessageId(row.get(0)?),
        time: Timestamp::from_millis(row.get(1)?),
        author: rows::user(row, 2)?,
        text: rows::text(row, 3)?,
    })
}
