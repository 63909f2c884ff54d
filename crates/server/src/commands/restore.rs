//! `parlor restore`: puts a backup in the place of what a server keeps, while no server runs. It moves what is there aside
//! and must not delete it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use parlor_core::ports::Clock;
use parlor_settings::path;
use parlor_store::archive::{self, ArchiveSource, Epochs};
use parlor_store::redis::{self, RedisTarget};
use parlor_store::sqlite::{self, SqliteSource, backup};

use super::backup::Unpacked;
use super::new_file;
use super::place::{Place, PlaceArgs, SERVER_LOCK};
use crate::backend;
use crate::clock::SystemClock;

/// Server name that this command passes to the Redis configuration.
const NAME: &str = "parlor restore";

const EXAMPLES: &str = "\
No server may run. The backup is checked first: if it is cut, changed or something else, nothing happens.
What is there is moved aside and never deleted: a database into the directory replaced-TIME within the data
directory, the keys of a Redis to names that begin with replaced-TIME.

Every log gets a new epoch, since numbers that were given out after the backup may be given out again.
Clients then read the history anew, and take no message for one that they know.

A backup of a database can be restored to a Redis, and the other way round.

Examples:
  systemctl stop parlor && parlor restore /var/backups/parlor/2026-11-29.backup && systemctl start parlor
  parlor restore --redis redis://HOST 2026-11-29.backup";

/// Put a backup in the place of what a server keeps
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RestoreArgs {
    /// Backup, as parlor backup or parlor export wrote it
    #[arg(value_name = "FILE", value_parser = path::parser())]
    file: PathBuf,

    #[command(flatten)]
    place: PlaceArgs,
}

/// Restores a backup, and says what was in it.
///
/// # Errors
/// One line that names the problem.
pub(crate) fn run(args: &RestoreArgs) -> anyhow::Result<()> {
    let name = format!("replaced-{}", SystemClock::start().now().as_millis());
    let restored = match args.place.any(NAME)? {
        Place::Directory(data) => into_directory(&args.file, &data, &name)?,
        Place::Redis(config) => into_redis(&args.file, &config, &name)?,
    };
    let mut out = io::stdout();
    writeln!(out, "restored {}", restored.facts)?;
    restored.aside.map_or(Ok(()), |aside| Ok(writeln!(out, "what was there before is now {aside}")?))
}

/// What was done.
struct Restored {
    facts: String,
    /// Where that is what was there before, if there was anything.
    aside: Option<String>,
}

fn into_directory(file: &Path, data: &Path, name: &str) -> anyhow::Result<Restored> {
    let _lock = backend::lock_data(data)?;
    let unpacked = Unpacked::of(file, Some(data))?;
    let aside = data.join(name);
    let had_some = backup::put_aside(data, &aside).with_context(|| format!("cannot fill {}", aside.display()))?;
    backup::put_in_place(unpacked.path(), data).with_context(|| format!("cannot write to {}", data.display()))?;
    new_file::give_to_owner(data, &[SERVER_LOCK, sqlite::FILE_NAME])?;
    Ok(Restored { facts: unpacked.facts, aside: had_some.then(|| aside.display().to_string()) })
}

fn into_redis(file: &Path, config: &redis::Config, name: &str) -> anyhow::Result<Restored> {
    let unpacked = Unpacked::of(file, None)?;
    let mut source = SqliteSource::open(unpacked.path())?.context("the backup has no database")?;
    let digest = archive::export(&mut source, None, io::sink(), |_| ())?.sha256;
    let prefix = format!("{name}:");
    let moved = redis::put_aside(config, &prefix)?;
    let target = RedisTarget::open(config, &digest, Epochs::Renewed)?;
    archive::transfer(&mut source as &mut dyn ArchiveSource, Box::new(target))?;
    let aside = (moved > 0).then(|| format!("in {moved} keys whose names begin with {prefix}"));
    Ok(Restored { facts: unpacked.facts, aside })
}
