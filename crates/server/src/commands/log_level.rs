//! `parlor log-level`: changes what a running server logs, until it ends. It must not change the settings.

use std::io::{self, Write};

use clap::Args;
use tracing::level_filters::LevelFilter;

use crate::control::{self, Order};
use crate::settings::{InstallationArgs, LogFilter, installation};

const EXAMPLES: &str =
    "The server is asked through the socket in its data directory, by its own user or root. The filter
holds until the server ends, or until the next one.

Examples:
  parlor log-level debug
  parlor log-level info,parlor=debug --data /var/lib/parlor";

/// Change what a running server logs
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct LogLevelArgs {
    /// A level, or directives such as `info,parlor=debug`
    #[arg(value_name = "FILTER", value_parser = parse)]
    filter: LogFilter,
    #[command(flatten)]
    installation: InstallationArgs,
}

/// Parses a filter. A word that is no level would be taken for a part of the program, and everything else be silent: that is
/// nearly always a slip.
fn parse(text: &str) -> Result<LogFilter, String> {
    let is_slip = |word: &&str| !word.contains(['=', '[']) && word.parse::<LevelFilter>().is_err();
    match text.split(',').map(str::trim).find(is_slip) {
        Some(word) => Err(format!("{word} is no level: off, error, warn, info, debug or trace")),
        None => text.parse(),
    }
}

/// Asks the server.
///
/// # Errors
/// No server runs there.
pub(crate) fn run(args: &LogLevelArgs) -> anyhow::Result<()> {
    installation::require(&args.installation.data)?;
    let filter = args.filter.as_str().to_owned();
    control::ask(&args.installation.data, &Order::LogLevel { filter })?;
    writeln!(io::stdout(), "the server logs {} now", args.filter.as_str())?;
    Ok(())
}
