//! Fills a new database with an archive, beside the place of the database of a server. It must not touch a database with
//! accounts or messages.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use parlor_core::ports::LogId;
use parlor_proto::{MessageId, Timestamp};
use rusqlite::{Connection, params};

use crate::archive::{
    AccountRecord, ArchiveError, ArchiveResult, ArchiveTarget, ConversationRecord, EntryRecord, Epochs, LogRecord,
    OnceRecord, Record,
};
use crate::sqlite::import_file::{IMPORT_FILE_NAME, SEALED, note, noted};
use crate::sqlite::integrity::{self, failure};
use crate::sqlite::{
    FILE_NAME, amend, backup, comeback, inspect, invitations, rights, rows, schema, shrinking, stamp, tickets,
};

/// Records in one transaction.
const BATCH: u64 = 10_000;

/// The files that belong to a database besides itself.
const COMPANIONS: [&str; 2] = ["-wal", "-shm"];

/// A database that is being filled.
pub struct SqliteTarget {
    data: PathBuf,
    pub(super) connection: Connection,
    /// The digest of the archive.
    archive: String,
    epochs: Epochs,
    stored: u64,
    log: Option<(LogId, i64)>,
    /// Whether what was stored was looked at.
    is_checked: bool,
    is_sealed: bool,
    /// The name of the directory within `data` that gets a database which has moved.
    aside: Option<String>,
}

impl SqliteTarget {
    /// Prepares a database in the directory `data`, which exists and which no server uses. `archive` is the digest of the
    /// archive: what an earlier import of the same one stored stays.
    ///
    /// # Errors
    /// There are accounts or messages already, or the disk fails.
    pub fn open(data: &Path, archive: &str, epochs: Epochs) -> ArchiveResult<Self> {
        refuse_content(data)?;
        Self::begin(data, archive, epochs)
    }

    /// The same in the place of a database, which is gone in the end.
    ///
    /// # Errors
    /// The disk fails.
    pub fn replacing(data: &Path, archive: &str) -> ArchiveResult<Self> {
        Self::begin(data, archive, Epochs::Kept)
    }

    /// The same for a migration, which begins anew. A database there that has moved is put into the directory `aside` within
    /// `data` in the end.
    ///
    /// # Errors
    /// There are accounts or messages that have not moved, another migration has not come to its end, or the disk fails.
    pub fn moving(data: &Path, migration: &str, aside: &str) -> ArchiveResult<Self> {
        refuse_content_of_its_own(data)?;
        let path = data.join(IMPORT_FILE_NAME);
        if noted(&path).map_err(write_failure)?.is_some_and(|noted| noted.archive == migration) {
            remove(&path)?;
        }
        Ok(Self { aside: Some(aside.to_owned()), ..Self::begin(data, migration, Epochs::Kept)? })
    }

    /// Finishes a migration of which only that is left, since it broke off. Returns whether everything is there.
    ///
    /// # Errors
    /// There are accounts or messages of another server, or the disk fails.
    pub fn finish_sealed(data: &Path, migration: &str, aside: &str) -> ArchiveResult<bool> {
        let path = data.join(IMPORT_FILE_NAME);
        let is_it = |path: &Path| {
            let noted = noted(path).map_err(write_failure)?;
            ArchiveResult::Ok(noted.is_some_and(|noted| noted.is_sealed() && noted.archive == migration))
        };
        if is_it(&path)? {
            refuse_content_of_its_own(data)?;
            replace_moved(data, aside)?;
            put_in_place(data, &path)?;
            return Ok(true);
        }
        is_it(&data.join(FILE_NAME))
    }

    fn begin(data: &Path, archive: &str, epochs: Epochs) -> ArchiveResult<Self> {
        let path = data.join(IMPORT_FILE_NAME);
        if noted(&path).map_err(write_failure)?.is_some_and(|noted| noted.is_sealed() && noted.archive != archive) {
            let why = "a migration into it has not come to its end there: run that one again";
            return Err(ArchiveError::Refused(why.to_owned()));
        }
        let (connection, stored) = match resume(&path, archive) {
            Some(resumed) => resumed,
            None => (begin(&path, archive)?, 0),
        };
        let (data, archive) = (data.to_owned(), archive.to_owned());
        let (is_checked, is_sealed, log, aside) = (false, false, None, None);
        let target = Self { data, connection, archive, epochs, stored, log, is_checked, is_sealed, aside };
        target.execute("BEGIN")?;
        Ok(target)
    }

