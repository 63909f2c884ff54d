//! Logs in the embedded database. It must not keep anything that the database does not hold.

use std::sync::Arc;

use parlor_core::Flush;
use parlor_core::planted::{self, Bug, planted};
use parlor_core::ports::{Append, AppendReport, Head, Log, LogId, Page, PageRequest, Sink, StoreResult};
use parlor_proto::MessageId;
use rusqlite::{OptionalExtension, Row};

use super::append::{AppendJob, EntryWriter};
use super::database::Database;
use super::job::Job;
use super::stamp::StampFile;
use super::{amend, page, rights, room_facts, rows};
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
        load_rooms(&database, &live)?;
        Ok(Self { database, stamp, live, sink, history })
    }
}

/// Tells `live` of the rooms that have a log, and of the rights in rooms.
pub(super) fn load_rooms(database: &Database, live: &InProcessSessions) -> StoreResult<()> {
    let logs: Vec<LogId> = database.read(|connection| {
        let mut select = connection.prepare(room_facts::LOGGED)?;
        let rows = select.query_map([], |row| rows::room(row, 0).map(LogId::Room))?;
        rows.collect()
    })?;
    live.keep(logs.iter());
    live.install(database.read(rights::load)?.into_iter());
    Ok(())
}

impl SqliteLog {
    /// Has a job done that may append.
    pub(super) fn run(&self, job: Box<dyn Job>) {
        self.database.run(job);
        self.stamp.touch();
    }

    pub(super) fn entry_writer(&self) -> EntryWriter {
        EntryWriter::new(self.history, self.live.clone(), self.sink.clone())
    }

    pub(super) fn live(&self) -> &InProcessSessions {
        &self.live
    }
}

impl Log for SqliteLog {
    fn append(&self, batch: Vec<Append>) -> AppendReport {
        let count = batch.len();
        while planted(Bug::Stuck) && planted::every_nth_call() {
            std::thread::park();
        }
        let job = AppendJob::new(batch, self.entry_writer());
        let answer = job.answer();
        self.run(Box::new(job));
        answer
            .take()
            .unwrap_or_else(|error| AppendReport { outcomes: vec![Err(error); count], flush: Flush::default() })
    }

    fn follow(&self, logs: &[LogId]) -> StoreResult<Vec<Head>> {
        self.heads(logs)
    }

    /// Nothing to do: every entry is delivered to the sink, and the sink sends an entry only to listeners.
    fn unfollow(&self, _log: &LogId) {}

    fn heads(&self, logs: &[LogId]) -> StoreResult<Vec<Head>> {
        let epoch = self.database.epoch();
        self.database.read(|connection| {
            let head = |log: &LogId| {
                let (kind, name) = rows::kind_and_name(log);
                let mut select = connection.prepare_cached(&format!(
                    "SELECT coalesce((SELECT max(number) FROM {} WHERE log = log.id), base), epoch
                     FROM log WHERE kind = ?1 AND name = ?2",
                    rows::table(log)
                ))?;
                let head = |row: &Row<'_>| {
                    Ok(Head { epoch: rows::epoch(row, 1)?.unwrap_or(epoch), last: MessageId(row.get(0)?) })
                };
                let known = select.query_row([kind, name], head).optional()?;
                Ok(known.unwrap_or(Head { epoch, last: MessageId(0) }))
            };
            logs.iter().map(head).collect()
        })
    }

    fn others_between(&self, ranges: &[(LogId, MessageId, MessageId)]) -> StoreResult<Vec<u64>> {
        self.database.read(|connection| {
            let count = |(log, after, until): &(LogId, MessageId, MessageId)| {
                amend::others_between(connection, log, *after, *until)
            };
            ranges.iter().map(count).collect()
        })
    }

    fn page(&self, request: &PageRequest) -> StoreResult<Page> {
        self.database.read(|connection| page::read(connection, request, self.history))
    }
}
