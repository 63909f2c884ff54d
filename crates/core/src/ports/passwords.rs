//! The port of password hashing. It must not know accounts.

use parlor_proto::Password;

use super::{PasswordHash, StoreResult};

/// The result of comparing a password with a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The password is wrong.
    Wrong,
    /// The password is right.
    Right,
    /// The password is right, but its hash has another cost than the current setting.
    RightButOutdated,
}

/// Hashes passwords on a bounded number of threads. All calls block for at least the time of one hash.
pub trait Passwords: Send + Sync {
    /// A hash of `password` at the cost of the settings.
    ///
    /// # Errors
    /// Hashing stopped, because the server is shutting down.
    fn hash(&self, password: &Password) -> StoreResult<PasswordHash>;

    /// Compares `password` with `hash`. If there is no hash, then it does the same work and returns [`Verdict::Wrong`].
    ///
    /// # Errors
    /// Hashing stopped, because the server is shutting down.
    fn verify(&self, password: &Password, hash: Option<&PasswordHash>) -> StoreResult<Verdict>;
}
