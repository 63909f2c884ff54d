//! The port of password hashing. It must not know accounts.

use parlor_proto::Password;

use super::{PasswordHash, StoreResult};

/// What comparing a password with a hash told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The password is wrong.
    Wrong,
    /// The password is right.
    Right,
    /// The password is right, and its hash was made at another cost than the one that is now set.
    RightButOutdated,
}

/// Hashes passwords on a bounded number of threads. All calls block for a hash's time and longer.
pub trait Passwords: Send + Sync {
    /// A hash of `password` at the cost that is set.
    ///
    /// # Errors
    /// Hashing stopped; the server is ending.
    fn hash(&self, password: &Password) -> StoreResult<PasswordHash>;

    /// Compares `password` with `hash`; without one it does the same work and finds it wrong.
    ///
    /// # Errors
    /// Hashing stopped; the server is ending.
    fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> StoreResult<Verdict>;
}
