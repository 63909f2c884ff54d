//! The port of logs: rooms and feeds as numbered entries. It must not know who listens.

use parlor_proto::{Epoch, Generation, MessageId, RoomName, Text, Timestamp, UserName};

use super::{StoreError, StoreResult};
use crate::delivery::flush::Flush;

/// Which log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogId {
    /// What is said in a room.
    Room(RoomName),
    /// What a user publishes.
    Feed(UserName),
}

/// An entry to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// Where to.
    pub log: LogId,
    /// Who speaks.
    pub author: UserName,
    /// The speaker's session.
    pub generation: Generation,
    /// When the rules accepted it.
    pub time: Timestamp,
    /// What is said.
    pub text: Text,
}

/// What became of an [`Append`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendResult {
    /// It is in the log under this number.
    Stored(MessageId),
    /// The session was displaced, or is no member of the room: nothing was stored.
    Fenced,
}

/// What became of a batch, entry by entry, and what is to be flushed because of it.
#[derive(Debug)]
pub struct AppendReport {
    /// One for each [`Append`], in their order.
    pub outcomes: Vec<Result<AppendResult, StoreError>>,
    /// To be run by the caller.
    pub flush: Flush,
}

/// An entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub id: MessageId,
    /// When it was accepted.
    pub time: Timestamp,
    /// Who said it.
    pub author: UserName,
    /// What.
    pub text: Text,
}

/// Where a log stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The life of its numbering.
    pub epoch: Epoch,
    /// Its newest number; 0 if it never had an entry.
    pub last: MessageId,
}

/// Numbered entries, kept. A message is accepted once it is here, and delivered by following: the log calls
/// [`super::Sink::deliver`] with every entry of a followed log, in order of number, after it was stored.
pub trait Log: Send + Sync {
    /// Stores a batch and delivers it. Blocks until each entry is stored or refused, at most 3 s.
    /// An error says that the entry was not stored, or that this cannot be known; it is never stored twice.
    fn append(&self, batch: Vec<Append>) -> AppendReport;

    /// Begins to follow a log: every entry with a number above the returned head will be delivered. Calls
    /// are counted, so that each needs its own [`Log::unfollow`].
    ///
    /// # Errors
    /// The store cannot be reached; then the call does not count.
    fn follow(&self, log: &LogId) -> StoreResult<Head>;

    /// Takes back one [`Log::follow`]. Entries may be delivered a while longer.
    fn unfollow(&self, log: &LogId);

    /// The newest `count` entries that are retained, oldest first.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn newest(&self, log: &LogId, count: usize) -> StoreResult<Vec<Entry>>;
}
