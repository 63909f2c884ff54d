//! The keys by which authors append at most once. It must not append.

use parlor_core::ports::{Entry, ONCE_KEPT_FOR, ONCE_KEYS_KEPT};
use parlor_proto::{MessageId, OnceKey, UserName};
use rusqlite::{Connection, OptionalExtension, params};

/// An author's keys are trimmed when the numbers of the log pass a multiple of this.
const TRIM_EVERY: u64 = 64;

/// The number of the entry that the author appended to a log with this key.
pub(super) fn find(
    connection: &Connection,
    log: i64,
    author: &UserName,
    key: &OnceKey,
) -> rusqlite::Result<Option<MessageId>> {
    let mut select =
        connection.prepare_cached("SELECT number FROM once WHERE log = ?1 AND author = ?2 AND key = ?3")?;
    let found = select.query_row(params![log, author.as_str(), key.as_str()], |row| row.get(0).map(MessageId));
    found.optional()
}

/// Remembers the key of an entry.
pub(super) fn note(connection: &Connection, log: i64, entry: &Entry, key: &OnceKey) -> rusqlite::Result<()> {
    let Entry { id, time, author, .. } = entry;
    let mut newest = connection
        .prepare_cached("SELECT number FROM once WHERE log = ?1 AND author = ?2 ORDER BY number DESC LIMIT 1")?;
    let before: Option<u64> = newest.query_row(params![log, author.as_str()], |row| row.get(0)).optional()?;
    let mut insert = connection
        .prepare_cached("INSERT OR REPLACE INTO once (log, author, key, number, time) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    insert.execute(params![log, author.as_str(), key.as_str(), id.0, time.as_millis()])?;
    // Other authors may have any numbers in between.
    if before.is_some_and(|before| before / TRIM_EVERY < id.0 / TRIM_EVERY) {
        let kept_for = i64::try_from(ONCE_KEPT_FOR.as_millis()).unwrap_or(i64::MAX);
        let mut trim = connection.prepare_cached(
            "DELETE FROM once WHERE log = ?1 AND author = ?2 AND time < ?3 AND number <= (
                 SELECT number FROM once WHERE log = ?1 AND author = ?2 ORDER BY number DESC LIMIT 1 OFFSET ?4
             )",
        )?;
        let kept = i64::try_from(ONCE_KEYS_KEPT).unwrap_or(i64::MAX);
        trim.execute(params![log, author.as_str(), time.as_millis() - kept_for, kept])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_proto::{Text, Timestamp};

    use super::*;
    use crate::sqlite::schema;
    use parlor_core::ports::Content;

    const HOUR: i64 = 60 * 60 * 1000;

    fn database() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        connection
    }

    /// Notes keys that are numbers of entries.
    fn note_all(connection: &Connection, numbers: impl Iterator<Item = u64>, millis: i64) {
        for number in numbers {
            let (author, content) = ("ann".parse().unwrap(), Content::Said(Text::sanitise("x").unwrap()));
            let time = Timestamp::from_millis(millis);
            let entry = Entry { id: MessageId(number), time, author, to: None, content };
            note(connection, 1, &entry, &number.to_string().parse().unwrap()).unwrap();
        }
    }

    fn is_known(connection: &Connection, number: u64) -> bool {
        let key = number.to_string().parse().unwrap();
        find(connection, 1, &"ann".parse().unwrap(), &key).unwrap() == Some(MessageId(number))
    }

    fn count(connection: &Connection) -> u64 {
        connection.query_row("SELECT count(*) FROM once", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn keys_are_forgotten_if_they_are_both_old_and_beyond_the_number_that_is_kept() {
        let database = database();
        note_all(&database, 1..=1500, 0);
        note_all(&database, 1501..=2000, HOUR);
        assert_eq!(count(&database), 2000, "none is older than an hour");
        note_all(&database, 2001..=2100, HOUR + 1);
        // Those of the first 1500 that are not among the newest thousand when the keys are trimmed, at the latest at 2048.
        assert_eq!((is_known(&database, 1048), is_known(&database, 1049)), (false, true));
        note_all(&database, 2101..=2200, 3 * HOUR);
        assert!(!is_known(&database, 1176) && (1201..=2200).all(|number| is_known(&database, number)));
    }

    #[test]
    fn few_keys_are_kept_however_old_they_are() {
        let database = database();
        note_all(&database, 1..=900, 0);
        note_all(&database, 901..=1000, 100 * HOUR);
        assert_eq!(count(&database), 1000);
    }

    #[test]
    fn keys_are_trimmed_also_if_others_have_the_numbers_in_between() {
        let database = database();
        for number in 1..3000 {
            note_all(&database, std::iter::once(2 * number + 1), i64::try_from(number).unwrap() * HOUR);
        }
        assert!(count(&database) <= 1000 + TRIM_EVERY, "{}", count(&database));
    }
}
