//! Notices that a database went back in time: that an older copy was put in its place. It must not be part of a copy, and must
//! not decide what becomes of what is stored.
//!
//! A small file beside the database and the database itself hold the same identity and a mark that grows while something is
//! said, in the database first. A database whose mark is smaller than that of the file, or that has another file or none
//! beside it, is not the one that was here.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parlor_core::ports::{StoreError, StoreResult};
use rusqlite::{Connection, OptionalExtension, params};

use super::database::Database;
use super::open_error::OpenError;

/// Name of the file within the data directory.
pub(super) const FILE_NAME: &str = "parlor.db.stamp";

/// Makes a new life of the logs.
pub(super) const NEW_EPOCH: &str =
    "UPDATE meta SET value = lower(hex(randomblob(8))) WHERE key = 'epoch'; UPDATE log SET epoch = NULL";

/// What a database and the file beside it have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    /// Of the database in this place.
    identity: String,
    /// How often it was noted that something was said.
    mark: u64,
}

impl Stamp {
    fn parse(text: &str) -> Option<Self> {
        let (identity, mark) = text.trim_end().split_once(' ')?;
        Some(Self { identity: identity.to_owned(), mark: mark.parse().ok()? })
    }

    /// Always of the same length, so that it can be written over the one before.
    fn text(&self) -> String {
        format!("{} {:020}\n", self.identity, self.mark)
    }
}

/// The file beside an open database.
pub(super) struct StampFile {
    file: File,
    identity: String,
    mark: AtomicU64,
    /// Whether something was said since the last mark.
    is_behind: AtomicBool,
}

impl StampFile {
    /// Opens or makes the file beside the database in the directory `data`, for the only server of that. Tells whether the
    /// database went back; then its logs have begun a new epoch.
    pub(super) fn open(data: &Path, connection: &mut Connection) -> Result<(Self, bool), OpenError> {
        let path = data.join(FILE_NAME);
        let beside = read(&path).map_err(|error| made(&path, error))?;
        let failed = |error| OpenError::of(&data.join(super::FILE_NAME), error);
        let within = stored(connection).map_err(failed)?;
        let (stamp, went_back) = match (within, beside) {
            (Some(within), Some(Some(beside))) if within.identity == beside.identity && within.mark >= beside.mark => {
                (within, false)
            }
            // A new database, or one of a version that knew no stamps.
            (None, None) => (renew(connection, false).map_err(failed)?, false),
            _ => (renew(connection, true).map_err(failed)?, true),
        };
        let file = write(&path, &stamp).map_err(|error| made(&path, error))?;
        let Stamp { identity, mark } = stamp;
        // The first note is due at once: what is copied from now on is older than it.
        Ok((Self { file, identity, mark: mark.into(), is_behind: true.into() }, went_back))
    }

    /// Something was said. Does not block.
    pub(super) fn touch(&self) {
        self.is_behind.store(true, Ordering::Relaxed);
    }

    /// Notes that something was said since the last note, in the database and then in the file. Blocks on the disk.
    ///
    /// # Errors
    /// One of them cannot be written; the next note makes up for it.
    pub(super) fn advance(&self, database: &Database) -> StoreResult<()> {
        if !self.is_behind.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let mark = self.mark.fetch_add(1, Ordering::Relaxed) + 1;
        let noted = database
            .change(move |connection| {
                let sql = "UPDATE meta SET value = max(CAST(value AS INTEGER), ?1) WHERE key = 'mark'";
                Ok(connection.execute(sql, params![mark])? > 0)
            })
            .and_then(|_| {
                let text = Stamp { identity: self.identity.clone(), mark }.text();
                // Synced, so that after a power loss the file is not older than what the database kept.
                self.file.write_all_at(text.as_bytes(), 0).and_then(|()| self.file.sync_data()).map_err(StoreError::new)
            });
        if noted.is_err() {
            self.touch();
        }
        noted
    }
}

fn made(path: &Path, error: io::Error) -> OpenError {
    OpenError::Make { path: PathBuf::from(path), error }
}

/// The stamp of the file; `None` within if the file is there and holds none.
fn read(path: &Path) -> io::Result<Option<Option<Stamp>>> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(1024).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(str::from_utf8(&bytes).ok().and_then(Stamp::parse)))
}

/// Writes the file, and waits for the disk.
fn write(path: &Path, stamp: &Stamp) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(path)?;
    let text = stamp.text();
    file.write_all_at(text.as_bytes(), 0)?;
    file.set_len(text.len() as u64)?;
    file.sync_all()?;
    Ok(file)
}

/// The stamp of the database.
fn stored(connection: &Connection) -> rusqlite::Result<Option<Stamp>> {
    let sql = "SELECT stamp.value, CAST(mark.value AS INTEGER) FROM meta stamp, meta mark
        WHERE stamp.key = 'stamp' AND mark.key = 'mark'";
    connection.query_row(sql, [], |row| Ok(Stamp { identity: row.get(0)?, mark: row.get(1)? })).optional()
}

