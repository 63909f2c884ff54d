//! Gives the room of deleted rows in the file back to the disk. It must not know what was deleted.
//!
//! For that SQLite keeps a map of the pages of the file, which costs an append 5 % more instructions.

use rusqlite::Connection;

/// The largest database that is written anew at a start so that it can shrink later, in bytes. It takes about a second.
pub(super) const CHEAP: u64 = 64 << 20;

/// Pages that are given back in one transaction.
const PAGES_AT_ONCE: u32 = 2000;

/// Prepares a database for giving room back, if it has at most this many bytes: one of an earlier version is written anew.
pub(super) fn allow(connection: &Connection, limit: u64) -> rusqlite::Result<()> {
    const INCREMENTAL: u32 = 2;
    let value = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    if value("auto_vacuum")? == u64::from(INCREMENTAL) || value("page_count")? * value("page_size")? > limit {
        return Ok(());
    }
    connection.pragma_update(None, "auto_vacuum", INCREMENTAL)?;
    // Of a database without a page this does nothing.
    connection.execute_batch("VACUUM")
}

/// Gives some free pages back, where the database allows it.
pub(super) fn give_back(connection: &Connection) -> rusqlite::Result<()> {
    let mut vacuum = connection.prepare_cached(&format!("PRAGMA incremental_vacuum({PAGES_AT_ONCE})"))?;
    let mut steps = vacuum.query([])?;
    while steps.next()?.is_some() {}
    Ok(())
}
