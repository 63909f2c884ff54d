//! The head of each log, as the writer remembers it. Code other than the writer must not use it.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;

use parlor_core::ports::LogId;
use rusqlite::{Connection, OptionalExtension, params};

use super::rows::{kind_and_name, table};

/// Maximum number of remembered heads. Beyond that, all are dropped and read again.
const MAX_HEADS: usize = 100_000;

/// The heads of the logs that were written to, so that they are not read for each entry. Valid only while its owner is
/// the writer.
#[derive(Default)]
pub(super) struct Heads(HashMap<LogId, Head>);

#[derive(Clone, Copy)]
pub(super) struct Head {
    /// Row of the log.
    pub(super) row: i64,
    /// Newest number.
    pub(super) last: u64,
    /// Oldest number that is stored.
    oldest: u64,
}

impl Heads {
    /// The head of a log. It is read if it is not known.
    pub(super) fn get(&mut self, connection: &Connection, log: &LogId) -> rusqlite::Result<&mut Head> {
        if self.0.len() >= MAX_HEADS {
            self.0.clear();
        }
        match self.0.entry(log.clone()) {
            Slot::Occupied(slot) => Ok(slot.into_mut()),
            Slot::Vacant(slot) => Ok(slot.insert(load(connection, log)?)),
        }
    }

    /// Has the head of a log read again, since its entries were deleted.
    pub(super) fn forget(&mut self, log: &LogId) {
        self.0.remove(log);
    }
}

fn load(connection: &Connection, log: &LogId) -> rusqlite::Result<Head> {
    let (kind, name) = kind_and_name(log);
    let mut select = connection.prepare_cached("SELECT id, base FROM log WHERE kind = ?1 AND name = ?2")?;
    let known: Option<(i64, u64)> = select.query_row([kind, name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((row, base)) = known else {
        let mut insert = connection.prepare_cached("INSERT INTO log (kind, name) VALUES (?1, ?2)")?;
        return Ok(Head { row: insert.insert([kind, name])?, last: 0, oldest: 1 });
    };
    // Two statements: SQLite answers each from one end of the index, but would read the whole index for a combined one.
    let bound = |sql: &str, none: u64| -> rusqlite::Result<u64> {
        let number: Option<u64> = connection.prepare_cached(sql)?.query_row([row], |row| row.get(0))?;
        Ok(number.unwrap_or(none))
    };
    let table = table(log);
    let last = bound(&format!("SELECT max(number) FROM {table} WHERE log = ?1"), base)?;
    let oldest = bound(&format!("SELECT min(number) FROM {table} WHERE log = ?1"), base + 1)?;
    Ok(Head { row, last, oldest })
}

impl Head {
    /// Whether no entry is stored.
    pub(super) fn is_empty(&self) -> bool {
        self.oldest > self.last
    }

    /// Deletes entries that are older than the history, many at a time.
    pub(super) fn trim(&mut self, connection: &Connection, log: &LogId, history: u64) -> rusqlite::Result<()> {
        let slack = (history / 10).max(16);
        if self.last - self.oldest < history.saturating_add(slack) {
            return Ok(());
        }
        let keep_from = self.last - history + 1;
        let delete = format!("DELETE FROM {} WHERE log = ?1 AND number < ?2", table(log));
        let mut delete = connection.prepare_cached(&delete)?;
        delete.execute(params![self.row, keep_from])?;
        self.oldest = keep_from;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::schema;

    const HISTORY: u64 = 300;

    fn database() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        connection
    }

    fn red() -> LogId {
        LogId::Room("red".parse().unwrap())
    }

    /// Numbers the next entries, as the writer does.
    fn grow(connection: &Connection, head: &mut Head, count: u64) {
        for _ in 0..count {
            head.last += 1;
            let insert = "INSERT INTO entry VALUES (?1, ?2, 7, 'ann', 'x')";
            connection.execute(insert, params![head.row, head.last]).unwrap();
            head.trim(connection, &red(), HISTORY).unwrap();
        }
    }

    fn range(connection: &Connection) -> (u64, u64) {
        let sql = "SELECT min(number), max(number) FROM entry";
        connection.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }

    #[test]
    fn the_oldest_entries_are_deleted_a_tenth_of_the_history_at_a_time() {
        let connection = database();
        let mut heads = Heads::default();
        let head = heads.get(&connection, &red()).unwrap();
        grow(&connection, head, HISTORY + 30);
        assert_eq!(range(&connection), (1, 330));
        grow(&connection, head, 1);
        assert_eq!(range(&connection), (32, 331));
        grow(&connection, head, 30);
        assert_eq!(range(&connection), (32, 361));
        grow(&connection, head, 1);
        assert_eq!(range(&connection), (63, 362));
        // Without an end of the history nothing is deleted.
        head.trim(&connection, &red(), u64::MAX).unwrap();
        assert_eq!(range(&connection), (63, 362));
    }

    #[test]
    fn a_head_is_read_as_it_was_left() {
        let connection = database();
        let feed = LogId::Feed("red".parse().unwrap());
        let mut heads = Heads::default();
        let row = heads.get(&connection, &red()).unwrap().row;
        assert_ne!(heads.get(&connection, &feed).unwrap().row, row, "a room and a user may have one name");
        assert!(heads.get(&connection, &red()).unwrap().is_empty());
        grow(&connection, heads.get(&connection, &red()).unwrap(), 5);
        connection.execute("DELETE FROM entry WHERE number < 4", []).unwrap();
        let read = |heads: &mut Heads| {
            let Head { row: found, last, oldest } = *heads.get(&connection, &red()).unwrap();
            assert_eq!(found, row);
            (last, oldest)
        };
        assert_eq!(read(&mut heads), (5, 1), "it is remembered");
        heads.forget(&red());
        assert_eq!(read(&mut heads), (5, 4));
        // The entries are gone with their owner, and the numbers are not.
        connection.execute_batch("UPDATE log SET base = 5; DELETE FROM entry").unwrap();
        assert_eq!(read(&mut Heads::default()), (5, 6));
        assert!(Heads::default().get(&connection, &red()).unwrap().is_empty());
    }
}
