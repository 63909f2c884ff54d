//! The port that counts failed logins. It must not decide how long anybody waits; [`crate::LoginBackoff`] does.

use std::time::Duration;

use parlor_proto::{Timestamp, UserName};

use super::StoreResult;

/// Addresses from which a user logged in that are remembered at most; beyond, the longest unused is forgotten.
pub const MAX_KNOWN_ADDRESSES: usize = 8;

/// After so much time without a login from there, an address is no longer a usual one.
pub const KNOWN_FOR: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// Somebody tries a password.
#[derive(Debug, Clone)]
pub struct Attempt<'a> {
    /// The account that is tried; it need not exist.
    pub user: &'a UserName,
    /// The address that it comes from, as `network` of [`crate::Origin`].
    pub address: &'a str,
    /// Whether failures from there count whatever account they are for.
    pub is_address_limited: bool,
    /// Monotonic time of this server.
    pub at: Duration,
    /// What time it is.
    pub now: Timestamp,
}

/// The right to try a password once. Until it is given back ([`LoginLimiter::release`]) it takes the place of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "what the attempt came to is to be told"]
pub struct AttemptPermit {
    /// Whether the address is one from which the user logged in before: then only failures from there count.
    pub is_known: bool,
}

/// Whether an attempt may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginDecision {
    /// Now.
    Allowed(AttemptPermit),
    /// Not before so much time has passed.
    RetryAfter(Duration),
    /// Not before others who are trying just now know the result.
    Queued,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptOutcome {
    /// The password was right.
    Right,
    /// It was wrong.
    Wrong,
    /// It could not be looked at.
    Unknown,
}

/// How often logins failed, per account and per address, over all servers; and from where they did not fail.
///
/// An attempt from an address that is usual for the user counts for that pair alone, any other one for the account and
/// for the address. So whoever fails elsewhere does not delay somebody at a usual address.
pub trait LoginLimiter: Send + Sync {
    /// Asks for the right to try a password. [`LoginDecision::Allowed`] atomically reserves an attempt, so concurrent callers get
    /// no more attempts than sequential ones.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn acquire(&self, attempt: &Attempt<'_>) -> StoreResult<LoginDecision>;

    /// Gives the right back. A wrong password counts as a failure, of the address in any case. A right one is the end of
    /// what failed before under the same count, and makes the address a usual one; failures of the address stay.
    ///
    /// # Errors
    /// The store cannot be reached. The place is free again after [`crate::LoginBackoff::ANSWER_TIME`] at most.
    fn release(&self, attempt: &Attempt<'_>, permit: AttemptPermit, outcome: AttemptOutcome) -> StoreResult<()>;

    /// The account was just made from there, which makes the address a usual one.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn note_known_address(&self, attempt: &Attempt<'_>) -> StoreResult<()>;
}
