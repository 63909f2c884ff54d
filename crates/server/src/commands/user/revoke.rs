//! `parlor user revoke`: makes tickets of a user void, on whatever server they are used. It must not print any.

use clap::Args;
use parlor_proto::Tickets;

use super::{NAME, UserArg};

pub(super) const EXAMPLES: &str =
    "Sessions that began by these tickets end, within a second or two. A ticket that was stolen may have
been used to make others: then revoke all of them. The number stands in /tickets, and where
parlor user ticket made it.

Examples:
  parlor user revoke bot 6b0ce1f2
  parlor user revoke alice all --data /var/lib/parlor";

#[derive(Debug, Args)]
pub(super) struct RevokeArgs {
    #[command(flatten)]
    pub(super) whose: UserArg,
    /// Number of the ticket, or all
    #[arg(value_name = "ID|all")]
    which: Tickets,
}

impl RevokeArgs {
    /// Revokes the tickets, and reports their number.
    ///
    /// # Errors
    /// There is no such user or ticket, or the store cannot be reached.
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let user = &self.whose.user;
        let (accounts, tickets) = self.whose.place.accounts_and_tickets(NAME)?;
        if accounts.find(user)?.is_none() {
            anyhow::bail!("there is no user {user}");
        }
        let revoked = tickets.revoke(user, self.which, None)?;
        if revoked == 0 && self.which != Tickets::All {
            anyhow::bail!("{user} has no ticket {}", self.which);
        }
        self.whose.report(true, &format!("has {revoked} tickets fewer"))
    }
}
