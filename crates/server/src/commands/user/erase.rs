//! `parlor user erase`: takes a person out of everything that is kept, by writing everything anew without the person. It must
//! not leave a trace in the files or keys that it replaces.

use std::io::{BufReader, Seek};
use std::path::Path;

use anyhow::{Context, bail};
use clap::Args;
use parlor_core::ports::Clock;
use parlor_proto::UserName;
use parlor_store::archive::{self, Epochs, Erasure, Words};
use parlor_store::redis::{self, RedisSource, RedisTarget};
use parlor_store::sqlite::{self, SqliteSource, SqliteTarget, backup};

use super::{NAME, UserArg};
use crate::backend;
use crate::clock::SystemClock;
use crate::commands::new_file;
use crate::commands::place::Place;

pub(super) const EXAMPLES: &str =
    "No server may run. The account, its tickets, follows, blocks, marks, publications and inbox are gone. What
the user said in rooms and to others is emptied, or with --keep-messages stays as said by \"erased\". Nothing
has the name of the user any more, besides what others wrote about the user.

Everything is written anew without the user: a database needs as much room on the disk once more, a Redis as
much memory. Backups keep what they have. With Redis, run redis-cli BGREWRITEAOF afterwards, since its
append-only file has what was there before.

Examples:
  parlor user erase alice
  parlor user erase alice --keep-messages --redis redis://HOST";

#[derive(Debug, Args)]
pub(super) struct EraseArgs {
    #[command(flatten)]
    pub(super) whose: UserArg,
    /// Keep the texts of messages in rooms and to others, as said by "erased"
    #[arg(long)]
    keep_messages: bool,
}

impl EraseArgs {
    /// Erases the user.
    ///
    /// # Errors
    /// There is no such user, a server runs, or the store cannot be written.
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let id = format!("erasure-{}", SystemClock::start().now().as_millis());
        match self.whose.place.existing(NAME)? {
            Place::Directory(data) => {
                let _lock = backend::lock_data(&data)?;
                self.refuse_unknown()?;
                self.erase_from_database(&data, &id)?;
            }
            Place::Redis(config) => {
                self.refuse_unknown()?;
                self.erase_from_redis(&config, &id)?;
            }
        }
        self.whose.report(true, "is erased")
    }

    fn erasure(&self) -> Erasure {
        let words = if self.keep_messages { Words::Kept } else { Words::Emptied };
        Erasure::of(&self.whose.user, words)
    }

    /// # Errors
    /// There is no such user; or there is one who would have the words of those who were erased.
    fn refuse_unknown(&self) -> anyhow::Result<()> {
        let accounts = self.whose.place.quiet_accounts(NAME)?;
        if accounts.find(&self.whose.user)?.is_none() {
            bail!("there is no user {}", self.whose.user);
        }
        let erased = UserName::erased();
        if accounts.find(&erased)?.is_some() {
            bail!("there is a user {erased}, who would be the author of what others said; delete that account first");
        }
        Ok(())
    }

    fn erase_from_database(&self, data: &Path, id: &str) -> anyhow::Result<()> {
        backup::settle(data)?;
        let mut source = SqliteSource::open(data)?.context("there is no database")?;
        let target = SqliteTarget::replacing(data, id)?;
        archive::transfer_without(&mut source, Box::new(target), self.erasure())?;
        new_file::give_to_owner(data, &[sqlite::FILE_NAME])
    }

    /// What is there is moved aside until everything is there again, so that a failure loses nothing.
    fn erase_from_redis(&self, config: &redis::Config, id: &str) -> anyhow::Result<()> {
        let mut kept = tempfile::tempfile().context("cannot make a file")?;
        let summary = archive::export_without(&mut RedisSource::open(config)?, &mut kept, self.erasure())?;
        kept.rewind()?;
        let prefix = format!("{id}:");
        redis::put_aside(config, &prefix)?;
        let fill = || {
            let target = RedisTarget::open(config, &summary.sha256, Epochs::Kept)?;
            archive::import(BufReader::new(kept), Box::new(target), |_| ())
        };
        fill().with_context(|| format!("everything that was there is in keys whose names begin with {prefix}"))?;
        redis::drop_aside(config, &prefix)?;
        Ok(())
    }
}
