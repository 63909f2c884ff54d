//! The note in a database that everything is somewhere else by now. It must not delete anything.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use super::database::OpenError;
use super::{BUSY_TIMEOUT, FILE_NAME, inspect, schema, stamp};

/// Its key in the table of facts.
const KEY: &str = "moved";

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

/// Where everything of the database in the directory `data` is by now; none if it is there, or if there is no database.
///
/// # Errors
/// It cannot be read.
pub fn moved_to(data: &Path) -> Result<Option<String>, OpenError> {
    let Some(connection) = inspect::open_to_read(data)? else { return Ok(None) };
    read(&connection).map_err(|error| OpenError::of(&data.join(FILE_NAME), error))
}

/// Goes on with the database in the directory `data` as it was when everything moved. Every log gets a new epoch: numbers that
/// were given out elsewhere since may be given out again. Returns where everything had moved; none if it had not.
///
/// # Errors
/// It cannot be written.
pub fn take_back(data: &Path) -> Result<Option<String>, OpenError> {
    let path = data.join(FILE_NAME);
    if moved_to(data)?.is_none() {
        return Ok(None);
    }
    let take = || {
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let to = read(&transaction)?;
        transaction.execute("DELETE FROM meta WHERE key = ?1", [KEY])?;
        transaction.execute_batch(stamp::NEW_EPOCH)?;
        transaction.commit()?;
        connection.close().map_err(|(_, error)| error)?;
        Ok(to)
    };
    take().map_err(|error| OpenError::of(&path, error))
}
