//! `parlor user`: manages accounts in a server's database or in Redis, also while servers run. It reads passwords from
//! the terminal or from standard input; it must not take them from the command line.

mod add;
mod erase;
mod export;
mod password;
mod people;
mod revoke;
mod ticket;

use std::io::{self, Write};
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use parlor_core::ports::{Clock, Role, Suspension};
use parlor_proto::{Text, Timestamp, UserName};

use super::place::PlaceArgs;
use crate::admission::network_of;
use crate::clock::SystemClock;
use crate::settings;
pub(super) use password::generate_password;

use add::AddArgs;
use erase::EraseArgs;
use password::PasswordArgs;
use revoke::RevokeArgs;
use ticket::TicketArgs;

const EXAMPLES: &str = "Examples:
  parlor user add alice
  parlor user add --operator root
  pwgen 20 1 | tee secret | parlor user add bot --password-stdin
  parlor user list
  parlor user passwd alice --data /var/lib/parlor
  parlor user suspend alice --for 7d --reason spam
  parlor user ticket bot --label 'build server'
  parlor user add alice --redis redis://127.0.0.1

The server has started once; it may run meanwhile. Deleting an account, kicking or suspending its user
and a new password end its session, within a second or two; a new role holds from the next broadcast on.";

/// Returns the end of the help of a subcommand that takes a name.
fn name_examples(command: &str) -> String {
    format!(
        "The accounts are in the Redis of --redis, $PARLOR_REDIS or the settings file, else in the data
directory of a server that has started once. Standard error says what is used.

Example:
  parlor user {command} alice --data /var/lib/parlor"
    )
}

const SUSPEND_EXAMPLES: &str =
    "No login is accepted for the time, or until it is ended, and the session of the user ends. Who
logs in with the right password is told until when, and the reason.

Examples:
  parlor user suspend alice
  parlor user suspend alice --for 7d --reason 'spam in the garden'
  parlor user unsuspend alice";

const UNLOCK_EXAMPLES: &str =
    "Who fails to log in too often has to wait, a minute at most; so does everybody else who tries the
same account, but from addresses from which its user logged in before. If somebody guesses on and
on, name the address from which the user comes: from there only what fails there counts.

A server that runs learns of it within a second or two.

Examples:
  parlor user unlock alice
  parlor user unlock alice --from 203.0.113.7 --data /var/lib/parlor";

/// Manage the accounts of a server
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make an account, or those in a file
    #[command(after_help = add::EXAMPLES)]
    Add(Box<AddArgs>),
    /// Change the password of an account, end its session, and make its tickets void
    #[command(after_help = name_examples("passwd"))]
    Passwd {
        #[command(flatten)]
        whose: UserArg,
        #[command(flatten)]
        secret: PasswordArgs,
    },
    /// Delete an account and its subscriptions, and end its session
    #[command(after_help = name_examples("delete"))]
    Delete(UserArg),
    /// End the session of a user, who may log in again
    #[command(after_help = name_examples("kick"))]
    Kick(UserArg),
    /// Accept no login of a user for some time or for ever, and end the session
    #[command(after_help = SUSPEND_EXAMPLES)]
    Suspend {
        #[command(flatten)]
        whose: UserArg,
        /// For how long, such as 30m, 2h, 7d or 2w [default: until parlor user unsuspend]
        #[arg(long = "for", value_name = "DURATION", value_parser = settings::parse_long_duration)]
        duration: Option<Duration>,
        /// Why; the user is told
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Accept the logins of a suspended user again
    #[command(after_help = name_examples("unsuspend"))]
    Unsuspend(UserArg),
    /// Make a ticket, with which a program logs in without the password
    #[command(after_help = ticket::EXAMPLES)]
    Ticket(TicketArgs),
    /// Make a ticket of a user void, or all of them
    #[command(after_help = revoke::EXAMPLES)]
    Revoke(RevokeArgs),
    /// Print all that is kept about a person
    #[command(after_help = export::EXAMPLES)]
    Export(UserArg),
    /// Take a person out of everything that is kept, while no server runs
    #[command(after_help = erase::EXAMPLES)]
    Erase(EraseArgs),
    /// List all accounts: name, role, when it was made, until when it is suspended and why
    #[command(after_help = "Example:\n  parlor user list --data /var/lib/parlor")]
    List(PlaceArgs),
    /// Make a user an operator
    #[command(after_help = name_examples("promote"))]
    Promote(UserArg),
    /// Make an operator a user like others
    #[command(after_help = name_examples("demote"))]
    Demote(UserArg),
    /// Forget the failed logins of an account, so that its user gets in again
    #[command(after_help = UNLOCK_EXAMPLES)]
    Unlock {
        #[command(flatten)]
        whose: UserArg,
        /// Address from which the user is to get in whatever others fail at from elsewhere
        #[arg(long, value_name = "ADDR")]
        from: Option<IpAddr>,
    },
}

/// Server name that this command passes to the Redis configuration.
const NAME: &str = "parlor user";

