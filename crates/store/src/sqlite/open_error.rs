//! Why a database could not be opened, in words for the person who runs the server. It must not open anything.

use std::path::{Path, PathBuf};

use parlor_core::ports::StoreError;

use super::integrity::Damage;

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The directory or the file could not be created.
    #[error("cannot make {path}: {error}")]
    Make {
        /// The directory or file.
        path: PathBuf,
        /// The reason.
        error: std::io::Error,
    },
    /// What is in it was overwritten, or lost.
    #[error("the database {path} is damaged: {damage}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What of it.
        damage: Damage,
    },
    /// SQLite says no.
    #[error("cannot use the database {path}: {error}")]
    Database {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: rusqlite::Error,
    },
    /// A newer program wrote it.
    #[error(
        "the database {path} is of version {found}, newer than version {known} of this program; use a newer parlor"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: usize,
        /// The newest version that this program knows.
        known: usize,
    },
    /// Everything is somewhere else by now.
    #[error(
        "everything in the database {path} has moved to {to}: let the server use that (--redis or --data), or take it \
         back as it was then by parlor migrate --undo"
    )]
    Moved {
        /// The file.
        path: PathBuf,
        /// Where everything is.
        to: String,
    },
    /// A migration broke off before its last step.
    #[error(
        "{path} has everything that parlor migrate was about to bring here when it broke off: run it again, or delete the file \
         if everything is still at the old place"
    )]
    Unfinished {
        /// The file that the migration filled.
        path: PathBuf,
    },
    /// It could be opened but not read.
    #[error("cannot read the database: {0}")]
    Read(#[from] StoreError),
}

impl OpenError {
    /// What an error of SQLite means for the database.
    pub(super) fn of(path: &Path, error: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match Damage::of(error) {
            Ok(damage) => Self::Damaged { path, damage },
            Err(error) => Self::Database { path, error },
        }
    }
}
