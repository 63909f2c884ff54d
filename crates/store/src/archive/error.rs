//! Why an archive cannot be written or read. Each is one line for an operator.

use std::io;

use parlor_core::ports::StoreError;

/// Why an archive cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Something else.
    #[error("this is no archive of Parlor")]
    Foreign,
    /// A newer program wrote it.
    #[error("the archive is of version {found}, newer than version {known} of this program; use a newer parlor")]
    Newer {
        /// Its version.
        found: u64,
        /// The newest version that this program knows.
        known: u64,
    },
    /// Its end is missing.
    #[error("the archive is incomplete: it breaks off after line {line}")]
    Incomplete {
        /// The last line.
        line: u64,
    },
    /// It is not as it was written.
    #[error("the archive is damaged: {what} at line {line}")]
    Damaged {
        /// Where that shows.
        line: u64,
        /// What shows it.
        what: &'static str,
    },
    /// It cannot be stored there.
    #[error("{0}")]
    Refused(String),
    /// It cannot be read or written.
    #[error("cannot read or write the archive: {0}")]
    File(#[from] io::Error),
    /// The store fails.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// What came of it.
pub type ArchiveResult<T> = Result<T, ArchiveError>;
