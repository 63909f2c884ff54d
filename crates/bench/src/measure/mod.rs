//! What is measured of processes and messages. It must not make load.

pub(crate) mod cpu;
pub(crate) mod histogram;
pub(crate) mod ledger;
pub(crate) mod machine;
pub(crate) mod memory;
pub(crate) mod stamp;
