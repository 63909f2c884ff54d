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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::Durability;

    const DAY: i64 = NOTED_FOR_MILLIS;

    fn ann() -> UserName {
        "ann".parse().unwrap()
    }

    fn database() -> (Database, tempfile::TempDir) {
        let data = tempfile::tempdir().unwrap();
        (Database::open(data.path(), Durability::Process).unwrap(), data)
    }

    fn note_at(database: &Database, address: &str, millis: i64) {
        UsualAddresses::note(database, &ann(), address, Timestamp::from_millis(millis)).unwrap();
    }

    #[test]
    fn a_login_is_noted_again_a_day_later_or_if_the_clock_went_back() {
        let (database, _data) = database();
        let seen = || database.last_seen(&ann(), "home").unwrap();
        // The time of each login, and what is noted then.
        for (millis, noted) in [(7, 7), (8, 7), (6 + DAY, 7), (7 + DAY, 7 + DAY), (6 + DAY, 6 + DAY), (DAY, DAY)] {
            note_at(&database, "home", millis);
            assert_eq!(seen(), Some(noted), "{millis}");
        }
        assert_eq!(database.last_seen(&ann(), "elsewhere").unwrap(), None);
    }

    #[test]
    fn the_newest_addresses_are_kept_and_of_the_same_time_the_first_by_name() {
        let (database, _data) = database();
        let address = |number: usize| format!("192.0.2.{}", char::from(b'a' + u8::try_from(number).unwrap()));
        for number in (0..MAX_KNOWN_ADDRESSES).rev() {
            note_at(&database, &address(number), 7);
        }
        note_at(&database, "newest", 8);
        let is_known = |address: &str| database.is_known(&ann(), address, Timestamp::from_millis(8)).unwrap();
        let lost: Vec<usize> = (0..MAX_KNOWN_ADDRESSES).filter(|number| !is_known(&address(*number))).collect();
        assert_eq!((lost, is_known("newest")), (vec![MAX_KNOWN_ADDRESSES - 1], true));
        // Those of others do not count.
        let bob = "bob".parse().unwrap();
        UsualAddresses::note(&database, &bob, "bobs", Timestamp::from_millis(9)).unwrap();
        assert!(is_known("newest") && is_known(&address(0)));
    }
}
