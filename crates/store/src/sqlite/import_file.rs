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
