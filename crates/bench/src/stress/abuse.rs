//! The effect of a flood by one client, and of a storm of logins, on the latency of clients that only chat:
//! `parlor-bench abuse`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use parlor_core::ports::Account;
use parlor_store::sqlite;
use serde::Serialize;

use super::chat::{Chat, Latency, Plan, room_name};
use super::{flooder, version, write};
use crate::load::ClientPool;
use crate::measure::machine::Machine;
use crate::progress::Progress;
use crate::servers::Target;
use crate::servers::accounts::Step;
use crate::servers::parlor::Server;

/// The password of all users in the storm.
pub(super) const PASSWORD: &str = "a secret word";
/// The first part of a storm, in which all clients do their TLS handshakes.
const BEGINNING: Duration = Duration::from_secs(3);
/// Minimum length of a measurement.
const LEAST: Duration = Duration::from_secs(1);
/// Timeout without any successful login. The storm is aborted after it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Options of `parlor-bench abuse`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Members of the room in which people chat
    #[arg(long, default_value_t = 20)]
    members: usize,
    /// Messages a second that they say
    #[arg(long, default_value_t = 50.0)]
    rate: f64,
    /// Seconds at rest, and of the flood
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Logins of the storm, all at once
    #[arg(long, default_value_t = 1000)]
    logins: usize,
    /// Cost of password hashes of the server that is stormed
    #[arg(long, default_value_t = 10)]
    bcrypt_cost: u32,
    /// Fails if a p99 grows by more than this factor
    #[arg(long, value_name = "FACTOR")]
    fail_above: Option<f64>,
    /// Writes the results to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The results.
#[derive(Debug, Serialize)]
struct Results {
    machine: Machine,
    version: String,
    flood: Comparison,
    /// Lines that the flooder passed to its kernel. The server may have received them or not.
    flood_lines: u64,
    /// While the clients that log in connect and do their handshakes.
    storm_begin: Comparison,
    /// While the server hashes their passwords.
    storm: Comparison,
    logins: usize,
    bcrypt_cost: u32,
    storm_seconds: f64,
}

/// Latency at rest, and under attack.
#[derive(Debug, Serialize)]
struct Comparison {
    rest: Latency,
    attack: Latency,
    p50_factor: f64,
    p99_factor: f64,
}

impl Comparison {
    fn new(rest: Latency, attack: Latency) -> Self {
        let (p50_factor, p99_factor) = (attack.p50_ms / rest.p50_ms, attack.p99_ms / rest.p99_ms);
        Self { rest, attack, p50_factor, p99_factor }
    }

    fn print(&self, name: &str) {
        let Self { rest, attack, p50_factor, p99_factor } = self;
        let (rest50, rest99, p50, p99) = (rest.p50_ms, rest.p99_ms, attack.p50_ms, attack.p99_ms);
        println!("| {name} | {rest50:.2} | {rest99:.2} | {p50:.2} | {p99:.2} | {p50_factor:.2} | {p99_factor:.2} |");
    }
}

