//! The subcommands of `parlor`, one file each. They must not hold rules of the chat; they open what is needed and call it.

pub(crate) mod cert;
pub(crate) mod completions;
