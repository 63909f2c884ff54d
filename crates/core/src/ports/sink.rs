//! The events that a store sends to the rules of one server. Implemented by [`crate::Hub`].

use parlor_proto::{Bye, Epoch, Generation, RoomName, TicketId, Timestamp, UserName};

use super::{AccountVersion, Entry, LogId, UnloggedMessage};
use crate::delivery::flush::Flush;
use crate::delivery::peer::ConnectionId;

/// The direction of a presence change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// The user entered the room.
    Entered,
    /// The user left the room.
    Left,
}

/// A user entered or left a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The room.
    pub room: RoomName,
    /// The user.
    pub user: UserName,
    /// The direction.
    pub change: Change,
    /// Members after the change.
    pub members: usize,
    /// Number of this change among all changes of the room's membership. A session that entered with a larger number
    /// has seen the effect already.
    pub version: u64,
}

/// Receives the store's events for the clients of this server. Calls never block. The caller must run the returned
/// flush on a thread that may write to sockets, after it has released its locks.
pub trait Sink: Send + Sync {
    /// Entries of a followed log, in order. Calls for one log must not overlap.
    fn deliver(&self, log: &LogId, entries: &[Entry]) -> Flush;

    /// A followed log has a new epoch, since the store lost the earlier one. Its numbers start at 1 again. The call
    /// must not overlap with a delivery of the same log.
    fn restarted(&self, log: &LogId, epoch: Epoch);

    /// A change of a room's members.
    fn presence(&self, presence: &Presence) -> Flush;

    /// A direct message that is in no inbox, from a server of a version before inboxes. Returns `None` if the user has
    /// no session on this server.
    fn direct(&self, to: &UserName, message: &UnloggedMessage) -> Option<Flush>;

    /// A broadcast.
    fn notice(&self, message: &UnloggedMessage) -> Flush;

    /// A later login displaced the session of a connection of this server. It may be told again until the session ends.
    fn displaced(&self, connection: ConnectionId) -> Flush;

    /// The account with this name and the creation time `created` was deleted. Its session ends, and it has no
    /// followers any more. The call may come late, when the name has its next owner already.
    fn account_deleted(&self, user: &UserName, created: Timestamp) -> Flush;

    /// An operator ended the sessions of this account, with this goodbye, as its number of kicks in `version` says. A session that was
    /// verified with as many kicks stays. The call may come late and more than once.
    fn session_kicked(&self, user: &UserName, version: AccountVersion, bye: Bye) -> Flush;

    /// Tickets of a user were revoked. A session that began by one of them ends, unless it is the session `by`. The call may
    /// come late and more than once.
    fn tickets_revoked(&self, user: &UserName, tickets: &[TicketId], by: Option<Generation>) -> Flush;
}