/// Measures the flood, then the storm.
pub(crate) fn run(options: &Options, parlor: &Path) -> Result<()> {
    let machine = Machine::this();
    let (flood, flood_lines) = flooded(options, parlor).context("under a flood")?;
    let ([storm_begin, storm], storm_seconds) = stormed(options, parlor).context("in a storm of logins")?;
    println!("| attack | p50 ms at rest | p99 ms at rest | p50 ms | p99 ms | p50 factor | p99 factor |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    flood.print("flood of one client");
    storm_begin.print(&format!("storm of {} logins, its first seconds", options.logins));
    storm.print("the same, afterwards");
    println!("\nThe flooder offered {flood_lines} lines; the storm was over after {storm_seconds:.1} s.");
    let worst = [&flood, &storm_begin, &storm].map(|it| it.p99_factor).into_iter().fold(0.0, f64::max);
    let (logins, bcrypt_cost) = (options.logins, options.bcrypt_cost);
    let version = version(parlor)?;
    let results =
        Results { machine, version, flood, flood_lines, storm_begin, storm, logins, bcrypt_cost, storm_seconds };
    write(options.json.as_deref(), &results)?;
    match options.fail_above {
        Some(limit) if worst > limit => bail!("a p99 grew by a factor of {worst:.2}, more than {limit}"),
        _ => Ok(()),
    }
}

fn plan(options: &Options) -> Plan {
    Plan { rooms: 1, members: options.members, publishers: 5.min(options.members), rate: options.rate, payload: 128 }
}

/// Measures a server that limits local clients as if they came from other machines.
fn flooded(options: &Options, parlor: &Path) -> Result<(Comparison, u64)> {
    // All clients come from one address here. Each client that chats stays below the line rate.
    let settings = ["--limit-loopback", "--max-connections-per-address", "100000"];
    let server = Server::start(parlor, None, &settings)?;
    let target = Target::of(&server);
    let mut chat = Chat::enter(&target, plan(options), &Progress::of("flood".to_owned()))?;
    let time = Duration::from_secs_f64(options.seconds);
    chat.go_on_for(time / 4)?;
    let rest = chat.go_on_for(time)?;
    let stop = AtomicBool::new(false);
    let (attack, lines) = thread::scope(|scope| {
        let flooder = scope.spawn(|| flooder::flood(&server, "flooder", &room_name(0), &stop));
        let attack = chat.go_on(|elapsed| Ok(elapsed >= time || flooder.is_finished()));
        stop.store(true, Ordering::Release);
        let lines = flooder.join().map_err(|_| anyhow!("the flooder panicked"))??;
        Ok::<_, anyhow::Error>((attack?, lines))
    })?;
    chat.close()?;
    Ok((Comparison::new(rest, attack), lines))
}

fn stormed(options: &Options, parlor: &Path) -> Result<([Comparison; 2], f64)> {
    let cost = options.bcrypt_cost.to_string();
    let settings = ["serve", "--listen", "127.0.0.1:0", "--bcrypt-cost", &cost, "--log", "error"];
    let server = Server::spawn(parlor, &settings)?;
    let users = make_accounts(&server, options.logins)?;
    let target = Target::of(&server);
    let mut chat = Chat::enter(&target, plan(options), &Progress::of("storm".to_owned()))?;
    let time = Duration::from_secs_f64(options.seconds);
    chat.go_on_for(time / 4)?;
    let rest = chat.go_on_for(time)?;
    let (attack, seconds) = thread::scope(|scope| {
        let storm = scope.spawn(|| storm(&server, &users));
        // The second part lasts at least one second, so that clients receive messages in it.
        let begin = chat.go_on(|elapsed| Ok(elapsed >= BEGINNING || storm.is_finished()));
        let rest = chat.go_on(|elapsed| Ok(elapsed >= LEAST && storm.is_finished()));
        let seconds = storm.join().map_err(|_| anyhow!("the storm panicked"))??;
        Ok::<_, anyhow::Error>(([begin?, rest?], seconds))
    })?;
    chat.close()?;
    Ok((attack.map(|attack| Comparison::new(rest, attack)), seconds))
}

/// Creates accounts in the database of a running server, all with the hash of one registered user.
pub(super) fn make_accounts(server: &Server, count: usize) -> Result<Vec<String>> {
    drop(server.member("storm", "storm")?);
    let accounts = sqlite::open_accounts(server.data())?;
    let first = accounts.find(&"storm".parse()?)?.context("the account is not there")?;
    let make = |number: usize| {
        let user = format!("storm-{number}");
        let made = accounts.create(&Account { user: user.parse()?, ..first.clone() })?;
        ensure!(made, "there is a user {user}");
        Ok(user)
    };
    (0..count).map(make).collect()
}

/// Logs all users in at once. Returns how many seconds that took.
fn storm(server: &Server, users: &[String]) -> Result<f64> {
    all_at_once(server, users.iter().map(|user| Step::new(format!("LOGIN {user} {PASSWORD}"), "OK login ")))
}

/// Connects a client for each of these lines, which log in. Returns how many seconds it took until all were in.
pub(super) fn all_at_once(server: &Server, logins: impl ExactSizeIterator<Item = Step>) -> Result<f64> {
    let (target, clients) = (Target::of(server), logins.len());
    let mut crowd = ClientPool::new(&target, clients)?;
    let begin = Instant::now();
    for (number, login) in logins.enumerate() {
        crowd.connect(number, [login])?;
    }
    let (mut inside, mut last) = (0, Instant::now());
    while inside < clients {
        let news = crowd.turn(Some(Duration::from_millis(50)), &mut |_, _| Ok(()))?;
        ensure!(news.gone.is_empty(), "the server closed the connection of one who logged in");
        if !news.ready.is_empty() {
            inside += news.ready.len();
            last = Instant::now();
        }
        ensure!(last.elapsed() < PATIENCE, "{inside} logged in, and no more");
    }
    Ok(begin.elapsed().as_secs_f64())
}
