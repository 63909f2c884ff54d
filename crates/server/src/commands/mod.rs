//! The subcommands of `parlor`, one file each: they open what they need and call it. They must not contain rules of the
//! chat.

pub(crate) mod audit;
pub(crate) mod cert;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod connect;
pub(crate) mod invite;
mod place;
pub(crate) mod room;
pub(crate) mod serve;
pub(crate) mod status;
pub(crate) mod torture;
pub(crate) mod user;
