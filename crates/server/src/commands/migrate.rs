//! `parlor migrate`: moves everything from a database to a Redis or back, while servers run. It must not delete anything at the
//! place that is left.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use clap::Args;
use parlor_core::ports::Clock;
use parlor_settings::path;
use parlor_store::archive::{Migration, Moved};
use parlor_store::redis::{self, RedisMovingSource, RedisTarget, RedisUrl};
use parlor_store::sqlite::{self, Left, SqliteMovingSource, SqliteTarget};
use sha2::{Digest, Sha256};

use super::new_file;
use super::place::{Place, PlaceArgs, SERVER_LOCK, lock};
use super::progress::Progress;
use crate::backend;
use crate::clock::SystemClock;
use crate::control::{self, HandedOver, Order, Word};

/// Server name that this command passes to the Redis configuration.
const NAME: &str = "parlor migrate";

/// A round that changed fewer records than this is a short one: the rest takes a moment.
const FEW: u64 = 2_000;

/// Rounds after which the switch comes in any case.
const MAX_ROUNDS: u32 = 30;

/// Time in which the server has to be back, once it is told where to go on.
const COMEBACK: Duration = Duration::from_secs(60);

/// Time between two looks whether it is.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Files that belong to a database while somebody has it open.
const OPEN_FILES: [&str; 2] = ["parlor.db-wal", "parlor.db-shm"];

const EXAMPLES: &str = "\
Everything is copied while servers run, then what changed meanwhile, and the rest while all clients are away
for a moment: they get RECONNECT and BYE, and come back by themselves. Numbers and epochs stay, so they notice
nothing else. A server with a database begins anew on the Redis, with the same process id. Servers that share a
Redis end, and the new one is started by you.

Nothing is deleted. The place that is left notes where everything went, and no server starts on it any more;
--undo takes it back as it was then. Where no server runs, the copy is all. If it breaks off, run it again.

An address with a password belongs into PARLOR_MIGRATE_TO: everybody on the machine sees the command line.

The settings file is yours: change redis or data there, or the next start says where everything is.

Examples:
  parlor migrate --to redis://HOST
  parlor migrate --redis redis://HOST --to /var/lib/parlor
  parlor migrate --undo --data /var/lib/parlor";

/// Move everything to a Redis, or from there into a directory, while servers run
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MigrateArgs {
    /// Where everything goes: the address of a Redis, or a data directory; it has neither accounts nor messages
    #[arg(long, env = "PARLOR_MIGRATE_TO", hide_env_values = true, value_name = "URL|DIR")]
    #[arg(required_unless_present = "undo")]
    to: Option<String>,

    /// PEM file of the authority that issued the certificate of the Redis of --to [default: the roots of the system]
    #[arg(long, value_name = "FILE", value_parser = path::parser())]
    to_ca: Option<PathBuf>,

    /// Go on with the place that was left, as it was then; what was said elsewhere since stays there
    #[arg(long, conflicts_with = "to_ca")]
    undo: bool,

    #[command(flatten)]
    place: PlaceArgs,
}

/// Where everything goes.
enum Destination {
    /// A Redis, and its address as it was written.
    Redis(RedisUrl, String),
    /// A data directory.
    Directory(PathBuf),
}

impl Destination {
    /// The error does not repeat the address, which may have a password.
    fn parse(text: &str) -> anyhow::Result<Self> {
        if !text.contains("://") {
            return Ok(Self::Directory(PathBuf::from(text)));
        }
        let url: Result<RedisUrl, _> = text.parse();
        url.map(|url| Self::Redis(url, text.to_owned())).map_err(|error| anyhow!("invalid value for --to: {error}"))
    }
}

/// Moves everything, and says how that went and what is left to do.
///
/// # Errors
/// One line that names the problem. Then everything is where it was, or the same call finishes what is left.
pub(crate) fn run(args: &MigrateArgs) -> anyhow::Result<()> {
    let Some(to) = args.to.as_ref().filter(|_| !args.undo) else { return take_back(&args.place) };
    let to = Destination::parse(to)?;
    match (args.place.existing(NAME)?, to) {
        (Place::Directory(data), Destination::Redis(url, text)) => {
            let ca = args.to_ca.as_deref().map(std::path::absolute).transpose()?;
            to_redis(&data, &url, &Word::Moved { redis: text, ca })?;
        }
        (Place::Redis(config), Destination::Directory(data)) => to_directory(&config, &data)?,
        (Place::Directory(_), Destination::Directory(_)) => {
            bail!("both are directories: use parlor backup and parlor restore")
        }
        (Place::Redis(_), Destination::Redis(..)) => bail!("both are a Redis: use parlor export and parlor import"),
    }
    Ok(())
}

fn to_redis(data: &Path, url: &RedisUrl, word: &Word) -> anyhow::Result<()> {
    let Word::Moved { ca, .. } = word;
    let read = |ca: &PathBuf| std::fs::read(ca).with_context(|| format!("cannot read {}", ca.display()));
    let ca = ca.as_ref().map(read).transpose()?;
    let config = redis::Config { url: url.clone(), ca, server_name: NAME.to_owned(), history: 0, replicas: 0 };
    let to = url.to_string();
    let _only = lock_out_others(data)?;
    // Held until everything is there, so that no server starts meanwhile.
    let (is_served, _lock) = lock(data)?;
    if let Some(Left { to: moved, mark }) = sqlite::left(data)? {
        return finish(&moved, &to, || Ok(RedisTarget::finish_sealed(&config, &mark)?));
    }
    if is_served {
        control::ask(data, &Order::Sessions)?;
    }
    let source = SqliteMovingSource::open(data)?;
    new_file::give_to_owner(data, &OPEN_FILES)?;
    let target = RedisTarget::moving(&config, source.mark(), &format!("{}:", aside()))?;
    let mut moving = Migration::new(Box::new(source), Box::new(target));
    copy(&mut moving)?;
    let begun = Instant::now();
    let server = is_served.then(|| control::hand_over(data)).transpose()?;
    let moved = moving.switch(&to)?;
    tell(&moved, &to)?;
    match server {
        Some(server) => await_server(server, data, word, begun),
        None => say("no server ran; start it with PARLOR_REDIS or --redis from now on"),
    }
}

