//! Measures the cost of sharing one Redis between many servers: latency between two servers beside a bare round trip,
//! and the rate of accepted messages beside the rate of the bare script. It must not judge; docs/performance.md does.
//!
//! Everything is measured in turns, round after round, so that other work on the machine affects all measurements
//! equally.

mod latency;
mod latency_samples;
mod pipeline;
mod report;
pub(crate) mod resp;
mod routes;
mod script;
mod throughput;

use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;
use parlor_redis_testkit::{Fsync, RedisServer};

use crate::servers::parlor::Server;
use latency::{Pace, Way};
use report::Throughput;
use resp::Redis;
use script::Append;
use throughput::Load;

/// Calls of each run of `redis-benchmark`.
const CALLS: u32 = 200_000;

/// Options of `parlor-bench redis`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How often all is measured
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// Seconds of each measurement in a round
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Texts a second where latency is measured
    #[arg(long, default_value_t = 200)]
    rate: u32,
    /// Length of a text in bytes
    #[arg(long, default_value_t = 150)]
    bytes: usize,
    /// Clients that speak on each of the two servers where throughput is measured
    #[arg(long, default_value_t = 4)]
    senders: usize,
    /// Messages that such a client sends at once
    #[arg(long, default_value_t = 64)]
    batch: usize,
    /// Measures no latency
    #[arg(long)]
    no_latency: bool,
    /// Measures no throughput
    #[arg(long)]
    no_throughput: bool,
}

impl Options {
    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// Measures two servers on one Redis, and bare Redis beside them.
pub(crate) fn run(options: &Options, parlor: &Path) -> Result<()> {
    let redis = RedisServer::options()
        .append_only(Fsync::EverySecond)
        // A rewrite would disturb some measurements and not others.
        .config("auto-aof-rewrite-percentage", "0")
        .start();
    let servers = [(); 2].map(|()| Server::start(parlor, Some(&redis.url()), &[]));
    let [first, second] = servers;
    let servers = [first?, second?];
    // Loading the script below would hide that the servers have not loaded it.
    ensure!(Append::is_known(&mut Redis::connect(redis.port())?)?, "the servers run another script than is measured");
    if !options.no_latency {
        report::latency(&latency(options, parlor, &redis, &servers)?);
    }
    if !options.no_throughput {
        report::throughput(&throughput(options, &redis, &servers)?);
    }
    Ok(())
}

fn latency(options: &Options, parlor: &Path, redis: &RedisServer, servers: &[Server; 2]) -> Result<[Way; 6]> {
    let alone = Server::start(parlor, None, &[])?;
    let [first, second] = servers;
    let mut ways = [
        routes::bare(redis.port(), "PUBLISH, bare", "PUBLISH", "SUBSCRIBE")?,
        routes::bare(redis.port(), "SPUBLISH, bare", "SPUBLISH", "SSUBSCRIBE")?,
        routes::script(redis.port(), "append script, bare")?,
        routes::chat("one server, embedded store", "embedded", &alone, &alone)?,
        routes::chat("one server, Redis", "local", first, first)?,
        routes::chat("two servers, Redis", "cross", first, second)?,
    ];
    let pace = Pace { rate: options.rate, time: options.time(), bytes: options.bytes };
    for way in &mut ways {
        way.measure(Pace { time: Duration::from_millis(500), ..pace })?;
        way.samples = Default::default();
    }
    for round in 1..=options.rounds {
        eprintln!("latency, round {round} of {}", options.rounds);
        ways.iter_mut().try_for_each(|way| way.measure(pace))?;
    }
    Ok(ways)
}

fn throughput(options: &Options, redis: &RedisServer, servers: &[Server; 2]) -> Result<Throughput> {
    let &Options { senders, batch, bytes, rounds, .. } = options;
    let (port, pid, time) = (redis.port(), redis.pid(), options.time());
    let mut connection = Redis::connect(port)?;
    let mut found = Throughput::default();
    for round in 1..=rounds {
        eprintln!("throughput, round {round} of {rounds}");
        found.tool.push(pipeline::redis_benchmark(port, CALLS, bytes)?);
        found.own_single.push(pipeline::own(port, pid, 1, bytes, time)?);
        found.own_double.push(pipeline::own(port, pid, 4, bytes, time)?);
        let load = Load { senders, is_heard: false, batch, bytes, time };
        found.alone.push(throughput::measure(servers, &mut connection, pid, load, &format!("alone{round}"))?);
        let load = Load { is_heard: true, ..load };
        found.heard.push(throughput::measure(servers, &mut connection, pid, load, &format!("heard{round}"))?);
    }
    Ok(found)
}
