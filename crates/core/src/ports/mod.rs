//! What the rules ask of the outside, as traits, and what the outside tells the rules ([`Sink`]). Nothing
//! here may know how a port is implemented, nor that there is more than one way.

mod accounts;
mod bus;
mod clock;
mod error;
mod flush_workers;
mod follows;
mod log;
mod login_limiter;
mod observer;
mod passwords;
mod rooms;
mod sessions;
mod sink;
mod transport;

use std::fmt;
use std::sync::Arc;

pub use accounts::{Account, Accounts, PasswordHash, Role};
pub use bus::{Bus, UnloggedMessage};
pub use clock::Clock;
pub use error::{StoreError, StoreResult};
pub use flush_workers::FlushWorkers;
pub use follows::Follows;
pub use log::{Append, AppendReport, AppendResult, Entry, Head, Log, LogId};
pub use login_limiter::{
    Attempt, AttemptOutcome, AttemptPermit, KNOWN_FOR, LoginDecision, LoginLimiter, MAX_KNOWN_ADDRESSES,
};
pub use observer::Observer;
pub use passwords::{Passwords, Verdict};
pub use rooms::{EnterResult, Rooms, SessionKey};
pub use sessions::{Claim, ClaimResult, PredecessorWait, Sessions, TakeoverLimit};
pub use sink::{Change, Presence, Sink};
pub use transport::Transport;

/// Everything that is kept, each port with an adapter of its own.
#[derive(Clone)]
pub struct Store {
    /// Who may log in.
    pub accounts: Arc<dyn Accounts>,
    /// Who follows whom.
    pub follows: Arc<dyn Follows>,
    /// Who has a session.
    pub sessions: Arc<dyn Sessions>,
    /// Who is a member of which room.
    pub rooms: Arc<dyn Rooms>,
    /// What was said.
    pub log: Arc<dyn Log>,
    /// How people are reached.
    pub bus: Arc<dyn Bus>,
    /// Who failed to log in.
    pub attempts: Arc<dyn LoginLimiter>,
}

impl fmt::Debug for Store {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Store")
    }
}
