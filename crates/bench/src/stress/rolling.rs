//! Two servers on one Redis are restarted one after the other by a drain, while all clients stay in a room in which somebody
//! speaks: `parlor-bench rolling`. It must not judge a server by anything except what clients see.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use parlor_core::ports::{Account, Accounts};
use parlor_redis_testkit::{Fsync, RedisServer};
use parlor_store::redis::{self, Config};
use serde::Serialize;

use super::comeback::make_tickets;
use super::{version, write};
use crate::load::ClientPool;
use crate::measure::cpu;
use crate::measure::machine::Machine;
use crate::scenario::churn::HASHING;
use crate::servers::Target;
use crate::servers::accounts::Step;
use crate::servers::parlor::{Client, Server};

/// Clients that enter at the same time at the beginning.
const AT_ONCE: usize = 32;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// Time between two messages.
const PACE: Duration = Duration::from_millis(200);

/// Options of `parlor-bench rolling`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Clients, half of them on each server at first
    #[arg(long, default_value_t = 2000)]
    clients: usize,
    /// Seconds over which a server sends its clients away
    #[arg(long, default_value_t = 20)]
    over: u64,
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
    over_seconds: u64,
    /// Messages that were accepted while clients moved.
    messages: usize,
    /// Messages that a client did not get, over all clients.
    lost: usize,
    /// Messages that a client was sent twice as new, over all clients.
    twice: usize,
    moves: usize,
    /// Seconds without a server, for a move in the middle, and for the longest.
    without_server_median: f64,
    without_server_longest: f64,
    /// Processor time for password hashes on the servers that took clients.
    hash_cpu_seconds: f64,
}

/// What one client has heard: how often each message, as new and in the history.
#[derive(Debug, Clone, Default)]
struct Heard {
    new: Vec<u32>,
    old: Vec<bool>,
}

impl Heard {
    /// Notes a line, if it has a message.
    fn note(&mut self, line: &[u8]) {
        let Ok(line) = str::from_utf8(line) else { return };
        let Some(number) = line.rsplit(' ').next().and_then(|word| word.parse::<usize>().ok()) else { return };
        if line.starts_with("MSG lobby speaker-") {
            grow(&mut self.new, number);
            self.new[number] += 1;
        } else if line.starts_with("OLD lobby ") {
            grow(&mut self.old, number);
            self.old[number] = true;
        }
    }

    /// Messages up to `count` that are missing, and those that came twice as new.
    fn faults(&self, count: usize) -> (usize, usize) {
        let new = |number: usize| self.new.get(number).copied().unwrap_or(0);
        let old = |number: usize| self.old.get(number).copied().unwrap_or(false);
        let lost = (1..=count).filter(|&number| new(number) == 0 && !old(number)).count();
        (lost, (1..=count).filter(|&number| new(number) > 1).count())
    }
}

fn grow<T: Clone + Default>(list: &mut Vec<T>, number: usize) {
    if list.len() <= number {
        list.resize(number + 1, T::default());
    }
}

/// All clients over the whole run.
struct Crowd {
    logins: Vec<Step>,
    heard: Vec<Heard>,
    /// When a client lost its server.
    gone: Vec<Option<Instant>>,
    /// Seconds of each move.
    moves: Vec<f64>,
    said: usize,
}

impl Crowd {
    /// Connects some clients, and waits until they are in.
    fn enter(&self, pool: &mut ClientPool<'_>, numbers: &[usize]) -> Result<()> {
        for group in numbers.chunks(AT_ONCE) {
            for &number in group {
                pool.connect(number, [self.logins[number].clone()])?;
            }
            let (mut inside, begun) = (0, Instant::now());
            while inside < group.len() {
                inside += pool.turn(Some(PACE), &mut |_, _| Ok(()))?.ready.len();
                ensure!(begun.elapsed() < PATIENCE, "clients do not come in");
            }
        }
        Ok(())
    }

