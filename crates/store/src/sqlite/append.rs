//! Appending to logs: the job that numbers entries and writes them, and what is delivered once they are committed.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::sync::Arc;

use parlor_core::Flush;
use parlor_core::planted::{Bug, planted};
use parlor_core::ports::{Append, AppendReport, Appended, Entry, LogId, Sink, StoreResult};
use parlor_proto::MessageId;
use rusqlite::{Connection, OptionalExtension, params};

use super::database::JobResult;
use super::log::kind_and_name;
use super::writer::{Job, Writer};
use crate::in_process::InProcessSessions;

/// Logs whose heads are remembered; with more, all are forgotten and read again.
const MAX_HEADS: usize = 100_000;

/// Where the logs stand that were written to, so that it need not be read for each entry. Valid only while
/// its owner is the one who writes.
#[derive(Default)]
pub(super) struct Heads(HashMap<LogId, Head>);

#[derive(Clone, Copy)]
struct Head {
    row: i64,
    last: u64,
    /// Oldest number that is stored.
    oldest: u64,
}

impl Heads {
    fn get(&mut self, connection: &Connection, log: &LogId) -> rusqlite::Result<&mut Head> {
        if self.0.len() >= MAX_HEADS {
            self.0.clear();
        }
        match self.0.entry(log.clone()) {
            Slot::Occupied(slot) => Ok(slot.into_mut()),
            Slot::Vacant(slot) => Ok(slot.insert(load(connection, log)?)),
        }
    }
}

fn load(connection: &Connection, log: &LogId) -> rusqlite::Result<Head> {
    let (kind, name) = kind_and_name(log);
    let mut select = connection.prepare_cached("SELECT id FROM log WHERE kind = ?1 AND name = ?2")?;
    let known: Option<i64> = select.query_row([kind, name], |row| row.get(0)).optional()?;
    let Some(row) = known else {
        let mut insert = connection.prepare_cached("INSERT INTO log (kind, name) VALUES (?1, ?2)")?;
        return Ok(Head { row: insert.insert([kind, name])?, last: 0, oldest: 1 });
    };
    // Two statements: SQLite answers each from one end of the index, and both together by reading it all.
    let bound = |sql: &str, none: u64| -> rusqlite::Result<u64> {
        let number: Option<u64> = connection.prepare_cached(sql)?.query_row([row], |row| row.get(0))?;
        Ok(number.unwrap_or(none))
    };
    let last = bound("SELECT max(number) FROM entry WHERE log = ?1", 0)?;
    let oldest = bound("SELECT min(number) FROM entry WHERE log = ?1", 1)?;
    Ok(Head { row, last, oldest })
}

/// What one transaction appended for all who brought something: whoever listens gets it in one go.
#[derive(Default)]
pub(super) struct CommittedEntries {
    logs: HashMap<LogId, Vec<Entry>>,
    /// Whom to tell, once there is something.
    audience: Option<DeliveryTarget>,
}

/// Who is told of what was written.
#[derive(Clone)]
struct DeliveryTarget {
    live: Arc<InProcessSessions>,
    sink: Arc<dyn Sink>,
}

impl CommittedEntries {
    fn add(&mut self, log: LogId, entry: Entry, audience: &DeliveryTarget) {
        self.audience.get_or_insert_with(|| audience.clone());
        self.logs.entry(log).or_default().push(entry);
    }

    /// Delivers all of it, each log in its order, once it is committed. There is one writer, so no two deliveries
    /// overlap.
    pub(super) fn deliver(self) -> Flush {
        let mut flush = Flush::default();
        let Some(DeliveryTarget { live, sink }) = self.audience else { return flush };
        live.keep(self.logs.keys());
        for (log, entries) in &self.logs {
            flush.merge(sink.deliver(log, entries));
        }
        flush
    }
}

/// A batch of one client, to be appended.
pub(super) struct AppendJob {
    batch: Vec<Append>,
    history: u64,
    audience: DeliveryTarget,
    outcomes: Vec<Appended>,
    answer: JobResult<AppendReport>,
}

impl AppendJob {
    pub(super) fn new(batch: Vec<Append>, history: u64, live: Arc<InProcessSessions>, sink: Arc<dyn Sink>) -> Self {
        let outcomes = Vec::with_capacity(batch.len());
        Self { batch, history, audience: DeliveryTarget { live, sink }, outcomes, answer: JobResult::default() }
    }

    pub(super) fn answer(&self) -> JobResult<AppendReport> {
        self.answer.clone()
    }

    fn write(&mut self, writer: &mut Writer, append: Append) -> rusqlite::Result<Appended> {
        if !self.audience.live.may_append(&append) {
            return Ok(Appended::Fenced);
        }
        let Append { log, author, time, text, .. } = append;
        let head = writer.heads.get(&writer.connection, &log)?;
        if planted(Bug::ReuseNumber) && head.last % 30 == 29 {
            let sql = "DELETE FROM entry WHERE log = ?1 AND number = ?2";
            writer.connection.execute(sql, params![head.row, head.last])?;
            head.last -= 1;
        }
        head.last += 1;
        let id = MessageId(head.last);
        if planted(Bug::LoseAccepted) && id.0 % 30 == 7 {
            writer.written.add(log, Entry { id, time, author, text }, &self.audience);
            return Ok(Appended::Stored(id));
        }
        let mut insert = writer.connection.prepare_cached("INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5)")?;
        insert.execute(params![head.row, head.last, time.as_millis(), author.as_str(), text.as_str()])?;
        trim(&writer.connection, head, self.history)?;
        drop(insert);
        writer.written.add(log, Entry { id, time, author, text }, &self.audience);
        Ok(Appended::Stored(id))
    }
}

/// Deletes entries that are older than the history, many at a time.
fn trim(connection: &Connection, head: &mut Head, history: u64) -> rusqlite::Result<()> {
    let slack = (history / 10).max(16);
    if head.last - head.oldest < history.saturating_add(slack) {
        return Ok(());
    }
    let keep_from = head.last - history + 1;
    let mut delete = connection.prepare_cached("DELETE FROM entry WHERE log = ?1 AND number < ?2")?;
    delete.execute(params![head.row, keep_from])?;
    head.oldest = keep_from;
    Ok(())
}

impl Job for AppendJob {
    fn apply(&mut self, writer: &mut Writer) -> rusqlite::Result<()> {
        for append in std::mem::take(&mut self.batch) {
            let appended = self.write(writer, append)?;
            self.outcomes.push(appended);
        }
        if planted(Bug::DeliverEarly) {
            std::mem::take(&mut writer.written).deliver().run();
        }
        Ok(())
    }

    fn settle(self: Box<Self>, outcome: StoreResult<()>, flush: &mut Flush) {
        let report = outcome.map(|()| AppendReport {
            outcomes: self.outcomes.iter().copied().map(Ok).collect(),
            flush: std::mem::take(flush),
        });
        self.answer.set(report);
    }
}
