//! Deletes entries that are older than the operator, or the owner of their room, wants, and gives their room in the file back. It must not delete the newest
//! entry of a log: the numbers go on behind it.

use std::time::Duration;

use parlor_core::ports::{LogId, LogKind, StoreResult};
use parlor_proto::Timestamp;
use rusqlite::{Connection, Row, params};

use super::database::Database;
use super::shrinking::give_back;
use super::{rights, rows};
use crate::cutoffs::Cutoffs;

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
    /// Deletes entries that are older than `age` at the time `now`, or than the retention of their room, some thousands at most.
    /// Returns whether there are more. Blocks on the disk.
    ///
    /// # Errors
    /// The database cannot be read or written.
    pub(super) fn forget_older(&self, now: Timestamp, age: Option<Duration>) -> StoreResult<bool> {
        let cutoffs = Cutoffs::new(now, age, self.read(rights::with_retention)?);
        for _ in 0..MAX_STEPS {
            let Some(Old { table, log, until }) = self.read(|connection| oldest(connection, &cutoffs))? else {
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

/// Some of the oldest entries of a log that has any that are too old.
fn oldest(connection: &Connection, cutoffs: &Cutoffs) -> rusqlite::Result<Option<Old>> {
    let mut logs = connection.prepare_cached("SELECT id, kind, name FROM log ORDER BY id")?;
    let mut found = logs.query([])?;
    while let Some(row) = found.next()? {
        let (row, log) = (row.get::<_, i64>(0)?, log_of(row)?);
        let Some(before) = cutoffs.of(&log) else { continue };
        let table = rows::table(&log);
        // The newest entry stays.
        let mut entries = connection.prepare_cached(&format!(
            "SELECT number, time FROM {table} WHERE log = ?1 AND number < (SELECT max(number) FROM {table} WHERE log = ?1)
             ORDER BY number LIMIT {AT_ONCE}"
        ))?;
        let entry = |row: &Row<'_>| Ok((row.get::<_, u64>(0)?, row.get::<_, i64>(1)?));
        let mut until = None;
        for entry in entries.query_map([row], entry)? {
            let (number, time) = entry?;
            if time >= before.as_millis() {
                break;
            }
            until = Some(number);
        }
        if let Some(until) = until {
            return Ok(Some(Old { table, log: row, until }));
        }
    }
    Ok(None)
}

fn log_of(row: &Row<'_>) -> rusqlite::Result<LogId> {
    let kind: String = row.get(1)?;
    Ok(match kind {
        kind if kind == LogKind::Room.word() => LogId::Room(rows::room(row, 2)?),
        kind if kind == LogKind::Feed.word() => LogId::Feed(rows::user(row, 2)?),
        _ => LogId::Inbox(rows::user(row, 2)?),
    })
}
