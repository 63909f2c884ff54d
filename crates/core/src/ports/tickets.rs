//! The port of tickets, with which clients log in without the password. It must not see a secret: it keeps hashes.

use std::time::Duration;

use parlor_proto::{Generation, Note, TicketId, TicketInfo, Tickets as Which, Timestamp, UserName};

use super::{Account, SecretHash, SessionKey, StoreResult};

/// Maximum number of valid tickets of one user.
pub const MAX_TICKETS: usize = 16;

/// One ticket of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The hash of its secret; its id is a part of the hash.
    pub hash: SecretHash,
    /// What it is for; may be empty.
    pub label: Note,
    /// When it was made.
    pub made: Timestamp,
    /// When it was used last.
    pub used: Option<Timestamp>,
    /// From where it was used last, or else where it was made; none if it was not made over a connection.
    pub address: Option<String>,
    /// How long after its last use it is valid; none for ever.
    pub lifetime: Option<Duration>,
    /// Whether its account was suspended since. It logs nobody in, and is kept only to tell its owner of the suspension.
    pub is_revoked: bool,
}

impl Ticket {
    /// Names it.
    pub fn id(&self) -> TicketId {
        TicketId(self.hash.number())
    }

    /// When it ends, if it is not used before; none for never.
    pub fn expires(&self) -> Option<Timestamp> {
        self.lifetime.map(|lifetime| self.used.unwrap_or(self.made).after(lifetime))
    }

    /// Whether it logs its user in.
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        !self.is_revoked && !self.is_over_at(now)
    }

    /// Whether its time is over.
    pub fn is_over_at(&self, now: Timestamp) -> bool {
        self.expires().is_some_and(|expires| expires <= now)
    }

    /// What its owner sees of it.
    pub fn info(&self) -> TicketInfo {
        let Self { label, made, used, address, .. } = self.clone();
        TicketInfo { id: self.id(), label, made, used, address, expires: self.expires() }
    }
}

/// Which tickets of a user make room for one more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvictionOrder {
    /// Those that are not valid any more: they all go.
    pub void: Vec<TicketId>,
    /// The valid ones, in the order in which they go: the unused ones first, the oldest first, then those whose last use is
    /// the longest ago.
    pub valid: Vec<TicketId>,
}

impl EvictionOrder {
    /// The order of these tickets.
    pub fn of(tickets: &[Ticket], now: Timestamp) -> Self {
        let (mut valid, void): (Vec<&Ticket>, Vec<&Ticket>) =
            tickets.iter().partition(|ticket| ticket.is_valid_at(now));
        valid.sort_by_key(|ticket| (ticket.used, ticket.made, ticket.id()));
        let ids = |tickets: Vec<&Ticket>| tickets.into_iter().map(Ticket::id).collect();
        Self { void: ids(void), valid: ids(valid) }
    }

    /// Those that go so that one more makes at most [`MAX_TICKETS`].
    pub fn surplus(self) -> Vec<TicketId> {
        let excess = (self.valid.len() + 1).saturating_sub(MAX_TICKETS);
        self.void.into_iter().chain(self.valid.into_iter().take(excess)).collect()
    }
}

/// The tickets of each user. All of them end with the account, with a new password, and with a suspension. All calls may
/// block on the store.
pub trait Tickets: Send + Sync {
    /// Adds a ticket of an account, in the place of those that [`EvictionOrder`] names at the time it was made. Returns `false` and
    /// changes nothing if the account has another version or another password hash by now.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn add(&self, account: &Account, ticket: &Ticket) -> StoreResult<bool>;

    /// The ticket with this id, valid or not.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn find(&self, user: &UserName, id: TicketId) -> StoreResult<Option<Ticket>>;

    /// All tickets of a user, valid or not, oldest first.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn tickets(&self, user: &UserName) -> StoreResult<Vec<Ticket>>;

