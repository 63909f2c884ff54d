//! The port of logs: rooms and feeds as numbered entries. It must not know the recipients.

use parlor_proto::{Epoch, Generation, MessageId, RoomName, Text, Timestamp, UserName};

use super::{StoreError, StoreResult};
use crate::delivery::flush::Flush;

/// The identity of a log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LogId {
    /// The messages of a room.
    Room(RoomName),
    /// The publications of a user.
    Feed(UserName),
}

/// An entry to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Append {
    /// The log to append to.
    pub log: LogId,
    /// The sender.
    pub author: UserName,
    /// The sender's session.
    pub generation: Generation,
    /// When the rules accepted it.
    pub time: Timestamp,
    /// The text.
    pub text: Text,
}

/// The result of an [`Append`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppendResult {
    /// The entry is in the log with this number.
    Stored(MessageId),
    /// The session was displaced, or is not a member of the room. Nothing was stored.
    Fenced,
}

/// The result of each entry of a batch, and the flush that they cause.
#[derive(Debug)]
pub struct AppendReport {
    /// One result for each [`Append`], in the same order.
    pub outcomes: Vec<Result<AppendResult, StoreError>>,
    /// The caller must run it.
    pub flush: Flush,
}

/// An entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub id: MessageId,
    /// When it was accepted.
    pub time: Timestamp,
    /// The author.
    pub author: UserName,
    /// The text.
    pub text: Text,
}

/// The current position of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The epoch of its numbering.
    pub epoch: Epoch,
    /// The number of its newest entry; 0 if it never had an entry.
    pub last: MessageId,
}

/// Numbered entries that the store keeps. A message is accepted once it is in the log. Entries of followed logs are
/// delivered: after such an entry was stored, the port calls [`super::Sink::deliver`] with it, in order of number.
pub trait Log: Send + Sync {
    /// Stores a batch and delivers it. Blocks until each entry is stored or refused, at most 3 s. An error means that
    /// the entry was not stored, or that the result is unknown. An entry is never stored twice.
    fn append(&self, batch: Vec<Append>) -> AppendReport;

    /// Starts to follow a log: every entry with a number above the returned head will be delivered. Calls are counted,
    /// so each call needs its own [`Log::unfollow`].
    ///
    /// # Errors
    /// The store cannot be reached; then the call does not count.
    fn follow(&self, log: &LogId) -> StoreResult<Head>;

    /// Undoes one [`Log::follow`]. Deliveries may still arrive for a short time.
    fn unfollow(&self, log: &LogId);

    /// The newest `count` retained entries, oldest first.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn newest(&self, log: &LogId, count: usize) -> StoreResult<Vec<Entry>>;
}
