//! The result of a run on one page, for users and for programs. It must not judge.

use std::fmt::{self, Write};
use std::time::Duration;

use serde::Serialize;

use crate::config::{Config, Store, Target};
use crate::plan::FaultKind;
use crate::promises::{PROMISES, Promise};
use crate::record::Usage;
use crate::run::Broken;
use crate::statistics::Statistics;

/// The result of a run.
#[derive(Debug, Clone, Serialize)]
pub struct RunSummary {
    /// Whether every promise was kept.
    pub kept: bool,
    /// The store of the servers: `embedded`, `redis`, or `given`.
    pub store: &'static str,
    /// Number of servers.
    pub servers: usize,
    /// What a second login of a user does: `takeover` or `reject`.
    pub duplicate_login: &'static str,
    /// Seed of the first round.
    pub seed: u64,
    /// Number of rounds.
    pub rounds: u64,
    /// Length of the run in seconds.
    pub seconds: f64,
    /// The kinds of faults to choose from.
    pub faults: Vec<String>,
    /// Every promise.
    pub promises: Vec<Line>,
    /// The contents of the run in numbers.
    pub counts: Counts,
    /// Every round in which a promise was broken.
    pub broken: Vec<BrokenRound>,
}

/// One promise.
#[derive(Debug, Clone, Serialize)]
pub struct Line {
    /// The promise.
    pub promise: &'static str,
    /// The heading of docs/protocol.md above it.
    pub section: &'static str,
    /// Number of checked items.
    pub looked_at: u64,
    /// The unit of the items.
    pub unit: &'static str,
    /// How often it was broken.
    pub broken: u64,
    /// The checks that found that.
    pub checks: Vec<&'static str>,
}

/// Sums over all rounds. Times are in seconds.
#[derive(Debug, Clone, Serialize)]
pub struct Counts {
    /// Connections of clients. Connections of storms are included if they reached a session.
    pub connections: u64,
    /// Messages and publications that the sender saw acknowledged.
    pub accepted: u64,
    /// Messages, publications and direct messages that others received.
    pub delivered: u64,
    /// Number of injected faults, by name.
    pub faults_injected: Vec<(String, u64)>,
    /// How often the machine stalled, which counts as a fault.
    pub stalls: u64,
    /// The longest time in which a client wanted to send but could not.
    pub longest_outage: f64,
    /// The faults during that time.
    pub longest_outage_during: Vec<String>,
    /// The median time from the end of a fault of a server or its store to the next message that was accepted there.
    pub median_recovery: f64,
    /// The longest of these times.
    pub longest_recovery: f64,
    /// Maximum usage of a server before any client connected.
    pub at_start: Usage,
    /// Maximum usage of a server.
    pub most: Usage,
    /// Maximum usage of a server when all clients had gone.
    pub at_end: Usage,
}

/// A round in which a promise was broken.
#[derive(Debug, Clone, Serialize)]
pub struct BrokenRound {
    /// The command that repeats it.
    pub command: String,
    /// Seed of the round.
    pub seed: u64,
    /// Time from the start of the run until the violation was found.
    pub found_after_seconds: f64,
    /// What was broken, and the events around it.
    pub text: String,
    /// The file with the record of everything.
    pub record: Option<String>,
}

impl RunSummary {
    pub(crate) fn new(
        config: &Config,
        servers: usize,
        rounds: u64,
        took: Duration,
        tally: Statistics,
        broken: Vec<Broken>,
    ) -> Self {
        Self {
            kept: broken.is_empty(),
            store: match &config.target {
                Target::Given { .. } => "given",
                Target::Own { store: Store::Embedded, .. } => "embedded",
                Target::Own { .. } => "redis",
            },
            servers,
            duplicate_login: if config.reject { "reject" } else { "takeover" },
            seed: config.seed,
            rounds,
            seconds: tenths(took),
            faults: config.faults.iter().map(FaultKind::to_string).collect(),
            promises: PROMISES.iter().map(|promise| promise.line(&tally, &broken)).collect(),
            counts: Counts::of(tally),
            broken: broken.into_iter().map(|broken| broken.shown(config)).collect(),
        }
    }

