//! Requests to end the session of an account. Sessions are in the memory of the server, but an admin ends one in another
//! process. So a request is a row here, which the server polls. It must not know the sessions.

use parlor_core::ports::{AccountVersion, StoreResult, Suspension};
use parlor_proto::{Timestamp, UserName};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::database::Database;
use super::{rows, tickets};

/// Number of requests that a server can still find in the table.
const REQUESTS_KEPT: i64 = 1000;

/// An account whose sessions end.
pub(super) struct Kick {
    /// Sequence number over all requests.
    pub(super) number: i64,
    pub(super) user: UserName,
    /// The account afterwards.
    pub(super) version: AccountVersion,
}

impl Database {
    /// Counts a kick of the account, and stores a request. Returns `false` if there is no such account.
    pub(super) fn request_kick(&self, user: &UserName) -> StoreResult<bool> {
        let user = user.clone();
        self.change(move |connection| kick(connection, &user))
    }

    /// Suspends the account, revokes its tickets and ends its session, in one step. Returns `false` if there is no such account.
    pub(super) fn request_suspension(&self, user: &UserName, suspension: &Suspension) -> StoreResult<bool> {
        let (user, Suspension { until, reason }) = (user.clone(), suspension.clone());
        self.change(move |connection| {
            if !kick(connection, &user)? {
                return Ok(false);
            }
            tickets::suspend_user(connection, &user)?;
            let until = until.map(Timestamp::as_millis);
            let values = params![user.as_str(), until, reason.as_str()];
            connection
                .execute("INSERT OR REPLACE INTO suspension (name, until, reason) VALUES (?1, ?2, ?3)", values)?;
            Ok(true)
        })
    }

    /// Number of the newest request; 0 if there was none.
    pub(super) fn last_kick(&self) -> StoreResult<i64> {
        self.read(|connection| connection.query_row("SELECT coalesce(max(id), 0) FROM kick", [], |row| row.get(0)))
    }

    /// Accounts that were kicked after the request with this number, oldest first.
    pub(super) fn kicks_after(&self, number: i64) -> StoreResult<Vec<Kick>> {
        self.read(|connection| {
            let mut select =
                connection.prepare_cached("SELECT id, name, created, kicks FROM kick WHERE id > ?1 ORDER BY id")?;
            let kick = |row: &Row<'_>| {
                let version = AccountVersion { created: Timestamp::from_millis(row.get(2)?), kicks: row.get(3)? };
                Ok(Kick { number: row.get(0)?, user: rows::user(row, 1)?, version })
            };
            select.query_map([number], kick)?.collect()
        })
    }
}

/// Counts a kick of the account, and stores a request. Returns `false` if there is no such account.
fn kick(connection: &Connection, user: &UserName) -> rusqlite::Result<bool> {
    let name = user.as_str();
    let counted = "UPDATE account SET kicks = kicks + 1 WHERE name = ?1 RETURNING created, kicks";
    let version = connection.query_row(counted, [name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((created, kicks)): Option<(i64, i64)> = version else { return Ok(false) };
    let request = "INSERT INTO kick (name, created, kicks) VALUES (?1, ?2, ?3)";
    connection.execute(request, params![name, created, kicks])?;
    let oldest = connection.last_insert_rowid() - REQUESTS_KEPT;
    connection.execute("DELETE FROM kick WHERE id <= ?1", [oldest])?;
    Ok(true)
}