    pub(super) fn execute(&self, sql: &str) -> ArchiveResult<()> {
        self.connection.execute_batch(sql).map_err(write_failure)
    }

    /// Ends the transaction, and notes how far it came.
    fn commit(&self) -> ArchiveResult<()> {
        note(&self.connection, &self.archive, self.stored).map_err(write_failure)?;
        self.execute("COMMIT")
    }

    /// Looks at everything that was stored, once the disk has it.
    pub(super) fn check(&mut self) -> ArchiveResult<()> {
        self.commit()?;
        if let Err(damage) = integrity::look_at_everything(&self.connection).map_err(write_failure)? {
            return Err(ArchiveError::Refused(damaged(damage.parts())));
        }
        self.sync()?;
        self.is_checked = true;
        self.execute("BEGIN")
    }

    /// Notes that everything is there.
    pub(super) fn note_sealed(&mut self) -> ArchiveResult<()> {
        note(&self.connection, &self.archive, SEALED).map_err(write_failure)?;
        self.execute("COMMIT")?;
        self.is_sealed = true;
        self.sync()
    }

    fn sync(&self) -> ArchiveResult<()> {
        Ok(File::open(self.data.join(IMPORT_FILE_NAME))?.sync_all()?)
    }

    fn write(&mut self, record: &Record) -> rusqlite::Result<()> {
        let connection = &self.connection;
        match record {
            Record::Account(account) => write_account(connection, account),
            Record::Ticket(ticket) => tickets::insert(connection, &ticket.user, &ticket.ticket()).map(drop),
            Record::Address { user, address, seen } => {
                let values = params![user.as_str(), address, seen.as_millis()];
                insert(connection, "INSERT INTO usual_address VALUES (?1, ?2, ?3)", values)
            }
            Record::Follow { user, publisher } => {
                insert(connection, "INSERT INTO follow VALUES (?1, ?2)", params![user.as_str(), publisher.as_str()])
            }
            Record::Block { user, blocked } => {
                insert(connection, "INSERT INTO block VALUES (?1, ?2)", params![user.as_str(), blocked.as_str()])
            }
            Record::Remembered { user, room } => {
                let values = params![user.as_str(), room.as_str()];
                insert(connection, "INSERT INTO remembered_room VALUES (?1, ?2)", values)
            }
            Record::Mark(mark) => {
                let (kind, name) = rows::kind_and_name(&mark.log);
                let values = params![mark.user.as_str(), kind, name, mark.read.0];
                insert(connection, "INSERT INTO mark VALUES (?1, ?2, ?3, ?4)", values)
            }
            Record::Invitation(record) => invitations::restore(connection, &record.invitation()),
            Record::Log(log) => self.write_log(log),
            Record::Rights { room, rights } => rights::save(connection, room, rights),
            Record::Entry(entry) => self.row(&entry.log).and_then(|row| write_entry(&self.connection, row, entry)),
            Record::Once(once) => self.row(&once.log).and_then(|row| write_once(&self.connection, row, once)),
            Record::Conversation(conversation) => write_conversation(connection, conversation),
        }
    }

    fn write_log(&self, record: &LogRecord) -> rusqlite::Result<()> {
        let (kind, name) = rows::kind_and_name(&record.log);
        let epoch = (self.epochs == Epochs::Kept).then(|| record.epoch.to_string());
        let sql = "INSERT INTO log (kind, name, base, epoch) VALUES (?1, ?2, ?3, ?4)";
        let row = self.connection.prepare_cached(sql)?.insert(params![kind, name, record.last.0, epoch])?;
        if record.others > 0 {
            insert(&self.connection, "INSERT INTO other_entry VALUES (?1, 0, ?2)", params![row, record.others])?;
        }
        Ok(())
    }

