//! The tickets that a client has, and when it makes, shows and revokes them. It must not judge whom they let in.

use std::fmt;
use std::sync::Arc;

use crate::client::{Role, SimulatedClient};
use crate::coordinator::Phase;
use crate::record::{Line, Reply};

/// Maximum number of tickets that a client keeps, of valid ones and of void ones. A user may have sixteen.
const KEPT: usize = 3;

/// A ticket, as its user was told.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) id: Arc<str>,
    secret: Arc<str>,
}

impl Ticket {
    pub(crate) fn new(id: &str, secret: &str) -> Self {
        Self { id: id.into(), secret: secret.into() }
    }

    /// Only for the server.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }
}

/// A secret is not printed.
impl fmt::Debug for Ticket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Ticket({})", self.id)
    }
}

/// The tickets of a client, as the answers to its lines tell.
#[derive(Debug, Default)]
pub(crate) struct Purse {
    valid: Vec<Ticket>,
    /// Those that it revoked, to try them all the same.
    void: Vec<Ticket>,
    /// Whether the next login is tried by a ticket that is void.
    is_to_try_void: bool,
}

impl Purse {
    /// Notes the answer to a line.
    pub(crate) fn answered(&mut self, line: &Line, reply: &Reply) {
        match (line, reply) {
            (Line::Ticket, Reply::Ticket(ticket)) => self.valid.push(ticket.clone()),
            (Line::Revoke(Some(id)), Reply::Done) => self.make_void(|ticket| *ticket.id == **id),
            (Line::Revoke(None) | Line::Passwd, Reply::Done) => self.make_void(|_| true),
            // Somebody else with the same account made it void, or it is tried although it is.
            (Line::Resume(shown, _), Reply::Refused { code }) if code == "bad-credentials" => {
                self.valid.retain(|ticket| ticket != shown);
            }
            _ => {}
        }
    }

    fn make_void(&mut self, is_meant: impl Fn(&Ticket) -> bool) {
        let (void, valid) = std::mem::take(&mut self.valid).into_iter().partition(is_meant);
        self.valid = valid;
        self.void.extend::<Vec<Ticket>>(void);
        self.void.drain(..self.void.len().saturating_sub(KEPT));
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_knows_which_of_its_tickets_are_valid() {
        let mut purse = Purse::default();
        let tickets = ["a", "b", "c"].map(|id| Ticket::new(id, "secret"));
        for ticket in &tickets {
            purse.answered(&Line::Ticket, &Reply::Ticket(ticket.clone()));
        }
        purse.answered(&Line::Revoke(Some("a".to_owned())), &Reply::Done);
        assert_eq!((&purse.valid[..], &purse.void[..]), (&tickets[1..], &tickets[..1]));
        let refused = Reply::Refused { code: "bad-credentials".to_owned() };
        purse.answered(&Line::Resume(tickets[1].clone(), crate::record::ShownBy::Line), &refused);
        purse.answered(&Line::Revoke(None), &refused);
        assert_eq!(purse.valid, tickets[2..]);
        purse.answered(&Line::Passwd, &Reply::Done);
        assert_eq!((&purse.valid[..], purse.void.len()), (&[][..], 2));
    }

    #[test]
    fn no_secret_is_printed() {
        let line = Line::Resume(Ticket::new("7", "hunter"), crate::record::ShownBy::Line);
        assert_eq!(format!("{line:?}"), "Resume(Ticket(7), Line)");
    }
}
