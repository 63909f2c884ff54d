//! Writes the lines of an archive, and counts and digests them. It must not know where they go.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;

use parlor_proto::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{ArchiveResult, Record};

/// The version of archives that this program writes, and the newest that it reads.
pub(super) const VERSION: u64 = 1;

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Header {
    /// Its name tells an archive from other files of JSON.
    #[serde(rename = "parlor-archive")]
    Archive {
        version: u64,
        /// Entries before this time are left out.
        since: Option<Timestamp>,
    },
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum End {
    #[serde(rename = "end")]
    End(Summary),
}

/// What is in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summary {
    /// How many records there are of each kind.
    pub records: BTreeMap<String, u64>,
    /// SHA-256 of all lines before the last, in hexadecimal digits.
    pub sha256: String,
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |kind: &str| self.records.get(kind).copied().unwrap_or_default();
        let (accounts, logs, entries) = (count("account"), count("log"), count("entry"));
        write!(out, "{accounts} accounts, {logs} logs, {entries} entries; sha256 {}", self.sha256)
    }
}

/// An archive that is being written.
pub struct ArchiveWriter<W> {
    out: W,
    line: Vec<u8>,
    tally: Tally,
}

/// Counts and digest of the lines so far.
#[derive(Default)]
pub(super) struct Tally {
    digest: Sha256,
    records: BTreeMap<&'static str, u64>,
    total: u64,
}

impl Tally {
    /// A line with its ending.
    pub(super) fn digest(&mut self, line: &[u8]) {
        self.digest.update(line);
    }

    /// Returns how many records there are now.
    pub(super) fn count(&mut self, record: &Record) -> u64 {
        *self.records.entry(record.kind()).or_default() += 1;
        self.total += 1;
        self.total
    }

    pub(super) fn summary(&self) -> Summary {
        let digest = self.digest.clone().finalize();
        Summary {
            records: self.records.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect(),
            sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }
}

impl<W: Write> ArchiveWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn begin(out: W, since: Option<Timestamp>) -> ArchiveResult<Self> {
        let mut writer = Self { out, line: Vec::new(), tally: Tally::default() };
        writer.write_line(&Header::Archive { version: VERSION, since })?;
        Ok(writer)
    }

    /// Writes a record, and returns how many there are now.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn write(&mut self, record: &Record) -> ArchiveResult<u64> {
        self.write_line(record)?;
        Ok(self.tally.count(record))
    }

    /// Writes the end.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn finish(mut self) -> ArchiveResult<Summary> {
        let summary = self.tally.summary();
        self.write_line(&End::End(summary.clone()))?;
        self.out.flush()?;
        Ok(summary)
    }

    fn write_line(&mut self, value: &impl Serialize) -> ArchiveResult<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, value).map_err(std::io::Error::from)?;
        self.line.push(b'\n');
        self.tally.digest(&self.line);
        Ok(self.out.write_all(&self.line)?)
    }
}
