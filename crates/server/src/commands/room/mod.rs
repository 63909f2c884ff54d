//! `parlor room`: shows rooms in a server's database or in Redis, hands them over and deletes them, also while servers run.
//! It must not contain rules of rooms.

mod show;

use std::io::{self, BufRead, IsTerminal, Write};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use parlor_core::ports::{Accounts, Clock};
use parlor_core::rights::Holder;
use parlor_proto::{RoomName, UserName};
use parlor_store::administration::{RoomFacts, RoomOrder, RoomRequest, Verdict};

use super::place::{PlaceArgs, Rooms};
use crate::clock::SystemClock;

const EXAMPLES: &str = "Examples:
  parlor room list
  parlor room show garden
  parlor room transfer garden alice
  parlor room delete garden --data /var/lib/parlor
  parlor room list --redis redis://127.0.0.1

The server has started once; it may run meanwhile. What changes is done by the server itself, within a
second or two, or at once where none runs.";

const LIST_EXAMPLES: &str =
    "Shown are all rooms that have messages, members or rights. A room without an owner belongs to the
operators. Without Redis only the server knows its members, so that ? is shown while it runs.

Example:
  parlor room list --data /var/lib/parlor";

const TRANSFER_EXAMPLES: &str =
    "The owner before becomes a moderator. Everybody inside hears that the room has a new owner.

Examples:
  parlor room transfer garden alice
  parlor room transfer garden alice --as root
  parlor room transfer garden --to-operators";

const DELETE_EXAMPLES: &str =
    "Everybody inside is moved to the lobby, and the messages, the rights and the topic are gone, for ever.
The name is free: whoever enters it next makes a new room and owns it.

Examples:
  parlor room delete garden
  parlor room delete garden --yes --as root";

/// Server name that this command passes to the Redis configuration.
const NAME: &str = "parlor room";

/// Show rooms, hand them over and delete them
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RoomArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all rooms: members, who enters and speaks, owner, messages
    #[command(after_help = LIST_EXAMPLES)]
    List(PlaceArgs),
    /// Show all rights in a room
    #[command(after_help = "Example:\n  parlor room show garden --data /var/lib/parlor")]
    Show(RoomArg),
    /// Give a room to another user or to the operators
    #[command(after_help = TRANSFER_EXAMPLES)]
    Transfer {
        #[command(flatten)]
        room: RoomArg,
        /// Name of the new owner
        #[arg(value_name = "USER", required_unless_present = "to_operators")]
        user: Option<UserName>,
        /// Give it to the operators
        #[arg(long, conflicts_with = "user")]
        to_operators: bool,
        /// Who is said to have done it; a session of this user is not told [default: operator]
        #[arg(long = "as", value_name = "NAME")]
        by: Option<UserName>,
    },
    /// Delete a room with its messages and rights
    #[command(after_help = DELETE_EXAMPLES)]
    Delete {
        #[command(flatten)]
        room: RoomArg,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Who is said to have done it [default: operator]
        #[arg(long = "as", value_name = "NAME")]
        by: Option<UserName>,
    },
}

#[derive(Debug, Args)]
struct RoomArg {
    /// Name of the room
    #[arg(value_name = "ROOM")]
    room: RoomName,
    #[command(flatten)]
    place: PlaceArgs,
}

/// Runs the subcommand and reports the result on standard output.
///
/// # Errors
/// One line that names the problem.
pub(crate) fn run(args: &RoomArgs) -> anyhow::Result<()> {
    match &args.action {
        Action::List(place) => {
            let Rooms { rooms, accounts, .. } = place.rooms(NAME)?;
            let shown = show::list(&rooms.rooms()?, &known(&*accounts)?);
            Ok(io::stdout().write_all(shown.as_bytes())?)
        }
        Action::Show(whose) => whose.show(),
        Action::Transfer { room, user, by, .. } => room.transfer(user.as_ref(), by.as_ref()),
        Action::Delete { room, yes, by } => room.delete(*yes, by.as_ref()),
    }
}

impl RoomArg {
    fn show(&self) -> anyhow::Result<()> {
        let Rooms { rooms, accounts, .. } = self.place.rooms(NAME)?;
        let Some(facts) = rooms.room(&self.room)? else { return self.unknown() };
        let inside = rooms.inside(&self.room)?;
        let shown = show::one(&facts, inside.as_deref(), &known(&*accounts)?, SystemClock::start().now());
        Ok(io::stdout().write_all(shown.as_bytes())?)
    }

    fn transfer(&self, user: Option<&UserName>, by: Option<&UserName>) -> anyhow::Result<()> {
        let place = self.place.rooms(NAME)?;
        let owner = match user {
            Some(user) => {
                let account = place.accounts.find(user)?.with_context(|| format!("there is no user {user}"))?;
                Some(Holder { user: user.clone(), account: account.created })
            }
            None => None,
        };
        let done = match user {
            Some(user) => format!("{} belongs to {user}", self.room),
            None => format!("{} belongs to the operators", self.room),
        };
        self.carry_out(&place, by, RoomOrder::Transfer(owner), &done)
    }

    fn delete(&self, yes: bool, by: Option<&UserName>) -> anyhow::Result<()> {
        let place = self.place.rooms(NAME)?;
        if !yes {
            let Some(facts) = place.rooms.room(&self.room)? else { return self.unknown() };
            if !confirm(&facts)? {
                bail!("nothing was deleted");
            }
        }
        self.carry_out(&place, by, RoomOrder::Delete, &format!("{} deleted", self.room))
    }

    fn carry_out(&self, place: &Rooms, by: Option<&UserName>, order: RoomOrder, done: &str) -> anyhow::Result<()> {
        let by = by.cloned().unwrap_or_else(UserName::operator);
        let word = match order {
            RoomOrder::Transfer(_) => "room transfer",
            RoomOrder::Admit(_) => "room admit",
            RoomOrder::Delete => "room delete",
        };
        let request = RoomRequest { room: self.room.clone(), by, time: SystemClock::start().now(), order };
        match place.carry_out(&request)? {
            Verdict::Done => {
                self.place.record(word, self.room.as_str());
                Ok(writeln!(io::stdout(), "{done}")?)
            }
            Verdict::Refused(why) => bail!(why),
        }
    }

    fn unknown(&self) -> anyhow::Result<()> {
        bail!("there is no room {}; parlor room list shows all", self.room)
    }
}

/// The accounts, by which it shows whether those with a role are still there.
fn known(accounts: &dyn Accounts) -> anyhow::Result<show::Accounts> {
    Ok(accounts.accounts()?.into_iter().map(|account| (account.user, account.created)).collect())
}

/// Asks on the terminal whether the room shall go.
fn confirm(facts: &RoomFacts) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!("there is no terminal to ask on whether {} shall go for ever; give --yes", facts.room);
    }
    let mut out = io::stderr();
    write!(out, "Delete {} with its {} messages and all rights, for ever? [y/N] ", facts.room, facts.entries)?;
    out.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