/// Keeps other migrations of a database away as long as the result is there. What the directory is locked with is its own: the
/// server has the lock of the servers.
fn lock_out_others(data: &Path) -> anyhow::Result<File> {
    let directory = File::open(data).with_context(|| format!("cannot open {}", data.display()))?;
    match directory.try_lock() {
        Ok(()) => Ok(directory),
        Err(TryLockError::WouldBlock) => bail!("another parlor migrate moves what is in {}", data.display()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", data.display())),
    }
}

/// Has the server go on in its new place, and waits until it does.
fn await_server(server: HandedOver, data: &Path, word: &Word, begun: Instant) -> anyhow::Result<()> {
    server.tell(word).context("everything has moved, but the server is gone; start it with PARLOR_REDIS or --redis")?;
    let told = Instant::now();
    while control::ask(data, &Order::Sessions).is_err() {
        if told.elapsed() > COMEBACK {
            bail!(
                "everything has moved, but the server is not back; look at its log, and start it with PARLOR_REDIS or --redis"
            );
        }
        thread::sleep(LOOK_INTERVAL);
    }
    say(format_args!("the server was away for {} ms", begun.elapsed().as_millis()))?;
    say("put redis into its settings file, or PARLOR_REDIS into its environment, before its next start")
}

fn to_directory(config: &redis::Config, data: &Path) -> anyhow::Result<()> {
    let to = absolute(data)?;
    let (migration, aside) = (mark(&config.url.to_string()), aside());
    let _lock: File = backend::lock_data(data)?;
    let give = || new_file::give_to_owner(data, &[SERVER_LOCK, sqlite::FILE_NAME, sqlite::IMPORT_FILE_NAME]);
    if let Some(moved) = redis::moved_to(config)? {
        finish(&moved, &to, || Ok(SqliteTarget::finish_sealed(data, &migration, &aside)?))?;
        return give();
    }
    let source = RedisMovingSource::open(config)?;
    let target = SqliteTarget::moving(data, &migration, &aside)?;
    // Also of one that breaks off, the server has to be able to read what it is.
    give()?;
    let mut moving = Migration::new(Box::new(source), Box::new(target));
    copy(&mut moving)?;
    let begun = Instant::now();
    let moved = moving.switch(&to)?;
    give()?;
    tell(&moved, &to)?;
    say(format_args!("it could be served again after {} ms; start the server now:", begun.elapsed().as_millis()))?;
    say(format_args!("  parlor serve --data {}", data.display()))
}

/// Copies everything, and then what changed meanwhile, until that is little.
fn copy(moving: &mut Migration) -> anyhow::Result<()> {
    let mut progress = Progress::of("records");
    moving.catch_up(|count| progress.tell(count))?;
    let mut is_settled = false;
    for _ in 0..MAX_ROUNDS {
        // Each of these rounds is short.
        let changed = moving.catch_up(|_| ())?;
        if changed < FEW && is_settled {
            return Ok(());
        }
        if changed < FEW {
            // This takes long, so that there is more to catch up with afterwards.
            moving.settle()?;
            is_settled = true;
        }
    }
    if is_settled { Ok(()) } else { Ok(moving.settle()?) }
}

/// What is left of a migration that broke off behind its last step but one.
fn finish(moved: &str, to: &str, finish: impl FnOnce() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    if moved != to {
        bail!("everything has moved to {moved}");
    }
    if !finish()? {
        bail!(
            "everything has moved to {to}, but something else is there now; parlor migrate --undo takes back what is here"
        );
    }
    say(format_args!("everything is in {to}"))
}

fn take_back(place: &PlaceArgs) -> anyhow::Result<()> {
    let moved = match place.existing(NAME)? {
        Place::Redis(config) => redis::take_back(&config)?,
        Place::Directory(data) => {
            let _lock = backend::lock_data(&data)?;
            sqlite::take_back(&data)?
        }
    };
    let Some(to) = moved else { bail!("nothing has moved from here") };
    say(format_args!("servers use this place again; what was said since everything moved is in {to} only"))
}

fn tell(moved: &Moved, to: &str) -> anyhow::Result<()> {
    let Moved { accounts, logs, entries } = moved;
    say(format_args!("moved {accounts} accounts, {logs} logs, {entries} entries to {to}"))
}

fn say(line: impl fmt::Display) -> anyhow::Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}

/// By what a migration knows what it began in its directory, which only it may fill: the Redis that it leaves.
fn mark(from: &str) -> String {
    let digest = Sha256::digest(from);
    let digits: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("migration-{digits}")
}

/// The name for what is put aside.
fn aside() -> String {
    format!("replaced-{}", SystemClock::start().now().as_millis())
}

fn absolute(data: &Path) -> anyhow::Result<String> {
    let path = std::path::absolute(data).with_context(|| format!("cannot find {}", data.display()))?;
    Ok(path.display().to_string())
}
