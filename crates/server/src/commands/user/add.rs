//! `parlor user add`: makes an account, those of a file, or invitations for them. It must not print a password that it did not make up.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use parlor_core::ports::{Account, Accounts, Clock, PasswordHash, Role};
use parlor_proto::{MessageId, Password, RoomName, UserName};
use parlor_store::administration::{RoomOrder, RoomRequest, Verdict};
use zeroize::Zeroizing;

use super::NAME;
use super::password::{PasswordArgs, generate_password};
use super::people::{self, Person};
use crate::clock::SystemClock;
use crate::commands::invite::{DEFAULT_LIFETIME, DoorArgs, InvitationMaker};
use crate::commands::place::{PlaceArgs, Rooms};
use crate::settings;

pub(super) const EXAMPLES: &str =
    "A file has a line for each person: NAME[,ROLE[,ROOMS]]. The role is member or operator; rooms are
separated by spaces, and are opened to the person, private ones too. If a line is wrong, it is named,
and nothing is made. The passwords are made up, and printed once, a line for each person. With
--skip-existing a file can be used again, after a break or with new people in it. With --invite no
account is made: each person gets an invitation with this role and these rooms, and chooses name and
password by it. A line has the person, the link, and the id for parlor invite --revoke.

Examples:
  parlor user add alice
  parlor user add --operator root
  parlor user add --random-password bob
  parlor user add --file people.csv > passwords
  parlor user add --file people.csv --invite --expires 2w > links
  echo \"$SECRET\" | parlor user add bot --password-stdin";

#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Name of the user
    #[arg(value_name = "NAME", required_unless_present = "file")]
    user: Option<UserName>,

    /// Make the accounts in this file, with passwords that are made up: a line is NAME,ROLE,ROOMS, of which all but the
    /// name may be left out; - is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["user", "password_stdin", "random_password", "operator"])]
    file: Option<PathBuf>,

    /// Leave out people of the file who have an account, instead of making nothing
    #[arg(long, conflicts_with = "user")]
    skip_existing: bool,

    /// Make invitations for these people instead of accounts; prints a link for each, once
    #[arg(long, conflicts_with = "user")]
    invite: bool,

    /// How long an invitation is valid, such as 12h, 7d or 2w [default: 7d]
    #[arg(long, value_name = "DURATION", value_parser = settings::parse_long_duration)]
    expires: Option<Duration>,

    #[command(flatten)]
    door: DoorArgs,

    #[command(flatten)]
    secret: PasswordArgs,

    /// Make an operator, who may broadcast
    #[arg(long)]
    operator: bool,

    #[command(flatten)]
    place: PlaceArgs,
}

impl AddArgs {
    /// Makes the account or the accounts.
    ///
    /// # Errors
    /// One line that names the problem.
    pub(super) fn run(&self) -> anyhow::Result<()> {
        if !self.invite && (self.door.names_an_address() || self.expires.is_some()) {
            bail!("--address and --expires are for invitations: add --invite");
        }
        match (&self.file, &self.user) {
            (Some(file), _) if self.invite => self.invite_all(&people::read(file)?),
            (Some(file), _) => self.add_all(&people::read(file)?),
            (None, Some(user)) => self.add(user),
            (None, None) => bail!("give a name, or --file"),
        }
    }

    fn add(&self, user: &UserName) -> anyhow::Result<()> {
        if *user == UserName::erased() {
            bail!("the name {user} is that of users who were erased");
        }
        let accounts = self.place.accounts(NAME)?;
        if accounts.find(user)?.is_some() {
            bail!("there is a user {user} already");
        }
        let had_owner = accounts.was_deleted(user)?;
        let password = self.secret.choose()?;
        let role = if self.operator { Role::Operator } else { Role::Member };
        if !accounts.create(&account(user, password.hash.clone(), role))? {
            bail!("there is a user {user} already");
        }
        self.place.record("user add", user.as_str());
        if had_owner {
            warn_of_the_first_owner(user);
        }
        let said = writeln!(io::stdout(), "{user} {}", *password.report("added"));
        said.with_context(|| {
            format!("{user} is added; parlor user passwd {user} gives a new password if this one is lost")
        })
    }