/// Gives the database a new identity, and its logs a new epoch if it went back.
fn renew(connection: &mut Connection, went_back: bool) -> rusqlite::Result<Stamp> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if went_back {
        transaction.execute_batch(NEW_EPOCH)?;
    }
    transaction
        .execute("INSERT OR REPLACE INTO meta VALUES ('stamp', lower(hex(randomblob(8)))), ('mark', '0')", [])?;
    transaction.commit()?;
    stored(connection)?.ok_or(rusqlite::Error::QueryReturnedNoRows)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::sqlite::{Durability, schema};

    fn database() -> Connection {
        let mut connection = Connection::open_in_memory().unwrap();
        schema::migrate(&mut connection).unwrap();
        connection
    }

    fn epoch(connection: &Connection) -> String {
        connection.query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| row.get(0)).unwrap()
    }

    fn set_mark(connection: &Connection, mark: u64) {
        connection.execute("UPDATE meta SET value = ?1 WHERE key = 'mark'", [mark]).unwrap();
    }

    /// Whether the database is found to have gone back. With that, and only then, there is another epoch.
    fn went_back(data: &Path, connection: &mut Connection) -> bool {
        let before = epoch(connection);
        let (_, went_back) = StampFile::open(data, connection).unwrap();
        assert_eq!(epoch(connection) != before, went_back);
        went_back
    }

    #[test]
    fn a_database_is_known_again_by_its_file_and_one_that_is_ahead_of_it_is_too() {
        let (data, mut connection) = (tempfile::tempdir().unwrap(), database());
        assert!(!went_back(data.path(), &mut connection));
        assert!(!went_back(data.path(), &mut connection));
        // The process died between the two notes.
        set_mark(&connection, 1);
        assert!(!went_back(data.path(), &mut connection));
        assert!(!went_back(data.path(), &mut connection));
    }

    #[test]
    fn an_older_one_another_one_and_one_without_a_file_went_back_once() {
        let (data, mut connection) = (tempfile::tempdir().unwrap(), database());
        let path = data.path().join(FILE_NAME);
        let expect_once = |connection: &mut Connection| {
            assert!(went_back(data.path(), connection));
            assert!(!went_back(data.path(), connection));
        };
        StampFile::open(data.path(), &mut connection).unwrap();
        set_mark(&connection, 7);
        StampFile::open(data.path(), &mut connection).unwrap();
        set_mark(&connection, 6);
        expect_once(&mut connection);
        expect_once(&mut database());
        StampFile::open(data.path(), &mut connection).unwrap();
        fs::remove_file(&path).unwrap();
        expect_once(&mut connection);
        // A loss of power may leave anything.
        for torn in ["", "\0\0\0", "0123456789abcdef", "é"] {
            fs::write(&path, torn).unwrap();
            expect_once(&mut connection);
        }
    }

    #[test]
    fn both_notes_grow_while_something_is_said_and_only_then() {
        let data = tempfile::tempdir().unwrap();
        let database = Database::open(data.path(), Durability::Process).unwrap();
        let mut connection = Connection::open(data.path().join(crate::sqlite::FILE_NAME)).unwrap();
        let (stamp, _) = StampFile::open(data.path(), &mut connection).unwrap();
        let both = || {
            let [within, beside] = [stored(&connection).unwrap(), read(&data.path().join(FILE_NAME)).unwrap().unwrap()];
            assert_eq!(within, beside);
            within.unwrap().mark
        };
        assert_eq!(both(), 0);
        // What is copied now is older than what is said afterwards, so the first note is due at once.
        for expected in [1, 1, 1] {
            stamp.advance(&database).unwrap();
            assert_eq!(both(), expected);
        }
        stamp.touch();
        stamp.touch();
        for expected in [2, 2] {
            stamp.advance(&database).unwrap();
            assert_eq!(both(), expected);
        }
        // Somebody else has noted more by now: the mark of the database never goes back.
        set_mark(&connection, 9);
        stamp.touch();
        stamp.advance(&database).unwrap();
        assert_eq!(stored(&connection).unwrap().unwrap().mark, 9);
    }

    #[test]
    fn a_note_that_failed_is_made_up_for_by_the_next_one() {
        let data = tempfile::tempdir().unwrap();
        let database = Database::open(data.path(), Durability::Process).unwrap();
        let mut connection = Connection::open(data.path().join(crate::sqlite::FILE_NAME)).unwrap();
        let (stamp, _) = StampFile::open(data.path(), &mut connection).unwrap();
        connection.execute_batch("ALTER TABLE meta RENAME TO hidden").unwrap();
        assert!(stamp.advance(&database).is_err());
        connection.execute_batch("ALTER TABLE hidden RENAME TO meta").unwrap();
        stamp.advance(&database).unwrap();
        let (within, beside) = (stored(&connection).unwrap(), read(&data.path().join(FILE_NAME)).unwrap().unwrap());
        assert!(within == beside && within.is_some_and(|stamp| stamp.mark > 0));
    }

    #[test]
    fn every_mark_is_written_over_the_one_before() {
        let stamp = |mark| Stamp { identity: "0123456789abcdef".to_owned(), mark };
        for mark in [0, 9, 10, u64::MAX] {
            let text = stamp(mark).text();
            assert_eq!((text.len(), Stamp::parse(&text)), (stamp(0).text().len(), Some(stamp(mark))));
        }
        for torn in ["", "0123456789abcdef", "0123456789abcdef ", "0123456789abcdef -1", "0123456789abcdef 1 2"] {
            assert_eq!(Stamp::parse(torn), None, "{torn}");
        }
    }
}
