//! The port for what is said to people and not logged. It must not keep anything.

use parlor_proto::{Text, Timestamp, UserName};

use super::StoreResult;

/// Something said by one person to another, or by an operator to everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnloggedMessage {
    /// When it was accepted.
    pub time: Timestamp,
    /// Who said it.
    pub from: UserName,
    /// What.
    pub text: Text,
}

/// Reaches people on whatever server they are.
pub trait Bus: Send + Sync {
    /// Hands `message` to the server on which `to` has a session. `false` if there is none.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn direct(&self, to: &UserName, message: &UnloggedMessage) -> StoreResult<bool>;

    /// Hands `message` to every session on every server.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn broadcast(&self, message: &UnloggedMessage) -> StoreResult<()>;
}
