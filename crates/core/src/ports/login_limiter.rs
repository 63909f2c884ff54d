//! The port that counts failed logins. It must not decide how long a client waits; [`crate::LoginBackoff`] does.

use std::time::Duration;

use parlor_proto::{Timestamp, UserName};

use super::StoreResult;

/// Maximum number of known addresses per user. Beyond it, the address that was unused for the longest time is
/// forgotten.
pub const MAX_KNOWN_ADDRESSES: usize = 8;

/// An address is no longer known after this time without a login from it.
pub const KNOWN_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// One attempt to log in with a password.
#[derive(Debug, Clone)]
pub struct Attempt<'a> {
    /// The account. It need not exist.
    pub user: &'a UserName,
    /// The client's address, as `network` of [`crate::Origin`].
    pub address: &'a str,
    /// Whether failures from this address count for all accounts together.
    pub is_address_limited: bool,
    /// Monotonic time of this server.
    pub at: Duration,
    /// Wall-clock time.
    pub now: Timestamp,
}

/// The right to try a password once. It counts as a failure until it is released ([`LoginLimiter::release`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "the permit must be released with the result of the attempt"]
pub struct AttemptPermit {
    /// Whether the user logged in from this address before. If so, then only failures from this address count.
    pub is_known: bool,
}

/// The decision on an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginDecision<T = AttemptPermit> {
    /// The attempt may start now.
    Allowed(T),
    /// The attempt may start after this time.
    RetryAfter(Duration),
    /// The attempt must wait for the results of other attempts that are running now.
    Queued,
}

impl<T> LoginDecision<T> {
    /// Adds something to an attempt that may start.
    pub fn map<R>(self, add: impl FnOnce(T) -> R) -> LoginDecision<R> {
        match self {
            Self::Allowed(permit) => LoginDecision::Allowed(add(permit)),
            Self::RetryAfter(time) => LoginDecision::RetryAfter(time),
            Self::Queued => LoginDecision::Queued,
        }
    }
}

/// The result of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The password was right.
    Right,
    /// The password was wrong.
    Wrong,
    /// The password could not be checked.
    Unknown,
}

/// Counts failed logins per account and per address, over all servers, and remembers the known addresses.
///
/// An attempt from a known address of the user counts only for that pair of user and address. Any other attempt counts
/// for the account and for the address. So failures from elsewhere do not delay a user at a known address.
pub trait LoginLimiter: Send + Sync {
    /// Asks for the right to try a password. [`LoginDecision::Allowed`] atomically reserves an attempt, so concurrent
    /// callers get no more attempts than sequential callers.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn acquire(&self, attempt: &Attempt<'_>) -> StoreResult<LoginDecision>;

    /// Returns the permit. A wrong password counts as a failure, in any case as one of the address. A right password
    /// clears the earlier failures under the same count, and makes the address a known one. Failures of the address
    /// stay.
    ///
    /// # Errors
    /// The store cannot be reached. The permit expires after [`crate::LoginBackoff::ANSWER_TIME`] at most.
    fn release(&self, attempt: &Attempt<'_>, permit: AttemptPermit, outcome: AttemptOutcome) -> StoreResult<()>;

    /// Makes the address a known one, since the account was just created from it.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn note_known_address(&self, attempt: &Attempt<'_>) -> StoreResult<()>;
}
