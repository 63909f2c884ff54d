//! `parlor drain`: has a running server send its clients away in peace, and end. It must not wait for that.

use std::io::{self, Write};
use std::time::Duration;

use clap::Args;

use crate::control::{self, Order};
use crate::settings::{self, InstallationArgs, installation};

const EXAMPLES: &str =
    "The server accepts nobody any more, and /readyz says that it is not ready. After a moment, in which
balancers notice, each client is told when to connect again, and gets its goodbye then, one after
the other. At the end the server ends. SIGTERM cuts that short; SIGUSR1 starts it too.

Examples:
  parlor drain
  parlor drain --over 2m --data /var/lib/parlor";

/// Send all clients of a running server away, one after the other, and end it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DrainArgs {
    /// The time over which clients are sent away, such as 30s or 2m
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = settings::parse_duration)]
    over: Duration,
    #[command(flatten)]
    installation: InstallationArgs,
}

/// Asks the server.
///
/// # Errors
/// No server runs there.
pub(crate) fn run(args: &DrainArgs) -> anyhow::Result<()> {
    installation::require(&args.installation.data)?;
    control::ask(&args.installation.data, &Order::Drain { over: args.over })?;
    writeln!(io::stdout(), "the server sends its clients away over {} s, and ends then", args.over.as_secs())?;
    Ok(())
}
