//! The rights in rooms, as the embedded database keeps them. It must not judge.

use parlor_core::ports::StoreError;
use parlor_core::rights::RoomRights;
use parlor_proto::RoomName;
use rusqlite::{Connection, params};

use super::{outhooks, rows};
use crate::cutoffs::MARK;

/// Keeps the rights in a room, and the positions of its outgoing hooks.
pub(super) fn save(connection: &Connection, room: &RoomName, rights: &RoomRights) -> rusqlite::Result<()> {
    let mut upsert = connection.prepare_cached("INSERT OR REPLACE INTO rights (room, rights) VALUES (?1, ?2)")?;
    upsert.execute(params![room.as_str(), rights.stored()])?;
    outhooks::keep(connection, room, rights)
}

/// All rights that are kept.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<Vec<(RoomName, RoomRights)>> {
    let mut select = connection.prepare("SELECT room, rights FROM rights")?;
    let rows = select.query_map([], |row| {
        let rights: String = row.get(1)?;
        Ok((rows::room(row, 0)?, rights))
    })?;
    rows.map(|row| {
        let (room, rights) = row?;
        Ok((room, read(&rights)?))
    })
    .collect()
}

/// The rights in the rooms that have a retention.
pub(super) fn with_retention(connection: &Connection) -> rusqlite::Result<Vec<(RoomName, RoomRights)>> {
    let mut select = connection.prepare_cached("SELECT room, rights FROM rights WHERE instr(rights, ?1) > 0")?;
    let rows = select.query_map([MARK], |row| Ok((rows::room(row, 0)?, read(&row.get::<_, String>(1)?)?)))?;
    rows.collect()
}

/// Reads stored rights.
pub(super) fn read(stored: &str) -> rusqlite::Result<RoomRights> {
    RoomRights::read(stored).ok_or_else(|| {
        let error = StoreError::new("rights that this program did not write");
        rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(error))
    })
}
