//! Follows: one set of publishers per user, and one set of followers per publisher. In a Cluster the two sets are in
//! different slots. The follower's own set is authoritative; the other set is written first and removed last.

use parlor_core::ports::{Follows, StoreResult};
use parlor_proto::UserName;

use super::connection::command::{self, Command};
use super::keys;
use super::membership::server::Server;
use super::rooms::sorted;

impl Follows for Server {
    fn subscribe(&self, follower: &UserName, publisher: &UserName) -> StoreResult<bool> {
        self.call::<i64>(Command::plain("SADD", keys::followers(publisher), &[follower.as_str()]))?;
        let added = Command::plain("SADD", keys::following(follower), &[publisher.as_str()]).never_repeated();
        self.call::<i64>(added).map(|count| count > 0)
    }

    fn unsubscribe(&self, follower: &UserName, publisher: &UserName) -> StoreResult<bool> {
        let removed = Command::plain("SREM", keys::following(follower), &[publisher.as_str()]).never_repeated();
        let removed = self.call::<i64>(removed)? > 0;
        self.call::<i64>(Command::plain("SREM", keys::followers(publisher), &[follower.as_str()]))?;
        Ok(removed)
    }

    fn subscriptions(&self, follower: &UserName) -> StoreResult<Vec<UserName>> {
        read_publishers(self.router.call(ask_for_publishers(follower)))
    }

    fn subscribers(&self, publisher: &UserName) -> StoreResult<Vec<UserName>> {
        let names: Vec<String> = self.call(Command::plain("SMEMBERS", keys::followers(publisher), &[]))?;
        Ok(sorted(&names))
    }
}

/// Asks for the users whom a user follows.
pub(super) fn ask_for_publishers(follower: &UserName) -> Command {
    Command::plain("SMEMBERS", keys::following(follower), &[])
}

/// Reads the answer to [`ask_for_publishers`].
pub(super) fn read_publishers(reply: StoreResult<::redis::Value>) -> StoreResult<Vec<UserName>> {
    let names: Vec<String> = command::read(reply)?;
    Ok(sorted(&names))
}
