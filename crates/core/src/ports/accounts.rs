//! The port of accounts. It must not know how passwords are hashed.

use std::fmt;

use parlor_proto::{Timestamp, UserName};

use super::StoreResult;

/// What a user may do beyond talking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nothing more.
    Member,
    /// May broadcast.
    Operator,
}

/// A password's hash in the form that the hash function made. It is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps what the hash function made or a store kept.
    pub fn new(hash: String) -> Self {
        Self(hash)
    }

    /// The hash, for the hash function and the store only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PasswordHash(…)")
    }
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub user: UserName,
    /// The hash of its password.
    pub hash: PasswordHash,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created: Timestamp,
}

/// Who may log in. All calls may block on the store.
pub trait Accounts: Send + Sync {
    /// Makes an account. `false` if the name is taken; then nothing changes.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn create(&self, account: &Account) -> StoreResult<bool>;

    /// The account of that name.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn find(&self, user: &UserName) -> StoreResult<Option<Account>>;

    /// Changes the password. `false` if there is no such account.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn set_password(&self, user: &UserName, hash: &PasswordHash) -> StoreResult<bool>;

    /// Puts a hash of the same password in the place of `old`. `false` if the account has another one by now.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn renew_hash(&self, user: &UserName, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool>;

    /// Changes the role. `false` if there is no such account.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn set_role(&self, user: &UserName, role: Role) -> StoreResult<bool>;

    /// Removes the account and all follows from and to it; its session is kicked. `false` if there is none.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn delete(&self, user: &UserName) -> StoreResult<bool>;

    /// Forgets the failed logins of an account, and takes `address` (the `network` of a [`crate::Origin`]) for a usual one of its
    /// user from `now` on. A server may learn of it a moment later. `false` if there is no such account.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn unlock(&self, user: &UserName, address: Option<&str>, now: Timestamp) -> StoreResult<bool>;

    /// All accounts, sorted by name.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn accounts(&self) -> StoreResult<Vec<Account>>;
}
