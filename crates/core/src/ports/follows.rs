//! The port of follows: who receives whose publications.

use parlor_proto::UserName;

use super::StoreResult;

/// Who follows whom, kept durably. All calls may block on the store.
pub trait Follows: Send + Sync {
    /// `follower` follows `publisher` from now on. `false` if that was so already.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn subscribe(&self, follower: &UserName, publisher: &UserName) -> StoreResult<bool>;

    /// `follower` follows `publisher` no longer. `false` if that was so already.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn unsubscribe(&self, follower: &UserName, publisher: &UserName) -> StoreResult<bool>;

    /// Whom `follower` follows, sorted.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn subscriptions(&self, follower: &UserName) -> StoreResult<Vec<UserName>>;

    /// Who follows `publisher`, sorted.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn subscribers(&self, publisher: &UserName) -> StoreResult<Vec<UserName>>;
}
