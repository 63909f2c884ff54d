//! What the hub tells a session whose user was removed from a room. It must not know what the session does then.

use std::sync::Arc;

use parlor_proto::{MessageId, Note, RoomName};

/// A user was removed from a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Eviction {
    /// The room.
    pub(crate) room: RoomName,
    /// The entry of the room's log that says so.
    pub(crate) id: MessageId,
    /// Why.
    pub(crate) reason: Note,
}

/// The session of a connection, as the hub knows it.
pub(crate) trait Evictable: Send + Sync {
    /// Leaves a note for whoever has the session. Never blocks for long, and calls nothing.
    fn note(&self, eviction: Eviction);

    /// Does what is noted, unless the thread of the client has the session: then that does it. Blocks on the store.
    fn work(self: Arc<Self>);
}
