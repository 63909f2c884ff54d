//! Deletes entries that are older than the operator wants, and gives their room in the file back. It must not delete the newest
//! entry of a log: the numbers go on behind it.

use parlor_core::ports::{LogKind, StoreResult};
use parlor_proto::Timestamp;
use rusqlite::{Connection, Row, params};

use super::database::Database;
use super::shrinking::give_back;

/// Entries that are deleted in one transaction.
const AT_ONCE: usize = 1000;

/// Transactions in one call.
const MAX_STEPS: usize = 20;

/// The entries of a log up to a number.
struct Old {
    table: &'static str,
    log: i64,
    until: u64,
}

impl Database {
    /// Deletes entries from before a time, some thousands at most. Returns whether there are more. Blocks on the disk.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub(super) fn forget_older(&self, before: Timestamp) -> StoreResult<bool> {
        for _ in 0..MAX_STEPS {
            let Some(Old { table, log, until }) = self.read(|connection| oldest(connection, before))? else {
                return Ok(false);
            };
            self.change(move |connection| {
                let sql = format!("DELETE FROM {table} WHERE log = ?1 AND number <= ?2");
                connection.prepare_cached(&sql)?.execute(params![log, until])?;
                give_back(connection)?;
                Ok(true)
            })?;
        }
        Ok(true)
    }
}

/// Some of the oldest entries of a log that has any from before a time.
fn oldest(connection: &Connection, before: Timestamp) -> rusqlite::Result<Option<Old>> {
    let mut logs = connection.prepare_cached("SELECT id, kind FROM log ORDER BY id")?;
    let mut found = logs.query([])?;
    while let Some(row) = found.next()? {
        let (log, kind): (i64, String) = (row.get(0)?, row.get(1)?);
        let table = if kind == LogKind::Inbox.word() { "direct" } else { "entry" };
        // The newest entry stays.
        let mut entries = connection.prepare_cached(&format!(
            "SELECT number, time FROM {table} WHERE log = ?1 AND number < (SELECT max(number) FROM {table} WHERE log = ?1)
             ORDER BY number LIMIT {AT_ONCE}"
        ))?;
        let entry = |row: &Row<'_>| Ok((row.get::<_, u64>(0)?, row.get::<_, i64>(1)?));
        let mut until = None;
        for entry in entries.query_map([log], entry)? {
            let (number, time) = entry?;
            if time >= before.as_millis() {
                break;
            }
            until = Some(number);
        }
        if let Some(until) = until {
            return Ok(Some(Old { table, log, until }));
        }
    }
    Ok(None)
}
