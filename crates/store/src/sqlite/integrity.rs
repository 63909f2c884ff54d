//! Whether a database is damaged, and where. It must not mend anything.

use std::fmt;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use parlor_core::ports::StoreError;
use rusqlite::{Connection, ErrorCode};

/// Damaged parts that are named.
const MAX_NAMED: usize = 3;

/// Time between two requests to give up: one that comes before the work begins is not heard.
const NUDGE_INTERVAL: Duration = Duration::from_millis(10);

/// What to do about it, for people.
const WAY_OUT: &str = "restore a backup, or save what can be read: see Backups in docs/deployment.md";

/// The damaged parts of a database, with what SQLite says of each. Shown, it ends with what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage(Vec<String>);

impl Damage {
    /// What is damaged, without what to do.
    #[must_use]
    pub fn parts(&self) -> String {
        let named = self.0.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
        match self.0.len().saturating_sub(MAX_NAMED) {
            0 => named,
            more => format!("{named} and {more} more"),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn way_out() -> &'static str {
        WAY_OUT
    }

    /// What `error` says if it tells of damage; else the error.
    pub(super) fn of(error: rusqlite::Error) -> Result<Self, rusqlite::Error> {
        if is_damage(&error) { Ok(Self(vec![error.to_string()])) } else { Err(error) }
    }

    fn found(parts: Vec<String>) -> Result<(), Self> {
        if parts.is_empty() { Ok(()) } else { Err(Self(parts)) }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}; {WAY_OUT}", self.parts())
    }
}

/// How far a look came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Everything was looked at.
    All,
    /// The time was over before that.
    Part,
}

/// Either nothing is damaged, or something is.
pub(super) type Verdict<T> = rusqlite::Result<Result<T, Damage>>;

/// The tables that grow with what is said.
const SAID: [&str; 3] = ["entry", "direct", "once"];

/// What a login and an append read: all tables but the messages, and the end of each log. Takes time for accounts, follows
/// and rooms, not for what was said.
pub(super) fn look_at_ends(connection: &Connection) -> Verdict<()> {
    let look = || {
        let (mut parts, tables) = (Vec::new(), tables(connection)?);
        let is_new = tables.is_empty();
        for table in tables.iter().filter(|table| !SAID.contains(&table.as_str())) {
            parts.extend(damage_in(connection, "quick_check", table)?);
        }
        if parts.is_empty() && !is_new {
            parts.extend(ends_of_logs(connection)?);
        }
        Ok(Damage::found(parts))
    };
    told(look())
}

/// The structure of everything, for `limit` at most. What every login needs is looked at in any case.
pub(super) fn look_at_structure(connection: &Connection, limit: Duration) -> Verdict<Extent> {
    match look_at_ends(connection)? {
        Ok(()) => {}
        Err(damage) => return Ok(Err(damage)),
    }
    match within(connection, limit, || look(connection, "quick_check")) {
        Ok(verdict) => Ok(verdict.map(|()| Extent::All)),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(Ok(Extent::Part)),
        Err(error) => Err(error),
    }
}

/// Everything, indexes compared with their tables, however long that takes.
pub(super) fn look_at_everything(connection: &Connection) -> Verdict<()> {
    look(connection, "integrity_check")
}

/// An error as the ports tell it: with the way out if it tells of damage.
pub(super) fn failure(error: &rusqlite::Error) -> StoreError {
    if error.sqlite_error_code() == Some(ErrorCode::DiskFull) {
        return StoreError::full(format!("the disk of the database is full: {error}"));
    }
    if !is_damage(error) {
        return StoreError::new(error);
    }
    StoreError::new(format!("the database is damaged: {}", Damage(vec![error.to_string()])))
}

/// Names the damaged tables first; what belongs to no table is found by the look at all together.
fn look(connection: &Connection, check: &str) -> Verdict<()> {
    let look = || {
        let mut parts = Vec::new();
        for table in tables(connection)? {
            match damage_in(connection, check, &table) {
                Ok(part) => parts.extend(part),
                Err(_) if !parts.is_empty() => break,
                Err(error) => return Err(error),
            }
        }
        if parts.is_empty() {
            let all = complaints(connection, &format!("SELECT * FROM pragma_{check}"), [])?;
            parts.extend(all.first().map(|complaint| format!("free space ({complaint})")));
        }
        Ok(Damage::found(parts))
    };
    told(look())
}

/// Damage as SQLite tells it at all: some of it is found, some makes the look fail.
fn told<T>(looked: rusqlite::Result<Result<T, Damage>>) -> Verdict<T> {
    looked.or_else(|error| Damage::of(error).map(Err))
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut select = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")?;
    select.query_map([], |row| row.get(0))?.collect()
}

fn damage_in(connection: &Connection, check: &str, table: &str) -> rusqlite::Result<Option<String>> {
    let found = complaints(connection, &format!("SELECT * FROM pragma_{check}(?1)"), [table]);
    Ok(found?.first().map(|complaint| format!("{} ({complaint})", part(table))))
}

/// What a check says, if that is not that all is well. Damage that ends the check is a complaint, too.
fn complaints<P: rusqlite::Params>(connection: &Connection, sql: &str, of: P) -> rusqlite::Result<Vec<String>> {
    let mut select = connection.prepare(sql)?;
    let mut found = Vec::new();
    for said in select.query_map(of, |row| row.get::<_, String>(0))? {
        match said {
            Ok(said) if said == "ok" => {}
            Ok(said) => found.push(last_line(&said)),
            // What was found before the time was over counts.
            Err(_) if !found.is_empty() => break,
            Err(error) => return Damage::of(error).map(|Damage(parts)| parts),
        }
    }
    Ok(found)
}