    /// Has the row of a log looked up again, since it may be another one.
    pub(super) fn forget_row(&mut self) {
        self.log = None;
    }

    /// The row of a log, which comes before its entries.
    pub(super) fn row(&mut self, log: &LogId) -> rusqlite::Result<i64> {
        if let Some((known, row)) = &self.log
            && known == log
        {
            return Ok(*row);
        }
        let (kind, name) = rows::kind_and_name(log);
        let mut select = self.connection.prepare_cached("SELECT id FROM log WHERE kind = ?1 AND name = ?2")?;
        let row = select.query_row([kind, name], |row| row.get(0))?;
        drop(select);
        self.log = Some((log.clone(), row));
        Ok(row)
    }

    /// Checks what was written, and closes the database.
    fn close(self) -> ArchiveResult<PathBuf> {
        if !self.is_sealed {
            self.connection.execute("DELETE FROM meta WHERE key = 'import'", []).map_err(write_failure)?;
            self.execute("COMMIT")?;
        }
        if !self.is_checked
            && let Err(damage) = integrity::look_at_everything(&self.connection).map_err(write_failure)?
        {
            drop(self.connection);
            fs::remove_file(self.data.join(IMPORT_FILE_NAME))?;
            return Err(ArchiveError::Refused(damaged(damage.parts())));
        }
        self.connection.close().map_err(|(_, error)| write_failure(error))?;
        Ok(self.data)
    }
}

impl ArchiveTarget for SqliteTarget {
    fn stored(&self) -> u64 {
        self.stored
    }

    fn skip(&mut self, _record: &Record) {}

