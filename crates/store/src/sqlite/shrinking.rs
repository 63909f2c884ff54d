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

#[cfg(test)]
mod tests {
    use super::*;

    fn value(connection: &Connection, name: &str) -> u64 {
        connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
    }

    /// A database that cannot shrink, with about 100 pages.
    fn rigid(path: &std::path::Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        connection.pragma_update(None, "auto_vacuum", 0).unwrap();
        let fill = "CREATE TABLE filler (text TEXT);
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
            INSERT INTO filler SELECT hex(zeroblob(2000)) FROM n";
        connection.execute_batch(fill).unwrap();
        connection
    }

    #[test]
    fn only_what_is_small_enough_is_written_anew() {
        let data = tempfile::tempdir().unwrap();
        let connection = rigid(&data.path().join("some.db"));
        let size = value(&connection, "page_count") * value(&connection, "page_size");
        for (limit, kind) in [(0, 0), (size - 1, 0), (size, 2), (0, 2)] {
            allow(&connection, limit).unwrap();
            assert_eq!(value(&connection, "auto_vacuum"), kind, "{limit} of {size}");
        }
    }

    #[test]
    fn free_pages_are_given_back_where_that_is_allowed() {
        for (is_allowed, name) in [(false, "rigid.db"), (true, "small.db")] {
            let data = tempfile::tempdir().unwrap();
            let connection = rigid(&data.path().join(name));
            if is_allowed {
                allow(&connection, u64::MAX).unwrap();
            }
            connection.execute("DELETE FROM filler", []).unwrap();
            assert!(value(&connection, "freelist_count") > 90);
            give_back(&connection).unwrap();
            assert_eq!(value(&connection, "freelist_count") == 0, is_allowed, "{name}");
        }
    }
}
