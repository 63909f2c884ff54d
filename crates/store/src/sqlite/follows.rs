//! Follows in the embedded database.

use parlor_core::ports::{Follows, StoreResult};
use parlor_proto::UserName;

use super::database::Database;
use super::rows;

impl Follows for Database {
    fn subscribe(&self, follower: &UserName, publisher: &UserName) -> StoreResult<bool> {
        self.change_follow("INSERT OR IGNORE INTO follow VALUES (?1, ?2)", follower, publisher)
    }

    fn unsubscribe(&self, follower: &UserName, publisher: &UserName) -> StoreResult<bool> {
        self.change_follow("DELETE FROM follow WHERE follower = ?1 AND publisher = ?2", follower, publisher)
    }

    fn subscriptions(&self, follower: &UserName) -> StoreResult<Vec<UserName>> {
        self.names("SELECT publisher FROM follow WHERE follower = ?1 ORDER BY publisher", follower)
    }

    fn subscribers(&self, publisher: &UserName) -> StoreResult<Vec<UserName>> {
        self.names("SELECT follower FROM follow WHERE publisher = ?1 ORDER BY follower", publisher)
    }
}

impl Database {
    fn change_follow(&self, sql: &'static str, follower: &UserName, publisher: &UserName) -> StoreResult<bool> {
        let (follower, publisher) = (follower.clone(), publisher.clone());
        self.change(move |connection| Ok(connection.execute(sql, [follower.as_str(), publisher.as_str()])? > 0))
    }

    /// The users that a statement selects for a user.
    pub(super) fn names(&self, sql: &'static str, of: &UserName) -> StoreResult<Vec<UserName>> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(sql)?;
            let rows = select.query_map([of.as_str()], |row| rows::user(row, 0))?;
            rows.collect()
        })
    }
}
