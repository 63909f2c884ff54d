//! `parlor backup`: copies everything that a server keeps into a file while the server runs, or tries such a file. It must not
//! change what the server keeps.

mod rehearse;
mod unpacked;

use std::fs::File;
use std::io::{self, BufReader, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use parlor_settings::path;
use parlor_store::sqlite::backup::{self, BackupFacts};
use parlor_store::{archive, redis};

use super::new_file::NewFile;
use super::place::{Place, PlaceArgs};
use super::{export, import};

pub(super) use unpacked::Unpacked;

/// Server name that this command passes to the Redis configuration.
const NAME: &str = "parlor backup";

const EXAMPLES: &str = "\
A server may run meanwhile, however busy it is. The file is checked after it was written, is readable by its
owner only, and is there as a whole or not at all. It holds the hashes of all passwords and all messages.

Of a database the backup is a copy, followed by one line with counts and a digest; of a Redis it is an
archive, as parlor export writes it. Both can be restored in either place.

A backup that nobody restored is no backup. --rehearse restores one into a directory of its own, starts a
server on it that only this machine can reach, logs in, reads messages, says how long that took, and removes
everything again.

Examples:
  parlor backup /var/backups/parlor/$(date +%F).backup
  parlor backup --rehearse /var/backups/parlor/2026-11-29.backup";

/// Copy everything that a server keeps into a file, while it runs
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct BackupArgs {
    /// Backup to write, or with --rehearse to try
    #[arg(value_name = "FILE", value_parser = path::parser())]
    file: PathBuf,

    /// Try the backup: restore it elsewhere, start a server on that, log in and read
    #[arg(long)]
    rehearse: bool,

    #[command(flatten)]
    place: PlaceArgs,
}

/// Makes or tries a backup, and says what is in it.
///
/// # Errors
/// One line that names the problem. Then no backup was written.
pub(crate) fn run(args: &BackupArgs) -> anyhow::Result<()> {
    let said = if args.rehearse { rehearse::run(&args.file)? } else { args.make()? };
    Ok(writeln!(io::stdout(), "{said}")?)
}

impl BackupArgs {
    fn make(&self) -> anyhow::Result<String> {
        let place = self.place.existing(NAME)?;
        let file = NewFile::begin(&self.file)?;
        let facts = match place {
            Place::Directory(data) => copy(&data, &file)?.to_string(),
            Place::Redis(config) => export(&config, &file)?,
        };
        file.commit()?;
        Ok(format!("{}: {facts}", self.file.display()))
    }
}

/// Writes an archive, and reads it again.
fn export(config: &redis::Config, file: &NewFile) -> anyhow::Result<String> {
    let mut source = redis::RedisSource::open(config)?;
    let out = File::options().write(true).open(file.partial())?;
    let written = export::write(&mut source, None, out)?;
    let read = archive::verify(BufReader::with_capacity(import::BUFFER, File::open(file.partial())?));
    let read = read.context("the disk did not keep what was written")?;
    anyhow::ensure!(read == written, "the disk did not keep what was written");
    Ok(written.to_string())
}

fn copy(data: &std::path::Path, file: &NewFile) -> anyhow::Result<BackupFacts> {
    let progress = |bytes: u64, all: u64| {
        // The work goes on also where nobody reads this.
        let _ = writeln!(io::stderr(), "copied {} of {} MiB", bytes >> 20, all >> 20);
    };
    Ok(backup::back_up(data, file.partial(), progress)?)
}
