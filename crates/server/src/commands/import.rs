//! `parlor import`: fills an empty store with an archive. It makes a database where there is none, as only it, `parlor
//! restore` and `parlor serve` do. It must not add to a store that has something.

use std::fs::File;
use std::io::{self, BufReader, Seek, Write};
use std::path::Path;

use anyhow::Context;
use clap::Args;
use parlor_store::archive::{self, Epochs, Summary};

use super::place::PlaceArgs;
use super::progress::Progress;

/// Server name that this command passes to the Redis configuration.
const NAME: &str = "parlor import";

/// The name of standard input.
const STANDARD_INPUT: &str = "-";

/// Bytes that are read at once.
pub(super) const BUFFER: usize = 1 << 20;

const EXAMPLES: &str = "\
The place may have neither accounts nor messages, and no server may run on it. Where there is no database,
one is made: besides parlor serve only this command and parlor restore do that. Numbers and epochs of all
messages stay, so clients notice nothing.

The archive is checked first. If it is cut, changed or something else, nothing is stored. Nothing can be
seen before everything is stored: an import that broke off can be run again, and goes on.

Examples:
  parlor import everything.archive
  parlor import --data /srv/chat/data everything.archive
  gunzip < everything.archive.gz | parlor import -
  parlor export | parlor import --redis redis://HOST -";

/// Fill an empty place with what parlor export wrote
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ImportArgs {
    /// Archive to read; - is standard input
    #[arg(value_name = "FILE")]
    file: String,

    #[command(flatten)]
    place: PlaceArgs,
}

/// Checks the archive, stores it, and says what was in it.
///
/// # Errors
/// One line that names the problem. Then no client can see anything of the archive.
pub(crate) fn run(args: &ImportArgs) -> anyhow::Result<()> {
    let mut input = open(&args.file)?;
    let summary = fill(&args.place, NAME, &mut input, Epochs::Kept)?;
    writeln!(io::stdout(), "imported {summary}")?;
    Ok(())
}

/// Checks an archive, and stores it in a place.
pub(super) fn fill(place: &PlaceArgs, name: &str, input: &mut File, epochs: Epochs) -> anyhow::Result<Summary> {
    let checked = archive::verify(BufReader::with_capacity(BUFFER, &mut *input))?;
    input.rewind()?;
    place.fill(name, &checked.sha256, epochs, |target| {
        let mut progress = Progress::of("records");
        let input = BufReader::with_capacity(BUFFER, input);
        Ok(archive::import(input, target, |count| progress.tell(count))?)
    })
}

/// Opens the archive. What comes by standard input is kept in a file that has no name, since it is read twice.
fn open(file: &str) -> anyhow::Result<File> {
    if file != STANDARD_INPUT {
        return File::open(Path::new(file)).with_context(|| format!("cannot open {file}"));
    }
    let keep = || {
        let mut kept = tempfile::tempfile()?;
        io::copy(&mut io::stdin().lock(), &mut kept)?;
        kept.rewind()?;
        Ok(kept)
    };
    keep().map_err(|error: io::Error| anyhow::anyhow!("cannot keep standard input: {error}"))
}