    /// Notes a use of a ticket that was found before. A use that was noted meanwhile may stay instead. Returns `false` if
    /// it was revoked meanwhile.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn note_use(&self, user: &UserName, found: &Ticket, now: Timestamp, address: &str) -> StoreResult<bool>;

    /// Notes that this session began by the ticket, so that its revocation ends the session even where no server can be told.
    /// Returns `false` if it was revoked meanwhile.
    ///
    /// # Errors
    /// The store cannot be reached.
    fn bind(&self, session_key: &SessionKey, id: TicketId) -> StoreResult<bool>;

    /// Revokes one ticket or all of a user, and ends the sessions that began by them, on whatever server, through
    /// [`super::Sink::tickets_revoked`]; but not the session `by`, which revokes them itself. Returns their number.
    ///
    /// # Errors
    /// The store cannot be reached; then they may be revoked, and the call can be repeated.
    fn revoke(&self, user: &UserName, which: Which, by: Option<Generation>) -> StoreResult<usize>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(number: u8, made: i64, used: Option<i64>) -> Ticket {
        let mut hash = [0; 32];
        hash[3] = number;
        Ticket {
            hash: SecretHash::stored(hash),
            label: Note::default(),
            made: Timestamp::from_millis(made),
            used: used.map(Timestamp::from_millis),
            address: None,
            lifetime: Some(Duration::from_millis(1000)),
            is_revoked: false,
        }
    }

    fn surplus(tickets: &[Ticket], now: i64) -> Vec<u32> {
        EvictionOrder::of(tickets, Timestamp::from_millis(now)).surplus().into_iter().map(|id| id.0).collect()
    }

    #[test]
    fn a_ticket_is_valid_for_its_lifetime_after_its_last_use() {
        let at = |millis| Timestamp::from_millis(millis);
        let unused = ticket(1, 0, None);
        assert!(unused.is_valid_at(at(999)) && !unused.is_valid_at(at(1000)));
        let used = ticket(1, 0, Some(500));
        assert!(used.is_valid_at(at(1499)) && !used.is_valid_at(at(1500)));
        let endless = Ticket { lifetime: None, ..used.clone() };
        assert!(endless.is_valid_at(at(i64::MAX)) && endless.expires().is_none());
        assert!(!Ticket { is_revoked: true, ..endless }.is_valid_at(at(0)));
    }

    #[test]
    fn the_oldest_unused_one_goes_and_then_the_one_whose_use_is_the_longest_ago() {
        let mut tickets: Vec<Ticket> = (0..15).map(|number| ticket(number, i64::from(number), Some(100))).collect();
        assert_eq!(surplus(&tickets, 500), [0; 0]);
        tickets.push(ticket(15, 90, None));
        assert_eq!(surplus(&tickets, 500), [15]);
        tickets[15].used = Some(Timestamp::from_millis(400));
        tickets[7].used = Some(Timestamp::from_millis(99));
        assert_eq!(surplus(&tickets, 500), [7]);
        // Those that are over make room by themselves.
        assert_eq!(surplus(&tickets, 1099), [7]);
        tickets[3].is_revoked = true;
        assert_eq!(surplus(&tickets, 500), [3]);
    }

    #[test]
    fn of_tickets_of_one_age_the_same_go_wherever_they_are_listed() {
        let mut tickets: Vec<Ticket> = (0..18).map(|number| ticket(number, 7, None)).collect();
        assert_eq!(surplus(&tickets, 500), [0, 1, 2]);
        tickets.reverse();
        assert_eq!(surplus(&tickets, 500), [0, 1, 2]);
    }

    #[test]
    fn those_that_are_over_go_though_there_is_room() {
        let mut tickets = [ticket(1, 0, None), ticket(2, 300, None), ticket(3, 300, None)];
        tickets[2].is_revoked = true;
        assert_eq!(surplus(&tickets, 1000), [1, 3]);
        assert!(tickets[0].is_over_at(Timestamp::from_millis(1000)));
        assert!(!tickets[2].is_over_at(Timestamp::from_millis(1000)), "it is revoked, and its time is not over");
    }
}
