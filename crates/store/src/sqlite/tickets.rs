//! Tickets in the embedded database. It must not compare them.
//!
//! Sessions are in the memory of the server, but an admin revokes in another process. So each revocation is also a row,
//! which the server polls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parlor_core::ports::{Account, EvictionOrder, SecretHash, SessionKey, StoreResult, Ticket, Tickets};
use parlor_proto::{Generation, TicketId, Tickets as Which, Timestamp, UserName};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::database::Database;
use super::rows;

/// Number of revocations that a server can still find in the table.
const REVOCATIONS_KEPT: i64 = 1000;

/// All columns of a ticket, as [`ticket`] reads them.
const TICKETS: &str = "SELECT hash, label, made, used, address, lifetime, revoked FROM ticket WHERE user = ?1";

/// A ticket that was revoked.
pub(super) struct Revocation {
    /// Sequence number over all revocations.
    pub(super) number: i64,
    pub(super) user: UserName,
    pub(super) ticket: TicketId,
    /// The session that revoked it.
    pub(super) by: Option<Generation>,
}

impl Tickets for Database {
    fn add(&self, account: &Account, ticket: &Ticket) -> StoreResult<bool> {
        let (account, added) = (account.clone(), ticket.clone());
        self.change(move |connection| {
            let user = account.user.as_str();
            let mut same = connection.prepare_cached(
                "SELECT 1 FROM account WHERE name = ?1 AND created = ?2 AND kicks = ?3 AND hash = ?4",
            )?;
            if !same.exists(params![user, account.created.as_millis(), account.kicks, account.hash.expose()])? {
                return Ok(false);
            }
            for surplus in EvictionOrder::of(&tickets(connection, &account.user)?, added.made).surplus() {
                connection.execute("DELETE FROM ticket WHERE user = ?1 AND id = ?2", params![user, surplus.0])?;
            }
            insert(connection, &account.user, &added)
        })
    }

    fn find(&self, user: &UserName, id: TicketId) -> StoreResult<Option<Ticket>> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(&format!("{TICKETS} AND id = ?2"))?;
            select.query_row(params![user.as_str(), id.0], ticket).optional()
        })
    }

    fn tickets(&self, user: &UserName) -> StoreResult<Vec<Ticket>> {
        self.read(|connection| tickets(connection, user))
    }

    fn note_use(&self, user: &UserName, found: &Ticket, now: Timestamp, address: &str) -> StoreResult<bool> {
        let (user, found, address) = (user.clone(), found.clone(), address.to_owned());
        self.change(move |connection| {
            let mut update = connection.prepare_cached(
                "UPDATE ticket SET used = ?4, address = ?5 WHERE user = ?1 AND id = ?2 AND hash = ?3",
            )?;
            let (id, hash) = (found.id().0, found.hash.expose());
            Ok(update.execute(params![user.as_str(), id, hash, now.as_millis(), address])? > 0)
        })
    }

    fn bind(&self, session_key: &SessionKey, id: TicketId) -> StoreResult<bool> {
        // Sessions are in the memory of the one server, which finds each revocation in the table.
        Tickets::find(self, &session_key.user, id).map(|found| found.is_some())
    }

    fn revoke(&self, user: &UserName, which: Which, by: Option<Generation>) -> StoreResult<usize> {
        let (user, count) = (user.clone(), Arc::new(AtomicUsize::new(0)));
        let counted = count.clone();
        self.change(move |connection| {
            let revoked = revoke(connection, &user, which, by)?;
            counted.store(revoked, Ordering::Relaxed);
            Ok(revoked > 0)
        })?;
        Ok(count.load(Ordering::Relaxed))
    }
}

impl Database {
    /// Number of the newest revocation; 0 if there was none.
    pub(super) fn last_revocation(&self) -> StoreResult<i64> {
        self.read(|connection| {
            connection.query_row("SELECT coalesce(max(id), 0) FROM revocation", [], |row| row.get(0))
        })
    }

