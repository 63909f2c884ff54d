//! Converts columns to names and texts. It must not panic: a value that this program would not have written is an error
//! of the row.

use parlor_core::ports::{Content, LogId, Role};
use parlor_proto::{Epoch, RoomName, UserName};
use rusqlite::types::Type;
use rusqlite::{Connection, Row};

/// Reads a user name from a column.
pub(super) fn user(row: &Row<'_>, column: usize) -> rusqlite::Result<UserName> {
    let name: String = row.get(column)?;
    name.parse().map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// Reads a room name from a column.
pub(super) fn room(row: &Row<'_>, column: usize) -> rusqlite::Result<RoomName> {
    let name: String = row.get(column)?;
    name.parse().map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// Reads what an entry says from a column.
pub(super) fn content(row: &Row<'_>, column: usize) -> rusqlite::Result<Content> {
    let stored: String = row.get(column)?;
    let unreadable = || rusqlite::Error::FromSqlConversionFailure(column, Type::Text, "a blank text".into());
    Content::read(&stored).ok_or_else(unreadable)
}

/// Reads the epoch of a log from a column; none if it is that of the database.
pub(super) fn epoch(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<Epoch>> {
    let hex: Option<String> = row.get(column)?;
    let read = |hex: String| {
        hex.parse().map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
    };
    hex.map(read).transpose()
}

/// The epoch of the logs of a database that have none of their own.
pub(super) fn database_epoch(connection: &Connection) -> rusqlite::Result<Epoch> {
    connection.query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| {
        epoch(row, 0)?.ok_or(rusqlite::Error::InvalidQuery)
    })
}

/// The table with the entries of a log.
pub(super) fn table(log: &LogId) -> &'static str {
    match log {
        LogId::Room(_) | LogId::Feed(_) => "entry",
        LogId::Inbox(_) => "direct",
    }
}

/// The name of a log in the database.
pub(super) fn kind_and_name(log: &LogId) -> (&'static str, &str) {
    (log.kind().word(), log.name())
}

/// The word for a role.
pub(super) fn role_word(role: Role) -> &'static str {
    match role {
        Role::Member => "member",
        Role::Operator => "operator",
    }
}

/// The role of a word.
pub(super) fn role(word: &str) -> Role {
    if word == role_word(Role::Operator) { Role::Operator } else { Role::Member }
}
