//! `parlor user ticket`: makes a ticket for a program, so that the program needs no password. It must not print the ticket
//! anywhere but on standard output.

use std::io::{self, Write};
use std::str::FromStr;
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use parlor_core::new_ticket;
use parlor_core::ports::{Clock, Ticket};
use parlor_proto::{Note, Text, TicketSecret};

use super::{NAME, UserArg};
use crate::clock::SystemClock;
use crate::random::SystemRandom;
use crate::settings;

/// How often the account is looked up again if it changes at the same time.
const MAX_TRIES: usize = 3;

pub(super) const EXAMPLES: &str =
    "The ticket is printed once, alone on a line; only its hash is kept. A program logs in by it with
RESUME NAME TICKET, as LOGIN does with a password. The user sees it in /tickets, and /revoke makes it
void, as a new password, a suspension and the end of the account do.

Examples:
  parlor user ticket bot --label 'build server' > ticket
  parlor user ticket bot --label monitoring --lifetime never";

#[derive(Debug, Args)]
pub(super) struct TicketArgs {
    #[command(flatten)]
    pub(super) whose: UserArg,
    /// What the ticket is for; the user sees it in /tickets
    #[arg(long, value_name = "TEXT")]
    label: String,
    /// How long after its last use it is valid, such as 12h, 30d or 8w, or never to end it never
    #[arg(long, value_name = "DURATION", default_value = settings::DEFAULT_TICKET_LIFETIME)]
    lifetime: Lifetime,
}

/// How long a ticket is valid after its last use; none for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lifetime(Option<Duration>);

impl FromStr for Lifetime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "never" {
            return Ok(Self(None));
        }
        settings::parse_long_duration(text).map(Some).map(Self).map_err(|error| format!("{error}, or never"))
    }
}

impl TicketArgs {
    /// Makes the ticket and prints it.
    ///
    /// # Errors
    /// There is no such user, or the store cannot be reached.
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let (secret, ticket) = self.make()?;
        let end = ticket.expires().map_or_else(
            || "never ends".to_owned(),
            |expires| format!("is valid until {expires}, and longer with each use"),
        );
        // The ticket itself is all that a program reads.
        let _ = writeln!(io::stderr(), "ticket {} of {} {end}", ticket.id(), self.whose.user);
        Ok(writeln!(io::stdout(), "{}", secret.expose())?)
    }

    fn make(&self) -> anyhow::Result<(TicketSecret, Ticket)> {
        let user = &self.whose.user;
        let label: Note = Text::sanitise(&self.label).into();
        let (accounts, tickets) = self.whose.place.accounts_and_tickets(NAME)?;
        for _ in 0..MAX_TRIES {
            let Some(account) = accounts.find(user)? else { bail!("there is no user {user}") };
            let now = SystemClock::start().now();
            let made = new_ticket(&SystemRandom, now, self.lifetime.0, label.clone(), None)?;
            if tickets.add(&account, &made.1)? {
                return Ok(made);
            }
        }
        bail!("the account of {user} changes all the time; try again")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lifetime_may_have_no_end() {
        assert_eq!("never".parse(), Ok(Lifetime(None)));
        assert_eq!("2w".parse(), Ok(Lifetime(Some(Duration::from_secs(14 * 24 * 3600)))));
        assert!("ever".parse::<Lifetime>().unwrap_err().ends_with(", or never"));
    }
}
