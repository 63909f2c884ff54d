//! The port of what the store keeps for one user besides the account: remembered rooms, marks, the state of
//! conversations, and blocks. It must not know who is connected.

use std::collections::BTreeMap;

use parlor_proto::{MessageId, RoomName, UserName};

use super::{LogId, StoreResult};

/// Up to where a user has read a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The log of a room or a feed.
    pub log: LogId,
    /// The newest entry that was read.
    pub read: MessageId,
    /// The newest entry of the log. A stored mark beyond it belongs to a numbering that was lost, and does not count.
    pub last: MessageId,
}

/// A conversation by direct messages, as one of its users has it. The numbers are those of the inbox of this user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// The other user.
    pub peer: UserName,
    /// The newest message.
    pub last: MessageId,
    /// The newest message that was read.
    pub read: MessageId,
    /// Messages of the other user after that.
    pub unread: u64,
}

/// What the store keeps for a user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonalState {
    /// The remembered rooms, sorted.
    pub rooms: Vec<RoomName>,
    /// Up to where the user has read rooms and feeds.
    pub marks: BTreeMap<LogId, MessageId>,
    /// The conversations, that with the newest message first.
    pub conversations: Vec<Conversation>,
}

/// What the store keeps for each user. All of it is deleted with the account. All calls may block on the store.
pub trait Personal: Send + Sync {
    /// All of it, in one round trip.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn load(&self, user: &UserName) -> StoreResult<PersonalState>;

    /// The conversations with unread messages, that with the newest message first, and how many are unread in each.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn unread(&self, user: &UserName) -> StoreResult<Vec<(UserName, u64)>> {
        let unread = self.load(user)?.conversations.into_iter().filter(|conversation| conversation.unread > 0);
        Ok(unread.map(|conversation| (conversation.peer, conversation.unread)).collect())
    }

    /// Remembers a room, and sets a mark at `read` unless the room has one. Returns `false` and changes nothing if `max`
    /// other rooms are remembered.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn remember(&self, user: &UserName, room: &RoomName, read: MessageId, max: usize) -> StoreResult<bool>;

    /// Forgets a room. Its mark stays, unless it is 0.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn forget(&self, user: &UserName, room: &RoomName) -> StoreResult<()>;

    /// Moves marks forward. A mark never moves back.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn mark(&self, user: &UserName, marks: &[Mark]) -> StoreResult<()>;

    /// Moves the marks of conversations forward, and counts again what is unread in them.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn mark_conversations(&self, user: &UserName, read: &[(UserName, MessageId)]) -> StoreResult<()>;

    /// Blocks a user: direct messages of `blocked` to `user` are refused from now on.
    ///
    /// # Errors
    /// The store cannot be reached; then the user may be blocked, and the call can be repeated.
    fn block(&self, user: &UserName, blocked: &UserName) -> StoreResult<()>;

    /// Ends a block, if there is one.
    ///
    /// # Errors
    /// The store cannot be reached; then the user may still be blocked, and the call can be repeated.
    fn unblock(&self, user: &UserName, blocked: &UserName) -> StoreResult<()>;

    /// The users whom `user` blocks, sorted.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn blocks(&self, user: &UserName) -> StoreResult<Vec<UserName>>;
}