    /// Lets each client that a drained server sends away connect to the other one, until `leavers` have moved. Somebody speaks
    /// meanwhile, and for two seconds more.
    fn move_over(
        &mut self,
        from: &mut ClientPool<'_>,
        to: &mut ClientPool<'_>,
        leavers: usize,
        speaker: &mut Client,
    ) -> Result<()> {
        let (mut moved, mut spoken, begun) = (0, Instant::now(), Instant::now());
        let mut rest: Option<Instant> = None;
        while rest.is_none_or(|since| since.elapsed() < Duration::from_secs(2)) {
            if spoken.elapsed() >= PACE {
                spoken = Instant::now();
                self.say(speaker)?;
            }
            let Self { heard, .. } = self;
            let left = from.turn(Some(Duration::from_millis(2)), &mut |number, line| {
                heard[number].note(line);
                Ok(())
            })?;
            for number in left.gone {
                self.gone[number] = Some(Instant::now());
                to.connect(number, [self.logins[number].clone()])?;
            }
            let Self { heard, .. } = self;
            let arrived = to.turn(Some(Duration::from_millis(2)), &mut |number, line| {
                heard[number].note(line);
                Ok(())
            })?;
            ensure!(arrived.gone.is_empty(), "the server that stays closes connections");
            for number in arrived.ready {
                let since = self.gone[number].take().context("a client moved that was not gone")?;
                self.moves.push(since.elapsed().as_secs_f64());
                to.say(number, b"/history 500\n")?;
                to.flush(number)?;
                moved += 1;
            }
            if moved == leavers && rest.is_none() {
                rest = Some(Instant::now());
            }
            ensure!(begun.elapsed() < PATIENCE * 3, "{moved} of {leavers} clients moved, and no more");
        }
        Ok(())
    }

    fn say(&mut self, speaker: &mut Client) -> Result<()> {
        self.said += 1;
        speaker.send(&format!("message {}\n/ping\n", self.said))?;
        // Replies come in order: what was said before is accepted, or refused with an error.
        speaker.until("PONG").map(drop)
    }
}

/// Runs the measurement and prints the results.
pub(crate) fn run(options: &Options, parlor: &Path) -> Result<()> {
    let redis = RedisServer::options().append_only(Fsync::EverySecond).start();
    let connections = (options.clients + 64).to_string();
    let more = ["--max-connections", &connections];
    let settings = ["serve", "--listen", "127.0.0.1:0", "--log", "error", "--redis"];
    let url = redis.url();
    let settings = [&settings[..], &[&url, "--bcrypt-cost", "12"], &more].concat();
    let (mut one, two) = (Server::spawn(parlor, &settings)?, Server::spawn(parlor, &settings)?);
    let (users, tickets) = make_users(&one, &url, options.clients)?;
    let login = |number: usize| Step::new(format!("RESUME {} {}", users[number], tickets[number]), "OK login ");
    let mut crowd = Crowd {
        logins: (0..options.clients).map(login).collect(),
        heard: vec![Heard::default(); options.clients],
        gone: vec![None; options.clients],
        moves: Vec::new(),
        said: 0,
    };
    let speaker = |server: &Server, at: usize| server.resume(&users[at], &tickets[at]);
    let (on_one, on_two): (Vec<usize>, Vec<usize>) = (0..options.clients).partition(|number| number % 2 == 0);
    let hashing = |server: &Server| cpu::of_threads(server.pid(), HASHING);
    let second = Target::of(&two);
    let mut pool_two = ClientPool::new(&second, options.clients)?;
    let before = hashing(&two)?;
    {
        let first = Target::of(&one);
        let mut pool_one = ClientPool::new(&first, options.clients)?;
        crowd.enter(&mut pool_one, &on_one)?;
        crowd.enter(&mut pool_two, &on_two)?;
        let mut speaker = speaker(&two, options.clients)?;
        drain(parlor, &one, options.over)?;
        crowd.move_over(&mut pool_one, &mut pool_two, on_one.len(), &mut speaker)?;
    }
    one.restart_ended(parlor, &settings)?;
    let first = Target::of(&one);
    let mut pool_one = ClientPool::new(&first, options.clients)?;
    let mut speaker = speaker(&one, options.clients + 1)?;
    let mut hash_cpu_seconds = hashing(&two)? - before;
    drain(parlor, &two, options.over)?;
    crowd.move_over(&mut pool_two, &mut pool_one, options.clients, &mut speaker)?;
    hash_cpu_seconds += hashing(&one)?;
    report(options, parlor, crowd, hash_cpu_seconds)
}

