//! The port for messages to users that are not logged. It must not store anything.

use parlor_proto::{Text, Timestamp, UserName};

use super::StoreResult;

/// A message from one user to another, or from an operator to all users.
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
    /// Sends `message` to the server on which `to` has a session. Returns `false` if there is no session.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn direct(&self, to: &UserName, message: &UnloggedMessage) -> StoreResult<bool>;

    /// Sends `message` to every session on every server.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn broadcast(&self, message: &UnloggedMessage) -> StoreResult<()>;
}
