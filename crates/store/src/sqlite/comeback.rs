//! Databases from which everything has moved, as commands look at them and take them back. It must not delete anything.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::{BUSY_TIMEOUT, FILE_NAME, OpenError, departure, inspect, stamp};

/// A migration that has left a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// Where everything is by now.
    pub to: String,
    /// By what the migration is known there.
    pub mark: String,
}

/// The migration that has left the database in the directory `data`; none if everything is there, or if there is no database.
///
/// # Errors
/// It cannot be read.
pub fn left(data: &Path) -> Result<Option<Left>, OpenError> {
    let failed = |error| OpenError::of(&data.join(FILE_NAME), error);
    let Some(connection) = inspect::open_to_read(data)? else { return Ok(None) };
    let Some(to) = departure::read(&connection).map_err(failed)? else { return Ok(None) };
    Ok(Some(Left { to, mark: departure::known_mark(&connection).map_err(failed)? }))
}

/// Goes on with the database in the directory `data` as it was when everything moved. Every log gets a new epoch: numbers that
/// were given out elsewhere since may be given out again. Returns where everything had moved; none if it had not.
///
/// # Errors
/// It cannot be written.
pub fn take_back(data: &Path) -> Result<Option<String>, OpenError> {
    let path = data.join(FILE_NAME);
    if left(data)?.is_none() {
        return Ok(None);
    }
    let take = || {
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let to = departure::read(&transaction)?;
        departure::forget(&transaction)?;
        transaction.execute_batch(stamp::NEW_EPOCH)?;
        transaction.commit()?;
        connection.close().map_err(|(_, error)| error)?;
        Ok(to)
    };
    take().map_err(|error| OpenError::of(&path, error))
}
