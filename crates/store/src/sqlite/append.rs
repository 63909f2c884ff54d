//! Appending to logs: the job that numbers entries and writes them. It must not deliver them.

use std::sync::Arc;

use parlor_core::Flush;
use parlor_core::planted::{Bug, planted};
use parlor_core::ports::{Append, AppendReport, AppendResult, Entry, Sink, StoreResult};
use parlor_proto::MessageId;
use rusqlite::params;

use super::committed::DeliveryTarget;
use super::job::{Job, JobResult, Transaction};
use crate::in_process::InProcessSessions;

/// A batch of one client to append.
pub(super) struct AppendJob {
    batch: Vec<Append>,
    history: u64,
    audience: DeliveryTarget,
    outcomes: Vec<AppendResult>,
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

    fn write(&mut self, transaction: &mut Transaction, append: Append) -> rusqlite::Result<AppendResult> {
        if !self.audience.live.may_append(&append) {
            return Ok(AppendResult::Fenced);
        }
        let Append { log, author, time, text, .. } = append;
        let head = transaction.heads.get(&transaction.connection, &log)?;
        if planted(Bug::ReuseNumber) && head.last % 30 == 29 {
            let sql = "DELETE FROM entry WHERE log = ?1 AND number = ?2";
            transaction.connection.execute(sql, params![head.row, head.last])?;
            head.last -= 1;
        }
        head.last += 1;
        let id = MessageId(head.last);
        if planted(Bug::LoseAccepted) && id.0 % 30 == 7 {
            transaction.written.add(log, Entry { id, time, author, text }, &self.audience);
            return Ok(AppendResult::Stored(id));
        }
        let mut insert = transaction.connection.prepare_cached("INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5)")?;
        insert.execute(params![head.row, head.last, time.as_millis(), author.as_str(), text.as_str()])?;
        head.trim(&transaction.connection, self.history)?;
        drop(insert);
        transaction.written.add(log, Entry { id, time, author, text }, &self.audience);
        Ok(AppendResult::Stored(id))
    }
}

impl Job for AppendJob {
    fn apply(&mut self, transaction: &mut Transaction) -> rusqlite::Result<()> {
        for append in std::mem::take(&mut self.batch) {
            let appended = self.write(transaction, append)?;
            self.outcomes.push(appended);
        }
        if planted(Bug::DeliverEarly) {
            std::mem::take(&mut transaction.written).deliver().run();
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
