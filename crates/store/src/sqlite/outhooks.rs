//! How far outgoing hooks have posted, in the embedded database. Its one server always has the turn. It must not know what they
//! post.

use parlor_core::ports::{OuthookTurn, Outhooks, StoreResult};
use parlor_core::rights::{Outhook, RoomRights};
use parlor_proto::{HookId, MessageId, RoomName};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::database::Database;
use super::rows;

/// The number of the newest entry of the room ?1; 0 if it has no log.
const LAST: &str = "coalesce(
    (SELECT coalesce((SELECT max(number) FROM entry WHERE log = log.id), base) FROM log WHERE kind = 'room' AND name = ?1), 0)";

/// Keeps a position for each outgoing hook that a room has, and for no other one. New ones begin where they say.
pub(super) fn keep(connection: &Connection, room: &RoomName, rights: &RoomRights) -> rusqlite::Result<()> {
    let mut select = connection.prepare_cached("SELECT id FROM outhook WHERE room = ?1")?;
    let known: Vec<u32> = select.query_map([room.as_str()], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for id in known.into_iter().filter(|id| rights.outhook(HookId(*id)).is_none()) {
        let mut delete = connection.prepare_cached("DELETE FROM outhook WHERE room = ?1 AND id = ?2")?;
        delete.execute(params![room.as_str(), id])?;
    }
    for hook in &rights.outhooks {
        let mut insert = connection.prepare_cached("INSERT OR IGNORE INTO outhook VALUES (?1, ?2, ?3)")?;
        insert.execute(params![room.as_str(), hook.id().0, hook.after.0])?;
    }
    Ok(())
}

/// Has the outgoing hooks of a room begin where they are.
pub(super) fn advance(connection: &Connection, room: &RoomName, rights: &mut RoomRights) -> rusqlite::Result<()> {
    for hook in &mut rights.outhooks {
        let mut select = connection.prepare_cached("SELECT position FROM outhook WHERE room = ?1 AND id = ?2")?;
        let noted = select.query_row(params![room.as_str(), hook.id().0], |row| row.get(0)).optional()?;
        hook.after = noted.map_or(hook.after, MessageId);
    }
    Ok(())
}

impl Database {
    /// Has a hook go back to the newest entry of its log.
    fn go_back(&self, room: &RoomName, id: HookId) -> StoreResult<()> {
        let room = room.clone();
        let back = move |connection: &Connection| {
            let sql = format!("UPDATE outhook SET position = min(position, {LAST}) WHERE room = ?1 AND id = ?2");
            Ok(connection.prepare_cached(&sql)?.execute(params![room.as_str(), id.0])? > 0)
        };
        self.change(back).map(drop)
    }
}

impl Outhooks for Database {
    fn rooms(&self) -> StoreResult<Vec<RoomName>> {
        self.read(|connection| {
            let mut select = connection.prepare_cached("SELECT DISTINCT room FROM outhook")?;
            let rows = select.query_map([], |row| rows::room(row, 0))?;
            rows.collect()
        })
    }

    fn take_turn(&self, room: &RoomName, hook: &Outhook) -> StoreResult<OuthookTurn> {
        let id = hook.id();
        let place = self.read(|connection| {
            let sql = format!("SELECT position, {LAST} FROM outhook WHERE room = ?1 AND id = ?2");
            let place = |row: &Row<'_>| Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?));
            connection.prepare_cached(&sql)?.query_row(params![room.as_str(), id.0], place).optional()
        })?;
        match place {
            Some((position, last)) if position < last => return Ok(OuthookTurn::Mine(MessageId(position))),
            Some((position, last)) if position > last => self.go_back(room, id)?,
            _ => {}
        }
        Ok(OuthookTurn::Nothing)
    }

    fn note_posted(&self, room: &RoomName, id: HookId, up_to: MessageId) -> StoreResult<bool> {
        let room = room.clone();
        self.change(move |connection| {
            let mut update =
                connection.prepare_cached("UPDATE outhook SET position = ?3 WHERE room = ?1 AND id = ?2")?;
            Ok(update.execute(params![room.as_str(), id.0, up_to.0])? > 0)
        })
    }
}
