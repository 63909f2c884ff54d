//! Where a command finds what is kept: in a Redis, or in the database of an installation. It must not create one, except to
//! import into it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use clap::Args;
use parlor_core::ports::{Accounts, Invitations, Tickets};
use parlor_settings::path;
use parlor_store::administration::{RoomAdministration, RoomRequest, Verdict};
use parlor_store::archive::{ArchiveSource, ArchiveTarget, Epochs};
use parlor_store::{redis, sqlite};

use super::new_file;
use crate::audit_trail;
use crate::backend;
use crate::settings::{InstallationArgs, RedisArgs, installation};

/// The file that a server locks in its data directory as long as it runs.
pub(super) const SERVER_LOCK: &str = "server.lock";

/// Where accounts and rooms are kept.
#[derive(Debug, Args)]
pub(super) struct PlaceArgs {
    #[command(flatten)]
    redis: RedisArgs,
    #[command(flatten)]
    installation: InstallationArgs,
    /// File of the server's audit trail, which gets a line about what this command does
    #[arg(long, env = "PARLOR_AUDIT_LOG", value_name = "FILE", value_parser = path::parser())]
    audit_log: Option<PathBuf>,
}

/// A place where everything is kept.
pub(super) enum Place {
    /// The data directory with the database.
    Directory(PathBuf),
    /// A Redis.
    Redis(Box<redis::Config>),
}

/// Rooms and accounts.
pub(super) struct Rooms {
    pub(super) rooms: Box<dyn RoomAdministration>,
    pub(super) accounts: Arc<dyn Accounts>,
    /// The directory of the database, if they are in one.
    data: Option<PathBuf>,
}

impl Rooms {
    /// Has a request carried out by the server, or does it where none runs.
    ///
    /// # Errors
    /// The store cannot be reached, or the server does not answer.
    pub(super) fn carry_out(&self, request: &RoomRequest) -> anyhow::Result<Verdict> {
        let Some(data) = &self.data else { return Ok(self.rooms.carry_out(request)?) };
        // The lock keeps servers away until it is done.
        let (is_served, _lock) = lock(data)?;
        Ok(sqlite::open_rooms(data, is_served)?.carry_out(request)?)
    }
}

impl PlaceArgs {
    /// Adds what was done to the audit trail of the server, if it has one. `about` is a user or a room. What is done stays
    /// done where that fails; standard error says so then.
    pub(super) fn record(&self, command: &str, about: &str) {
        let Some(path) = &self.audit_log else { return };
        if let Err(error) = audit_trail::add(path, command, about) {
            // The command has done its work also where nobody reads this.
            let _ = writeln!(io::stderr(), "parlor: the audit trail {} has no line of this: {error}", path.display());
        }
    }

    /// Opens the accounts, and tells on standard error where they are. `name` is that of the command.
    ///
    /// # Errors
    /// There is no installation, or it cannot be opened.
    pub(super) fn accounts(&self, name: &str) -> anyhow::Result<Arc<dyn Accounts>> {
        if self.redis.redis.is_none() {
            installation::database(&self.installation.data)?;
        }
        let accounts = self.quiet_accounts(name)?;
        self.any(name)?;
        Ok(accounts)
    }

    /// Opens the accounts of a place that was told already.
    ///
    /// # Errors
    /// They cannot be opened.
    pub(super) fn quiet_accounts(&self, name: &str) -> anyhow::Result<Arc<dyn Accounts>> {
        match backend::redis_config(&self.redis, name)? {
            Some(config) => Ok(redis::open_accounts(&config)?),
            None => Ok(sqlite::open_accounts(&self.installation.data)?),
        }
    }

    /// Opens the accounts and their tickets in the same way.
    ///
    /// # Errors
    /// There is no installation, or it cannot be opened.
    pub(super) fn accounts_and_tickets(&self, name: &str) -> anyhow::Result<(Arc<dyn Accounts>, Arc<dyn Tickets>)> {
        let accounts = self.accounts(name)?;
        let tickets = match backend::redis_config(&self.redis, name)? {
            Some(config) => redis::open_tickets(&config)?,
            None => sqlite::open_tickets(&self.installation.data)?,
        };
        Ok((accounts, tickets))
    }

