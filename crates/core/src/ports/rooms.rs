//! The port of rooms: which sessions are members of which room. It must not deliver messages.

use parlor_proto::{Generation, RoomName, RoomSummary, Timestamp, UserName};

use super::StoreResult;
use crate::rights::{Denial, Holder, Person};

/// A session, as the rooms identify it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionKey {
    /// The user.
    pub user: UserName,
    /// Which of the user's sessions.
    pub generation: Generation,
}

/// A session that enters rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entrant {
    /// The session.
    pub session_key: SessionKey,
    /// When the account of the user was created.
    pub account: Timestamp,
    /// Whether it is an operator's.
    pub is_operator: bool,
    /// The time of this server. A store with a clock of its own takes that.
    pub now: Timestamp,
}

impl Entrant {
    /// The user, as rooms judge them.
    pub fn person(&self) -> Person {
        let holder = Holder { user: self.session_key.user.clone(), account: self.account };
        Person { holder, is_operator: self.is_operator }
    }
}

/// The result of entering a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnterResult {
    /// The session is a member now.
    Member {
        /// Members after it entered.
        members: usize,
        /// Number of this change among all changes of the room's membership; see [`super::Presence`].
        version: u64,
    },
    /// The session was displaced. It entered nothing.
    Fenced,
    /// The room does not exist, and the limit of rooms is reached.
    TooManyRooms,
    /// The room lets the user not in.
    Denied(Denial),
}

/// Members of rooms. A session may be a member of many rooms. Every change is announced once through [`super::Sink::presence`] to each server that follows the
/// room. All calls may block on the store.
pub trait Rooms: Send + Sync {
    /// Makes the session a member of some rooms, each if its rights allow that at this moment. Whoever enters a room that does
    /// not exist owns it. Returns one result for each room, in the same order. It costs the same
    /// number of round trips for one room and for many. At most `max_rooms` rooms have members or a log; the lobby does
    /// not count.
    ///
    /// # Errors
    /// The store cannot be reached. Then the session may be a member of some of the rooms for a short time: it will
    /// leave them.
    fn enter(&self, entrant: &Entrant, rooms: &[RoomName], max_rooms: usize) -> StoreResult<Vec<EnterResult>>;

    /// Ends the membership of the session in some rooms. Does nothing where the session, with this generation, is not a
    /// member.
    ///
    /// # Errors
    /// The store cannot be reached. The store itself tries again later.
    fn leave(&self, session_key: &SessionKey, rooms: &[RoomName]) -> StoreResult<()>;

    /// How many members each of some rooms has, in one round trip.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn counts(&self, rooms: &[RoomName]) -> StoreResult<Vec<usize>>;

    /// Ends all memberships of the user's sessions that are older than `session_key`.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn evict_predecessors(&self, session_key: &SessionKey) -> StoreResult<()>;

    /// The members of a room, sorted. Empty if there is no such room, or if it does not exist for `viewer`, who is not inside.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn members(&self, room: &RoomName, viewer: &Person) -> StoreResult<Vec<UserName>>;

    /// All rooms that have members and exist for `viewer`, and the lobby, sorted.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn rooms(&self, viewer: &Person) -> StoreResult<Vec<RoomSummary>>;
}
