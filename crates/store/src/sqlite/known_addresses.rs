//! The usual addresses of users in the embedded database, so that they survive the server. It must not know their
//! purpose.

use parlor_core::ports::{KNOWN_FOR, MAX_KNOWN_ADDRESSES, StoreResult};
use parlor_proto::{Timestamp, UserName};
use rusqlite::{Connection, OptionalExtension, params};

use super::database::Database;
use crate::in_process::UsualAddresses;

/// A login from the same address is recorded again only after this many milliseconds, so that not each login is a
/// write.
const NOTED_FOR_MILLIS: i64 = 24 * 60 * 60 * 1000;

impl UsualAddresses for Database {
    fn is_known(&self, user: &UserName, address: &str, now: Timestamp) -> StoreResult<bool> {
        Ok(self.last_seen(user, address)?.is_some_and(|seen| seen >= usual_since(now)))
    }

    fn note(&self, user: &UserName, address: &str, now: Timestamp) -> StoreResult<()> {
        let is_noted = |seen: i64| (0..NOTED_FOR_MILLIS).contains(&now.as_millis().saturating_sub(seen));
        if self.last_seen(user, address)?.is_some_and(is_noted) {
            return Ok(());
        }
        let (user, address) = (user.clone(), address.to_owned());
        self.change(move |connection| note(connection, &user, &address, now).map(|()| true)).map(drop)
    }
}

impl Database {
    fn last_seen(&self, user: &UserName, address: &str) -> StoreResult<Option<i64>> {
        self.read(|connection| {
            let mut select =
                connection.prepare_cached("SELECT seen FROM usual_address WHERE account = ?1 AND address = ?2")?;
            select.query_row([user.as_str(), address], |row| row.get(0)).optional()
        })
    }
}

/// An address is usual now if it was last seen at or after this time (milliseconds since the Unix epoch).
fn usual_since(now: Timestamp) -> i64 {
    now.as_millis().saturating_sub(i64::try_from(KNOWN_FOR.as_millis()).unwrap_or(i64::MAX))
}

/// Records an address, and removes those beyond the maximum number and those that are not usual any more.
pub(super) fn note(connection: &Connection, user: &UserName, address: &str, now: Timestamp) -> rusqlite::Result<()> {
    let user = user.as_str();
    let mut insert = connection.prepare_cached("INSERT OR REPLACE INTO usual_address VALUES (?1, ?2, ?3)")?;
    insert.execute(params![user, address, now.as_millis()])?;
    let mut forget = connection.prepare_cached(
        "DELETE FROM usual_address WHERE account = ?1 AND (seen < ?3 OR address NOT IN
            (SELECT address FROM usual_address WHERE account = ?1 ORDER BY seen DESC, address LIMIT ?2))",
    )?;
    let most = i64::try_from(MAX_KNOWN_ADDRESSES).unwrap_or(i64::MAX);
    forget.execute(params![user, most, usual_since(now)]).map(drop)
}
