//! Moves everything from one store to another while the first one is used: a copy, then what changed since, again and again,
//! then the rest while nobody writes. It must not know a store.
//!
//! Entries are only appended, with two exceptions. An edit or a removal changes older entries, and is an entry itself, which
//! names them. The oldest entries are forgotten. So a later round reads the end of each log, and what its new entries name.
//! [Decision 39](../../../../docs/decisions/0039-a-migration-copies-and-catches-up.md) says why.

use parlor_core::ports::LogId;
use parlor_proto::{Epoch, MessageId};

use super::copied::Copied;
use super::key::Key;
use super::{ArchiveResult, ArchiveTarget, EntryRecord, LogRecord, Record};

/// What a log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// Which.
    pub log: LogId,
    /// The epoch of its numbers.
    pub epoch: Epoch,
    /// Its oldest entry; one more than `last` if it has none.
    pub first: u64,
    /// Its newest number.
    pub last: MessageId,
}

impl Extent {
    /// Whether it has entries.
    pub fn has_entries(&self) -> bool {
        self.first <= self.last.0
    }
}

/// From which number on the entries of a log are wanted; none if nothing of it is.
pub type Wanted<'a> = &'a dyn Fn(&Extent) -> Option<u64>;

/// A store that is left.
pub trait MovingSource {
    /// Gives the records in the canonical order. Of each log that is `wanted`: its head, its entries from a number on, and their
    /// keys; `others` of the head is the count before that number. Blocks until everything is read.
    ///
    /// # Errors
    /// The store cannot be read, or `each` fails.
    fn read_from(
        &mut self,
        wanted: Wanted<'_>,
        each: &mut dyn FnMut(&Record) -> ArchiveResult<()>,
    ) -> ArchiveResult<()>;

    /// Entries of a log by their numbers, as they read now. Those that are gone are left out.
    ///
    /// # Errors
    /// The store cannot be read.
    fn entries(&mut self, log: &LogId, ids: &[MessageId]) -> ArchiveResult<Vec<EntryRecord>>;

    /// Keeps everybody from writing from now on. If the source is dropped before [`MovingSource::leave`], all may write again.
    /// Blocks until those who write are done, for some seconds at most.
    ///
    /// # Errors
    /// Somebody goes on writing.
    fn fence(&mut self, to: &str) -> ArchiveResult<()>;

    /// Notes for good that everything is somewhere else from now on.
    ///
    /// # Errors
    /// The store takes nothing, or the fence is gone. Then it goes on as before.
    fn leave(&mut self, to: &str) -> ArchiveResult<()>;
}

/// A store into which everything moves. No client sees anything of it before [`ArchiveTarget::finish`].
pub trait MovingTarget: ArchiveTarget {
    /// Changes what was stored before. It may be buffered.
    ///
    /// # Errors
    /// The store takes nothing.
    fn change(&mut self, change: Change<'_>) -> ArchiveResult<()>;

    /// Makes sure that everything so far is stored as it should be, so that the rest takes a moment. Blocks.
    ///
    /// # Errors
    /// The store takes nothing, or did not keep what it got.
    fn settle(&mut self) -> ArchiveResult<()>;

    /// Notes that everything is there, so that only [`ArchiveTarget::finish`] is left, also for a later run.
    ///
    /// # Errors
    /// The store takes nothing.
    fn seal(&mut self) -> ArchiveResult<()>;
}

/// A change of what was stored before.
#[derive(Debug, Clone, Copy)]
pub enum Change<'a> {
    /// This is gone.
    Remove(&'a Key),
    /// More entries of a log follow. `others` is how many before them are no messages.
    Grow(&'a LogRecord),
    /// The entries of a log before a number are gone.
    Trim(&'a LogId, u64),
    /// An entry reads differently.
    Rewrite(&'a EntryRecord),
}

/// A move from one store to another.
pub struct Migration {
    source: Box<dyn MovingSource>,
    target: Box<dyn MovingTarget>,
    copied: Copied,
}

impl Migration {
    /// A move that begins. Nothing is read or written yet.
    pub fn new(source: Box<dyn MovingSource>, target: Box<dyn MovingTarget>) -> Self {
        Self { source, target, copied: Copied::default() }
    }

    /// Copies what is there and was not copied yet. Returns how many records were stored, changed or removed; `progress` gets
    /// this number meanwhile. Blocks.
    ///
    /// # Errors
    /// One of the stores fails.
    pub fn catch_up(&mut self, progress: impl FnMut(u64)) -> ArchiveResult<u64> {
        self.copied.catch_up(&mut *self.source, &mut *self.target, progress)
    }

    /// Has the target make sure of what it has. Blocks.
    ///
    /// # Errors
    /// The target fails.
    pub fn settle(&mut self) -> ArchiveResult<()> {
        self.target.settle()
    }

    /// The last steps: nobody writes any more, the rest is copied, and the target takes over. `to` is where everything is from
    /// now on. Returns the number of logs and entries that the target has. Blocks.
    ///
    /// # Errors
    /// One of the stores fails. Either the source goes on as before, or it says that everything has moved and only
    /// [`ArchiveTarget::finish`] is left.
    pub fn switch(mut self, to: &str) -> ArchiveResult<Moved> {
        self.source.fence(to)?;
        self.catch_up(|_| ())?;
        self.target.seal()?;
        self.source.leave(to)?;
        self.target.finish()?;
        Ok(self.copied.moved())
    }
}

/// What was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// Number of accounts.
    pub accounts: usize,
    /// Number of rooms, feeds and inboxes.
    pub logs: usize,
    /// Number of entries that were copied.
    pub entries: u64,
}
