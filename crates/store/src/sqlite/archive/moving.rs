//! Reads a database that is left for another store while its server writes, and notes at last where everything is. It must not
//! change anything else, besides the mark of the migration.

use std::path::Path;

use parlor_core::ports::LogId;
use parlor_proto::MessageId;
use rusqlite::{Connection, OpenFlags, Transaction};

use super::source::{Reader, read_failure, refused, require_version};
use crate::archive::{ArchiveResult, EntryRecord, MovingSource, Record, Wanted};
use crate::sqlite::{BUSY_TIMEOUT, FILE_NAME, OpenError, departure};

/// A database that is left.
pub struct SqliteMovingSource {
    connection: Connection,
    mark: String,
}

impl SqliteMovingSource {
    /// Opens the database in the directory `data`, which is there. A server may use it.
    ///
    /// # Errors
    /// It cannot be read, is of an older or newer version, or has moved already.
    pub fn open(data: &Path) -> ArchiveResult<Self> {
        let path = data.join(FILE_NAME);
        let failed = |error| refused(OpenError::of(&path, error));
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&path, flags).map_err(failed)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
        require_version(data, &connection)?;
        departure::refuse(&path, &connection).map_err(refused)?;
        let mark = departure::mark(&connection).map_err(failed)?;
        Ok(Self { connection, mark })
    }

    /// By what this migration is known at its target.
    pub fn mark(&self) -> &str {
        &self.mark
    }

    fn is_fenced(&self) -> bool {
        !self.connection.is_autocommit()
    }

    /// A snapshot; while nobody else writes, what is there.
    fn snapshot(&mut self) -> ArchiveResult<Snapshot<'_>> {
        if self.is_fenced() {
            return Ok(Snapshot::Still(&self.connection));
        }
        Ok(Snapshot::Passing(self.connection.transaction().map_err(read_failure)?))
    }

    fn execute(&self, sql: &str) -> ArchiveResult<()> {
        self.connection.execute_batch(sql).map_err(read_failure)
    }
}

/// What is read.
enum Snapshot<'a> {
    Passing(Transaction<'a>),
    Still(&'a Connection),
}

impl Snapshot<'_> {
    fn reader<'a>(&'a self, wanted: Option<Wanted<'a>>) -> Reader<'a> {
        let connection = match self {
            Self::Passing(transaction) => transaction,
            Self::Still(connection) => *connection,
        };
        Reader { connection, since: None, wanted }
    }
}

impl MovingSource for SqliteMovingSource {
    fn read_from(
        &mut self,
        wanted: Wanted<'_>,
        each: &mut dyn FnMut(&Record) -> ArchiveResult<()>,
    ) -> ArchiveResult<()> {
        self.snapshot()?.reader(Some(wanted)).all(each)
    }

    fn entries(&mut self, log: &LogId, ids: &[MessageId]) -> ArchiveResult<Vec<EntryRecord>> {
        let snapshot = self.snapshot()?;
        let reader = snapshot.reader(None);
        let found = ids.iter().filter_map(|id| reader.entry(log, *id).transpose());
        found.collect::<rusqlite::Result<_>>().map_err(read_failure)
    }

    /// Commands that manage accounts wait from now on, and give up after a moment.
    fn fence(&mut self, _to: &str) -> ArchiveResult<()> {
        self.execute("BEGIN IMMEDIATE")
    }

    fn leave(&mut self, to: &str) -> ArchiveResult<()> {
        departure::note(&self.connection, to).map_err(read_failure)?;
        self.execute("COMMIT")
    }
}