    /// The same for programs, as one JSON object.
    #[must_use]
    pub fn json(&self) -> String {
        // Serialisation cannot fail: there are no maps, and no numbers that JSON cannot represent.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}

impl Promise {
    fn line(&self, tally: &Statistics, broken: &[Broken]) -> Line {
        let times = broken.iter().flat_map(|broken| &broken.times);
        let mut checks: Vec<&'static str> = Vec::new();
        let mut sum = 0;
        for ((_, check), times) in times.filter(|((promise, _), _)| *promise == self.name) {
            sum += *times as u64;
            if !checks.contains(check) {
                checks.push(check);
            }
        }
        let (promise, section, unit) = (self.name, self.section, self.unit);
        Line { promise, section, looked_at: (self.looked_at)(tally), unit, broken: sum, checks }
    }
}

impl Counts {
    fn of(tally: Statistics) -> Self {
        let mut recoveries = tally.recoveries;
        recoveries.sort();
        let median = recoveries.get(recoveries.len() / 2).copied().unwrap_or_default();
        let longest = recoveries.last().copied().unwrap_or_default();
        Self {
            connections: tally.connections,
            accepted: tally.accepted,
            delivered: tally.delivered + tally.publications + tally.direct,
            faults_injected: tally.by_kind.iter().map(|(kind, times)| (kind.to_string(), *times)).collect(),
            stalls: tally.stalls,
            longest_outage: tenths(tally.longest_outage.lasted),
            longest_outage_during: tally.longest_outage.faults,
            median_recovery: tenths(median),
            longest_recovery: tenths(longest),
            at_start: tally.idle,
            most: tally.most,
            at_end: tally.left,
        }
    }
}

impl Broken {
    fn shown(self, config: &Config) -> BrokenRound {
        BrokenRound {
            command: command(config, self.seed, self.length),
            seed: self.seed,
            found_after_seconds: tenths(self.found_after),
            text: self.text,
            record: self.record.map(|path| path.display().to_string()),
        }
    }
}

/// The command that repeats a round of this length, without passwords.
fn command(config: &Config, seed: u64, length: Duration) -> String {
    let mut words = vec![format!("parlor torture --seed {seed} --seconds {}", length.as_secs())];
    let is_elsewhere = match &config.target {
        Target::Own { servers, store } => {
            match store {
                Store::Embedded => {}
                Store::OwnRedis => words.push(format!("--servers {servers} --redis")),
                Store::Redis { url, .. } => {
                    words.push(format!("--servers {servers} --redis {}", without_password(url)))
                }
            }
            matches!(store, Store::Redis { address, .. } if !address.ip().is_loopback())
        }
        Target::Given { servers, ca } => {
            words.extend(servers.iter().map(|(host, address)| format!("--server {host}:{}", address.port())));
            words.push(format!("--ca {}", ca.display()));
            words.extend(config.accounts.iter().map(|word| without_password(word)));
            servers.iter().any(|(_, address)| !address.ip().is_loopback())
        }
    };
    if is_elsewhere {
        words.push("--yes-this-is-staging".to_owned());
    }
    let faults: Vec<String> = config.faults.iter().map(FaultKind::to_string).collect();
    let faults = if faults.is_empty() { "none".to_owned() } else { faults.join(",") };
    let policy = if config.reject { "reject" } else { "takeover" };
    let Config { clients, door, .. } = config;
    words.push(format!("--faults {faults} --clients {clients} --door {door} --duplicate-login {policy}"));
    words.join(" ")
}

/// The URL of a Redis without its password.
fn without_password(word: &str) -> String {
    match (word.split_once("://"), word.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, address))) => format!("{scheme}://…@{address}"),
        _ => word.to_owned(),
    }
}

fn tenths(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10.0).round() / 10.0
}

