//! When an operator makes and revokes invitations. It must not judge whom they let in.

use crate::client::{Role, SimulatedClient};
use crate::record::Line;

impl SimulatedClient {
    /// The line that makes an invitation or revokes one, if it is time for that.
    pub(crate) fn mind_invitations(&mut self) -> Option<Line> {
        if self.part.role != Role::Judge || !self.context.owns_servers() || !self.rng.chance(40) {
            return None;
        }
        let invitations = self.context.board.invitations();
        // Guests may be at the newest one right now.
        match invitations.last() {
            Some(newest) if self.rng.chance(30) => Some(Line::Uninvite(newest.id.to_string())),
            _ => Some(Line::Invitation(self.context.guest_room().to_owned())),
        }
    }
}
