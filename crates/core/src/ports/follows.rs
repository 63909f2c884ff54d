//! The port of follows: who receives whose publications.

use parlor_proto::UserName;

use super::StoreResult;

/// Which users follow which, stored durably. All calls may block on the store.
pub trait Follows: Send + Sync {
    /// Makes `follower` follow `publisher` from now on. Returns `false` if `follower` did so already.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn subscribe(&self, follower: &UserName, publisher: &UserName) -> StoreResult<bool>;

    /// Ends the follow of `publisher` by `follower`. Returns `false` if there was no such follow.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn unsubscribe(&self, follower: &UserName, publisher: &UserName) -> StoreResult<bool>;

    /// The users whom `follower` follows, sorted.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn subscriptions(&self, follower: &UserName) -> StoreResult<Vec<UserName>>;

    /// The users who follow `publisher`, sorted.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn subscribers(&self, publisher: &UserName) -> StoreResult<Vec<UserName>>;
}
