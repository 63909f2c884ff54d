//! Being one of many servers: the lease, ending the sessions of dead servers, restoring what was lost.

pub(super) mod lease;
pub(super) mod local_sessions;
pub(super) mod maintenance;
pub(super) mod reaper;
pub(super) mod restore;
pub(super) mod server;