#[derive(Debug, Args)]
struct UserArg {
    /// Name of the user
    #[arg(value_name = "NAME")]
    user: UserName,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Runs the subcommand and reports the result on standard output.
///
/// # Errors
/// One line that names the problem.
pub(crate) fn run(args: &UserArgs) -> anyhow::Result<()> {
    carry_out(&args.action)?;
    if let Some((word, user, place)) = args.action.audited() {
        place.record(&format!("user {word}"), user.as_str());
    }
    Ok(())
}

impl Action {
    /// What the audit trail keeps of it: the word of the command, the user, and where the account is.
    fn audited(&self) -> Option<(&'static str, &UserName, &PlaceArgs)> {
        let (word, whose) = match self {
            Self::Passwd { whose, .. } => ("passwd", whose),
            Self::Delete(whose) => ("delete", whose),
            Self::Kick(whose) => ("kick", whose),
            Self::Suspend { whose, .. } => ("suspend", whose),
            Self::Unsuspend(whose) => ("unsuspend", whose),
            Self::Promote(whose) => ("promote", whose),
            Self::Demote(whose) => ("demote", whose),
            Self::Unlock { whose, .. } => ("unlock", whose),
            Self::Ticket(args) => ("ticket", &args.whose),
            Self::Revoke(args) => ("revoke", &args.whose),
            Self::Export(whose) => ("export", whose),
            Self::Erase(args) => ("erase", &args.whose),
            // Whoever is made is kept one by one.
            Self::Add(_) | Self::List(_) => return None,
        };
        Some((word, &whose.user, &whose.place))
    }
}

fn carry_out(action: &Action) -> anyhow::Result<()> {
    match action {
        Action::Add(args) => args.run(),
        Action::Passwd { whose, secret } => passwd(whose, secret),
        Action::Delete(whose) => {
            let deleted = whose.place.accounts(NAME)?.delete(&whose.user)?;
            whose.report(deleted, "deleted")
        }
        Action::Kick(whose) => {
            let kicked = whose.place.accounts(NAME)?.kick(&whose.user)?;
            whose.report(kicked, "is kicked")
        }
        Action::Suspend { whose, duration, reason } => whose.suspend(*duration, reason),
        Action::Unsuspend(whose) => {
            let existed = whose.place.accounts(NAME)?.suspend(&whose.user, None)?;
            whose.report(existed, "is not suspended any more")
        }
        Action::Ticket(args) => args.run(),
        Action::Revoke(args) => args.run(),
        Action::Export(whose) => export::run(whose),
        Action::Erase(args) => args.run(),
        Action::List(place) => list(place),
        Action::Promote(whose) => whose.set_role(Role::Operator),
        Action::Demote(whose) => whose.set_role(Role::Member),
        Action::Unlock { whose, from } => whose.unlock(*from),
    }
}

fn passwd(whose: &UserArg, secret: &PasswordArgs) -> anyhow::Result<()> {
    let accounts = whose.place.accounts(NAME)?;
    if accounts.find(&whose.user)?.is_none() {
        bail!("there is no user {}", whose.user);
    }
    let password = secret.choose()?;
    // The kick comes second: a login with the old password that is under way then begins no session.
    let changed = accounts.set_password(&whose.user, &password.hash)? && accounts.kick(&whose.user)?;
    if !changed {
        bail!("there is no user {}", whose.user);
    }
    let said = writeln!(io::stdout(), "{} {}", whose.user, *password.report("has a new password"));
    said.with_context(|| format!("the password of {} is changed; run it again if it is lost", whose.user))
}

fn list(place: &PlaceArgs) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    let now = SystemClock::start().now();
    for account in place.accounts(NAME)?.accounts()? {
        let role = match account.role {
            Role::Member => "member",
            Role::Operator => "operator",
        };
        let suspended = account.suspension_at(now).map(suspended).unwrap_or_default();
        writeln!(out, "{:<32} {role:<8} {}{suspended}", account.user, account.created)?;
    }
    Ok(())
}

/// What the list says of a suspended account.
fn suspended(Suspension { until, reason }: &Suspension) -> String {
    let why = reason.text().map(|reason| format!(": {}", reason.as_str())).unwrap_or_default();
    format!("  suspended {}{why}", end(*until))
}

fn end(until: Option<Timestamp>) -> String {
    until.map_or_else(|| "for ever".to_owned(), |until| format!("until {until}"))
}

impl UserArg {
    fn set_role(&self, role: Role) -> anyhow::Result<()> {
        let changed = self.place.accounts(NAME)?.set_role(&self.user, role)?;
        self.report(changed, if role == Role::Operator { "is an operator" } else { "is no operator" })
    }

    fn suspend(&self, duration: Option<Duration>, reason: &str) -> anyhow::Result<()> {
        let until = duration.map(|duration| SystemClock::start().now().after(duration));
        let suspension = Suspension { until, reason: Text::sanitise(reason).into() };
        let existed = self.place.accounts(NAME)?.suspend(&self.user, Some(&suspension))?;
        self.report(existed, &format!("is suspended {}", end(until)))
    }

    fn unlock(&self, from: Option<IpAddr>) -> anyhow::Result<()> {
        let address = from.map(|address| network_of(address).to_string());
        let now = SystemClock::start().now();
        let existed = self.place.accounts(NAME)?.unlock(&self.user, address.as_deref(), now)?;
        match address {
            Some(address) => self.report(existed, &format!("is unlocked, and known at {address}")),
            None => self.report(existed, "is unlocked"),
        }
    }

    fn report(&self, existed: bool, done: &str) -> anyhow::Result<()> {
        if !existed {
            bail!("there is no user {}", self.user);
        }
        writeln!(io::stdout(), "{} {done}", self.user)?;
        Ok(())
    }
}