/// The first complaint has the name of the database above it.
fn last_line(said: &str) -> String {
    said.lines().last().unwrap_or_default().to_owned()
}

/// The rows that the next append to each log reads.
fn ends_of_logs(connection: &Connection) -> rusqlite::Result<Option<String>> {
    // A database of an earlier version has no direct messages.
    let tables = tables(connection)?;
    for table in ["entry", "direct"].into_iter().filter(|table| tables.iter().any(|known| known == table)) {
        let mut select = connection.prepare(&format!(
            "SELECT max(log) FROM {table}
             UNION ALL SELECT (SELECT max(number) FROM {table} WHERE log = log.id) FROM log"
        ))?;
        let read: rusqlite::Result<()> = select.query_map([], |_| Ok(()))?.collect();
        if let Err(error) = read {
            return Damage::of(error).map(|damage| Some(format!("{} ({})", part(table), damage.parts())));
        }
    }
    Ok(None)
}

/// What is in a table, in the words of an operator.
fn part(table: &str) -> String {
    match table {
        "account" => "accounts".to_owned(),
        "follow" => "follows".to_owned(),
        "log" => "rooms and publishers".to_owned(),
        "entry" => "messages".to_owned(),
        "direct" => "direct messages".to_owned(),
        "usual_address" => "usual addresses".to_owned(),
        other => format!("table {other}"),
    }
}

/// Does something with the connection, and has it give up after `limit`.
fn within<T>(
    connection: &Connection,
    limit: Duration,
    work: impl FnOnce() -> rusqlite::Result<T>,
) -> rusqlite::Result<T> {
    let handle = connection.get_interrupt_handle();
    let (done, is_done) = channel::<()>();
    let watch = move || {
        let mut wait = limit;
        while is_done.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
            handle.interrupt();
            wait = NUDGE_INTERVAL;
        }
    };
    thread::scope(|scope| {
        // Without a thread, and so without a limit, it takes longer and comes to the same.
        let _watch = thread::Builder::new().name("check-limit".to_owned()).spawn_scoped(scope, watch);
        let worked = work();
        drop(done);
        worked
    })
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::schema;

    fn database(entries: u32) -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        let fill = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
            INSERT INTO entry (log, number, time, author, text) SELECT 1, i, 7, 'ann', hex(zeroblob(1000)) FROM n";
        connection.execute("INSERT INTO log (id, kind, name) VALUES (1, 'room', 'lobby')", []).unwrap();
        connection.execute(fill, [entries]).unwrap();
        connection
    }

    #[test]
    fn a_look_that_takes_too_long_is_given_up_and_says_so() {
        let connection = database(20_000);
        assert_eq!(look_at_structure(&connection, Duration::ZERO), Ok(Ok(Extent::Part)));
        assert_eq!(look_at_structure(&connection, Duration::MAX), Ok(Ok(Extent::All)));
        assert_eq!(look_at_everything(&connection), Ok(Ok(())));
    }

    #[test]
    fn what_is_damaged_is_named_and_much_of_it_is_counted() {
        let damage = |parts: &[&str]| Damage(parts.iter().map(|part| (*part).to_owned()).collect()).parts();
        assert_eq!(damage(&["a"]), "a");
        assert_eq!(damage(&["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }

    #[test]
    fn what_is_damaged_is_told_with_the_way_out_and_a_full_disk_as_such() {
        let error = |code| rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(code), Some("no luck".to_owned()));
        for code in [rusqlite::ffi::SQLITE_CORRUPT, rusqlite::ffi::SQLITE_NOTADB] {
            let told = failure(&error(code));
            let text = told.to_string();
            assert!(
                !told.is_full() && text.starts_with("the database is damaged: ") && text.ends_with(WAY_OUT),
                "{text}"
            );
        }
        let full = failure(&error(rusqlite::ffi::SQLITE_FULL));
        assert!(full.is_full() && full.to_string().contains("disk"), "{full}");
        let other = failure(&error(rusqlite::ffi::SQLITE_BUSY));
        assert!(!other.is_full() && !other.to_string().contains(WAY_OUT), "{other}");
        assert!(Damage::of(error(rusqlite::ffi::SQLITE_CORRUPT)).is_ok());
        assert!(Damage::of(error(rusqlite::ffi::SQLITE_BUSY)).is_err(), "another program is no damage");
    }

    #[test]
    fn what_was_found_before_the_time_was_over_counts() {
        let connection = database(1);
        let one_then_error = "SELECT 'first line\nPage 7: lost' UNION ALL SELECT zeroblob(1)";
        assert_eq!(complaints(&connection, one_then_error, []).unwrap(), ["Page 7: lost"]);
        // Before anything was found, the error is that of the look.
        assert!(complaints(&connection, "SELECT zeroblob(1)", []).is_err());
        assert_eq!(complaints(&connection, "SELECT 'ok'", []).unwrap(), [""; 0]);
    }

    #[test]
    fn a_new_file_and_databases_of_each_version_before_are_sound() {
        let connection = Connection::open_in_memory().unwrap();
        assert_eq!((look_at_ends(&connection), look_at_everything(&connection)), (Ok(Ok(())), Ok(Ok(()))));
        for version in 1..=schema::VERSION {
            schema::tests::migrate_to(&connection, version);
            connection.execute("INSERT OR IGNORE INTO log (id, kind, name) VALUES (1, 'room', 'lobby')", []).unwrap();
            assert_eq!(look_at_ends(&connection), Ok(Ok(())), "{version}");
            assert_eq!(look_at_structure(&connection, Duration::MAX), Ok(Ok(Extent::All)), "{version}");
        }
    }
}
