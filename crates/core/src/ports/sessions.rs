//! The port of sessions: at most one per user, fenced by a generation.

use std::time::Duration;

use parlor_proto::{Generation, UserName};

use super::StoreResult;
use crate::delivery::peer::ConnectionId;
use crate::limits::policy::DuplicateLogin;

/// How often an account may be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakeoverLimit {
    /// Maximum number of takeovers …
    pub max: usize,
    /// … within this time.
    pub within: Duration,
}

/// Request to claim the session of an authenticated user.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// The user.
    pub user: &'a UserName,
    /// The connection that gets the session.
    pub connection: ConnectionId,
    /// What to do if there is a session.
    pub policy: DuplicateLogin,
    /// Limit of takeovers; `None` for no limit.
    pub takeovers: Option<TakeoverLimit>,
    /// Monotonic time of this server.
    pub at: Duration,
}

/// The result of a [`Claim`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimResult {
    /// The claimant has the session, with this generation. If there was an earlier session, then it is fenced off from
    /// now on, and its server was notified through [`super::Sink::displaced`].
    Granted(Generation),
    /// There is a session, and the policy keeps it.
    AlreadyLoggedIn,
    /// There were too many takeovers of the account. The next one is allowed after this time.
    TakeoverLoop(Duration),
}

/// The result of waiting for displaced sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PredecessorWait {
    /// No earlier session is left.
    Alone,
    /// An earlier session is left, although it cannot do anything any more.
    StillThere,
    /// The claimant itself was displaced.
    Displaced,
}

/// The one session of each user. All calls may block on the store.
pub trait Sessions: Send + Sync {
    /// Claims the user's session for a connection, in one atomic step. Of any two claims, on any servers, the one that
    /// is granted later has the larger generation.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn claim(&self, claim: &Claim<'_>) -> StoreResult<ClaimResult>;

    /// Waits until the sessions before `generation` are released, at most for `patience`.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn await_predecessors(
        &self,
        user: &UserName,
        generation: Generation,
        patience: Duration,
    ) -> StoreResult<PredecessorWait>;

    /// Releases the session. Does not touch the session of a successor.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn release(&self, user: &UserName, generation: Generation) -> StoreResult<()>;

    /// Whether no later claim has displaced the session. A session that the store has lost counts as not displaced.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn is_current(&self, user: &UserName, generation: Generation) -> StoreResult<bool>;

    /// Whether the user has a session on any server.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn is_online(&self, user: &UserName) -> StoreResult<bool>;
}
