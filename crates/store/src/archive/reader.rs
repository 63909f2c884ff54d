//! Reads the lines of an archive, and checks that they are as they were written. It must not store them.

use std::io::{BufRead, Read};

use serde::de::DeserializeOwned;

use super::writer::{End, Header, Summary, Tally, VERSION};
use super::{ArchiveError, ArchiveResult, Record};

/// The longest line, in bytes: the rights of a room with the most names in each list, and much more.
const MAX_LINE: u64 = 4 << 20;

/// How the last line begins, and no other.
const END: &[u8] = b"{\"end\":";

/// An archive that is being read.
pub struct ArchiveReader<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
    tally: Tally,
    summary: Option<Summary>,
}

impl<R: BufRead> ArchiveReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// It is no archive, or one of a newer program.
    pub fn begin(input: R) -> ArchiveResult<Self> {
        let mut reader = Self { input, line: Vec::new(), number: 0, tally: Tally::default(), summary: None };
        if !reader.read_line()? {
            return Err(ArchiveError::Foreign);
        }
        let Ok(Header::Archive { version, .. }) = serde_json::from_slice(&reader.line) else {
            return Err(ArchiveError::Foreign);
        };
        if version > VERSION {
            return Err(ArchiveError::Newer { found: version, known: VERSION });
        }
        reader.tally.digest(&reader.line);
        Ok(reader)
    }

    /// The next record; none at the end, if everything before it is as it was written.
    ///
    /// # Errors
    /// It is damaged, or ends too early.
    pub fn next_record(&mut self) -> ArchiveResult<Option<Record>> {
        if self.summary.is_some() {
            return Ok(None);
        }
        if !self.read_line()? || !self.line.ends_with(b"\n") {
            return Err(ArchiveError::Incomplete { line: self.number });
        }
        if self.line.starts_with(END) {
            return self.end().map(|()| None);
        }
        self.tally.digest(&self.line);
        let record = self.parse()?;
        self.tally.count(&record);
        Ok(Some(record))
    }

    /// What was in it.
    ///
    /// # Errors
    /// It was not read to its end.
    pub fn summary(self) -> ArchiveResult<Summary> {
        self.summary.ok_or(ArchiveError::Incomplete { line: self.number })
    }

    /// Compares the end with what came before, and expects nothing after it.
    fn end(&mut self) -> ArchiveResult<()> {
        let End::End(summary) = self.parse()?;
        if summary.records != self.tally.summary().records {
            return Err(self.damaged("the number of records is another one"));
        }
        if summary != self.tally.summary() {
            return Err(self.damaged("the digest is another one"));
        }
        if self.read_line()? {
            return Err(self.damaged("something follows the end"));
        }
        self.summary = Some(summary);
        Ok(())
    }

    /// Reads a line with its ending. Returns `false` at the end of the input.
    fn read_line(&mut self) -> ArchiveResult<bool> {
        self.line.clear();
        (&mut self.input).take(MAX_LINE).read_until(b'\n', &mut self.line)?;
        if self.line.len() as u64 == MAX_LINE {
            return Err(self.damaged("a line is too long"));
        }
        self.number += u64::from(!self.line.is_empty());
        Ok(!self.line.is_empty())
    }

    fn parse<T: DeserializeOwned>(&self) -> ArchiveResult<T> {
        serde_json::from_slice(&self.line).map_err(|_| self.damaged("something that is no record"))
    }

    fn damaged(&self, what: &'static str) -> ArchiveError {
        ArchiveError::Damaged { line: self.number, what }
    }
}
