//! Clients that all come back at once after a restart of their server, by password and by ticket: `parlor-bench comeback`.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use parlor_core::new_ticket;
use parlor_core::ports::{Accounts, RandomSource, StoreResult, Tickets};
use parlor_proto::{Note, Timestamp, UserName};
use parlor_store::sqlite;
use serde::Serialize;

use super::abuse::{PASSWORD, all_at_once, make_accounts};
use super::{version, write};
use crate::measure::cpu;
use crate::measure::machine::Machine;
use crate::scenario::churn::HASHING;
use crate::servers::accounts::Step;
use crate::servers::parlor::Server;

/// Options of `parlor-bench comeback`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Clients that come back
    #[arg(long, default_value_t = 1000)]
    clients: usize,
    /// Cost of password hashes
    #[arg(long, default_value_t = 12)]
    bcrypt_cost: u32,
    /// Writes the results to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The results.
#[derive(Debug, Serialize)]
struct Results {
    version: String,
    machine: Machine,
    clients: usize,
    bcrypt_cost: u32,
    by_ticket: Comeback,
    by_password: Comeback,
}

/// What one return of all clients took.
#[derive(Debug, Clone, Copy, Serialize)]
struct Comeback {
    /// Seconds from the first connection until all are logged in.
    seconds: f64,
    /// Processor time of the server, in seconds.
    cpu_seconds: f64,
    /// The part of the threads that only hash.
    hash_cpu_seconds: f64,
}

/// Numbers that are unlike enough for tickets of a server that lives for a minute.
struct Unlike;

impl RandomSource for Unlike {
    fn fill(&self, bytes: &mut [u8]) -> StoreResult<()> {
        let pieces = bytes.chunks_mut(8);
        pieces.for_each(|piece| piece.copy_from_slice(&RandomState::new().hash_one(0).to_ne_bytes()[..piece.len()]));
        Ok(())
    }
}

/// Runs the measurement and prints the results.
pub(crate) fn run(options: &Options, parlor: &Path) -> Result<()> {
    let (cost, connections) = (options.bcrypt_cost.to_string(), (options.clients + 64).to_string());
    // With the default, most clients would be sent away before their password had its turn.
    let settings = ["serve", "--listen", "127.0.0.1:0", "--bcrypt-cost", &cost, "--max-connections", &connections];
    let settings = [&settings[..], &["--login-timeout", "2h", "--log", "error"]].concat();
    let mut server = Server::spawn(parlor, &settings)?;
    let users = make_accounts(&server, options.clients)?;
    let (accounts, tickets) = (sqlite::open_accounts(server.data())?, sqlite::open_tickets(server.data())?);
    let tickets = make_tickets(&*accounts, &*tickets, &users)?;
    server.restart(parlor, &settings)?;
    let resume = |(user, secret): (&String, &String)| Step::new(format!("RESUME {user} {secret}"), "OK login ");
    let by_ticket = come_back(&server, users.iter().zip(&tickets).map(resume))?;
    server.restart(parlor, &settings)?;
    let log_in = |user: &String| Step::new(format!("LOGIN {user} {PASSWORD}"), "OK login ");
    let by_password = come_back(&server, users.iter().map(log_in))?;
    println!("\n| {} clients come back | all in after s | CPU s | of that hashing s | CPU ms each |", options.clients);
    println!("|---|---:|---:|---:|---:|");
    for (way, comeback) in [("by ticket", by_ticket), ("by password", by_password)] {
        let Comeback { seconds, cpu_seconds, hash_cpu_seconds } = comeback;
        let each = cpu_seconds * 1000.0 / options.clients as f64;
        println!("| {way} | {seconds:.2} | {cpu_seconds:.2} | {hash_cpu_seconds:.2} | {each:.2} |");
    }
    let (clients, bcrypt_cost, machine) = (options.clients, options.bcrypt_cost, Machine::this());
    let results = Results { version: version(parlor)?, machine, clients, bcrypt_cost, by_ticket, by_password };
    write(options.json.as_deref(), &results)
}

/// Makes a ticket for each user. Returns the secrets.
pub(super) fn make_tickets(accounts: &dyn Accounts, tickets: &dyn Tickets, users: &[String]) -> Result<Vec<String>> {
    let make = |user: &String| {
        let account = accounts.find(&user.parse::<UserName>()?)?.context("the account is not there")?;
        // It is valid for a day from now on.
        let (now, day) = (Timestamp::from_millis(now_millis()?), Some(Duration::from_secs(24 * 60 * 60)));
        let (secret, ticket) = new_ticket(&Unlike, now, day, Note::default(), None)?;
        ensure!(tickets.add(&account, &ticket)?, "the account of {user} changed");
        Ok(secret.expose().to_owned())
    };
    users.iter().map(make).collect()
}

fn now_millis() -> Result<i64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(i64::try_from(since.as_millis())?)
}

/// Logs everybody in at once.
fn come_back(server: &Server, steps: impl ExactSizeIterator<Item = Step>) -> Result<Comeback> {
    let spent = || Ok::<_, anyhow::Error>((cpu::seconds(server.pid())?, cpu::of_threads(server.pid(), HASHING)?));
    let before = spent()?;
    let seconds = all_at_once(server, steps)?;
    let after = spent()?;
    Ok(Comeback { seconds, cpu_seconds: after.0 - before.0, hash_cpu_seconds: after.1 - before.1 })
}
