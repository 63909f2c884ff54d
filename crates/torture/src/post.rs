//! A post of an outgoing hook, as the receiver got it. It must not know what was said.

use std::time::Duration;

/// A message that an outgoing hook posted. What a receiver cannot read has no number, and all of it as its text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Post {
    /// When the receiver had read it.
    pub(crate) at: Duration,
    /// The address, without the host: it names the hook.
    pub(crate) hook: String,
    pub(crate) room: String,
    pub(crate) epoch: String,
    pub(crate) id: u64,
    pub(crate) from: String,
    pub(crate) text: String,
    /// How many entries before it were forgotten.
    pub(crate) missed: u64,
    /// The receiver did not say that it has the message, so it must come again.
    pub(crate) is_refused: bool,
}
