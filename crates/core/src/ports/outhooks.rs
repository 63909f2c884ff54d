//! The ports of outgoing hooks: how far each has posted, and who posts now. They must not post, nor judge who is told.

use std::time::Duration;

use parlor_proto::{Endpoint, HookId, MessageId, RoomName};

use super::StoreResult;
use crate::rights::Outhook;

/// How long a server has the turn to post for a hook. One post takes less, so two servers post at the same time only if one of
/// them was stopped meanwhile.
pub const OUTHOOK_TURN: Duration = Duration::from_secs(15);

/// Whether a server may post now for a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OuthookTurn {
    /// It may, for [`OUTHOOK_TURN`]. Everything up to this entry is posted.
    Mine(MessageId),
    /// Another server has the turn.
    Elsewhere,
    /// Everything is posted.
    Nothing,
}

/// How far the outgoing hooks of rooms have posted. Their positions live as long as the hooks. All calls may block on the store.
pub trait Outhooks: Send + Sync {
    /// All rooms that have an outgoing hook, and perhaps some that had one.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn rooms(&self) -> StoreResult<Vec<RoomName>>;

    /// Takes or renews the turn of this server, if there is something to post. A position beyond the newest entry of the log belongs
    /// to entries that were lost. It goes back to the newest one and stays there, since the numbers behind it are given out again.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn take_turn(&self, room: &RoomName, hook: &Outhook) -> StoreResult<OuthookTurn>;

    /// Notes that everything up to an entry is posted. Returns `false` if this server has no turn any more, or if the hook was
    /// ended; then nothing is noted.
    ///
    /// # Errors
    /// The store cannot be reached. Then it may be noted.
    fn note_posted(&self, room: &RoomName, id: HookId, up_to: MessageId) -> StoreResult<bool>;

    /// Gives the turn of this server back, so that another one may post now. Does nothing in a store of one server.
    ///
    /// # Errors
    /// The store cannot be reached. Then the turn ends in its time.
    fn release_turn(&self, _room: &RoomName, _id: HookId) -> StoreResult<()> {
        Ok(())
    }

    /// Has [`Outhooks::rooms`] name a room no longer, unless it has an outgoing hook. Does nothing in a store that always knows.
    ///
    /// # Errors
    /// The store cannot be reached. Then the room may still be named.
    fn forget_room(&self, _room: &RoomName) -> StoreResult<()> {
        Ok(())
    }
}

/// Judges the addresses to which a server posts.
pub trait EndpointGuard: Send + Sync {
    /// Whether the operator may have allowed an address, without a look at what its name stands for.
    fn may_be_allowed(&self, endpoint: &Endpoint) -> bool;
}
