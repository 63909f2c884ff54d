//! The ports, as traits: what the rules ask of the outside, and what the outside reports to the rules ([`Sink`]).
//! Nothing here may know how a port is implemented, nor that there are several implementations.

mod accounts;
mod authority;
mod bus;
mod clock;
mod content;
mod error;
mod flush_workers;
mod follows;
mod invitations;
mod log;
mod login_limiter;
mod logins;
mod moderation;
mod observer;
mod outhooks;
mod passwords;
mod personal;
mod random;
mod rooms;
mod secret_hash;
mod sessions;
mod sink;
mod tickets;
mod transport;

use std::fmt;
use std::sync::Arc;

pub use accounts::{Account, AccountVersion, Accounts, PasswordHash, Role, Suspension};
pub use authority::{Admitted, PasswordAuthority};
pub use bus::{Bus, UnloggedMessage};
pub use clock::Clock;
pub use content::{Content, Moderation};
pub use error::{StoreError, StoreResult};
pub use flush_workers::FlushWorkers;
pub use follows::Follows;
pub use invitations::{
    INVITATION_KEPT_FOR, Invitation, InvitationTerms, Invitations, InvitedResult, MAX_INVITATION_USES, MAX_INVITATIONS,
};
pub use log::{
    Append, AppendReport, AppendResult, Destination, Entry, Head, Log, LogId, LogKind, ONCE_KEPT_FOR, ONCE_KEYS_KEPT,
    Page, PageRequest, Recipient,
};
pub use login_limiter::{
    Attempt, AttemptOutcome, AttemptPermit, KNOWN_FOR, LoginDecision, LoginLimiter, MAX_KNOWN_ADDRESSES,
};
pub use logins::{Arrival, ClaimReport, FirstEntry, Logins, StartedAttempt};
pub use moderation::{Act, ActReport, ActResult, Deed, Governance};
pub use observer::Observer;
pub use outhooks::{EndpointGuard, OUTHOOK_TURN, OuthookTurn, Outhooks};
pub use passwords::{Passwords, Verdict};
pub use personal::{Conversation, Mark, Personal, PersonalState};
pub use random::RandomSource;
pub use rooms::{EnterResult, Entrant, Rooms, SessionKey};
pub use secret_hash::SecretHash;
pub use sessions::{Claim, ClaimResult, PredecessorWait, Sessions, TakeoverLimit};
pub use sink::{Change, Presence, Sink};
pub use tickets::{EvictionOrder, MAX_TICKETS, Ticket, Tickets};
pub use transport::Transport;

/// All stored state. Each port has an adapter of its own.
#[derive(Clone)]
pub struct Store {
    /// The accounts.
    pub accounts: Arc<dyn Accounts>,
    /// Which users follow which.
    pub follows: Arc<dyn Follows>,
    /// The sessions.
    pub sessions: Arc<dyn Sessions>,
    /// The members of the rooms.
    pub rooms: Arc<dyn Rooms>,
    /// The rights in the rooms.
    pub governance: Arc<dyn Governance>,
    /// The messages and publications.
    pub log: Arc<dyn Log>,
    /// Remembered rooms, marks, conversations and blocks of users.
    pub personal: Arc<dyn Personal>,
    /// Broadcasts to users.
    pub bus: Arc<dyn Bus>,
    /// Tickets, with which clients log in without the password.
    pub tickets: Arc<dyn Tickets>,
    /// Invitations, which make accounts where registration is closed.
    pub invitations: Arc<dyn Invitations>,
    /// How far outgoing hooks have posted.
    pub outhooks: Arc<dyn Outhooks>,
    /// Failed logins.
    pub attempts: Arc<dyn LoginLimiter>,
    /// The steps of a login, if the store can be asked several things at once.
    pub logins: Option<Arc<dyn Logins>>,
}

impl Store {
    /// The steps of a login.
    pub fn logins(&self) -> &dyn Logins {
        self.logins.as_deref().unwrap_or(self)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Store")
    }
}
