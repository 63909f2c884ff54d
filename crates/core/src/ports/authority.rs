//! The port of whoever decides about passwords elsewhere: a directory, a system, a program. It must not know accounts.

use parlor_proto::{Password, RoomName, UserName};

use super::StoreResult;

/// What is said of somebody whose password is right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admitted {
    /// Whether the account is an operator's; none if nothing is said.
    pub operator: Option<bool>,
    /// The rooms that are opened to a new account.
    pub rooms: Vec<RoomName>,
}

/// Decides about passwords elsewhere.
pub trait PasswordAuthority: Send + Sync {
    /// What is said of a user with this password, at an address; none if the password is wrong, or if there is no such user.
    /// Blocks for some seconds at most.
    ///
    /// # Errors
    /// There is no answer.
    fn judge(&self, user: &UserName, password: &Password, address: &str) -> StoreResult<Option<Admitted>>;
}