    /// Tickets that were revoked after the revocation with this number, oldest first.
    pub(super) fn revocations_after(&self, number: i64) -> StoreResult<Vec<Revocation>> {
        self.read(|connection| {
            let mut select = connection
                .prepare_cached("SELECT id, name, ticket, generation FROM revocation WHERE id > ?1 ORDER BY id")?;
            let revocation = |row: &Row<'_>| {
                let (number, by): (i64, Option<u64>) = (row.get(0)?, row.get(3)?);
                Ok(Revocation {
                    number,
                    user: rows::user(row, 1)?,
                    ticket: TicketId(row.get(2)?),
                    by: by.map(Generation),
                })
            };
            select.query_map([number], revocation)?.collect()
        })
    }
}

/// Revokes tickets, and tells the server. Returns their number.
pub(super) fn revoke(
    connection: &Connection,
    user: &UserName,
    which: Which,
    by: Option<Generation>,
) -> rusqlite::Result<usize> {
    let is_meant = |ticket: &Ticket| which == Which::All || which == Which::One(ticket.id());
    let revoked: Vec<TicketId> =
        tickets(connection, user)?.iter().filter(|ticket| is_meant(ticket)).map(Ticket::id).collect();
    for id in &revoked {
        connection.execute("DELETE FROM ticket WHERE user = ?1 AND id = ?2", params![user.as_str(), id.0])?;
        let values = params![user.as_str(), id.0, by.map(|by| by.0)];
        connection.execute("INSERT INTO revocation (name, ticket, generation) VALUES (?1, ?2, ?3)", values)?;
    }
    let oldest = "DELETE FROM revocation WHERE id <= (SELECT max(id) FROM revocation) - ?1";
    connection.execute(oldest, [REVOCATIONS_KEPT])?;
    Ok(revoked.len())
}

/// Deletes all tickets of a user whose session ends anyway.
pub(super) fn forget_user(connection: &Connection, user: &UserName) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM ticket WHERE user = ?1", [user.as_str()]).map(drop)
}

/// Makes all tickets of a suspended user void.
pub(super) fn suspend_user(connection: &Connection, user: &UserName) -> rusqlite::Result<()> {
    connection.execute("UPDATE ticket SET revoked = 1 WHERE user = ?1", [user.as_str()]).map(drop)
}

/// Returns `false` if there is a ticket with this id.
pub(super) fn insert(connection: &Connection, user: &UserName, ticket: &Ticket) -> rusqlite::Result<bool> {
    let Ticket { hash, label, made, used, address, lifetime, is_revoked } = ticket;
    let lifetime = lifetime.map(|lifetime| i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX));
    let values = params![
        user.as_str(),
        ticket.id().0,
        hash.expose(),
        label.as_str(),
        made.as_millis(),
        used.map(Timestamp::as_millis),
        address,
        lifetime,
        is_revoked,
    ];
    let insert = "INSERT OR IGNORE INTO ticket VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    Ok(connection.execute(insert, values)? > 0)
}

pub(super) fn tickets(connection: &Connection, user: &UserName) -> rusqlite::Result<Vec<Ticket>> {
    let mut select = connection.prepare_cached(&format!("{TICKETS} ORDER BY made, id"))?;
    select.query_map([user.as_str()], ticket)?.collect()
}

fn ticket(row: &Row<'_>) -> rusqlite::Result<Ticket> {
    let (hash, label): (String, String) = (row.get(0)?, row.get(1)?);
    let unreadable = || rusqlite::Error::FromSqlConversionFailure(0, Type::Text, "no hash of a ticket".into());
    let (used, lifetime): (Option<i64>, Option<u64>) = (row.get(3)?, row.get(5)?);
    Ok(Ticket {
        hash: SecretHash::read(&hash).ok_or_else(unreadable)?,
        label: label.into(),
        made: Timestamp::from_millis(row.get(2)?),
        used: used.map(Timestamp::from_millis),
        address: row.get(4)?,
        lifetime: lifetime.map(Duration::from_millis),
        is_revoked: row.get(6)?,
    })
}
