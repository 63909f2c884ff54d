//! `parlor status`: prints the state of the servers that share a Redis, for an operator who is new or in a hurry. It
//! must not change anything.

mod json;
pub(super) mod table;
#[cfg(test)]
mod tests;
mod text;

use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::bail;
use clap::Args;
use parlor_settings::path;
use parlor_store::redis;

use crate::backend;
use crate::settings::{RedisArgs, installation};

const EXAMPLES: &str = "Shown are each Redis; each server with its lease (one without counts as gone, and the others
end its sessions), the logs that it follows, the entries that it has yet to hear of the one that
it lags most, and how long ago it heard its own pulse through Redis; the scripts that the servers
had Redis run; and the rooms with the most members. A server without a lease tells nothing of
itself: what is not known of it is shown as ?, in JSON as null. So is what lies on a node of a
Cluster that is unreachable; in JSON \"reachable\" is false there, and \"problems\" says why.

Examples:
  parlor status --redis redis://127.0.0.1
  PARLOR_REDIS=rediss://:secret@redis.example.org parlor status --redis-ca ca.pem
  parlor status --json | jq '.servers[] | {name, lag}'

Exit codes:
  0  everything is shown
  1  Redis cannot be asked, or some of it; standard error says why";

/// Server name that this command passes to the Redis configuration.
const NAME: &str = "parlor status";

/// Show the servers that share a Redis, and their rooms
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    redis: RedisArgs,

    /// Settings file of a server [default: /etc/parlor/parlor.toml, if it exists and --redis and PARLOR_REDIS are absent]
    #[arg(long, env = "PARLOR_CONFIG", value_name = "FILE", value_parser = path::parser())]
    config: Option<PathBuf>,

    /// Print a JSON object, for scripts: everything, times as numbers in the unit that their names end in
    #[arg(long)]
    json: bool,
}

/// Writes the state to standard output.
///
/// # Errors
/// One line that says why Redis cannot be asked; or, after the known part is written, why the rest is unknown.
pub(crate) fn run(args: &StatusArgs) -> anyhow::Result<()> {
    let Some(config) = backend::redis_config(&args.redis, NAME)? else { bail!("no Redis was named") };
    let status = redis::status(&config)?;
    if args.config.is_some() {
        installation::announce(&config.url, args.config.as_deref());
    }
    let shown = if args.json { json::render(&status) } else { text::render(&status) };
    io::stdout().write_all(shown.as_bytes())?;
    if !status.problems.is_empty() {
        bail!("not everything is known: {}", status.problems.join("; "));
    }
    Ok(())
}
