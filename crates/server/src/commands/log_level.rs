//! `parlor log-level`: changes what a running server logs, until it ends. It must not change the settings.

use std::io::{self, Write};

use clap::Args;

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
    #[arg(value_name = "FILTER")]
    filter: LogFilter,
    #[command(flatten)]
    installation: InstallationArgs,
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