    /// Makes an invitation for each person of a file, after a look at all of them.
    fn invite_all(&self, people: &[Person]) -> anyhow::Result<()> {
        let accounts = self.place.accounts(NAME)?;
        let people = self.new_ones(&*accounts, people)?;
        for Person { line, user, .. } in &people {
            if accounts.was_deleted(user)? {
                eprintln!(
                    "line {line}: an account {user} was deleted, so whoever is invited has to choose another name"
                );
            }
        }
        let maker = InvitationMaker::open(&self.place, &self.door, NAME)?;
        for Person { line, user, role, rooms } in people {
            let made = maker.make(*role, rooms, 1, self.expires.unwrap_or(DEFAULT_LIFETIME));
            let made =
                made.with_context(|| format!("line {line}: {user} was not invited, and nobody after this line"))?;
            let id = made.invitation.terms.id();
            writeln!(io::stdout(), "{user}\t{}\t{id}", made.ways.shortest()).with_context(|| {
                format!("line {line}: the link for {user} is lost, and nobody after this line was invited; parlor invite --revoke {id}")
            })?;
        }
        Ok(())
    }

    /// Makes the accounts of a file, after a look at all of them.
    fn add_all(&self, people: &[Person]) -> anyhow::Result<()> {
        let place = self.place.rooms(NAME)?;
        for person in self.new_ones(&*place.accounts, people)? {
            let Person { line, user, .. } = person;
            let password = generate_password()?;
            self.add_one(&place, person, &password)
                .with_context(|| format!("line {line}: {user} was not made, and nobody after this line"))?;
            self.place.record("user add", user.as_str());
            writeln!(io::stdout(), "{user}\t{}", *password).with_context(|| {
                format!("line {line}: {user} is made, and nobody after this line; parlor user passwd {user} gives a new password")
            })?;
        }
        Ok(())
    }

    /// The people without accounts. The others are named.
    ///
    /// # Errors
    /// There are others, and they are not to be left out.
    fn new_ones<'a>(&self, accounts: &dyn Accounts, people: &'a [Person]) -> anyhow::Result<Vec<&'a Person>> {
        let mut new = Vec::new();
        for person in people {
            let Person { line, user, .. } = person;
            if accounts.find(user)?.is_none() {
                new.push(person);
            } else if self.skip_existing {
                eprintln!("line {line}: there is a user {user} already");
            } else {
                bail!(
                    "line {line}: there is a user {user} already; nothing was made (--skip-existing makes the others)"
                );
            }
        }
        Ok(new)
    }

    fn add_one(&self, place: &Rooms, person: &Person, password: &Zeroizing<String>) -> anyhow::Result<()> {
        let hash = self.secret.hash_of(&Password::new(password)?)?;
        let had_owner = place.accounts.was_deleted(&person.user)?;
        if !place.accounts.create(&account(&person.user, hash, person.role))? {
            bail!("there is a user {} already", person.user);
        }
        if had_owner {
            warn_of_the_first_owner(&person.user);
        }
        person.rooms.iter().filter(|room| !room.is_lobby()).for_each(|room| open(place, &person.user, room));
        Ok(())
    }
}

/// Tells that the history has messages of an account of this name that was deleted.
fn warn_of_the_first_owner(user: &UserName) {
    eprintln!("an account {user} was deleted: what it said in rooms stands there under the same name");
}

/// Opens a room to a new user. The account is made: what fails is told, and can be made up for.
fn open(place: &Rooms, user: &UserName, room: &RoomName) {
    if let Err(error) = try_open(place, user, room) {
        // The command does its work also where nobody reads this.
        let _ = writeln!(io::stderr(), "parlor: {room} is not open to {user}: {error:#}");
    }
}

fn try_open(place: &Rooms, user: &UserName, room: &RoomName) -> anyhow::Result<()> {
    let facts = place.rooms.room(room)?;
    // A room that does not exist is made by entering it.
    if facts.is_some() {
        let (by, time) = (UserName::operator(), SystemClock::start().now());
        let request = RoomRequest { room: room.clone(), by, time, order: RoomOrder::Admit(user.clone()) };
        if let Verdict::Refused(why) = place.carry_out(&request)? {
            bail!(why);
        }
    }
    let last = facts.map_or(MessageId(0), |facts| facts.last);
    Ok(place.rooms.remember(user, room, last)?)
}

fn account(user: &UserName, hash: PasswordHash, role: Role) -> Account {
    let created = SystemClock::start().now();
    Account { user: user.clone(), hash, role, created, kicks: 0, suspension: None }
}
