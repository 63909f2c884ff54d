//! The rules with everything that they need: ports, hub, policy. It must not act on its own; clients do.

use std::fmt;
use std::sync::Arc;

use crate::delivery::hub::Hub;
use crate::limits::policy::Policy;
use crate::ports::{Clock, EndpointGuard, Observer, PasswordAuthority, Passwords, RandomSource, Store};

/// The rules of one server with their ports. Shared by all clients of the server.
pub struct Services {
    /// The connections of this server.
    pub hub: Arc<Hub>,
    /// The store.
    pub store: Store,
    /// Hashing of passwords.
    pub passwords: Arc<dyn Passwords>,
    /// Who decides about passwords, if it is not the hashes of accounts.
    pub authority: Option<Arc<dyn PasswordAuthority>>,
    /// Which addresses rooms may post to; none if they may post nowhere.
    pub endpoints: Option<Arc<dyn EndpointGuard>>,
    /// Randomness for secrets.
    pub random: Arc<dyn RandomSource>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Receives reports for operators.
    pub observer: Arc<dyn Observer>,
    /// The settings.
    pub policy: Policy,
}

impl fmt::Debug for Services {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Services({})", self.policy.server_name)
    }
}
