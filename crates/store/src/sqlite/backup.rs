//! Backups of a database: a snapshot that is made while a server writes, followed by one line with counts and a digest. It
//! must not change the database that it copies.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::OpenError;
use super::integrity;
use super::{FILE_NAME, inspect, schema, shrinking, stamp};

/// How every file of SQLite begins.
pub const MAGIC: &[u8] = b"SQLite format 3\0";

/// The version of backups that this program writes, and the newest that it reads.
const VERSION: u64 = 1;

/// Bytes of the header of SQLite that are read.
const HEADER: usize = 32;

/// The longest last line, in bytes.
const MAX_LINE: u64 = 4096;

/// Time between two looks at how far a copy has come.
const INTERVAL: Duration = Duration::from_secs(1);

/// What may be in a data directory of a database.
const SUFFIXES: [&str; 5] = ["", "-wal", "-shm", "-journal", ".import"];

/// Why a backup cannot be made or read. Each is one line for an operator.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something else.
    #[error("this is no backup of Parlor")]
    Foreign,
    /// A newer program wrote it.
    #[error("the backup is of version {found}, newer than version {VERSION} of this program; use a newer parlor")]
    Newer {
        /// Its version.
        found: u64,
    },
    /// It was cut, or was not written by `parlor backup`.
    #[error("the backup is incomplete: its end is missing")]
    Incomplete,
    /// It is not as it was written.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// A file cannot be read or written.
    #[error("cannot read or write the backup: {0}")]
    File(#[from] io::Error),
    /// The database cannot be used.
    #[error("{0}")]
    Database(#[from] OpenError),
}

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupFacts {
    version: u64,
    /// Number of accounts.
    pub accounts: u64,
    /// Number of rooms, feeds and inboxes.
    pub logs: u64,
    /// Number of entries in them.
    pub entries: u64,
    /// SHA-256 of the database, in hexadecimal digits.
    pub sha256: String,
}

impl fmt::Display for BackupFacts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accounts, logs, entries, sha256, .. } = self;
        write!(out, "{accounts} accounts, {logs} logs, {entries} entries; sha256 {sha256}")
    }
}

/// The last line.
#[derive(Serialize, Deserialize)]
enum End {
    #[serde(rename = "parlor-backup")]
    Backup(BackupFacts),
}

/// Copies the database in the directory `data` to `file`, which is empty, and checks the copy. A server may use the database.
/// `progress` gets the bytes so far and in all, now and then. Blocks on the disk.
///
/// # Errors
/// There is no database, its content has moved elsewhere, it is damaged, or the disk fails. Then `file` is of no use.
pub fn back_up(data: &Path, file: &Path, progress: impl Fn(u64, u64) + Send) -> Result<BackupFacts, BackupError> {
    copy(data, file, progress)?;
    let connection = open(file)?;
    let mut facts = look_through(&connection, file)?;
    drop(connection);
    let mut written = OpenOptions::new().read(true).append(true).open(file)?;
    facts.sha256 = digest(&mut written, u64::MAX)?;
    let mut line = serde_json::to_vec(&End::Backup(facts.clone())).map_err(io::Error::from)?;
    line.push(b'\n');
    written.write_all(&line)?;
    written.sync_all()?;
    Ok(facts)
}

/// Checks a backup, and makes a database of it in the directory `into`, which has none. Every log has a new epoch.
///
/// # Errors
/// It is no backup, or not as it was written; then no database is there.
pub fn unpack(file: &mut File, into: &Path) -> Result<BackupFacts, BackupError> {
    let (length, facts) = verify(file)?;
    let path = into.join(FILE_NAME);
    file.rewind()?;
    let mut copy = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&path)?;
    io::copy(&mut file.take(length), &mut copy)?;
    drop(copy);
    let mut connection = open(&path)?;
    let found = look_through(&connection, &path)?;
    if (found.accounts, found.logs, found.entries) != (facts.accounts, facts.logs, facts.entries) {
        return Err(BackupError::Damaged("it has other counts".to_owned()));
    }
    let failed = |error| OpenError::of(&path, error);
    shrinking::allow(&connection, u64::MAX).map_err(failed)?;
    forget_life(&mut connection).map_err(failed)?;
    connection.close().map_err(|(_, error)| failed(error))?;
    File::open(&path)?.sync_all()?;
    Ok(facts)
}

/// Moves the database of the directory `data`, and all that belongs to it, into a new directory `aside` within it. Returns
/// whether there was anything.
///
/// # Errors
/// The disk fails.
pub fn put_aside(data: &Path, aside: &Path) -> io::Result<bool> {
    put_aside_some(data, aside, &SUFFIXES)
}

/// The same for those files of a database whose names end in some ways.
pub(super) fn put_aside_some(data: &Path, aside: &Path, suffixes: &[&str]) -> io::Result<bool> {
    let names = suffixes.iter().map(|suffix| format!("{FILE_NAME}{suffix}"));
    let names = names.chain([stamp::FILE_NAME.to_owned()]);
    let found: Vec<String> = names.filter(|name| data.join(name).symlink_metadata().is_ok()).collect();
    if found.is_empty() {
        return Ok(false);
    }
    fs::DirBuilder::new().mode(0o700).create(aside)?;
    // The log before its database: what is left behind by an interruption is complete.
    for name in found.iter().rev() {
        fs::rename(data.join(name), aside.join(name))?;
    }
    File::open(data)?.sync_all()?;
    Ok(true)
}

