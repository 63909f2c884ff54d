//! The port that counts failed logins. It must not decide how long anybody waits; [`crate::Throttle`] does.

use std::time::Duration;

use parlor_proto::UserName;

use super::StoreResult;

/// Somebody tries a password.
#[derive(Debug, Clone)]
pub struct Attempt<'a> {
    /// The account that is tried; it need not exist.
    pub user: &'a UserName,
    /// The address it comes from, unless that one is not limited.
    pub address: Option<&'a str>,
    /// Monotonic time of this server.
    pub at: Duration,
}

/// Whether an attempt may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Now.
    Now,
    /// Not before so much time has passed.
    After(Duration),
}

/// How often logins failed, per account and per address, over all servers.
pub trait Attempts: Send + Sync {
    /// Whether the password may be tried now. Counts nothing.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn admit(&self, attempt: &Attempt<'_>) -> StoreResult<Admission>;

    /// The password was wrong.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn failed(&self, attempt: &Attempt<'_>) -> StoreResult<()>;

    /// The password was right: the account's failures are forgotten, those of the address are not.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn succeeded(&self, attempt: &Attempt<'_>) -> StoreResult<()>;
}
