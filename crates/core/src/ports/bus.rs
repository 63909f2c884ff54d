//! The port for messages to all users that are not logged. It must not store anything.

use parlor_proto::{Text, Timestamp, UserName};

use super::StoreResult;

/// A message that is in no log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnloggedMessage {
    /// When it was accepted.
    pub time: Timestamp,
    /// The sender.
    pub from: UserName,
    /// The text.
    pub text: Text,
}

/// Sends messages to users on any server.
pub trait Bus: Send + Sync {
    /// Sends `message` to every session on every server.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn broadcast(&self, message: &UnloggedMessage) -> StoreResult<()>;
}
