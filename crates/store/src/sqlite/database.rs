//! One open database: a writer that commits in groups, and readers. It must not know what the rows mean.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use parlor_core::ports::{StoreError, StoreResult};
use parlor_proto::Epoch;
use rusqlite::Connection;

use super::integrity::{self, Extent};
use super::job::{Job, JobResult};
use super::open_error::OpenError;
use super::readers::{Readers, plan_once};
use super::stamp::StampFile;
use super::writer::{Change, Closing, Writer};
use super::{BUSY_TIMEOUT, FILE_NAME, IMPORT_FILE_NAME, Note, departure, import_file, rows, schema, shrinking};
use crate::batches::{BatchStatistics, Batches};
use crate::group::GroupCommit;
use crate::sync::{Mutex, lock};

/// How long the start of a server may take for a look at what was said: 1 to 3 GiB.
const CHECK_LIMIT: Duration = Duration::from_secs(10);

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The death of the process (`synchronous=NORMAL`).
    Process,
    /// Also a loss of power (`synchronous=FULL`). Each commit waits for the disk.
    Power,
}

/// An open database.
pub struct Database {
    // Before the writer: only the last connection to be closed brings everything into the one file, and a reader cannot.
    readers: Readers,
    writer: GroupCommit<Writer>,
    batches: Arc<Batches>,
    epoch: Epoch,
}

impl Database {
    /// Opens or creates the database in the directory `data`. The directory is created if it is missing, and is
    /// accessible to its owner only.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(data: &Path, durability: Durability) -> Result<Self, OpenError> {
        let (path, connection) = connect(data)?;
        Self::over(path, connection, durability)
    }

    /// The same for the only server of the database: looks for damage first, for [`CHECK_LIMIT`] at most, and whether it went
    /// back in time.
    pub(super) fn open_to_serve(
        data: &Path,
        durability: Durability,
    ) -> Result<(Self, StampFile, Vec<Note>), OpenError> {
        let (path, mut connection) = connect(data)?;
        let failed = |error| OpenError::of(&path, error);
        let looked_at = match integrity::look_at_structure(&connection, CHECK_LIMIT).map_err(failed)? {
            Ok(extent) => extent,
            Err(damage) => return Err(OpenError::Damaged { path, damage }),
        };
        shrinking::allow(&connection, shrinking::CHEAP).map_err(failed)?;
        schema::migrate(&mut connection).map_err(failed)?;
        let (stamp, went_back) = StampFile::open(data, &mut connection)?;
        let notes = [(looked_at == Extent::Part, Note::CheckedInPart), (went_back, Note::WentBack)];
        let notes = notes.into_iter().filter(|(holds, _)| *holds).map(|(_, note)| note).collect();
        Ok((Self::over(path, connection, durability)?, stamp, notes))
    }

    fn over(path: PathBuf, mut connection: Connection, durability: Durability) -> Result<Self, OpenError> {
        let failed = |error| OpenError::of(&path, error);
        configure(&connection, durability).map_err(failed)?;
        schema::migrate(&mut connection).map_err(failed)?;
        let epoch = rows::database_epoch(&connection).map_err(failed)?;
        let batches = Arc::new(Batches::default());
        let writer = GroupCommit::new(Writer::new(connection), batches.clone());
        Ok(Self { readers: Readers::new(path), writer, batches, epoch })
    }

    /// The epoch of the logs in this database.
    pub(super) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The transactions so far.
    pub(super) fn batches(&self) -> BatchStatistics {
        self.batches.read()
    }

    /// A number that no earlier epoch of a log had.
    pub(super) fn fresh_epoch(&self) -> Result<Epoch, OpenError> {
        let hex: String =
            self.read(|connection| connection.query_row("SELECT lower(hex(randomblob(8)))", [], |row| row.get(0)))?;
        Ok(hex.parse().unwrap_or(Epoch(0)))
    }

    /// Reads. Blocks on the disk, not on writers.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> StoreResult<T> {
        self.readers.read(read)
    }

    /// Changes something, in one transaction with other concurrent changes. `change` may be rolled back. It returns
    /// whether there was anything to change.
    pub(super) fn change(
        &self,
        change: impl Fn(&Connection) -> rusqlite::Result<bool> + Send + 'static,
    ) -> StoreResult<bool> {
        let answer = JobResult::default();
        self.run(Box::new(Change { change: Box::new(change), changed: false, answer: answer.clone() }));
        answer.take()
    }

    /// The same for a change with a result.
    pub(super) fn compute<T: Send + 'static>(
        &self,
        change: impl Fn(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> StoreResult<T> {
        let place = Arc::new(Mutex::new(None));
        let result = place.clone();
        self.change(move |connection| {
            *lock(&result) = Some(change(connection)?);
            Ok(true)
        })?;
        let result = lock(&place).take();
        result.ok_or_else(|| StoreError::new("the commit was aborted"))
    }

    /// Brings everything into the one file and closes it, though others may still hold this database: whatever they ask
    /// for from now on fails. Blocks until those who read or write are done.
    pub(super) fn close(&self) -> StoreResult<()> {
        self.readers.close();
        let answer = JobResult::default();
        self.run(Box::new(Closing { answer: answer.clone() }));
        answer.take()
    }

    /// Has a job done in the next transaction. Blocks until it is settled.
    pub(super) fn run(&self, job: Box<dyn Job>) {
        self.writer.run(job);
    }
}

/// A connection to a database that this program understands; nothing in it was changed yet.
fn connect(data: &Path) -> Result<(PathBuf, Connection), OpenError> {
    let failed = |error| OpenError::of(&data.join(IMPORT_FILE_NAME), error);
    if let Some(path) = import_file::left_by_a_migration(data).map_err(failed)? {
        return Err(OpenError::Unfinished { path });
    }
    let path = data.join(FILE_NAME);
    make(data, &path)?;
    let failed = |error| OpenError::of(&path, error);
    let connection = Connection::open(&path).map_err(failed)?;
    let found = schema::version(&connection).map_err(failed)?;
    if found > schema::VERSION {
        return Err(OpenError::Newer { path, found, known: schema::VERSION });
    }
    departure::refuse(&path, &connection)?;
    Ok((path, connection))
}

fn make(data: &Path, file: &Path) -> Result<(), OpenError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| OpenError::Make { path, error }
    };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(failed(data))?;
    let made = fs::OpenOptions::new().create(true).append(true).mode(0o600).open(file);
    made.map(drop).map_err(failed(file))
}

fn configure(connection: &Connection, durability: Durability) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    plan_once(connection)?;
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    let synchronous = match durability {
        Durability::Process => "NORMAL",
        Durability::Power => "FULL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    // A text that was removed is overwritten in the file, not only unlinked.
    connection.pragma_update_and_check(None, "secure_delete", "ON", |_| Ok(()))?;
    connection.set_prepared_statement_cache_capacity(48);
    Ok(())
}