impl fmt::Display for RunSummary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { store, servers, duplicate_login, seed, rounds, seconds, counts, .. } = self;
        let place = match (*store, *servers) {
            ("redis", servers) => format!("{servers} servers on one Redis"),
            (store, 1) => format!("1 server, {store}"),
            (store, servers) => format!("{servers} servers, {store}"),
        };
        writeln!(
            out,
            "parlor torture: {place}, duplicate login: {duplicate_login}, {rounds} rounds in {seconds:.0} s from seed {seed}\n"
        )?;
        writeln!(out, "{:<60}  {:>30}  {:>7}", "promise", "looked at", "broken")?;
        for line in &self.promises {
            let looked_at = format!("{} {}", line.looked_at, line.unit);
            writeln!(out, "{:<60}  {looked_at:>30}  {:>7}", line.promise, line.broken)?;
        }
        write!(out, "\n{counts}")?;
        for broken in &self.broken {
            write!(out, "\n{broken}")?;
        }
        let verdict = if self.kept { "Every promise was kept." } else { "BROKEN: not every promise was kept." };
        writeln!(out, "\n{verdict}")
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let faults: u64 = self.faults_injected.iter().map(|(_, times)| times).sum();
        let mut kinds = String::new();
        for (kind, times) in &self.faults_injected {
            write!(kinds, "{}{kind} {times}", if kinds.is_empty() { ": " } else { ", " })?;
        }
        let during = match self.longest_outage_during.as_slice() {
            [] => String::new(),
            faults => format!(" ({})", faults.join(", ")),
        };
        writeln!(out, "messages accepted   {}, delivered {}", self.accepted, self.delivered)?;
        writeln!(out, "connections         {}", self.connections)?;
        writeln!(out, "faults injected     {faults}{kinds}")?;
        if self.stalls > 0 {
            writeln!(
                out,
                "stalls              {}: the machine had no time for this, which counts as a fault",
                self.stalls
            )?;
        }
        writeln!(out, "longest outage      {} s, seen by a client{during}", self.longest_outage)?;
        writeln!(
            out,
            "recovery            {} s at the median, {} s at most",
            self.median_recovery, self.longest_recovery
        )?;
        writeln!(out, "a server at start   {}", self.at_start)?;
        writeln!(out, "a server at most    {}, seen twice a second", self.most)?;
        writeln!(out, "a server at the end {}", self.at_end)
    }
}

impl fmt::Display for BrokenRound {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.text)?;
        if let Some(record) = &self.record {
            writeln!(out, "Everything that happened is in {record}")?;
        }
        writeln!(out, "Again: {}", self.command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Door;

    fn config(target: Target) -> Config {
        Config {
            target,
            program: "parlor".into(),
            seed: 1,
            length: Duration::from_secs(120),
            once: None,
            faults: vec![FaultKind::Kill, FaultKind::Hole],
            clients: 24,
            door: Door::Web,
            reject: true,
            stop_at_first: true,
            accounts: Vec::new(),
        }
    }

    fn again(config: &Config) -> String {
        command(config, 7, Duration::from_secs(12))
    }

    const END: &str = "--faults kill,hole --clients 24 --door web --duplicate-login reject";

    #[test]
    fn a_round_is_played_again_at_the_same_place_without_its_password() {
        let begin = "parlor torture --seed 7 --seconds 12";
        let own = |store| config(Target::Own { servers: 2, store });
        assert_eq!(again(&own(Store::Embedded)), format!("{begin} {END}"));
        assert_eq!(again(&own(Store::OwnRedis)), format!("{begin} --servers 2 --redis {END}"));
        let url = "redis://me:secret@192.0.2.7:6379".to_owned();
        let store = Store::Redis { url: url.clone(), address: "192.0.2.7:6379".parse().unwrap() };
        let there = "--servers 2 --redis redis://…@192.0.2.7:6379 --yes-this-is-staging";
        assert_eq!(again(&own(store)), format!("{begin} {there} {END}"));

        let servers = vec![("chat.example.org".to_owned(), "192.0.2.8:7878".parse().unwrap())];
        let mut given = config(Target::Given { servers, ca: "ca.pem".into() });
        given.accounts = vec!["--redis".to_owned(), url];
        let there = "--server chat.example.org:7878 --ca ca.pem --redis redis://…@192.0.2.7:6379 --yes-this-is-staging";
        assert_eq!(again(&given), format!("{begin} {there} {END}"));
    }
}
