//! Tickets in memory. It must not compare them.

use parlor_core::ports::{Account, EvictionOrder, SessionKey, StoreResult, Ticket, Tickets};
use parlor_proto::{Generation, TicketId, Tickets as Which, Timestamp, UserName};

use super::MemoryAccounts;
use crate::sync::lock;

impl Tickets for MemoryAccounts {
    fn add(&self, account: &Account, ticket: &Ticket) -> StoreResult<bool> {
        let mut people = lock(&self.state);
        let found = people.accounts.get(&account.user);
        let is_same = found.is_some_and(|it| it.version() == account.version() && it.hash == account.hash);
        let tickets = people.tickets.entry(account.user.clone()).or_default();
        if !is_same || tickets.iter().any(|kept| kept.id() == ticket.id()) {
            return Ok(false);
        }
        let surplus = EvictionOrder::of(tickets, ticket.made).surplus();
        tickets.retain(|kept| !surplus.contains(&kept.id()));
        tickets.push(ticket.clone());
        Ok(true)
    }

    fn find(&self, user: &UserName, id: TicketId) -> StoreResult<Option<Ticket>> {
        let people = lock(&self.state);
        Ok(people.tickets.get(user).and_then(|tickets| tickets.iter().find(|kept| kept.id() == id)).cloned())
    }

    fn tickets(&self, user: &UserName) -> StoreResult<Vec<Ticket>> {
        let mut tickets = lock(&self.state).tickets.get(user).cloned().unwrap_or_default();
        tickets.sort_by_key(|ticket| (ticket.made, ticket.id()));
        Ok(tickets)
    }

    fn note_use(&self, user: &UserName, found: &Ticket, now: Timestamp, address: &str) -> StoreResult<bool> {
        let mut people = lock(&self.state);
        let kept = people.tickets.get_mut(user).and_then(|tickets| tickets.iter_mut().find(|it| it.hash == found.hash));
        let Some(kept) = kept else { return Ok(false) };
        kept.used = Some(now);
        kept.address = Some(address.to_owned());
        Ok(true)
    }

    fn bind(&self, session_key: &SessionKey, id: TicketId) -> StoreResult<bool> {
        // Sessions are in this process, which is always told.
        self.find(&session_key.user, id).map(|found| found.is_some())
    }

    fn revoke(&self, user: &UserName, which: Which, by: Option<Generation>) -> StoreResult<usize> {
        let mut people = lock(&self.state);
        let tickets = people.tickets.entry(user.clone()).or_default();
        let is_meant = |ticket: &Ticket| which == Which::All || which == Which::One(ticket.id());
        let revoked: Vec<TicketId> = tickets.iter().filter(|ticket| is_meant(ticket)).map(Ticket::id).collect();
        tickets.retain(|ticket| !is_meant(ticket));
        drop(people);
        self.sink.tickets_revoked(user, &revoked, by).run();
        Ok(revoked.len())
    }
}
