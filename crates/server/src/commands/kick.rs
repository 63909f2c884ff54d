//! `parlor kick`: ends the session of a user, on whatever server it is. It must not touch the account otherwise.

use std::io::{self, Write};

use anyhow::bail;
use clap::Args;
use parlor_proto::UserName;

use super::place::PlaceArgs;

const EXAMPLES: &str = "The user may log in again at once; `parlor user suspend` keeps somebody out.

Examples:
  parlor kick alice
  parlor kick alice --redis redis://127.0.0.1";

/// Server name that this command passes to the Redis configuration.
const NAME: &str = "parlor kick";

/// End the session of a user, who may log in again
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct KickArgs {
    /// Name of the user
    #[arg(value_name = "USER")]
    user: UserName,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Ends the session, within a second or two.
///
/// # Errors
/// There is no such user, or the accounts cannot be reached.
pub(crate) fn run(args: &KickArgs) -> anyhow::Result<()> {
    if !args.place.accounts(NAME)?.kick(&args.user)? {
        bail!("there is no user {}", args.user);
    }
    args.place.record("kick", args.user.as_str());
    writeln!(io::stdout(), "{} is kicked", args.user)?;
    Ok(())
}
