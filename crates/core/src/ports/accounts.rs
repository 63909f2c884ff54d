//! The port of accounts. It must not know how passwords are hashed.

use std::fmt;

use parlor_proto::{Bye, Generation, Note, Timestamp, UserName};

use super::StoreResult;

/// What a user may do besides chatting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Nothing else.
    Member,
    /// May broadcast.
    Operator,
}

/// A password's hash in the form that the hash function made. It is not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Wraps the output of the hash function, or a stored hash.
    pub fn new(hash: String) -> Self {
        Self(hash)
    }

    /// The hash. Only for the hash function and the store.
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
    /// When it was created.
    pub created: Timestamp,
    /// How often an operator has ended its sessions; 0 for a new account.
    pub kicks: u64,
    /// While it is there and not over, no login is accepted.
    pub suspension: Option<Suspension>,
}

/// An account that is closed for a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// Until then; none for ever.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: Note,
}

impl Account {
    /// What is said to a session that an operator ended: one that began with an earlier version of the account.
    #[must_use]
    pub fn goodbye(&self) -> Bye {
        if self.suspension.is_some() { Bye::Suspended } else { Bye::Kicked }
    }

    /// The suspension, if it is not over.
    pub fn suspension_at(&self, now: Timestamp) -> Option<&Suspension> {
        self.suspension.as_ref().filter(|suspension| suspension.until.is_none_or(|until| now < until))
    }

    /// The version of which a session may be.
    pub fn version(&self) -> AccountVersion {
        AccountVersion { created: self.created, kicks: self.kicks }
    }
}

/// What changes when an account loses its sessions: it is deleted and its name has a new account, or an operator ends
/// its sessions. A login begins a session only if the version is the same as when its password was right.
/// Versions of one name are ordered: by creation, then by kicks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountVersion {
    /// When the account was created.
    pub created: Timestamp,
    /// How often an operator has ended its sessions.
    pub kicks: u64,
}

/// Who may log in. All calls may block on the store.
pub trait Accounts: Send + Sync {
    /// Creates an account. Returns `false` and changes nothing if the name is taken.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn create(&self, account: &Account) -> StoreResult<bool>;

    /// The account with this name.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn find(&self, user: &UserName) -> StoreResult<Option<Account>>;

    /// Whether an account of this name was deleted. The answer counts only if there is none now.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn was_deleted(&self, user: &UserName) -> StoreResult<bool>;

    /// Changes the password, and revokes all tickets. Returns `false` if there is no such account. No session ends.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn set_password(&self, user: &UserName, hash: &PasswordHash) -> StoreResult<bool>;

    /// Replaces the hash `old` with another hash of the same password. Returns `false` if the account has another hash
    /// by now.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn renew_hash(&self, user: &UserName, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool>;

    /// Replaces the hash `old` with that of another password, revokes all tickets in the same step, and ends the sessions
    /// that began by one, as [`super::Tickets::revoke`] does; but not the session `by`. Returns `false` if the account has
    /// another hash by now.
    ///
    /// # Errors
    /// The store cannot be reached; then the password may be changed.
    fn change_password(
        &self,
        user: &UserName,
        old: &PasswordHash,
        new: &PasswordHash,
        by: Generation,
    ) -> StoreResult<bool>;

    /// Changes the role. Returns `false` if there is no such account.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn set_role(&self, user: &UserName, role: Role) -> StoreResult<bool>;

    /// Removes the account, all follows and blocks from and to it, its inbox, and whatever [`super::Personal`] keeps for
    /// it, and its tickets. Its session is kicked. Returns `false` if there is no such account.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn delete(&self, user: &UserName) -> StoreResult<bool>;

    /// Ends the session of an account, and logins whose password was right before. A server may see it a short time
    /// later. A repeated call ends later sessions, too. Returns `false` if there is no such account.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn kick(&self, user: &UserName) -> StoreResult<bool>;

    /// Refuses the logins of an account from now on, revokes all tickets, and ends its session as [`Accounts::kick`] does; or
    /// accepts logins again.
    /// Returns `false` if there is no such account.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn suspend(&self, user: &UserName, suspension: Option<&Suspension>) -> StoreResult<bool>;

    /// Clears the failed logins of an account, and makes `address` (the `network` of a [`crate::Origin`]) a known
    /// address of its user from `now` on. A server may see the change a short time later. Returns `false` if there is
    /// no such account.
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
