//! The path of a command to Redis: to its node, in batches, over a connection that is reopened when it breaks. It must
//! not know the ports.

pub(super) mod check;
pub(super) mod command;
pub(in crate::redis) mod companions;
mod concurrently;
pub(super) mod dial;
#[cfg(test)]
pub(super) mod fake_node;
pub(super) mod pipeline;
pub(super) mod reconnect;
pub(super) mod router;
pub(super) mod script;
pub(super) mod slots;
pub(super) mod statistics;
pub(super) mod url;
