//! What operators do with rooms of the embedded database: the job that writes it, in the server or where no server runs.
//! It must not judge by itself.

use std::path::Path;
use std::sync::Arc;

use parlor_core::Flush;
use parlor_core::ports::{Content, Entry, LogId, Personal, Recipient, Sink, StoreResult};
use parlor_core::rights::Holder;
use parlor_proto::{MessageId, RoomName, UserName};
use rusqlite::Connection;

use super::append::EntryWriter;
use super::database::{Database, Durability};
use super::job::{Job, JobResult, Transaction};
use super::log::SqliteLog;
use super::open_error::OpenError;
use super::{accounts, log, rights, room_requests};
use crate::administration::{self, RoomAdministration, RoomFacts, RoomOrder, RoomRequest, Verdict};
use crate::in_process::{InProcessSessions, StagedAct};
use crate::memory::MemoryLog;
use crate::no_sink::NoSink;

/// One request, and its number if somebody waits for the answer in the database.
struct RoomJob {
    request: RoomRequest,
    number: Option<i64>,
    writer: EntryWriter,
    verdict: Verdict,
    answer: JobResult<(Verdict, Flush)>,
}

impl RoomJob {
    fn carry_out(&self, transaction: &mut Transaction) -> rusqlite::Result<Verdict> {
        if let Some(endless) = administration::endless(&self.request) {
            return Ok(endless);
        }
        match &self.request.order {
            RoomOrder::Transfer(to) => self.transfer(transaction, to.as_ref()),
            RoomOrder::Admit(user) => {
                let staged = self.writer.live().stage_admission(&self.request, user);
                self.change(transaction, staged)
            }
            RoomOrder::Delete => self.delete(transaction),
        }
    }

    fn transfer(&self, transaction: &mut Transaction, to: Option<&Holder>) -> rusqlite::Result<Verdict> {
        let (live, room) = (self.writer.live(), &self.request.room);
        let gone = gone(&transaction.connection, live, room)?;
        let staged = live.stage_transfer(&self.request, to, &gone);
        self.change(transaction, staged)
    }

    /// Writes what is staged, and the rights from now on.
    fn change(
        &self,
        transaction: &mut Transaction,
        staged: Result<StagedAct, Option<String>>,
    ) -> rusqlite::Result<Verdict> {
        let room = &self.request.room;
        let staged = match staged {
            Ok(staged) => staged,
            Err(None) => return Ok(administration::unknown(room)),
            Err(Some(why)) => return Ok(Verdict::Refused(why)),
        };
        let changed = staged.rights.clone();
        self.write(transaction, vec![staged])?;
        if let Some(changed) = changed {
            rights::save(&transaction.connection, room, &changed)?;
        }
        Ok(Verdict::Done)
    }

    fn delete(&self, transaction: &mut Transaction) -> rusqlite::Result<Verdict> {
        let room = &self.request.room;
        let Some(staged) = self.writer.live().stage_removals(room) else { return Ok(administration::unknown(room)) };
        self.write(transaction, staged)?;
        forget(&transaction.connection, room)?;
        transaction.heads.forget(&LogId::Room(room.clone()));
        Ok(Verdict::Done)
    }

    /// Writes the entries of what is staged. Whatever fails undoes it all.
    fn write(&self, transaction: &mut Transaction, staged: Vec<StagedAct>) -> rusqlite::Result<()> {
        let contents: Vec<Content> = staged.iter().filter_map(|staged| staged.content.clone()).collect();
        staged.into_iter().for_each(|staged| transaction.staged.push(self.writer.live().clone(), staged));
        for content in contents {
            let (time, author) = (self.request.time, self.request.by.clone());
            let entry = |id| Entry { id, time, author, to: None, content };
            self.writer.insert(transaction, LogId::Room(self.request.room.clone()), entry)?;
        }
        Ok(())
    }
}

impl Job for RoomJob {
    fn apply(&mut self, transaction: &mut Transaction) -> rusqlite::Result<()> {
        let Some(number) = self.number else {
            self.verdict = self.carry_out(transaction)?;
            return Ok(());
        };
        if !room_requests::is_open(&transaction.connection, number)? {
            self.verdict = withdrawn();
            return Ok(());
        }
        self.verdict = self.carry_out(transaction)?;
        room_requests::answer(&transaction.connection, number, &self.verdict)
    }

    fn settle(self: Box<Self>, outcome: StoreResult<()>, flush: &mut Flush) {
        if outcome.is_ok() && self.verdict == Verdict::Done && self.request.order == RoomOrder::Delete {
            self.writer.live().end_room(&self.request.room, self.request.time);
        }
        let verdict = self.verdict;
        self.answer.set(outcome.map(|()| (verdict, std::mem::take(flush))));
    }
}

/// What becomes of a request that nobody waits for any more.
fn withdrawn() -> Verdict {
    Verdict::Refused("the request was withdrawn".to_owned())
}

/// Those with a role in the room whose account is gone.
fn gone(connection: &Connection, live: &InProcessSessions, room: &RoomName) -> rusqlite::Result<Vec<Holder>> {
    let rights = live.rights(std::slice::from_ref(room)).into_iter().flatten().next();
    let mut gone = Vec::new();
    for holder in rights.iter().flat_map(|rights| rights.holders()) {
        let account = Recipient { user: holder.user.clone(), created: holder.account };
        if !accounts::exists(connection, &account)? {
            gone.push(holder.clone());
        }
    }
    Ok(gone)
}