fn report(options: &Options, parlor: &Path, mut crowd: Crowd, hash_cpu_seconds: f64) -> Result<()> {
    crowd.moves.sort_by(f64::total_cmp);
    let faults: Vec<(usize, usize)> = crowd.heard.iter().map(|heard| heard.faults(crowd.said)).collect();
    let results = Results {
        version: version(parlor)?,
        machine: Machine::this(),
        clients: options.clients,
        over_seconds: options.over,
        messages: crowd.said,
        lost: faults.iter().map(|(lost, _)| lost).sum(),
        twice: faults.iter().map(|(_, twice)| twice).sum(),
        moves: crowd.moves.len(),
        without_server_median: crowd.moves[crowd.moves.len() / 2],
        without_server_longest: crowd.moves[crowd.moves.len() - 1],
        hash_cpu_seconds,
    };
    println!(
        "\n| clients | moves | without a server: median s | longest s | messages | lost | twice | CPU s of hashes |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|");
    let Results { clients, moves, without_server_median: median, without_server_longest: longest, .. } = results;
    let Results { messages, lost, twice, .. } = results;
    println!(
        "| {clients} | {moves} | {median:.2} | {longest:.2} | {messages} | {lost} | {twice} | {hash_cpu_seconds:.2} |"
    );
    write(options.json.as_deref(), &results)?;
    ensure!(lost == 0 && twice == 0, "{lost} messages were lost, and {twice} came twice");
    Ok(())
}

fn drain(parlor: &Path, server: &Server, over: u64) -> Result<()> {
    let done =
        Command::new(parlor).args(["drain", "--over", &format!("{over}s"), "--data"]).arg(server.data()).output()?;
    ensure!(done.status.success(), "parlor drain: {}", String::from_utf8_lossy(&done.stderr));
    Ok(())
}

/// Makes accounts with one hash, two of them for those who speak, and a ticket of each.
fn make_users(server: &Server, url: &str, count: usize) -> Result<(Vec<String>, Vec<String>)> {
    drop(server.member("first", "lobby-of-one")?);
    let url = url.parse().map_err(|error| anyhow::anyhow!("the address of Redis: {error}"))?;
    let config = Config { url, ca: None, server_name: "bench".to_owned(), history: 0, replicas: 0 };
    let accounts = redis::open_accounts(&config)?;
    let first = accounts.find(&"first".parse()?)?.context("the account is not there")?;
    let names = (0..count).map(|number| format!("roller-{number}")).chain((0..2).map(|one| format!("speaker-{one}")));
    let users: Vec<String> = names.collect();
    for user in &users {
        make(&*accounts, &first, user)?;
    }
    let tickets = make_tickets(&*accounts, &*redis::open_tickets(&config)?, &users)?;
    Ok((users, tickets))
}

fn make(accounts: &dyn Accounts, model: &Account, user: &str) -> Result<()> {
    let made = accounts.create(&Account { user: user.parse()?, ..model.clone() })?;
    ensure!(made, "there is a user {user}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_and_what_came_twice_is_counted() {
        let mut heard = Heard::default();
        for line in [
            "MSG lobby speaker-0 message 1",
            "OLD lobby 1 speaker-0 message 1",
            "OLD lobby 2 speaker-0 message 2",
            "MSG lobby speaker-1 message 4",
            "MSG lobby speaker-1 message 4",
            "OK history lobby 2",
        ] {
            heard.note(line.as_bytes());
        }
        assert_eq!(heard.faults(4), (1, 1));
        assert_eq!(heard.faults(6), (3, 1));
    }
}
