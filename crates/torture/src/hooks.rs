//! When the owner of the court makes hooks there. It must not judge what they do.

use crate::client::{Role, SimulatedClient};
use crate::record::{Line, Reply};

/// Outgoing hooks that a client makes. A room may have 20.
const OUTGOING: usize = 2;
/// How often it asks for one at most: an answer may be lost although the hook was made.
const TRIES: usize = 6;

/// The hooks that a client made.
#[derive(Debug, Default)]
pub(crate) struct Hooks {
    outgoing: usize,
    asked: usize,
}

impl Hooks {
    /// Notes the answer to a line.
    pub(crate) fn answered(&mut self, line: &Line, reply: &Reply) {
        if matches!((line, reply), (Line::Outhook { .. }, Reply::Done)) {
            self.outgoing += 1;
        }
    }
}

impl SimulatedClient {
    /// The line that makes a hook, if it is time for one: the first one soon, the others at any time.
    pub(crate) fn new_hook(&mut self) -> Option<Line> {
        let receiver = self.context.receiver.as_ref().filter(|_| self.part.role == Role::Judge)?;
        let Hooks { outgoing, asked } = self.hooks;
        if outgoing >= OUTGOING || asked >= TRIES || (asked > 0 && !self.rng.chance(10)) {
            return None;
        }
        self.hooks.asked += 1;
        let room = self.context.court.clone();
        let url = receiver.url(&format!("{room}/{asked}"));
        Some(Line::Outhook { room, url })
    }
}
