//! When a client makes, shows and revokes tickets. It must not judge whom they let in.

use crate::client::{Role, SimulatedClient};
use crate::coordinator::Phase;
use crate::purse::KEPT;
use crate::record::Line;
use crate::ticket::Ticket;

impl SimulatedClient {
    /// The ticket by which it logs in now, if it does so by one: mostly one of its own, sometimes one that lets nobody in.
    pub(crate) fn ticket_to_show(&mut self, phase: Phase) -> Option<Ticket> {
        if std::mem::take(&mut self.purse.is_to_try_void) && !self.purse.void.is_empty() {
            return self.purse.void.last().cloned();
        }
        if phase == Phase::Chaos && self.rng.chance(15) {
            let other = if self.rng.chance(50) { self.context.board.ticket_of_another(&self.part.user) } else { None };
            return other.or_else(|| self.purse.void.last().cloned());
        }
        let valid = &self.purse.valid;
        (!valid.is_empty() && self.rng.chance(75)).then(|| self.rng.pick(valid).clone())
    }

    /// Whether it makes a ticket after its login.
    pub(crate) fn wants_ticket(&mut self) -> bool {
        self.context.board.phase() == Phase::Chaos && self.purse.valid.is_empty() && self.rng.chance(60)
    }

    /// After its tickets were made void: mostly comes back at once by one of them.
    pub(crate) fn try_void_ticket(&mut self) {
        if self.context.board.phase() == Phase::Chaos && !self.part.role.stays() && self.rng.chance(70) {
            self.purse.is_to_try_void = true;
            self.go_away();
        }
    }

    /// Makes a ticket, makes tickets void, or leaves to come back by one.
    pub(crate) fn mind_tickets(&mut self) {
        if !self.part.role.stays() && self.rng.chance(30) {
            return self.go_away();
        }
        let valid = &self.purse.valid;
        let line = match self.rng.below(20) {
            _ if valid.is_empty() => Line::Ticket,
            0..10 if valid.len() < KEPT => Line::Ticket,
            // Whoever shares the account would lose its tickets before it can use them.
            18 if !matches!(self.part.role, Role::Rival { .. }) => Line::Revoke(None),
            19 => Line::Passwd,
            _ => Line::Revoke(Some(self.rng.pick(valid).id.to_string())),
        };
        self.send(vec![line]);
        self.rest(40, 260);
    }
}
