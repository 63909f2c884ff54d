//! Tickets in Redis: one hash for each user, by id. It must not compare them.

use std::collections::HashMap;
use std::time::Duration;

use parlor_core::ports::{Account, EvictionOrder, MAX_TICKETS, SecretHash, SessionKey, StoreResult, Ticket, Tickets};
use parlor_proto::{Generation, TicketId, Tickets as Which, Timestamp, UserName};

use super::accounts::{AdminAccounts, RedisAccounts};
use super::connection::command::{self, Argument, Command};
use super::connection::router::Router;
use super::connection::script;
use super::contention::until_unchanged;
use super::keys;
use super::membership::server::Server;
use super::pubsub::message::ServerMessage;

/// The ids of tickets that a script revoked, and whether it fenced a session off.
pub(super) type Revoked = (Vec<String>, bool);

/// The answer of the script that adds a ticket if none of those that were to leave is left.
const ALL_GONE: i64 = -1;

/// In a stored form: nothing.
const NONE: &str = "-";

/// Begins the stored form of a ticket whose account was suspended (`scripts/suspend_account.lua`).
const REVOKED: &str = "x ";

/// Tickets in Redis, for servers and for admin programs.
pub(super) struct RedisTickets<'a>(pub(super) &'a Router);

impl RedisTickets<'_> {
    fn call<T: ::redis::FromRedisValue>(&self, command: Command) -> StoreResult<T> {
        command::read(self.0.call(command))
    }

    /// Ends the sessions of tickets that a script revoked: tells all servers, and takes the seats of one that was fenced off.
    pub(super) fn end_sessions(&self, user: &UserName, revoked: &Revoked, by: Option<Generation>) -> StoreResult<()> {
        let (ids, is_fenced) = revoked;
        if *is_fenced {
            RedisAccounts(self.0).end_memberships(user)?;
        }
        let ids: Vec<TicketId> = ids.iter().filter_map(|id| id.parse().ok()).collect();
        if ids.is_empty() {
            return Ok(());
        }
        let news = ServerMessage::Revoked(user.clone(), by, ids).write();
        self.call::<i64>(Command::plain("SPUBLISH", keys::EVERYBODY, &[&news])).map(drop)
    }
}

impl Tickets for RedisTickets<'_> {
    fn add(&self, account: &Account, ticket: &Ticket) -> StoreResult<bool> {
        let keys = [keys::user(&account.user), keys::tickets(&account.user)];
        let (id, stored) = (ticket.id().to_string(), write(ticket));
        until_unchanged("the tickets of this user", || {
            let EvictionOrder { void, valid } = EvictionOrder::of(&self.tickets(&account.user)?, ticket.made);
            let leaving: Vec<String> = void.iter().chain(&valid).map(TicketId::to_string).collect();
            let void = void.len();
            let (hash, created) = (account.hash.expose(), account.created.as_millis());
            let mut args: Vec<&dyn Argument> = vec![&hash, &created, &account.kicks, &id, &stored, &MAX_TICKETS, &void];
            args.extend(leaving.iter().map(|id| id as &dyn Argument));
            let added: i64 = self.call(Command::script(script::add_ticket(), &keys, &args))?;
            Ok((added != ALL_GONE).then_some(added > 0))
        })
    }

    fn find(&self, user: &UserName, id: TicketId) -> StoreResult<Option<Ticket>> {
        read_ticket(self.0.call(ask_for_ticket(user, id)))
    }

    fn tickets(&self, user: &UserName) -> StoreResult<Vec<Ticket>> {
        let stored: HashMap<String, String> = self.call(Command::plain("HGETALL", keys::tickets(user), &[]))?;
        let mut tickets: Vec<Ticket> = stored.values().filter_map(|stored| read(stored)).collect();
        tickets.sort_by_key(|ticket| (ticket.made, ticket.id()));
        Ok(tickets)
    }

    fn note_use(&self, user: &UserName, found: &Ticket, now: Timestamp, address: &str) -> StoreResult<bool> {
        let used = Ticket { used: Some(now), address: Some(address.to_owned()), ..found.clone() };
        let (id, found, used) = (found.id().to_string(), write(found), write(&used));
        let args: [&dyn Argument; 3] = [&id, &found, &used];
        let noted = Command::script(script::note_ticket_use(), &[keys::tickets(user)], &args);
        self.call::<i64>(noted).map(|kept| kept > 0)
    }

    fn bind(&self, session_key: &SessionKey, id: TicketId) -> StoreResult<bool> {
        read_bound(self.0.call(bind(session_key, id)))
    }

    fn revoke(&self, user: &UserName, which: Which, by: Option<Generation>) -> StoreResult<usize> {
        let id = match which {
            Which::All => String::new(),
            Which::One(id) => id.to_string(),
        };
        let keys = [keys::user(user), keys::tickets(user)];
        let revoked: Revoked = self.call(Command::script(script::revoke_tickets(), &keys, &[&id, &written(by)]))?;
        self.end_sessions(user, &revoked, by)?;
        Ok(revoked.0.len())
    }
}

/// Asks for a ticket.
pub(super) fn ask_for_ticket(user: &UserName, id: TicketId) -> Command {
    Command::plain("HGET", keys::tickets(user), &[&id.to_string()])
}

/// Reads the answer to [`ask_for_ticket`].
pub(super) fn read_ticket(reply: StoreResult<::redis::Value>) -> StoreResult<Option<Ticket>> {
    let stored: Option<String> = command::read(reply)?;
    Ok(stored.and_then(|stored| read(&stored)))
}

