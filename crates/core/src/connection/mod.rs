//! One client of the server, from bytes to effects: commands, actions, the session. It must not deliver by itself.

pub(crate) mod actions;
pub(crate) mod command_processor;
pub(crate) mod driver;
pub(crate) mod effects;
pub(crate) mod handle;
pub(crate) mod session;
pub(crate) mod session_cell;
