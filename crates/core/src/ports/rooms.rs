//! The port of rooms: who is a member of which. It must not deliver messages.

use parlor_proto::{Generation, RoomName, RoomSummary, UserName};

use super::StoreResult;

/// A session, as rooms see it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SessionKey {
    /// Whose.
    pub user: UserName,
    /// Which of that user's sessions.
    pub generation: Generation,
}

/// What became of an attempt to enter a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnterResult {
    /// The session is a member now.
    Member {
        /// Members after it entered.
        members: usize,
        /// Number of this change among all changes of the room's membership; see [`super::Presence`].
        version: u64,
    },
    /// The session was displaced: it entered nothing.
    Fenced,
    /// The room does not exist, and there are too many to make one more.
    TooManyRooms,
}

/// Members of rooms. Every change is announced once through [`super::Sink::presence`] to each server that
/// follows the room. All calls may block on the store.
pub trait Rooms: Send + Sync {
    /// Makes the session a member. It may be a member of several rooms for the moment of a move. At most
    /// `max_rooms` rooms have members or a log, the lobby not counted.
    ///
    /// # Errors
    /// The store cannot be reached; then nothing changed.
    fn enter(&self, session_key: &SessionKey, room: &RoomName, max_rooms: usize) -> StoreResult<EnterResult>;

    /// Makes the session a member no longer; nothing happens if it, with that generation, is none.
    ///
    /// # Errors
    /// The store cannot be reached; then nothing changed.
    fn leave(&self, session_key: &SessionKey, room: &RoomName) -> StoreResult<()>;

    /// Ends all memberships of the user's sessions before `session_key`.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn evict_predecessors(&self, session_key: &SessionKey) -> StoreResult<()>;

    /// The members of a room, sorted; none if there is no such room.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn members(&self, room: &RoomName) -> StoreResult<Vec<UserName>>;

    /// All rooms that have members, sorted, and the lobby.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn rooms(&self) -> StoreResult<Vec<RoomSummary>>;
}
