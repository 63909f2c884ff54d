//! Commands that travel with a step of several commands, in the same request. It must not know what they mean.

use ::redis::Value;
use parlor_core::ports::StoreResult;

use crate::redis::connection::command::Command;

/// Commands of a caller that a step sends with its own, and the replies to them.
#[derive(Default)]
pub(in crate::redis) struct Companions {
    /// Those before the command that decides. The step takes them when it sends them, once.
    pub(in crate::redis) before: Vec<Command>,
    /// Those behind it. The step may send them again.
    pub(in crate::redis) after: Vec<Command>,
    /// The replies to those before; none if the step failed earlier.
    pub(in crate::redis) replies_before: Vec<StoreResult<Value>>,
    /// The last replies to those behind it; none if the step failed earlier.
    pub(in crate::redis) replies_after: Vec<StoreResult<Value>>,
}

impl Companions {
    /// Commands of any slots before the step, and commands behind it.
    pub(in crate::redis) fn new(before: Vec<Command>, after: Vec<Command>) -> Self {
        Self { before, after, ..Self::default() }
    }
}
