//! What monitoring reads: counters of this process, and the page that shows them. It must not bear a name of a user or a
//! room, nor hold up what it counts.

mod counters;
mod exposition;
mod page;
mod process;

pub(crate) use counters::{Counters, Handshake};
pub(crate) use exposition::Exposition;
pub(crate) use page::Sources;
