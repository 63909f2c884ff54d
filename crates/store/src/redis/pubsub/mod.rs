//! What Redis publishes: received, put in order, and missing entries requested. It must not wait for a client.

pub(super) mod log_cursors;
pub(super) mod message;
pub(super) mod reader;
pub(super) mod readers;
