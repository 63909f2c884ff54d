//! The measured values of processes and messages. It must not make load.

pub(crate) mod cpu;
pub(crate) mod delivery_checker;
pub(crate) mod histogram;
pub(crate) mod machine;
pub(crate) mod memory;
pub(crate) mod stamp;
