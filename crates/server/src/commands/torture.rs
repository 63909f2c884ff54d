//! `parlor torture`: runs load and faults against a staging installation, and reports which promises it kept. It must
//! not check the promises itself; the crate that it calls does.

use std::env;
use std::io::{self, Write};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use parlor_torture::{Config, FAULT_KINDS, FaultKind, RunSummary, Store, Target};

const EXAMPLES: &str = "\
Examples:
  One server with a database of its own, for two minutes:
      parlor torture
  Two servers on a Redis that is started for this, for half an hour, as JSON:
      parlor torture --redis --minutes 30 --json
  The same with some faults only, from a seed:
      parlor torture --redis --faults kill,hole,redis-empty --seed 7
  One server whose everything moves to a Redis and back under load:
      parlor torture --faults migrate,half-open
  An installation that runs already and that nobody else uses; clients alone cause
  the faults then:
      parlor torture --server chat.example.org:7878 --ca ca.pem --yes-this-is-staging

Servers that are started for this listen on 127.0.0.1, each with a directory of its
own that is removed in the end. Accounts and rooms that are made in a given
installation stay there, unless --data or --redis says where `parlor user` finds its
accounts, which are deleted then.

Exit codes:
  0  every promise was kept
  1  a promise was broken; the result says which, and how to play it again
  2  the run could not be carried out; standard error says why";

/// Value of `--redis` without a URL: start a Redis for this run.
const OWN_REDIS: &str = "own";

/// Drive a staging installation with load and faults, and check every promise
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TortureArgs {
    /// About how long it lasts
    #[arg(long, value_name = "MINUTES", default_value = "2")]
    minutes: f64,

    /// Play one round only, in which people do as they like for so many seconds
    #[arg(long, value_name = "SECONDS", conflicts_with = "minutes")]
    seconds: Option<u64>,

    /// Seed of the first round; each further one has the next [default: from the clock]
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,

    /// Faults to choose from, with commas between; `none`, or `all` that can be done there
    #[arg(long, value_name = "FAULT_KINDS", default_value = "all", value_parser = Faults::from_str)]
    #[arg(long_help = faults_help())]
    faults: Faults,

    /// How many servers are started; 2 with --redis, else 1
    #[arg(long, value_name = "NUMBER", conflicts_with = "server")]
    servers: Option<usize>,

    /// Share a Redis: one that is started for this, or this one, on which faults hit the links only
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = OWN_REDIS)]
    redis: Option<String>,

    /// How many clients there are, besides one for each server that says something all the time; at least 16
    #[arg(long, value_name = "NUMBER", default_value = "24")]
    clients: usize,

    /// How clients connect: by `lines`, by WebSocket (`web`), or `mixed`, a third of them by WebSocket
    #[arg(long, value_name = "DOOR", default_value = "mixed")]
    door: Door,

    /// What a second login of a user does to the first; of a given server, what it is set to [default: by the seed;
    /// of a given server, takeover]
    #[arg(long, value_name = "POLICY")]
    duplicate_login: Option<DuplicateLogin>,

    /// Server of an installation that runs already; repeatable; an IPv6 address stands in brackets
    #[arg(long, value_name = "HOST:PORT", requires = "ca")]
    server: Vec<String>,

    /// Trust servers whose certificates were issued by an authority in this PEM file
    #[arg(long, value_name = "FILE", requires = "server")]
    ca: Option<PathBuf>,

    /// Data directory of the given server, if accounts are not to be made by REGISTER
    #[arg(long, value_name = "DIR", requires = "server", conflicts_with = "redis")]
    data: Option<PathBuf>,

    /// Go ahead although an address is not on this machine
    #[arg(long)]
    yes_this_is_staging: bool,

    /// Go on after a round in which a promise was broken
    #[arg(long)]
    keep_going: bool,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Door {
    Lines,
    Web,
    Mixed,
}

impl From<Door> for parlor_torture::Door {
    fn from(door: Door) -> Self {
        match door {
            Door::Lines => Self::Lines,
            Door::Web => Self::Web,
            Door::Mixed => Self::Mixed,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DuplicateLogin {
    Takeover,
    Reject,
}

/// The requested faults.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Faults {
    All,
    These(Vec<FaultKind>),
}

impl FromStr for Faults {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            "none" => Ok(Self::These(Vec::new())),
            names => names.split(',').map(str::parse).collect::<Result<_, _>>().map(Self::These),
        }
    }
}

fn faults_help() -> String {
    let lines = FAULT_KINDS.iter().map(|(name, _, what)| format!("  {name:<15} {what}"));
    let head = "Faults to choose from, with commas between; `none`, or `all` that can be done there:".to_owned();
    std::iter::once(head).chain(lines).collect::<Vec<_>>().join("\n")
}

/// Runs the test. Prints its result to standard output, and its progress to standard error.
///
/// # Errors
/// Fails if standard output cannot be written. If the test cannot run, the exit code is 2.
pub(crate) fn run(args: &TortureArgs) -> anyhow::Result<ExitCode> {
    let outcome = config(args).and_then(|config| {
        // Where nobody can read the progress, the run goes on.
        let progress = |line: &str| drop(writeln!(io::stderr(), "{line}"));
        Ok(parlor_torture::run(&config, progress)?)
    });
    match outcome {
        Ok(outcome) => show(args, &outcome),
        Err(error) => {
            // The exit code says it too.
            drop(writeln!(io::stderr(), "parlor: {error:#}"));
            Ok(ExitCode::from(2))
        }
    }
}

