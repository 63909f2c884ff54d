//! When the owner of the court makes and ends hooks there. It must not judge what they do.

use crate::client::{Role, SimulatedClient};
use crate::entry::PROGRAM;
use crate::record::Line;

/// Outgoing hooks that a client makes. A room may have 20 hooks.
const OUTGOING: usize = 2;
/// Incoming hooks that a client has at the same time.
const INCOMING: usize = 2;
/// How often it asks for a hook of each kind at most: an answer may be lost although the hook was made.
const TRIES: usize = 8;

impl SimulatedClient {
    /// The line that makes a hook or ends one, if it is time for that: the first of each kind soon, the others at any time.
    pub(crate) fn mind_hooks(&mut self) -> Option<Line> {
        if self.part.role != Role::Judge || !self.context.owns_servers() {
            return None;
        }
        self.new_outhook().or_else(|| self.new_hook()).or_else(|| self.end_hook())
    }

    fn new_outhook(&mut self) -> Option<Line> {
        let receiver = self.context.receiver.as_ref()?;
        let asked = self.hooks.asked_outgoing;
        if self.hooks.outgoing >= OUTGOING || asked >= TRIES || (asked > 0 && !self.rng.chance(10)) {
            return None;
        }
        self.hooks.asked_outgoing += 1;
        let room = self.context.court.clone();
        let url = receiver.url(&format!("{room}/{asked}"));
        Some(Line::Outhook { room, url })
    }

    fn new_hook(&mut self) -> Option<Line> {
        let asked = self.hooks.asked_incoming;
        if self.hooks.incoming.len() >= INCOMING || asked >= TRIES || (asked > 0 && !self.rng.chance(20)) {
            return None;
        }
        self.hooks.asked_incoming += 1;
        let label = format!("{PROGRAM}{asked}{}", self.context.tag);
        Some(Line::Hook { room: self.context.court.clone(), label })
    }

    /// Ends the oldest one.
    fn end_hook(&mut self) -> Option<Line> {
        let id = self.hooks.incoming.first().cloned()?;
        self.rng.chance(15).then(|| Line::Unhook { room: self.context.court.clone(), id })
    }
}
