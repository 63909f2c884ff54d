//! The hooks that a client made. It must not decide when it makes or ends one.

use crate::record::{Line, Reply};

/// The hooks of a client, as the answers to its lines tell.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    pub(crate) outgoing: usize,
    /// The ids of those that are not ended, oldest first.
    pub(crate) incoming: Vec<String>,
    pub(crate) asked_outgoing: usize,
    pub(crate) asked_incoming: usize,
}

impl Hooks {
    /// Notes the answer to a line.
    pub(crate) fn answered(&mut self, line: &Line, reply: &Reply) {
        match (line, reply) {
            (Line::Outhook { .. }, Reply::Done) => self.outgoing += 1,
            (_, Reply::Hook(hook)) => self.incoming.push(hook.id.to_string()),
            (Line::Unhook { id, .. }, Reply::Done) => self.incoming.retain(|kept| kept != id),
            _ => {}
        }
    }
}
