//! From a log to the clients: the recipients, the entries that are pushed together, and the flushes. It must not know
//! commands or sessions.

pub(crate) mod batch;
mod canary;
pub(crate) mod counters;
pub(crate) mod drain;
pub(crate) mod eviction;
pub(crate) mod flush;
pub(crate) mod hub;
pub(crate) mod outbox;
pub(crate) mod peer;
pub(crate) mod recipient;
pub(crate) mod shown;
pub(crate) mod topic;
