//! The subcommands of `parlor`, one file each: they open what they need and call it. They must not contain rules of the
//! chat.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod cert;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod connect;
pub(crate) mod drain;
pub(crate) mod export;
pub(crate) mod import;
pub(crate) mod invite;
pub(crate) mod kick;
pub(crate) mod log_level;
pub(crate) mod migrate;
mod new_file;
mod place;
mod progress;
pub(crate) mod restore;
pub(crate) mod room;
pub(crate) mod serve;
pub(crate) mod sessions;
pub(crate) mod status;
pub(crate) mod torture;
pub(crate) mod user;
