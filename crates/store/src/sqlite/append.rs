//! Appending to logs: the job that numbers entries and writes them. It must not deliver them.

use std::sync::Arc;
use std::time::Duration;

use parlor_core::Flush;
use parlor_core::planted::{Bug, planted};
use parlor_core::ports::{
    Append, AppendReport, AppendResult, Content, Destination, Entry, LogId, Recipient, Sink, StoreResult,
};
use parlor_core::rights::Denial;
use parlor_proto::MessageId;
use rusqlite::params;

use super::committed::DeliveryTarget;
use super::job::{Job, JobResult, Transaction};
use super::{accounts, amend, once, personal, rights, rows};
use crate::in_process::InProcessSessions;
use crate::memory::may_be_known;

/// Writes entries into logs.
pub(super) struct EntryWriter {
    history: u64,
    audience: DeliveryTarget,
}

/// A batch of one client to append.
pub(super) struct AppendJob {
    batch: Vec<Append>,
    writer: EntryWriter,
    outcomes: Vec<AppendResult>,
    answer: JobResult<AppendReport>,
}

impl AppendJob {
    pub(super) fn new(batch: Vec<Append>, writer: EntryWriter) -> Self {
        let outcomes = Vec::with_capacity(batch.len());
        Self { batch, writer, outcomes, answer: JobResult::default() }
    }

    pub(super) fn answer(&self) -> JobResult<AppendReport> {
        self.answer.clone()
    }

    fn write(&mut self, transaction: &mut Transaction, append: Append) -> rusqlite::Result<AppendResult> {
        let refused = self.writer.audience.live.judge(&append).err();
        if let Some(refused) = refused.filter(|refused| !may_be_known(&append, *refused)) {
            return Ok(refused);
        }
        let log = append.log();
        if append.once.is_none() && matches!(append.to, Destination::Room(_) | Destination::Feed) {
            return self.writer.insert(transaction, log, |id| append.entry(id)).map(AppendResult::Stored);
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
        if let Some(refused) = refused {
            return Ok(refused);
        }
        let (recipient, edited) = match &append.to {
            Destination::Room(_) | Destination::Feed => (None, None),
            Destination::Edit { window, .. } => match self.editable(transaction, &log, &append, *window)? {
                Ok(edited) => (None, Some(edited)),
                Err(denial) => return Ok(AppendResult::Denied(denial)),
            },
            Destination::Direct(recipient) => (Some(recipient.clone()), None),
        };
        if let Some(recipient) = &recipient
            && personal::is_blocked(&transaction.connection, &recipient.user, &append.author)?
        {
            return Ok(AppendResult::Blocked);
        }
        let mut entry = append.entry(MessageId::default());
        entry.id = self.writer.insert(transaction, log, |id| Entry { id, ..entry.clone() })?;
        if let (Some(edited), Content::Edit { text, .. }) = (edited, &entry.content)
            && let Some(text) = text.text()
        {
            amend::edit(&transaction.connection, row, &edited, text, entry.time, entry.id)?;
        }
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

    /// The message that an edit is about, if its author may edit it.
    fn editable(
        &self,
        transaction: &mut Transaction,
        log: &LogId,
        append: &Append,
        window: Duration,
    ) -> rusqlite::Result<Result<Entry, Denial>> {
        let Content::Edit { of, .. } = &append.content else { return Ok(Err(Denial::NoSuchMessage)) };
        let head = *transaction.heads.get(&transaction.connection, log)?;
        let found = amend::find(&transaction.connection, head.row, head.last, *of, self.writer.history)?;
        let Some(message) = found else { return Ok(Err(Denial::NoSuchMessage)) };
        Ok(message.judge_edit(&append.author, append.time, window).map(|()| message))
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
        let id = self.writer.insert(transaction, LogId::Inbox(recipient.user.clone()), copy)?;
        personal::note_received(&transaction.connection, id, &sent.author, &recipient.user)
    }
}

impl EntryWriter {
    /// Keeps the newest `history` entries of each log, and delivers to `sink`.
    pub(super) fn new(history: u64, live: Arc<InProcessSessions>, sink: Arc<dyn Sink>) -> Self {
        Self { history, audience: DeliveryTarget { live, sink } }
    }

    pub(super) fn live(&self) -> &Arc<InProcessSessions> {
        &self.audience.live
    }

    pub(super) fn history(&self) -> u64 {
        self.history
    }

    /// Stores an entry with the next number, and returns this number.
    pub(super) fn insert(
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
        if let (true, LogId::Room(room)) = (head.is_empty(), &log)
            && let Some(Some(known)) = self.audience.live.rights(std::slice::from_ref(room)).first()
        {
            // From now on the room has a log, and its rights live as long.
            rights::save(&transaction.connection, room, known)?;
        }
        head.last += 1;
        let entry = entry(MessageId(head.last));
        let id = entry.id;
        if planted(Bug::LoseAccepted) && id.0 % 30 == 7 {
            transaction.written.add(log, entry, &self.audience);
            return Ok(id);
        }
        let (time, author, text) = (entry.time.as_millis(), entry.author.as_str(), entry.content.stored());
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
        if !entry.content.is_message() {
            amend::note_other(&transaction.connection, head.row, id)?;
        }
        head.trim(&transaction.connection, &log, self.history)?;
        transaction.written.add(log, entry, &self.audience);
        Ok(id)
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

#[cfg(test)]
mod tests;
