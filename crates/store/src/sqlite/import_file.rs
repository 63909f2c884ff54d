//! The note in a database that is being filled beside its place: of which archive it is, and how far it came. It must not fill
//! it, nor put it in its place.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OptionalExtension};

use super::schema;

/// Name of the database that is being filled, within the data directory.
pub const IMPORT_FILE_NAME: &str = "parlor.db.import";

/// What is noted in place of a number when everything is there.
pub(super) const SEALED: &str = "sealed";

/// What a database says of itself that is being filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Noted {
    /// The digest of the archive, or the mark of the migration.
    pub(super) archive: String,
    /// How many records it has, or [`SEALED`].
    pub(super) stored: String,
}

impl Noted {
    /// Whether everything is there, and only its place is missing.
    pub(super) fn is_sealed(&self) -> bool {
        self.stored == SEALED
    }
}

/// What the database at `path` says of itself; none if it is not being filled, if it is damaged, or if there is none.
///
/// # Errors
/// It cannot be read, for example by this user.
pub(super) fn noted(path: &Path) -> rusqlite::Result<Option<Noted>> {
    if !path.exists() {
        return Ok(None);
    }
    let noted = match read(path) {
        Err(error) if is_damage(&error) => None,
        noted => noted?,
    };
    let parts = noted.as_deref().and_then(|noted| noted.split_once(' '));
    Ok(parts.map(|(archive, stored)| Noted { archive: archive.to_owned(), stored: stored.to_owned() }))
}

/// The note; none also before there is a table for it.
fn read(path: &Path) -> rusqlite::Result<Option<String>> {
    let connection = Connection::open(path)?;
    if schema::version(&connection)? == 0 {
        return Ok(None);
    }
    connection.query_row("SELECT value FROM meta WHERE key = 'import'", [], |row| row.get(0)).optional()
}

/// Whether a loss of power left something that is no database.
fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt))
}

/// Notes how far it came.
pub(super) fn note(connection: &Connection, archive: &str, stored: impl fmt::Display) -> rusqlite::Result<()> {
    let note = format!("{archive} {stored}");
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('import', ?1)", [note]).map(drop)
}

/// The file in which a migration into the directory `data` left everything when it broke off before its last step.
///
/// # Errors
/// There is such a file, and it cannot be read.
pub(super) fn left_by_a_migration(data: &Path) -> rusqlite::Result<Option<PathBuf>> {
    let path = data.join(IMPORT_FILE_NAME);
    Ok(noted(&path)?.filter(Noted::is_sealed).map(|_| path))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_tells_of_which_archive_it_is_and_how_far_it_came() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(IMPORT_FILE_NAME);
        assert_eq!(noted(&path), Ok(None), "there is none");
        fs::write(&path, "").unwrap();
        assert_eq!(noted(&path), Ok(None), "it has no tables yet");
        let mut connection = Connection::open(&path).unwrap();
        schema::migrate(&mut connection).unwrap();
        assert_eq!(noted(&path), Ok(None), "it is not being filled");
        let noted_as = |stored: &str| Noted { archive: "digest".to_owned(), stored: stored.to_owned() };
        for (stored, is_sealed) in [("0", false), ("21000", false), (SEALED, true)] {
            note(&connection, "digest", stored).unwrap();
            assert_eq!(noted(&path), Ok(Some(noted_as(stored))));
            assert_eq!(noted_as(stored).is_sealed(), is_sealed);
            let left = left_by_a_migration(data.path()).unwrap();
            assert_eq!(left, is_sealed.then(|| path.clone()));
        }
        connection.execute("UPDATE meta SET value = 'nothing' WHERE key = 'import'", []).unwrap();
        assert_eq!(noted(&path), Ok(None), "no note of this program");
    }

    #[test]
    fn what_a_loss_of_power_left_is_none() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(IMPORT_FILE_NAME);
        for left in ["something else", "SQLite format 3\0"] {
            fs::write(&path, left.repeat(100)).unwrap();
            assert_eq!(noted(&path), Ok(None), "{left}");
        }
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(noted(&path).is_err(), "it cannot be read");
    }
}
