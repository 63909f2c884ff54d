//! What an audit asks a Redis, whether or not servers use it. It must not change anything.

use parlor_core::ports::{Account, Accounts, Role, StoreResult};
use parlor_proto::{RoomName, Timestamp, UserName};

use super::accounts::RedisAccounts;
use super::administration::RedisRooms;
use super::connection::command::{self, Command};
use super::connection::router::Router;
use super::keys;
use crate::administration::{OperatorFacts, Overview, RoomAdministration};

/// What an audit sees of operators and rooms. Blocks.
pub(super) fn overview(router: Router) -> StoreResult<Overview> {
    let operators = operators(&router)?;
    Ok(Overview { operators, ownerless_rooms: ownerless_rooms(&RedisRooms { router })? })
}

fn operators(router: &Router) -> StoreResult<Vec<OperatorFacts>> {
    let is_meant = |account: &Account| account.role == Role::Operator && account.suspension.is_none();
    let mut accounts = RedisAccounts(router).accounts()?;
    accounts.retain(is_meant);
    // The newest address, with its time.
    let newest = |account: &Account| {
        Command::plain("ZRANGE", keys::usual_addresses(&account.user), &["0", "0", "REV", "WITHSCORES"])
    };
    let replies = router.call_all(accounts.iter().map(newest).collect());
    let mut operators = Vec::with_capacity(accounts.len());
    for (Account { user, created, .. }, reply) in accounts.into_iter().zip(replies) {
        let seen: Vec<(String, f64)> = command::read(reply)?;
        let last_login = seen.first().map(|(_, millis)| Timestamp::from_millis(*millis as i64));
        operators.push(OperatorFacts { user, created, last_login });
    }
    operators.sort_by(|one, other| one.user.cmp(&other.user));
    Ok(operators)
}

fn ownerless_rooms(rooms: &RedisRooms) -> StoreResult<Vec<(RoomName, UserName)>> {
    let mut found = Vec::new();
    for facts in rooms.rooms()? {
        let Some(owner) = &facts.rights.owner else { continue };
        if rooms.gone(&facts.rights)?.len() == facts.rights.holders().count() {
            found.push((facts.room, owner.user.clone()));
        }
    }
    Ok(found)
}
