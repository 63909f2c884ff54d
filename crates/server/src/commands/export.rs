//! `parlor export`: writes everything that a store keeps into an archive, also while servers run. It must not change the
//! store.

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::Args;
use parlor_proto::Timestamp;
use parlor_settings::path;
use parlor_store::archive::{self, ArchiveSource, Summary};

use super::new_file::NewFile;
use super::place::PlaceArgs;
use super::progress::Progress;

/// Server name that this command passes to the Redis configuration.
const NAME: &str = "parlor export";

/// Bytes that are written at once.
const BUFFER: usize = 1 << 20;

const EXAMPLES: &str = "\
Everything is in the archive: accounts with the hashes of their passwords, roles, tickets, follows, blocks,
rooms with their rights, messages with numbers and epochs, inboxes, and what users have read. It is made of
lines of JSON, and parlor import reads it into any store. Servers may run meanwhile.

Examples:
  parlor export everything.archive
  parlor export --since 2026-11-01 recent.archive
  parlor export | gzip > everything.archive.gz
  parlor export --redis redis://HOST everything.archive";

/// Write everything that a server keeps into one file
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExportArgs {
    /// Archive to write, readable by its owner only [default: standard output]
    #[arg(value_name = "FILE", value_parser = path::parser())]
    file: Option<PathBuf>,

    /// Leave out messages before this time, such as 2026-11-01 or 2026-11-01T12:00:00Z; of each log the newest stays
    #[arg(long, value_name = "TIME", value_parser = time)]
    since: Option<Timestamp>,

    #[command(flatten)]
    place: PlaceArgs,
}

/// Writes the archive, and tells on standard error what is in it.
///
/// # Errors
/// One line that names the problem. Then there is no file.
pub(crate) fn run(args: &ExportArgs) -> anyhow::Result<()> {
    let mut source = args.place.source(NAME)?;
    let summary = match &args.file {
        Some(file) => {
            let mut file = NewFile::begin(file)?;
            let summary = write(&mut *source, args.since, &mut file)?;
            file.commit()?;
            summary
        }
        None => write(&mut *source, args.since, io::stdout().lock())?,
    };
    // Standard output may be the archive.
    let _ = writeln!(io::stderr(), "exported {summary}");
    Ok(())
}

/// Writes an archive, with progress on standard error.
pub(super) fn write(
    source: &mut dyn ArchiveSource,
    since: Option<Timestamp>,
    out: impl Write,
) -> anyhow::Result<Summary> {
    let mut progress = Progress::of("records");
    let out = BufWriter::with_capacity(BUFFER, out);
    Ok(archive::export(source, since, out, |count| progress.tell(count))?)
}

/// A time of the command line. A day begins at midnight UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    let moment = if text.len() == "2026-11-01".len() { format!("{text}T00:00:00Z") } else { text.to_owned() };
    Timestamp::try_from(moment).map_err(|_| "write it as 2026-11-01 or 2026-11-01T12:00:00Z".to_owned())
}