/// Notes that a session began by a ticket.
pub(super) fn bind(SessionKey { user, generation }: &SessionKey, id: TicketId) -> Command {
    let keys = [keys::user(user), keys::tickets(user)];
    Command::script(script::bind_ticket(), &keys, &[&id.to_string(), &generation.0])
}

/// Reads the answer to [`bind`]: whether the ticket is there.
pub(super) fn read_bound(reply: StoreResult<::redis::Value>) -> StoreResult<bool> {
    command::read::<i64>(reply).map(|there| there > 0)
}

/// How scripts read the session that revokes tickets.
pub(super) fn written(by: Option<Generation>) -> String {
    by.map(|by| by.0.to_string()).unwrap_or_default()
}

/// The stored form of a ticket: its hash, when it was made and used, its lifetime in milliseconds, its address, its label.
pub(super) fn write(ticket: &Ticket) -> String {
    let Ticket { hash, label, made, used, address, lifetime, is_revoked } = ticket;
    let used = used.map_or_else(|| NONE.to_owned(), |used| used.as_millis().to_string());
    let lifetime = lifetime.map_or_else(|| NONE.to_owned(), |lifetime| lifetime.as_millis().to_string());
    let address = address.as_deref().unwrap_or(NONE);
    let mark = if *is_revoked { REVOKED } else { "" };
    format!("{mark}{} {} {used} {lifetime} {address} {label}", hash.expose(), made.as_millis())
}

/// Reads what `write` wrote; none if it is nothing of the kind.
pub(super) fn read(stored: &str) -> Option<Ticket> {
    let (is_revoked, stored) = stored.strip_prefix(REVOKED).map_or((false, stored), |stored| (true, stored));
    let mut words = stored.splitn(6, ' ');
    let mut next = || words.next();
    let (hash, made, used, lifetime, address) = (next()?, next()?, next()?, next()?, next()?);
    let optional = |word: &str| if word == NONE { Some(None) } else { word.parse().ok().map(Some) };
    let lifetime = optional(lifetime)?.map(i64::unsigned_abs);
    Some(Ticket {
        hash: SecretHash::read(hash)?,
        label: next()?.to_owned().into(),
        made: Timestamp::from_millis(made.parse().ok()?),
        used: optional(used)?.map(Timestamp::from_millis),
        address: (address != NONE).then(|| address.to_owned()),
        lifetime: lifetime.map(Duration::from_millis),
        is_revoked,
    })
}

/// Forwards each call to `RedisTickets`.
macro_rules! tickets_of {
    ($owner:ty) => {
        impl Tickets for $owner {
            fn add(&self, account: &Account, ticket: &Ticket) -> StoreResult<bool> {
                RedisTickets(&self.router).add(account, ticket)
            }

            fn find(&self, user: &UserName, id: TicketId) -> StoreResult<Option<Ticket>> {
                RedisTickets(&self.router).find(user, id)
            }

            fn tickets(&self, user: &UserName) -> StoreResult<Vec<Ticket>> {
                RedisTickets(&self.router).tickets(user)
            }

            fn note_use(&self, user: &UserName, found: &Ticket, now: Timestamp, address: &str) -> StoreResult<bool> {
                RedisTickets(&self.router).note_use(user, found, now, address)
            }

            fn bind(&self, session_key: &SessionKey, id: TicketId) -> StoreResult<bool> {
                RedisTickets(&self.router).bind(session_key, id)
            }

            fn revoke(&self, user: &UserName, which: Which, by: Option<Generation>) -> StoreResult<usize> {
                RedisTickets(&self.router).revoke(user, which, by)
            }
        }
    };
}

tickets_of!(Server);
tickets_of!(AdminAccounts);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_are_read_as_they_were_written() {
        let hash = SecretHash::of("secret");
        let full = Ticket {
            hash: hash.clone(),
            label: String::from("my  laptop").into(),
            made: Timestamp::from_millis(7),
            used: Some(Timestamp::from_millis(9)),
            address: Some("2001:db8::1".to_owned()),
            lifetime: Some(Duration::from_secs(5)),
            is_revoked: true,
        };
        let bare = Ticket {
            label: String::new().into(),
            used: None,
            address: None,
            lifetime: None,
            is_revoked: false,
            ..full.clone()
        };
        for ticket in [full, bare] {
            assert_eq!(read(&write(&ticket)), Some(ticket));
        }
        assert_eq!(read("x"), None);
        assert_eq!(read(&format!("{} 7 - never - ", hash.expose())), None);
    }

    #[test]
    fn a_ticket_that_lacks_something_is_none_whoever_revoked_it() {
        let stored = format!("{} 7 9 5000 192.0.2.1 my laptop", SecretHash::of("secret").expose());
        assert!(read(&stored).is_some_and(|ticket| !ticket.is_revoked));
        assert!(
            read(&format!("x {stored}"))
                .is_some_and(|ticket| ticket.is_revoked && ticket.label.as_str() == "my laptop")
        );
        let words: Vec<&str> = stored.splitn(6, ' ').collect();
        for count in 0..6 {
            for mark in ["", "x "] {
                assert_eq!(read(&format!("{mark}{}", words[..count].join(" "))), None, "{count} words");
            }
        }
        for (at, strange) in [(0, "ba78"), (1, "soon"), (1, "-"), (2, "soon"), (3, "for ever")] {
            let mut words = words.clone();
            words[at] = strange;
            assert_eq!(read(&words.join(" ")), None, "{strange}");
        }
        assert_eq!((written(None), written(Some(Generation(9)))), (String::new(), "9".to_owned()));
    }
}
