//! What the database tells of rooms without a server: their rights and their logs. It must not change anything.

use parlor_core::ports::StoreResult;
use parlor_core::rights::RoomRights;
use parlor_proto::{MessageId, RoomName};
use rusqlite::Connection;

use super::database::Database;
use super::{rights, rows};
use crate::administration::RoomFacts;

/// The rooms that have a log. When a room is deleted, the head of its log stays with its `base`, so that no number is used
/// again.
pub(super) const LOGGED: &str =
    "SELECT name FROM log WHERE kind = 'room' AND (base = 0 OR EXISTS (SELECT 1 FROM entry WHERE entry.log = log.id))";

impl Database {
    /// All rooms that have a log or rights, and the lobby, sorted by name. `members` is what is known of each one's members.
    pub(super) fn room_facts(&self, members: Option<u64>) -> StoreResult<Vec<RoomFacts>> {
        self.read(|connection| {
            let mut known: std::collections::BTreeMap<RoomName, RoomRights> =
                rights::load(connection)?.into_iter().collect();
            let mut select = connection.prepare(LOGGED)?;
            let logged: Vec<RoomName> =
                select.query_map([], |row| rows::room(row, 0))?.collect::<rusqlite::Result<_>>()?;
            for room in logged.into_iter().chain([RoomName::lobby()]) {
                known.entry(room).or_default();
            }
            let facts = |(room, rights)| {
                let (last, entries) = extent(connection, &room)?;
                Ok(RoomFacts { room, members, rights, last: MessageId(last), entries })
            };
            known.into_iter().map(facts).collect()
        })
    }
}

/// The newest number of a log, and how many entries it keeps: two looks at the index, however long it is.
fn extent(connection: &Connection, room: &RoomName) -> rusqlite::Result<(u64, u64)> {
    let end = |end: &str| format!("(SELECT {end}(number) FROM entry WHERE entry.log = log.id)");
    let (newest, oldest) = (end("max"), end("min"));
    let sql = format!(
        "SELECT coalesce({newest}, base), coalesce({newest} - {oldest} + 1, 0) FROM log WHERE kind = 'room' AND name = ?1"
    );
    let mut select = connection.prepare_cached(&sql)?;
    let mut found = select.query_map([room.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    found.next().unwrap_or(Ok((0, 0)))
}
