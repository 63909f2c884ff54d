//! The note in a database that everything is somewhere else by now, and by what its migration is known. It must not move
//! anything.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension};

use super::open_error::OpenError;
use super::schema;

/// Its key in the table of facts.
const KEY: &str = "moved";

/// By what the migrations of a database are known at their targets. It is made with the first one, and stays.
pub(super) fn mark(connection: &Connection) -> rusqlite::Result<String> {
    connection.execute("INSERT OR IGNORE INTO meta VALUES ('migration', lower(hex(randomblob(8))))", [])?;
    known_mark(connection)
}

/// The same of a database that a migration has begun to read; empty if none has.
pub(super) fn known_mark(connection: &Connection) -> rusqlite::Result<String> {
    let mark = connection.query_row("SELECT value FROM meta WHERE key = 'migration'", [], |row| row.get(0)).optional();
    Ok(mark?.unwrap_or_default())
}

/// Notes where everything is.
pub(super) fn note(connection: &Connection, to: &str) -> rusqlite::Result<()> {
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", [KEY, to]).map(drop)
}

/// Where everything is, if it is not here.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<Option<String>> {
    if schema::version(connection)? == 0 {
        return Ok(None);
    }
    connection.query_row("SELECT value FROM meta WHERE key = ?1", [KEY], |row| row.get(0)).optional()
}

/// # Errors
/// Everything is somewhere else; or the database in this file cannot be read.
pub(super) fn refuse(path: &Path, connection: &Connection) -> Result<(), OpenError> {
    match read(connection).map_err(|error| OpenError::of(path, error))? {
        Some(to) => Err(OpenError::Moved { path: path.to_owned(), to }),
        None => Ok(()),
    }
}

/// Takes the note away.
pub(super) fn forget(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM meta WHERE key = ?1", [KEY]).map(drop)
}
