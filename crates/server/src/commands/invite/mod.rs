//! `parlor invite`: makes an invitation to the server, and prints each way in once; lists invitations and makes them void, also
//! while servers run. It must not print a code anywhere but on standard output.

mod door;
mod maker;

use std::io::{self, Write};
use std::time::Duration;

use anyhow::bail;
use clap::Args;
use parlor_core::ports::{Clock, Invitation, MAX_INVITATION_USES, Role};
use parlor_proto::{INVITATION_ROOMS_MAX, InvitationId, InvitationInfo, RoomName, UserName};

use super::place::PlaceArgs;
use crate::clock::SystemClock;
use crate::settings;
pub(super) use door::DoorArgs;
pub(super) use maker::{InvitationMaker, MadeInvitation};

pub(crate) const EXAMPLES: &str =
    "Three lines come, each a way in: a link for a browser, a command for a terminal, and a text for a
mail. They have the code, which is printed once; only its hash is kept. Whoever has it can use it.
The address is that of the server of --data if it runs, or of its settings; --address names another
one. Where only a reverse proxy reaches the server, there is no command.

An invitation makes accounts, also where registration is closed, and opens the rooms to them, private
ones too. A use is gone once its account is made. --list shows who used which.

Examples:
  parlor invite
  parlor invite --room garden --room kitchen --uses 5 --expires 2w
  parlor invite --operator --address chat.example.org
  parlor invite --list
  parlor invite --revoke 3e9a41c7
  parlor invite --redis redis://127.0.0.1 --address chat.example.org:7878";

/// Server name that this command passes to the Redis configuration.
const NAME: &str = "parlor invite";

/// For how long an invitation is valid if nobody says it.
pub(super) const DEFAULT_LIFETIME: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Invite people, who make their accounts themselves
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct InviteArgs {
    /// Room that is opened to those who come, also if it is private; repeatable
    #[arg(long = "room", value_name = "ROOM")]
    rooms: Vec<RoomName>,

    /// Accounts that it may make
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_INVITATION_USES)))]
    uses: u32,

    /// How long it is valid, such as 12h, 7d or 2w [default: 7d]
    #[arg(long, value_name = "DURATION", value_parser = settings::parse_long_duration)]
    expires: Option<Duration>,

    /// Make operators of those who come
    #[arg(long)]
    operator: bool,

    /// List the invitations, and who used them
    #[arg(long, conflicts_with_all = ["revoke", "rooms", "operator"])]
    list: bool,

    /// Make an invitation void; the accounts that it made stay
    #[arg(long, value_name = "ID", conflicts_with_all = ["rooms", "operator"])]
    revoke: Option<InvitationId>,

    #[command(flatten)]
    door: DoorArgs,

    #[command(flatten)]
    place: PlaceArgs,
}

/// Runs the command and reports the result on standard output.
///
/// # Errors
/// One line that names the problem.
pub(crate) fn run(args: &InviteArgs) -> anyhow::Result<()> {
    match args.revoke {
        Some(id) => args.revoke(id),
        None if args.list => args.list(),
        None => args.invite(),
    }
}

impl InviteArgs {
    fn invite(&self) -> anyhow::Result<()> {
        if self.rooms.len() > INVITATION_ROOMS_MAX {
            bail!("an invitation opens at most {INVITATION_ROOMS_MAX} rooms");
        }
        let role = if self.operator { Role::Operator } else { Role::Member };
        let maker = InvitationMaker::open(&self.place, &self.door, NAME)?;
        let MadeInvitation { invitation, ways } =
            maker.make(role, &self.rooms, self.uses, self.expires.unwrap_or(DEFAULT_LIFETIME))?;
        // The ways in are all that standard output has.
        let _ = writeln!(io::stderr(), "{}", summary(&invitation));
        Ok(writeln!(io::stdout(), "{}", ways.lines(&invitation.terms, invitation.expires))?)
    }

    fn list(&self) -> anyhow::Result<()> {
        let mut out = io::stdout().lock();
        for invitation in self.place.invitations(NAME)?.invitations(SystemClock::start().now())? {
            writeln!(out, "{}", line(&invitation.info()))?;
        }
        Ok(())
    }

    fn revoke(&self, id: InvitationId) -> anyhow::Result<()> {
        if !self.place.invitations(NAME)?.revoke(id)? {
            bail!("there is no invitation {id}; parlor invite --list shows all");
        }
        self.place.record("invite revoke", &id.to_string());
        Ok(writeln!(io::stdout(), "{id} is void")?)
    }
}

fn summary(Invitation { terms, expires, .. }: &Invitation) -> String {
    let (uses, who) = (terms.uses, if terms.role == Role::Operator { "operator" } else { "account" });
    let plural = if uses == 1 { "" } else { "s" };
    format!("invitation {} is valid until {expires}, for {uses} {who}{plural}", terms.id())
}

/// A line of the list: id, uses, end, role, maker, rooms, and who used it.
fn line(info: &InvitationInfo) -> String {
    let InvitationInfo { id, by, expires, uses, used, rooms, operator, .. } = info;
    let role = if *operator { "operator" } else { "member" };
    let used: Vec<&str> = used.iter().map(UserName::as_str).collect();
    let rooms: Vec<String> = rooms.iter().map(|room| format!("#{room}")).collect();
    let uses = format!("{}/{uses}", used.len());
    let (rooms, users) = (rooms.join(","), used.join(","));
    let dash = |words: String| if words.is_empty() { "-".to_owned() } else { words };
    format!("{id}  {uses:<7} {expires}  {role:<8} by {by:<16} rooms {}  used by {}", dash(rooms), dash(users))
}
