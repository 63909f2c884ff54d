//! What a store tells the rules of one server. Implemented by [`crate::Hub`].

use parlor_proto::{Epoch, RoomName, Timestamp, UserName};

use super::{Entry, LogId, UnloggedMessage};
use crate::delivery::flush::Flush;
use crate::delivery::peer::ConnectionId;

/// Which way somebody went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// In.
    Entered,
    /// Out.
    Left,
}

/// Somebody entered or left a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The room.
    pub room: RoomName,
    /// Who.
    pub user: UserName,
    /// Which way.
    pub change: Change,
    /// Members after the change.
    pub members: usize,
    /// Number of this change among all changes of the room's membership: whoever entered with a larger one
    /// has seen its effect already.
    pub version: u64,
}

/// Hears what the store has for the clients of this server. Calls never block; what they return is to be run
/// on a thread that may write to sockets, after the caller has let go of its locks.
pub trait Sink: Send + Sync {
    /// Entries of a followed log, in order. Calls for one log must not overlap.
    fn deliver(&self, log: &LogId, entries: &[Entry]) -> Flush;

    /// A followed log began a new life, since the store lost the one before: its numbers count from 1 again. Not to
    /// overlap with a delivery of the same log.
    fn restarted(&self, log: &LogId, epoch: Epoch);

    /// A change of a room's members.
    fn presence(&self, presence: &Presence) -> Flush;

    /// A direct message for a user. `None` if there is no such session here.
    fn direct(&self, to: &UserName, message: &UnloggedMessage) -> Option<Flush>;

    /// A broadcast.
    fn notice(&self, message: &UnloggedMessage) -> Flush;

    /// The session of a connection of this server was displaced by a later login.
    fn displaced(&self, connection: ConnectionId) -> Flush;

    /// The account of that name which was made at `created` was deleted: its session ends, and nobody follows it any
    /// more. May be told late, when the name has its next owner already.
    fn account_deleted(&self, user: &UserName, created: Timestamp) -> Flush;
}
