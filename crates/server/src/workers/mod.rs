//! The threads besides those of the clients: flushing, hashing, periodic tasks, signals. They must not know what
//! clients say.

pub(crate) mod auth_program;
pub(crate) mod blocked_writer;
pub(crate) mod flush_pool;
pub(crate) mod hashing;
pub(crate) mod housekeeping;
pub(crate) mod outhooks;
pub(crate) mod signals;
