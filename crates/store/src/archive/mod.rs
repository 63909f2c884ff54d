//! Archives: everything that a store keeps, as lines of JSON that every store can write and read. It must not know a store.
//!
//! An archive is a header, [`Record`]s, and an end with counts and a digest. The records are in one canonical order, so two
//! stores with the same content have the same digest. What ends with a server (sessions, memberships, failed logins) is not
//! part of it. [Decision 35](../../../../docs/decisions/0035-an-archive-is-lines-in-one-order.md) says why.

mod copied;
mod erasure;
mod error;
mod invitation;
mod key;
mod migration;
mod reader;
mod record;
mod writer;

use std::io::{BufRead, Write};

use parlor_proto::Timestamp;

pub use erasure::{Erasure, Words};
pub use error::{ArchiveError, ArchiveResult};
pub use invitation::InvitationRecord;
pub use key::Key;
pub use migration::{Change, Extent, Migration, Moved, MovingSource, MovingTarget, Wanted};
pub use reader::ArchiveReader;
pub use record::{
    AccountRecord, ConversationRecord, EntryRecord, LogRecord, MarkRecord, OnceRecord, Record, SuspensionRecord,
    TicketRecord,
};
pub use writer::{ArchiveWriter, Summary};

/// A store whose content is read.
pub trait ArchiveSource {
    /// Gives every record to `each`, in the canonical order. Of each log the entries since a time, and the newest in any
    /// case. Blocks until everything is read.
    ///
    /// # Errors
    /// The store cannot be read, or `each` fails.
    fn read(
        &mut self,
        since: Option<Timestamp>,
        each: &mut dyn FnMut(&Record) -> ArchiveResult<()>,
    ) -> ArchiveResult<()>;
}

/// An empty store that is filled. No client sees anything of it before [`ArchiveTarget::finish`].
pub trait ArchiveTarget {
    /// How many records of this archive are stored already, since an earlier run broke off.
    fn stored(&self) -> u64;

    /// Takes note of a record that is stored already.
    fn skip(&mut self, record: &Record);

    /// Stores a record. It may be buffered.
    ///
    /// # Errors
    /// The store takes nothing.
    fn store(&mut self, record: &Record) -> ArchiveResult<()>;

    /// Shows everything to clients at once.
    ///
    /// # Errors
    /// The store takes nothing; then nothing can be seen.
    fn finish(self: Box<Self>) -> ArchiveResult<()>;
}

/// Whether clients may go on with the numbers that they know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epochs {
    /// Each log keeps its epoch: nothing was said after the archive was made.
    Kept,
    /// Each log gets a new epoch: numbers that were given out after the archive was made may be given out again.
    Renewed,
}

/// Writes everything that a store keeps to `out`. `progress` gets the number of records so far.
///
/// # Errors
/// The store cannot be read, or `out` not be written.
pub fn export(
    source: &mut dyn ArchiveSource,
    since: Option<Timestamp>,
    out: impl Write,
    mut progress: impl FnMut(u64),
) -> ArchiveResult<Summary> {
    let mut writer = ArchiveWriter::begin(out, since)?;
    source.read(since, &mut |record| {
        progress(writer.write(record)?);
        Ok(())
    })?;
    writer.finish()
}

/// Reads an archive to its end and stores nothing.
///
/// # Errors
/// It is no archive, or not as it was written.
pub fn verify(input: impl BufRead) -> ArchiveResult<Summary> {
    let mut reader = ArchiveReader::begin(input)?;
    while reader.next_record()?.is_some() {}
    reader.summary()
}

/// Fills a store with an archive. `progress` gets the number of records so far.
///
/// # Errors
/// The archive is not as it was written, or the store takes nothing. Then no client sees anything of it, and a later call
/// goes on where this one broke off.
pub fn import(
    input: impl BufRead,
    mut target: Box<dyn ArchiveTarget>,
    mut progress: impl FnMut(u64),
) -> ArchiveResult<Summary> {
    let mut reader = ArchiveReader::begin(input)?;
    let (stored, mut count) = (target.stored(), 0);
    while let Some(record) = reader.next_record()? {
        count += 1;
        if count <= stored {
            target.skip(&record);
        } else {
            target.store(&record)?;
        }
        progress(count);
    }
    let summary = reader.summary()?;
    target.finish()?;
    Ok(summary)
}

/// Fills a store with everything that another one keeps, besides a person.
///
/// # Errors
/// One of them fails; then no client sees anything.
pub fn transfer_without(
    source: &mut dyn ArchiveSource,
    mut target: Box<dyn ArchiveTarget>,
    mut erasure: Erasure,
) -> ArchiveResult<()> {
    source.read(None, &mut |record| erasure.apply(record, &mut |rest| target.store(rest)))?;
    erasure.finish(&mut |rest| target.store(rest))?;
    target.finish()
}

/// Writes everything that a store keeps to `out`, besides a person.
///
/// # Errors
/// The store cannot be read, or `out` not be written.
pub fn export_without(source: &mut dyn ArchiveSource, out: impl Write, mut erasure: Erasure) -> ArchiveResult<Summary> {
    let mut writer = ArchiveWriter::begin(out, None)?;
    source.read(None, &mut |record| erasure.apply(record, &mut |rest| write_to(&mut writer, rest)))?;
    erasure.finish(&mut |rest| write_to(&mut writer, rest))?;
    writer.finish()
}

fn write_to<W: Write>(writer: &mut ArchiveWriter<W>, record: &Record) -> ArchiveResult<()> {
    writer.write(record)?;
    Ok(())
}

/// Fills a store with everything that another one keeps.
///
/// # Errors
/// One of them fails; then no client sees anything.
pub fn transfer(source: &mut dyn ArchiveSource, mut target: Box<dyn ArchiveTarget>) -> ArchiveResult<()> {
    source.read(None, &mut |record| target.store(record))?;
    target.finish()
}

#[cfg(test)]
mod tests;
