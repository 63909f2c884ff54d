//! The threads beside those of the clients: flushing, hashing, periodic tasks, signals. It must not know what is said.

pub(crate) mod blocked_writer;
pub(crate) mod flush_pool;
pub(crate) mod hashing;
pub(crate) mod housekeeping;
pub(crate) mod signals;
