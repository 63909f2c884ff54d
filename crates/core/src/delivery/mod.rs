//! From a log to the clients: who listens, what is pushed together, who flushes. It must not know commands or sessions.

pub(crate) mod batch;
pub(crate) mod flush;
pub(crate) mod hub;
pub(crate) mod outbox;
pub(crate) mod peer;
pub(crate) mod recipient;
pub(crate) mod topic;
