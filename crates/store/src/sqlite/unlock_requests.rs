//! Requests to clear failed logins. The failures are in the memory of the server, but an admin unlocks an account in
//! another process. So a request is a row here, which the server polls. It must not know the failures.

use parlor_core::ports::StoreResult;
use parlor_proto::{Timestamp, UserName};

use super::database::Database;
use super::{known_addresses, rows};

/// Number of requests that a server can still find in the table.
const ORDERS_KEPT: i64 = 1000;

impl Database {
    /// Stores a request, and records the address as usual. Returns `false` if there is no such account.
    pub(super) fn request_unlock(&self, user: &UserName, address: Option<&str>, now: Timestamp) -> StoreResult<bool> {
        let (user, address) = (user.clone(), address.map(str::to_owned));
        self.change(move |connection| {
            let name = [user.as_str()];
            if !connection.prepare_cached("SELECT 1 FROM account WHERE name = ?1")?.exists(name)? {
                return Ok(false);
            }
            if let Some(address) = &address {
                known_addresses::note(connection, &user, address, now)?;
            }
            connection.execute("INSERT INTO unlocking (name) VALUES (?1)", name)?;
            let oldest = connection.last_insert_rowid() - ORDERS_KEPT;
            connection.execute("DELETE FROM unlocking WHERE id <= ?1", [oldest])?;
            Ok(true)
        })
    }

    /// Number of the newest request; 0 if there was none.
    pub(super) fn last_unlocking(&self) -> StoreResult<i64> {
        self.read(|connection| connection.query_row("SELECT coalesce(max(id), 0) FROM unlocking", [], |row| row.get(0)))
    }

    /// Accounts that were unlocked after the request with this number, oldest first.
    pub(super) fn unlockings_after(&self, number: i64) -> StoreResult<Vec<(i64, UserName)>> {
        self.read(|connection| {
            let mut select = connection.prepare_cached("SELECT id, name FROM unlocking WHERE id > ?1 ORDER BY id")?;
            let rows = select.query_map([number], |row| Ok((row.get(0)?, rows::user(row, 1)?)))?;
            rows.collect()
        })
    }
}
