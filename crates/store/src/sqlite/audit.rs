//! What an audit asks the database of a data directory, whether or not a server uses it. It must not make or change one.

use std::path::Path;

use parlor_core::ports::Recipient;
use parlor_core::rights::Holder;
use parlor_proto::{RoomName, Timestamp, UserName};
use rusqlite::{Connection, Row};

use super::{FILE_NAME, OpenError, accounts, inspect, rights, rows, schema};
use crate::administration::{OperatorFacts, Overview};

/// What an audit sees of operators and rooms. Where there is no database there is nothing.
///
/// # Errors
/// The database cannot be read.
pub fn overview(data: &Path) -> Result<Overview, OpenError> {
    Ok(Overview { operators: operators(data)?, ownerless_rooms: ownerless_rooms(data)? })
}

fn ownerless_rooms(data: &Path) -> Result<Vec<(RoomName, UserName)>, OpenError> {
    look(data, |connection| {
        let mut found = Vec::new();
        for (room, known) in rights::load(connection)? {
            let Some(owner) = &known.owner else { continue };
            let mut has_somebody = false;
            for holder in known.holders() {
                has_somebody |= exists(connection, holder)?;
            }
            if !has_somebody {
                found.push((room, owner.user.clone()));
            }
        }
        found.sort();
        Ok(found)
    })
}

fn operators(data: &Path) -> Result<Vec<OperatorFacts>, OpenError> {
    look(data, |connection| {
        let mut select = connection.prepare(
            "SELECT name, created, (SELECT max(seen) FROM usual_address WHERE account = name) FROM account
             WHERE role = 'operator' AND name NOT IN (SELECT name FROM suspension) ORDER BY name",
        )?;
        let operator = |row: &Row<'_>| {
            let (created, seen): (i64, Option<i64>) = (row.get(1)?, row.get(2)?);
            let (user, created) = (rows::user(row, 0)?, Timestamp::from_millis(created));
            Ok(OperatorFacts { user, created, last_login: seen.map(Timestamp::from_millis) })
        };
        select.query_map([], operator)?.collect()
    })
}

fn exists(connection: &Connection, holder: &Holder) -> rusqlite::Result<bool> {
    accounts::exists(connection, &Recipient { user: holder.user.clone(), created: holder.account })
}

/// Reads from the database. Where there is none, or one of another version, there is nothing: a server brings it to its own.
fn look<T: Default>(data: &Path, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, OpenError> {
    let Some(connection) = inspect::open_to_read(data)? else { return Ok(T::default()) };
    let found = schema::version(&connection).and_then(|version| match version {
        schema::VERSION => read(&connection),
        _ => Ok(T::default()),
    });
    found.map_err(|error| OpenError::of(&data.join(FILE_NAME), error))
}
