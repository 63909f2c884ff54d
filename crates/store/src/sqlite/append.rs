//! Appending to logs: the job that numbers entries and writes them. It must not deliver them.

use std::sync::Arc;

use parlor_core::Flush;
use parlor_core::planted::{Bug, planted};
use parlor_core::ports::{Append, AppendReport, AppendResult, Destination, Entry, LogId, Recipient, Sink, StoreResult};
use parlor_proto::MessageId;
use rusqlite::params;

use super::committed::DeliveryTarget;
use super::job::{Job, JobResult, Transaction};
use super::{accounts, once, personal, rows};
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
        let log = append.log();
        if append.once.is_none() && !matches!(append.to, Destination::Direct(_)) {
            return self.insert(transaction, log, |id| append.entry(id)).map(AppendResult::Stored);
        }
        let row = transaction.heads.get(&transaction.connection, &log)?.row;
        let once = append.once.clone();
        if let Some(key) = &once
            && !planted(Bug::ForgetKey)
            && let Some(id) = once::find(&transaction.connection, row, &append.author, key)?
        {
            if planted(Bug::DoubleCopy)
                && let Destination::Direct(to) = append.to.clone()
            {
                self.deliver_direct(transaction, &append.entry(id), &to)?;
            }
            return Ok(AppendResult::Repeated(id));
        }
        let recipient = match &append.to {
            Destination::Room(_) | Destination::Feed => None,
            Destination::Direct(recipient) => Some(recipient.clone()),
        };
        if let Some(recipient) = &recipient
            && personal::is_blocked(&transaction.connection, &recipient.user, &append.author)?
        {
            return Ok(AppendResult::Blocked);
        }
        let mut entry = append.entry(MessageId::default());
        entry.id = self.insert(transaction, log, |id| Entry { id, ..entry.clone() })?;
        if let Some(key) = &once {
            once::note(&transaction.connection, row, &entry, key)?;
        }
        if let Some(recipient) = recipient {
            self.deliver_direct(transaction, &entry, &recipient)?;
            if planted(Bug::LoseSent) && entry.id.0 % 5 == 3 {
                let sql = "DELETE FROM direct WHERE log = ?1 AND number = ?2";
                transaction.connection.execute(sql, params![row, entry.id.0])?;
            }
        }
        Ok(AppendResult::Stored(entry.id))
    }

    /// Stores an entry with the next number, and returns this number.
    fn insert(
        &self,
        transaction: &mut Transaction,
        log: LogId,
        entry: impl FnOnce(MessageId) -> Entry,
    ) -> rusqlite::Result<MessageId> {
        let head = transaction.heads.get(&transaction.connection, &log)?;
        if planted(Bug::ReuseNumber) && head.last % 30 == 29 {
            let sql = format!("DELETE FROM {} WHERE log = ?1 AND number = ?2", rows::table(&log));
            transaction.connection.execute(&sql, params![head.row, head.last])?;
            head.last -= 1;
        }
        head.last += 1;
        let entry = entry(MessageId(head.last));
        let id = entry.id;
        if planted(Bug::LoseAccepted) && id.0 % 30 == 7 {
            transaction.written.add(log, entry, &self.audience);
            return Ok(id);
        }
        let (time, author, text) = (entry.time.as_millis(), entry.author.as_str(), entry.text.as_str());
        match &log {
            LogId::Room(_) | LogId::Feed(_) => {
                let mut insert =
                    transaction.connection.prepare_cached("INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5)")?;
                insert.execute(params![head.row, head.last, time, author, text])?;
            }
            LogId::Inbox(owner) => {
                let peer = entry.peer(owner).unwrap_or(owner).as_str();
                let mut insert =
                    transaction.connection.prepare_cached("INSERT INTO direct VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
                insert.execute(params![head.row, head.last, time, author, text, peer])?;
            }
        }
        head.trim(&transaction.connection, &log, self.history)?;
        transaction.written.add(log, entry, &self.audience);
        Ok(id)
    }

    /// Stores the recipient's copy of a direct message. The sender has read what came before.
    fn deliver_direct(
        &self,
        transaction: &mut Transaction,
        sent: &Entry,
        recipient: &Recipient,
    ) -> rusqlite::Result<()> {
        personal::note_sent(&transaction.connection, sent, &recipient.user)?;
        let is_note_to_oneself = recipient.user == sent.author;
        if is_note_to_oneself || !accounts::exists(&transaction.connection, recipient)? {
            return Ok(());
        }
        if planted(Bug::LoseCopy) && sent.id.0 % 5 == 3 {
            return Ok(());
        }
        let copy = |id| Entry { id, ..sent.clone() };
        let id = self.insert(transaction, LogId::Inbox(recipient.user.clone()), copy)?;
        personal::note_received(&transaction.connection, id, &sent.author, &recipient.user)
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
