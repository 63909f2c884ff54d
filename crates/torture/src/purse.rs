//! The tickets that a client has. It must not decide when they are used.

use crate::record::{Line, Reply};
use crate::ticket::Ticket;

/// Maximum number of tickets that a client keeps, of valid ones and of void ones. A user may have sixteen.
pub(crate) const KEPT: usize = 3;

/// The tickets of a client, as the answers to its lines tell.
#[derive(Debug, Default)]
pub(crate) struct Purse {
    pub(crate) valid: Vec<Ticket>,
    /// Those that it revoked, to try them all the same.
    pub(crate) void: Vec<Ticket>,
    /// Whether the next login is tried by a ticket that is void.
    pub(crate) is_to_try_void: bool,
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
}