    fn store(&mut self, record: &Record) -> ArchiveResult<()> {
        self.write(record).map_err(write_failure)?;
        self.stored += 1;
        if self.stored.is_multiple_of(BATCH) {
            self.commit()?;
            self.execute("BEGIN")?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> ArchiveResult<()> {
        let aside = self.aside.clone();
        let data = self.close()?;
        aside.map_or(Ok(()), |aside| replace_moved(&data, &aside))?;
        put_in_place(&data, &data.join(IMPORT_FILE_NAME))
    }
}

/// Makes a file the database of a directory, in the place of one without content. A server that starts on it takes it for one
/// without a past.
fn put_in_place(data: &Path, file: &Path) -> ArchiveResult<()> {
    File::open(file)?.sync_all()?;
    for companion in COMPANIONS {
        remove(&data.join(format!("{FILE_NAME}{companion}")))?;
    }
    remove(&data.join(stamp::FILE_NAME))?;
    fs::rename(file, data.join(FILE_NAME))?;
    Ok(File::open(data)?.sync_all()?)
}

/// Whether the directory has a database that has moved.
fn has_moved(data: &Path) -> ArchiveResult<bool> {
    let left = comeback::left(data).map_err(|error| ArchiveError::Refused(error.to_string()))?;
    Ok(left.is_some())
}

/// # Errors
/// The directory has a database with accounts or messages, which has not moved.
fn refuse_content_of_its_own(data: &Path) -> ArchiveResult<()> {
    if has_moved(data)? { Ok(()) } else { refuse_content(data) }
}

/// Puts a database that has moved aside.
fn replace_moved(data: &Path, aside: &str) -> ArchiveResult<()> {
    if has_moved(data)? {
        // The note that it has moved may be in the log beside it, which goes first.
        backup::settle(data).map_err(|error| ArchiveError::Refused(error.to_string()))?;
        backup::put_aside_some(data, &data.join(aside), &["", "-wal", "-shm"])?;
    }
    Ok(())
}

fn damaged(parts: String) -> String {
    format!("the disk did not keep what was written: {parts}")
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// # Errors
/// The directory has a database with accounts or messages.
fn refuse_content(data: &Path) -> ArchiveResult<()> {
    let refused = |what: String| ArchiveError::Refused(what);
    let Some(connection) = inspect::open_to_read(data).map_err(|error| refused(error.to_string()))? else {
        return Ok(());
    };
    let sql = "SELECT EXISTS (SELECT 1 FROM account) OR EXISTS (SELECT 1 FROM entry)";
    let is_new = schema::version(&connection).map_err(write_failure)? == 0;
    if !is_new && connection.query_row(sql, [], |row| row.get(0)).map_err(write_failure)? {
        let path = data.join(FILE_NAME);
        return Err(refused(format!("{} has accounts or messages already; nothing was imported", path.display())));
    }
    Ok(())
}

/// The database that an earlier import of the same archive has begun, and how many records it has.
fn resume(path: &Path, archive: &str) -> Option<(Connection, u64)> {
    let noted = noted(path).ok()?.filter(|noted| noted.archive == archive)?;
    Some((Connection::open(path).ok()?, noted.stored.parse().ok()?))
}

fn begin(path: &Path, archive: &str) -> ArchiveResult<Connection> {
    use std::os::unix::fs::OpenOptionsExt;
    remove(path)?;
    remove(&path.with_extension("import-journal"))?;
    fs::OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
    let make = || {
        let mut connection = Connection::open(path)?;
        // What the process wrote outlives it. After a loss of power the look at everything finds what is missing.
        connection.pragma_update(None, "synchronous", "OFF")?;
        // A text that is removed before the end is overwritten.
        connection.pragma_update_and_check(None, "secure_delete", "ON", |_| Ok(()))?;
        shrinking::allow(&connection, 0)?;
        schema::migrate(&mut connection)?;
        note(&connection, archive, 0)?;
        Ok(connection)
    };
    make().map_err(write_failure)
}

fn insert(connection: &Connection, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute(values).map(drop)
}

fn write_account(connection: &Connection, account: &AccountRecord) -> rusqlite::Result<()> {
    let AccountRecord { user, hash, created, kicks, suspension, .. } = account;
    let role = rows::role_word(account.role());
    let values = params![user.as_str(), hash.expose(), role, created.as_millis(), kicks];
    let sql = "INSERT INTO account (name, hash, role, created, kicks) VALUES (?1, ?2, ?3, ?4, ?5)";
    insert(connection, sql, values)?;
    let Some(suspension) = suspension else { return Ok(()) };
    let until = suspension.until.map(Timestamp::as_millis);
    let values = params![user.as_str(), until, suspension.reason.as_str()];
    insert(connection, "INSERT INTO suspension VALUES (?1, ?2, ?3)", values)
}

fn write_entry(connection: &Connection, row: i64, entry: &EntryRecord) -> rusqlite::Result<()> {
    let EntryRecord { id: MessageId(number), time, from, text, .. } = entry;
    let (time, text) = (time.as_millis(), text.stored());
    match &entry.log {
        LogId::Room(_) | LogId::Feed(_) => {
            let values = params![row, number, time, from.as_str(), text];
            insert(connection, "INSERT INTO entry VALUES (?1, ?2, ?3, ?4, ?5)", values)?;
        }
        LogId::Inbox(owner) => {
            let peer = entry.peer().unwrap_or(owner);
            let values = params![row, number, time, from.as_str(), text, peer.as_str()];
            insert(connection, "INSERT INTO direct VALUES (?1, ?2, ?3, ?4, ?5, ?6)", values)?;
        }
    }
    if entry.text.is_message() { Ok(()) } else { amend::note_other(connection, row, entry.id) }
}

fn write_once(connection: &Connection, row: i64, once: &OnceRecord) -> rusqlite::Result<()> {
    let values = params![row, once.author.as_str(), once.key.as_str(), once.id.0, once.time.as_millis()];
    let sql = "INSERT OR REPLACE INTO once (log, author, key, number, time) VALUES (?1, ?2, ?3, ?4, ?5)";
    insert(connection, sql, values)
}

fn write_conversation(connection: &Connection, conversation: &ConversationRecord) -> rusqlite::Result<()> {
    let ConversationRecord { owner, peer, last, read, unread } = conversation;
    let values = params![owner.as_str(), peer.as_str(), last.0, read.0, unread];
    insert(connection, "INSERT INTO conversation VALUES (?1, ?2, ?3, ?4, ?5)", values)
}

pub(super) fn write_failure(error: rusqlite::Error) -> ArchiveError {
    failure(&error).into()
}
