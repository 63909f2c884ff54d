//! Membership in the group of servers: the lease, ending the sessions of dead servers, restoring lost sessions.

pub(super) mod lease;
pub(super) mod local_sessions;
pub(super) mod maintenance;
pub(super) mod reaper;
pub(super) mod restore;
pub(super) mod server;
mod upkeep;