fn show(args: &TortureArgs, outcome: &RunSummary) -> anyhow::Result<ExitCode> {
    let text = if args.json { format!("{}\n", outcome.json()) } else { outcome.to_string() };
    io::stdout().write_all(text.as_bytes())?;
    Ok(if outcome.kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn config(args: &TortureArgs) -> anyhow::Result<Config> {
    let seed = args.seed.unwrap_or_else(seed_of_the_clock);
    let target = target(args)?;
    let possible = target.faults(cfg!(feature = "planted-bugs"));
    let faults = match &args.faults {
        // A migration needs a Redis.
        Faults::All => possible.into_iter().filter(|kind| *kind != FaultKind::Migrate).collect(),
        Faults::These(kinds) => {
            if let Some(kind) = kinds.iter().find(|kind| !possible.contains(kind)) {
                bail!("{}", cannot(*kind));
            }
            kinds.clone()
        }
    };
    let reject = match args.duplicate_login {
        Some(policy) => policy == DuplicateLogin::Reject,
        // A given server has its own setting, most likely the default.
        None => args.server.is_empty() && seed % 4 == 3,
    };
    Ok(Config {
        target,
        program: env::current_exe().context("this program cannot be found")?,
        seed,
        length: Duration::try_from_secs_f64(args.minutes * 60.0).context("--minutes is no length of time")?,
        once: args.seconds.map(Duration::from_secs),
        faults,
        clients: args.clients,
        door: args.door.into(),
        reject,
        stop_at_first: !args.keep_going,
        accounts: accounts(args),
    })
}

fn cannot(kind: FaultKind) -> String {
    match kind {
        FaultKind::Clock => {
            "the fault clock needs servers with an injected clock: a build with the feature planted-bugs".to_owned()
        }
        kind => format!("the fault {kind} cannot be done there"),
    }
}

fn target(args: &TortureArgs) -> anyhow::Result<Target> {
    if let Some(ca) = &args.ca {
        let servers = args.server.iter().map(|server| resolve(server)).collect::<anyhow::Result<Vec<_>>>()?;
        for (host, address) in &servers {
            args.allow(host, *address)?;
        }
        return Ok(Target::Given { servers, ca: ca.clone() });
    }
    let servers = args.servers.unwrap_or(if args.redis.is_some() { 2 } else { 1 });
    if servers == 0 || (servers > 1 && args.redis.is_none()) {
        bail!("a server without --redis is one of its own; more need --redis");
    }
    let store = match args.redis.as_deref() {
        None => Store::Embedded,
        Some(OWN_REDIS) => {
            need("redis-server")?;
            Store::OwnRedis
        }
        Some(url) => {
            let named = url.strip_prefix("redis://").context("a Redis that is named has to be redis://HOST:PORT")?;
            let (host, address) = resolve(named.rsplit('@').next().unwrap_or(named).trim_end_matches('/'))?;
            args.allow(&host, address)?;
            if !url.contains(&address.to_string()) {
                bail!("the links to {host} pass through a proxy, so it has to be named by its address");
            }
            Store::Redis { url: url.to_owned(), address }
        }
    };
    Ok(Target::Own { servers, store })
}

impl TortureArgs {
    /// Fails unless the address is a loopback address or the user confirmed that it is staging.
    fn allow(&self, host: &str, address: SocketAddr) -> anyhow::Result<()> {
        if address.ip().is_loopback() || self.yes_this_is_staging {
            return Ok(());
        }
        bail!("{host} is not this machine; if nobody depends on it, say --yes-this-is-staging")
    }
}

/// Returns the host as it is written, and its address.
fn resolve(server: &str) -> anyhow::Result<(String, SocketAddr)> {
    let (host, _) = server.rsplit_once(':').with_context(|| format!("{server} is no HOST:PORT"))?;
    let mut addresses = server.to_socket_addrs().with_context(|| format!("{server} has no address"))?;
    let address = addresses.next().with_context(|| format!("{server} has no address"))?;
    Ok((host.to_owned(), address))
}

fn accounts(args: &TortureArgs) -> Vec<String> {
    let redis = args.redis.as_deref().filter(|_| !args.server.is_empty());
    let data = args.data.as_ref().map(|data| ["--data".to_owned(), data.display().to_string()]);
    let redis = redis.map(|redis| ["--redis".to_owned(), redis.to_owned()]);
    data.or(redis).map_or_else(Vec::new, Vec::from)
}

/// Fails with one line if a program is not installed.
fn need(program: &str) -> anyhow::Result<()> {
    let mut command = Command::new(program);
    let command = command.arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().with_context(|| format!("{program} has to be installed for --redis without a URL"))?;
    Ok(())
}

fn seed_of_the_clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| since.as_millis() as u64 % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_named_as_people_write_them() {
        assert_eq!("all".parse(), Ok(Faults::All));
        assert_eq!("none".parse(), Ok(Faults::These(Vec::new())));
        assert_eq!("kill,redis-freeze".parse(), Ok(Faults::These(vec![FaultKind::Kill, FaultKind::RedisFreeze])));
        assert!("kill,quake".parse::<Faults>().unwrap_err().contains("quake is no kind of fault"));
    }

    #[test]
    fn every_fault_is_explained() {
        let help = faults_help();
        assert!(FAULT_KINDS.iter().all(|(name, ..)| help.contains(name)));
    }
}
