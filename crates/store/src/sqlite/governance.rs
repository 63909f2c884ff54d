//! Moderation in the embedded database: the job that writes what a moderator did. It must not judge by itself.

use parlor_core::Flush;
use parlor_core::ports::{Act, ActReport, ActResult, Deed, Entry, Governance, LogId, StoreResult};
use parlor_core::rights::RoomRights;
use parlor_proto::{MessageId, RoomName};

use super::append::EntryWriter;
use super::job::{Job, JobResult, Transaction};
use super::log::SqliteLog;
use super::{amend, rights};

/// One act in a room.
struct ActJob {
    act: Act,
    writer: EntryWriter,
    result: ActResult,
    answer: JobResult<ActReport>,
}

impl ActJob {
    fn write(&mut self, transaction: &mut Transaction) -> rusqlite::Result<ActResult> {
        let log = LogId::Room(self.act.room.clone());
        let message = match &self.act.deed {
            Deed::Removal { of, .. } => self.removable(transaction, &log, *of)?,
            _ => None,
        };
        let live = self.writer.live().clone();
        let staged = match live.stage(&self.act, message.as_ref().map(|message| &message.author)) {
            Ok(staged) => staged,
            Err(result) => return Ok(result),
        };
        let (content, rights) = (staged.content.clone(), staged.rights.clone());
        // Whatever fails from here on undoes it.
        transaction.staged.push(live, staged);
        if let Some(changed) = rights {
            rights::save(&transaction.connection, &self.act.room, &changed)?;
        }
        let Some(content) = content else { return Ok(ActResult::Done(None)) };
        let (time, author) = (self.act.time, self.act.author().clone());
        let id = self.writer.insert(transaction, log.clone(), |id| Entry { id, time, author, to: None, content })?;
        if let Some(message) = message {
            let row = transaction.heads.get(&transaction.connection, &log)?.row;
            amend::remove(&transaction.connection, row, &message)?;
        }
        Ok(ActResult::Done(Some(id)))
    }

    /// The message whose text is to be removed.
    fn removable(&self, transaction: &mut Transaction, log: &LogId, of: MessageId) -> rusqlite::Result<Option<Entry>> {
        let head = *transaction.heads.get(&transaction.connection, log)?;
        let found = amend::find(&transaction.connection, head.row, head.last, of, self.writer.history())?;
        Ok(found.filter(Entry::is_removable))
    }
}

impl Job for ActJob {
    fn apply(&mut self, transaction: &mut Transaction) -> rusqlite::Result<()> {
        self.result = self.write(transaction)?;
        Ok(())
    }

    fn settle(self: Box<Self>, outcome: StoreResult<()>, flush: &mut Flush) {
        let result = self.result;
        self.answer.set(outcome.map(|()| ActReport { result, flush: std::mem::take(flush) }));
    }
}

impl Governance for SqliteLog {
    fn act(&self, act: Act) -> StoreResult<ActReport> {
        let answer = JobResult::default();
        let writer = self.entry_writer();
        let result = ActResult::Fenced;
        self.run(Box::new(ActJob { act, writer, result, answer: answer.clone() }));
        answer.take()
    }

    fn rights(&self, rooms: &[RoomName]) -> StoreResult<Vec<Option<RoomRights>>> {
        Ok(self.live().rights(rooms))
    }
}
