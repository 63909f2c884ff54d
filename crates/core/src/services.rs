//! The rules with everything that they need: ports, hub, policy. It must not act by itself; clients do.

use std::fmt;
use std::sync::Arc;

use crate::delivery::hub::Hub;
use crate::limits::policy::Policy;
use crate::ports::{Clock, Observer, Passwords, Store};

/// One server's rules and what they are connected to. Shared by all its clients.
pub struct Services {
    /// Who is connected here.
    pub hub: Arc<Hub>,
    /// What is kept.
    pub store: Store,
    /// Who hashes passwords.
    pub passwords: Arc<dyn Passwords>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who hears what happens.
    pub observer: Arc<dyn Observer>,
    /// The settings.
    pub policy: Policy,
}

impl fmt::Debug for Services {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Parlor({})", self.policy.server_name)
    }
}
