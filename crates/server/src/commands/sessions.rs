//! `parlor sessions`: lists who is logged in, on a server that runs or on all that share a Redis. It must not change
//! anything.

use std::io::{self, Write};

use clap::Args;
use parlor_store::redis;
use serde_json::json;

use super::status::table::{Side, Table};
use crate::backend;
use crate::control::{self, Answer, ListedSession, Order};
use crate::settings::{InstallationArgs, RedisArgs, installation};

const EXAMPLES: &str =
    "A server without Redis is asked through the socket in its data directory, by its own user or root.
With Redis the sessions of all servers are listed, each with the name of its server.

Examples:
  parlor sessions
  parlor sessions --data /var/lib/parlor
  parlor sessions --redis redis://127.0.0.1
  parlor sessions --json | jq -r '.[].user'";

/// Server name that this command passes to the Redis configuration.
const NAME: &str = "parlor sessions";

/// List who is logged in
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SessionsArgs {
    #[command(flatten)]
    redis: RedisArgs,
    #[command(flatten)]
    installation: InstallationArgs,

    /// Print a JSON array, for scripts
    #[arg(long)]
    json: bool,
}

/// Writes the sessions to standard output.
///
/// # Errors
/// No server runs there, or Redis cannot be asked.
pub(crate) fn run(args: &SessionsArgs) -> anyhow::Result<()> {
    let shown = match backend::redis_config(&args.redis, NAME)? {
        Some(config) => of_redis(&redis::sessions(&config)?, args.json),
        None => of_server(&listed(args)?, args.json),
    };
    Ok(io::stdout().write_all(shown.as_bytes())?)
}

fn listed(args: &SessionsArgs) -> anyhow::Result<Vec<ListedSession>> {
    installation::require(&args.installation.data)?;
    match control::ask(&args.installation.data, &Order::Sessions)? {
        Answer::Sessions(sessions) => Ok(sessions),
        Answer::Entrance(_) | Answer::Done | Answer::Refused(_) => Ok(Vec::new()),
    }
}

fn of_server(sessions: &[ListedSession], is_json: bool) -> String {
    if is_json {
        return format!("{}\n", json!(sessions));
    }
    let columns = ["user", "address", "connection", "since"];
    let mut table = Table::new(columns.map(|name| (name, Side::Left)));
    for session in sessions {
        let ListedSession { user, address, connection, since } = session;
        table.row([user.to_string(), address.clone(), connection.to_string(), since.to_string()]);
    }
    table.render()
}

fn of_redis(sessions: &[redis::ListedSession], is_json: bool) -> String {
    if is_json {
        let all: Vec<_> = sessions.iter().map(|one| json!({"user": one.user, "server": one.server})).collect();
        return format!("{}\n", json!(all));
    }
    let mut table = Table::new(["user", "server"].map(|name| (name, Side::Left)));
    for session in sessions {
        table.row([session.user.to_string(), session.server.clone()]);
    }
    table.render()
}
