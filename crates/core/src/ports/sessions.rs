//! The port of sessions: at most one per user, fenced by a generation.

use std::time::Duration;

use parlor_proto::{Generation, UserName};

use super::StoreResult;
use crate::delivery::peer::ConnectionId;
use crate::limits::policy::DuplicateLogin;

/// How often an account may be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TakeoverLimit {
    /// So often …
    pub max: usize,
    /// … within this time.
    pub within: Duration,
}

/// Request to claim the session of an authenticated user.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// Whose.
    pub user: &'a UserName,
    /// For which connection.
    pub connection: ConnectionId,
    /// What to do if there is a session.
    pub policy: DuplicateLogin,
    /// How often it may be done; `None` for no limit.
    pub takeovers: Option<TakeoverLimit>,
    /// Monotonic time of this server.
    pub at: Duration,
}

/// What became of a [`Claim`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimResult {
    /// The session is the claimant's, under this number. If there was one before, it is fenced off from this
    /// moment, and the server it lives on was told through [`super::Sink::displaced`].
    Granted(Generation),
    /// There is a session, and the policy keeps it.
    AlreadyLoggedIn,
    /// The account was taken over too often; it may be after this time.
    TakeoverLoop(Duration),
}

/// How the wait for displaced sessions ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PredecessorWait {
    /// No earlier session is left.
    Alone,
    /// One is, although it cannot do anything any more.
    StillThere,
    /// The claimant itself was displaced.
    Displaced,
}

/// The one session of each user. All calls may block on the store.
pub trait Sessions: Send + Sync {
    /// Takes the user's session for a connection, in one atomic step. Of any two claims, on any servers,
    /// the one that is granted later has the larger generation.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn claim(&self, claim: &Claim<'_>) -> StoreResult<ClaimResult>;

    /// Waits until the sessions before `generation` were released, at most for `patience`.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn await_predecessors(
        &self,
        user: &UserName,
        generation: Generation,
        patience: Duration,
    ) -> StoreResult<PredecessorWait>;

    /// Gives the session up. A successor's is not touched.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn release(&self, user: &UserName, generation: Generation) -> StoreResult<()>;

    /// Whether no later claim has displaced the session. One that the store has lost altogether was not displaced.
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
