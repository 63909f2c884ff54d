//! Messages that Redis publishes: they are received and put in order, and missing entries are requested. It must not
//! wait for a client.

pub(super) mod log_cursors;
pub(super) mod message;
pub(super) mod reader;
mod reader_connection;
pub(super) mod readers;
mod retry;
