//! The database of a data directory as other programs than its server look at it: `parlor check` and `parlor audit`. It must
//! not make one, or change what it means.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::integrity::{self, Damage};
use super::{BUSY_TIMEOUT, FILE_NAME, OpenError, departure};

/// What a look at the database of a running server came to.
#[derive(Debug)]
pub enum Probe {
    /// No server uses a database in this directory.
    Absent,
    /// This user may not look at it.
    NotAllowed(io::Error),
    /// It can be read and written.
    Sound,
}

/// Reads what a login and an append need of the database that a server has open, and writes a row. Blocks on the disk, and
/// two seconds at most on other programs.
///
/// # Errors
/// It is damaged, locked, or cannot be written.
pub fn probe(data: &Path) -> Result<Probe, OpenError> {
    let path = data.join(FILE_NAME);
    // Only while somebody has the database open, or after a kill, there is a write-ahead log.
    let reached = fs::metadata(wal(&path)).and_then(|_| OpenOptions::new().read(true).write(true).open(&path));
    match reached {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Probe::Absent),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(Probe::NotAllowed(error)),
        Err(error) => return Err(OpenError::Make { path, error }),
    }
    let failed = |error| OpenError::of(&path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    if let Err(damage) = integrity::look_at_ends(&connection).map_err(failed)? {
        return Err(OpenError::Damaged { path, damage });
    }
    let sql = "INSERT INTO meta VALUES ('checked', datetime()) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    connection.execute(sql, []).map_err(failed)?;
    Ok(Probe::Sound)
}

/// Looks at all of the database in the directory `data`, without making or changing a file where no server uses it. Where
/// there is none, nothing is wrong. Blocks for some seconds with each GiB.
///
/// # Errors
/// It is damaged, or cannot be read.
pub fn inspect(data: &Path) -> Result<(), OpenError> {
    let path = data.join(FILE_NAME);
    if !path.try_exists().map_err(|error| OpenError::Make { path: path.clone(), error })? {
        return Ok(());
    }
    let failed = |error| OpenError::of(&path, error);
    let verdict = if wal(&path).exists() {
        integrity::look_at_everything(&open_in_use(&path).map_err(failed)?).map_err(failed)?
    } else {
        let verdict = integrity::look_at_everything(&open_at_rest(&path).map_err(failed)?).map_err(failed)?;
        if verdict.is_err() && wal(&path).exists() {
            // Somebody began to write in the middle of the look, which did not take part in that.
            integrity::look_at_everything(&open_in_use(&path).map_err(failed)?).map_err(failed)?
        } else {
            verdict
        }
    };
    verdict.map_err(|damage: Damage| OpenError::Damaged { path, damage })
}

/// Opens a database to read from it, without making or changing a file where no server uses it. None if there is no database.
pub(super) fn open_to_read(data: &Path) -> Result<Option<Connection>, OpenError> {
    let path = data.join(FILE_NAME);
    if !path.try_exists().map_err(|error| OpenError::Make { path: path.clone(), error })? {
        return Ok(None);
    }
    let opened = if wal(&path).exists() { open_in_use(&path) } else { open_at_rest(&path) };
    opened.map(Some).map_err(|error| OpenError::of(&path, error))
}

/// The same of a database whose content has not moved elsewhere: what is left there is of the past.
pub(super) fn open_current(data: &Path) -> Result<Option<Connection>, OpenError> {
    let Some(connection) = open_to_read(data)? else { return Ok(None) };
    departure::refuse(&data.join(FILE_NAME), &connection)?;
    Ok(Some(connection))
}

fn open_in_use(path: &Path) -> rusqlite::Result<Connection> {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// Without locks, and without the files that belong to them.
fn open_at_rest(path: &Path) -> rusqlite::Result<Connection> {
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(char::from(*byte)),
            byte => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(uri, flags)
}

/// The write-ahead log. SQLite puts it beside the file to which a link leads.
fn wal(path: &Path) -> PathBuf {
    let mut name = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).into_os_string();
    name.push("-wal");
    name.into()
}