    /// Opens the invitations in the same way.
    ///
    /// # Errors
    /// There is no installation, or it cannot be opened.
    pub(super) fn invitations(&self, name: &str) -> anyhow::Result<Arc<dyn Invitations>> {
        if let Some(config) = backend::redis_config(&self.redis, name)? {
            let invitations = redis::open_invitations(&config)?;
            self.installation.announce(&config.url);
            return Ok(invitations);
        }
        let database = installation::database(&self.installation.data)?;
        let invitations = sqlite::open_invitations(&self.installation.data)?;
        self.installation.announce(database.display());
        Ok(invitations)
    }

    /// The data directory of the server.
    pub(super) fn data(&self) -> &Path {
        &self.installation.data
    }

    /// The place, whether anything is there or not; tells it on standard error.
    ///
    /// # Errors
    /// The file of the authority of Redis cannot be read.
    pub(super) fn any(&self, name: &str) -> anyhow::Result<Place> {
        if let Some(config) = backend::redis_config(&self.redis, name)? {
            self.installation.announce(&config.url);
            return Ok(Place::Redis(Box::new(config)));
        }
        let data = &self.installation.data;
        self.installation.announce(data.join(sqlite::FILE_NAME).display());
        Ok(Place::Directory(data.clone()))
    }

    /// The place, where there is an installation.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn existing(&self, name: &str) -> anyhow::Result<Place> {
        if self.redis.redis.is_none() {
            installation::database(&self.installation.data)?;
        }
        self.any(name)
    }

    /// Opens everything to be read, and tells on standard error where it is.
    ///
    /// # Errors
    /// There is no installation, or it cannot be opened.
    pub(super) fn source(&self, name: &str) -> anyhow::Result<Box<dyn ArchiveSource>> {
        Ok(match self.existing(name)? {
            Place::Redis(config) => Box::new(redis::RedisSource::open(&config)?),
            Place::Directory(data) => match sqlite::SqliteSource::open(&data)? {
                Some(source) => Box::new(source),
                None => bail!("there is no database in {}", data.display()),
            },
        })
    }

    /// Fills an empty place with an archive of this digest, by `fill`. Makes a database where there is none.
    ///
    /// # Errors
    /// There are accounts, messages or a server in the place already, or `fill` fails.
    pub(super) fn fill<T>(
        &self,
        name: &str,
        digest: &str,
        epochs: Epochs,
        fill: impl FnOnce(Box<dyn ArchiveTarget>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        match self.any(name)? {
            Place::Redis(config) => fill(Box::new(redis::RedisTarget::open(&config, digest, epochs)?)),
            Place::Directory(data) => {
                let _lock = backend::lock_data(&data)?;
                let filled = fill(Box::new(sqlite::SqliteTarget::open(&data, digest, epochs)?));
                new_file::give_to_owner(&data, &[SERVER_LOCK, sqlite::FILE_NAME, sqlite::IMPORT_FILE_NAME])?;
                filled
            }
        }
    }

    /// Opens the rooms in the same way.
    ///
    /// # Errors
    /// There is no installation, or it cannot be opened.
    pub(super) fn rooms(&self, name: &str) -> anyhow::Result<Rooms> {
        let accounts = self.accounts(name)?;
        if let Some(config) = backend::redis_config(&self.redis, name)? {
            return Ok(Rooms { rooms: redis::open_rooms(&config)?, accounts, data: None });
        }
        let data = &self.installation.data;
        let (is_served, _) = lock(data)?;
        Ok(Rooms { rooms: sqlite::open_rooms(data, is_served)?, accounts, data: Some(data.clone()) })
    }
}

/// Whether a server uses the data directory, and otherwise the lock that keeps servers away. The file is not made: it would
/// belong to another user than the server.
pub(super) fn lock(data: &Path) -> anyhow::Result<(bool, Option<File>)> {
    let path = data.join(SERVER_LOCK);
    let file = match OpenOptions::new().write(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok((false, None)),
        Err(error) => return Err(error).with_context(|| format!("cannot open {}", path.display())),
    };
    match file.try_lock() {
        Ok(()) => Ok((false, Some(file))),
        Err(TryLockError::WouldBlock) => Ok((true, None)),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}
