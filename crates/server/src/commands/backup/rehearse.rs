//! Tries a backup: restores it into a directory of its own, starts a server on that, logs somebody in who reads a history. It
//! must not touch the installation.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use parlor_client::{Address, Connector, Credentials, Entry, Incoming, Session, Trust};
use parlor_core::ports::{Account, Clock, Role};
use parlor_process_testkit::{Launch, Server};
use parlor_proto::{Event, Password, Target, UserName};
use parlor_store::administration::RoomFacts;
use parlor_store::sqlite;

use super::Unpacked;
use crate::clock::SystemClock;
use crate::commands::user::generate_password;
use crate::workers::hashing;

/// Cost of the hash of a password that is used once.
const COST: u32 = 4;

/// Tries a backup. Returns what to tell the operator.
///
/// # Errors
/// One line that says which step failed.
pub(super) fn run(file: &Path) -> anyhow::Result<String> {
    let begun = Instant::now();
    let unpacked = Unpacked::of(file, None)?;
    let facts = unpacked.facts.clone();
    let credentials = add_canary(unpacked.path())?;
    let room = longest_room(unpacked.path())?;
    let restored = begun.elapsed();
    let server = start(unpacked)?;
    let started = begun.elapsed();
    let read = read_history(&server, &credentials, &room).context("the server on the restored backup failed")?;
    let shown = |time: Duration| format!("{:.1} s", time.as_secs_f64());
    let entries = read.map_or_else(String::new, |count| format!(", {count} messages of #{} read", room.room));
    let (restoring, starting, reading) = (restored, started - restored, begun.elapsed() - started);
    Ok(format!(
        "{} was rehearsed: {facts}\nrestored in {}, server started in {}, logged in{entries} in {}",
        file.display(),
        shown(restoring),
        shown(starting),
        shown(reading)
    ))
}

/// Makes the account that logs in: an operator, who may enter every room.
fn add_canary(data: &Path) -> anyhow::Result<Credentials> {
    let secret = generate_password()?;
    let password = Password::new(&secret)?;
    let user: UserName = format!("canary-{}", &secret[..5]).parse().context("no name for the canary")?;
    let hash = hashing::hash_once(&password, COST)?;
    let created = SystemClock::start().now();
    let account = Account { user: user.clone(), hash, role: Role::Operator, created, kicks: 0, suspension: None };
    if !sqlite::open_accounts(data)?.create(&account)? {
        bail!("the backup has a user {user}: try again");
    }
    Ok(Credentials { user, password })
}

/// The room with the most entries.
fn longest_room(data: &Path) -> anyhow::Result<RoomFacts> {
    let rooms = sqlite::open_rooms(data, false)?.rooms()?;
    rooms.into_iter().max_by_key(|facts| facts.entries).context("the backup has no room, not even the lobby")
}

fn start(unpacked: Unpacked) -> anyhow::Result<Server> {
    let program = std::env::current_exe().context("cannot find this program")?;
    // Settings of this machine are not for this server: it listens on the loopback address only.
    let launch = Launch::new(program).args(&["--registration", "closed"]);
    let server = launch.start(Arc::new(unpacked.into_directory()));
    server.map_err(|failure| anyhow::anyhow!("no server starts on the restored backup: {failure}"))
}

/// Logs in, and reads the newest messages of a room. Returns how many came; none if the room has none.
fn read_history(server: &Server, credentials: &Credentials, facts: &RoomFacts) -> anyhow::Result<Option<usize>> {
    let address: Address = server.address().to_string().parse()?;
    let connector = Connector::new(address, &Trust::Ca(server.ca()))?;
    let mut session = connector.open()?.log_in(Entry::Login, credentials)?;
    let room = &facts.room;
    session.sender.send_line(&format!("/open {room}\n/backlog #{room}"))?;
    let entries = backlog(&mut session, &Target::Room(room.clone()))?;
    if entries == 0 && facts.entries > 0 {
        bail!("no message of #{room} can be read");
    }
    Ok((facts.entries > 0).then_some(entries))
}

/// The number of entries in the answer to a request for them.
fn backlog(session: &mut Session, of: &Target) -> anyhow::Result<usize> {
    loop {
        match session.events.next()? {
            Incoming::Event { event: Event::Backlog { target, entries, .. }, .. } if target == *of => {
                return Ok(entries.len());
            }
            // The lobby is open already.
            Incoming::Event { event: Event::Error { code, message, .. }, .. } if !of_lobby(of) => {
                bail!("{}: {message}", code.as_str());
            }
            Incoming::Event { event: Event::Bye { message, .. }, .. } => bail!("{message}"),
            _ => {}
        }
    }
}

fn of_lobby(target: &Target) -> bool {
    matches!(target, Target::Room(room) if room.is_lobby())
}