/// Makes a database that was unpacked or filled elsewhere the one of the directory `data`, which has none.
///
/// # Errors
/// The disk fails.
pub fn put_in_place(from: &Path, data: &Path) -> io::Result<()> {
    fs::rename(from.join(FILE_NAME), data.join(FILE_NAME))?;
    File::open(data)?.sync_all()
}

/// Brings everything into the one file of the database in the directory `data`, which no server uses.
///
/// # Errors
/// It is damaged, another program uses it, or the disk fails.
pub fn settle(data: &Path) -> Result<(), OpenError> {
    let path = data.join(FILE_NAME);
    let failed = |error| OpenError::of(&path, error);
    let connection = open(&path)?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(failed)?;
    connection.close().map_err(|(_, error)| failed(error))
}

/// Lets SQLite copy a snapshot.
fn copy(data: &Path, file: &Path, progress: impl Fn(u64, u64) + Send) -> Result<(), BackupError> {
    let path = data.join(FILE_NAME);
    let failed = |error| OpenError::of(&path, error);
    let connection = inspect::open_current(data)?.ok_or_else(|| io::Error::from(ErrorKind::NotFound))?;
    let pages = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    let all = (|| Ok((pages("page_count")? - pages("freelist_count")?) * pages("page_size")?))().map_err(failed)?;
    let into = file.to_str().ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "the name is not UTF-8"))?;
    let (done, is_done) = channel::<()>();
    let watch = move || {
        while is_done.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
            progress(fs::metadata(into).map_or(0, |found| found.len()), all);
        }
    };
    thread::scope(|scope| {
        // Without a thread nobody is told.
        let _watch = thread::Builder::new().name("progress".to_owned()).spawn_scoped(scope, watch);
        let copied = connection.execute("VACUUM INTO ?1", [into]);
        drop(done);
        copied.map(drop)
    })
    .map_err(failed)?;
    Ok(())
}

/// Opens a database that nobody else uses.
fn open(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| OpenError::of(path, error))?;
    let found = schema::version(&connection).map_err(|error| OpenError::of(path, error))?;
    if found > schema::VERSION {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: schema::VERSION });
    }
    Ok(connection)
}

/// Looks for damage, and counts.
fn look_through(connection: &Connection, path: &Path) -> Result<BackupFacts, BackupError> {
    let failed = |error| OpenError::of(path, error);
    if let Err(damage) = integrity::look_at_everything(connection).map_err(failed)? {
        return Err(BackupError::Damaged(damage.parts()));
    }
    let count = |table: &str| -> rusqlite::Result<u64> {
        let is_there = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        if !connection.prepare(is_there)?.exists([table])? {
            return Ok(0);
        }
        connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))
    };
    let count = |table: &str| count(table).map_err(failed);
    Ok(BackupFacts {
        version: VERSION,
        accounts: count("account")?,
        logs: count("log")?,
        entries: count("entry")? + count("direct")?,
        sha256: String::new(),
    })
}

/// The length of the database in a backup, and what is said about it.
fn verify(file: &mut File) -> Result<(u64, BackupFacts), BackupError> {
    let mut header = [0; HEADER];
    match file.read_exact_at(&mut header, 0) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(BackupError::Foreign),
        read => read?,
    }
    if !header.starts_with(MAGIC) {
        return Err(BackupError::Foreign);
    }
    let length = database_length(&header);
    let mut line = Vec::new();
    file.seek(SeekFrom::Start(length))?;
    (&mut *file).take(MAX_LINE).read_to_end(&mut line)?;
    if !line.ends_with(b"\n") {
        return Err(BackupError::Incomplete);
    }
    let damaged = |what: &str| BackupError::Damaged(what.to_owned());
    let Ok(End::Backup(facts)) = serde_json::from_slice(&line) else {
        return Err(damaged("its last line is another one"));
    };
    if facts.version > VERSION {
        return Err(BackupError::Newer { found: facts.version });
    }
    file.rewind()?;
    if digest(file, length)? != facts.sha256 {
        return Err(damaged("its digest is another one"));
    }
    Ok((length, facts))
}

/// The length that a database gives itself: the page size is at byte 16, the number of pages at byte 28.
fn database_length(header: &[u8; HEADER]) -> u64 {
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        size => u64::from(size),
    };
    page * u64::from(u32::from_be_bytes([header[28], header[29], header[30], header[31]]))
}

/// SHA-256 of up to `length` bytes from the start of a file.
fn digest(file: &mut File, length: u64) -> io::Result<String> {
    file.rewind()?;
    let (mut digest, mut buffer) = (Sha256::new(), vec![0; 1 << 20]);
    let mut input = BufReader::with_capacity(1 << 20, file).take(length);
    loop {
        match input.read(&mut buffer)? {
            0 => break,
            count => digest.update(&buffer[..count]),
        }
    }
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Nothing goes on that a server was at, and no log goes on with its numbers.
fn forget_life(connection: &mut Connection) -> rusqlite::Result<()> {
    schema::migrate(connection)?;
    let transaction = connection.transaction()?;
    transaction.execute_batch(stamp::NEW_EPOCH)?;
    transaction
        .execute_batch("DELETE FROM meta WHERE key IN ('stamp', 'mark', 'checked'); DELETE FROM room_request")?;
    transaction.commit()
}

#[cfg(test)]
mod tests;