/// Deletes all that is kept of a room. The numbers of its log go on: a client may know them.
fn forget(connection: &Connection, room: &RoomName) -> rusqlite::Result<()> {
    accounts::forget_entries(connection, &LogId::Room(room.clone()))?;
    for sql in [
        "DELETE FROM other_entry WHERE log = (SELECT id FROM log WHERE kind = 'room' AND name = ?1)",
        // Without a number that was used there is nothing to keep.
        "DELETE FROM log WHERE kind = 'room' AND name = ?1 AND base = 0",
        "DELETE FROM rights WHERE room = ?1",
        "DELETE FROM outhook WHERE room = ?1",
        "DELETE FROM mark WHERE kind = 'room' AND name = ?1",
        "DELETE FROM remembered_room WHERE room = ?1",
    ] {
        connection.execute(sql, [room.as_str()])?;
    }
    Ok(())
}

/// Who carries out what operators want with the rooms of a server.
pub(super) trait RoomKeeper: Send + Sync {
    /// Carries a request out and answers it. The caller must run the flush.
    ///
    /// # Errors
    /// The database cannot be written.
    fn keep(&self, number: Option<i64>, request: &RoomRequest) -> StoreResult<(Verdict, Flush)>;
}

impl RoomKeeper for SqliteLog {
    fn keep(&self, number: Option<i64>, request: &RoomRequest) -> StoreResult<(Verdict, Flush)> {
        let answer = JobResult::default();
        self.run(Box::new(RoomJob {
            request: request.clone(),
            number,
            writer: self.entry_writer(),
            verdict: Verdict::Done,
            answer: answer.clone(),
        }));
        answer.take()
    }
}

/// The rooms of a server whose logs are in memory.
pub(super) struct UnloggedRooms {
    pub(super) database: Arc<Database>,
    pub(super) log: Arc<MemoryLog>,
}

impl RoomKeeper for UnloggedRooms {
    fn keep(&self, number: Option<i64>, request: &RoomRequest) -> StoreResult<(Verdict, Flush)> {
        let forget = || {
            let room = request.room.clone();
            self.database.change(move |connection| forget(connection, &room).map(|()| true)).map(drop)
        };
        if let Some(number) = number
            && !self.database.read(|connection| room_requests::is_open(connection, number))?
        {
            return Ok((withdrawn(), Flush::default()));
        }
        let (verdict, flush) = self.log.administer(request, forget)?;
        if let Some(number) = number {
            let told = verdict.clone();
            self.database.change(move |connection| room_requests::answer(connection, number, &told).map(|()| true))?;
        }
        Ok((verdict, flush))
    }
}

/// The requests of other programs, for the server.
pub(super) struct RoomRequests {
    pub(super) database: Arc<Database>,
    pub(super) keeper: Arc<dyn RoomKeeper>,
}

impl RoomRequests {
    /// Carries out what was asked for since the last call. Blocks.
    ///
    /// # Errors
    /// The database cannot be read or written; the next call makes up for it.
    pub(super) fn notice(&self) -> StoreResult<()> {
        for (number, request) in self.database.open_requests()? {
            self.keeper.keep(Some(number), &request)?.1.run();
        }
        Ok(())
    }
}

/// The rooms of a database, for a program that is not its server.
struct SqliteRooms {
    database: Arc<Database>,
    is_served: bool,
}

impl SqliteRooms {
    /// What is known of the number of members: nobody is inside where no server runs.
    fn members(&self) -> Option<u64> {
        (!self.is_served).then_some(0)
    }
}

impl RoomAdministration for SqliteRooms {
    fn rooms(&self) -> StoreResult<Vec<RoomFacts>> {
        self.database.room_facts(self.members())
    }

    fn room(&self, room: &RoomName) -> StoreResult<Option<RoomFacts>> {
        Ok(self.rooms()?.into_iter().find(|facts| facts.room == *room))
    }

    fn inside(&self, _room: &RoomName) -> StoreResult<Option<Vec<UserName>>> {
        Ok((!self.is_served).then(Vec::new))
    }

    fn remember(&self, user: &UserName, room: &RoomName, read: MessageId) -> StoreResult<()> {
        self.database.remember(user, room, read, administration::MAX_REMEMBERED).map(drop)
    }

    fn carry_out(&self, request: &RoomRequest) -> StoreResult<Verdict> {
        if self.is_served {
            return self.database.request(request);
        }
        let sink: Arc<dyn Sink> = Arc::new(NoSink);
        let live = Arc::new(InProcessSessions::new(sink.clone()));
        log::load_rooms(&self.database, &live)?;
        let answer = JobResult::default();
        // Trimming is left to the server, which knows how many entries are kept.
        let writer = EntryWriter::new(u64::from(u32::MAX), live, sink);
        let (request, verdict) = (request.clone(), Verdict::Done);
        self.database.run(Box::new(RoomJob { request, number: None, writer, verdict, answer: answer.clone() }));
        answer.take().map(|(verdict, _)| verdict)
    }
}

/// Opens the database in the directory `data`, for its rooms only. If `is_served`, a server uses it, and carries out the
/// requests; otherwise the caller must keep servers away meanwhile.
///
/// # Errors
/// As [`super::Sqlite::open`].
pub fn open_rooms(data: &Path, is_served: bool) -> Result<Box<dyn RoomAdministration>, OpenError> {
    let database = Arc::new(Database::open(data, Durability::Process)?);
    Ok(Box::new(SqliteRooms { database, is_served }))
}

#[cfg(test)]
mod tests;
