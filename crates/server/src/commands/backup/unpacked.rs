//! A backup of either kind as a database in a directory of its own, in which every log has a new epoch. It must not be used
//! where a server is.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use anyhow::Context;
use parlor_store::archive::{self, Epochs};
use parlor_store::sqlite::{SqliteTarget, backup};
use tempfile::TempDir;

use crate::commands::import;

/// A directory with the database of a backup. It is removed when this is dropped.
pub(in crate::commands) struct Unpacked {
    directory: TempDir,
    /// What was in the backup, for people.
    pub(in crate::commands) facts: String,
}

impl Unpacked {
    /// Checks a backup and unpacks it into a new directory within `parent`, or else where temporary files are.
    ///
    /// # Errors
    /// It is no backup, not as it was written, or the disk fails.
    pub(in crate::commands) fn of(file: &Path, parent: Option<&Path>) -> anyhow::Result<Self> {
        let shown = file.display();
        let mut input = File::open(file).with_context(|| format!("cannot open {shown}"))?;
        let mut builder = tempfile::Builder::new();
        builder.prefix(".parlor-restore-");
        let directory = parent.map_or_else(|| builder.tempdir(), |parent| builder.tempdir_in(parent));
        let directory = directory.context("cannot make a directory")?;
        let facts = unpack(&mut input, directory.path()).with_context(|| format!("{shown} was not restored"))?;
        Ok(Self { directory, facts })
    }

    /// The directory.
    pub(in crate::commands) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The same as a directory that many may hold.
    pub(in crate::commands) fn into_directory(self) -> TempDir {
        self.directory
    }
}

fn unpack(input: &mut File, into: &Path) -> anyhow::Result<String> {
    let mut magic = [0; backup::MAGIC.len()];
    let is_database = input.read_exact(&mut magic).is_ok() && magic == *backup::MAGIC;
    input.rewind()?;
    if is_database {
        return Ok(backup::unpack(input, into)?.to_string());
    }
    let checked = archive::verify(BufReader::with_capacity(import::BUFFER, &mut *input))?;
    input.rewind()?;
    let target = SqliteTarget::open(into, &checked.sha256, Epochs::Renewed)?;
    archive::import(BufReader::with_capacity(import::BUFFER, input), Box::new(target), |_| ())?;
    Ok(checked.to_string())
}
