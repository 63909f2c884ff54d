//! The load of many hours in half an hour: clients chat at a steady rate while others come and go. It records the
//! resource usage of the server meanwhile: `parlor-bench soak`.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::chat::{Chat, Latency, Plan};
use super::resource_samples::{Sample, Sampler, growth};
use super::{version, write};
use crate::load::ClientPool;
use crate::measure::machine::Machine;
use crate::progress::Progress;
use crate::servers::Target;
use crate::servers::accounts::Step;
use crate::servers::parlor::Server;

/// Maximum number of clients that come and go at the same time.
const PASSERS: usize = 256;
/// Members of each room.
const ROOM: usize = 50;
/// Number of samples in a short run, so that growth can be judged. A long run has more.
const SAMPLES: u32 = 20;
/// Maximum time between two samples.
const INTERVAL: Duration = Duration::from_secs(10);
/// Entries that each log keeps. The logs are full early, so that their memory stays flat.
const HISTORY: &str = "1000";

/// Options of `parlor-bench soak`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Minutes
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,
    /// Clients that stay
    #[arg(long, default_value_t = 1000)]
    clients: usize,
    /// Messages a second in each room of 50
    #[arg(long, default_value_t = 2.0)]
    rate: f64,
    /// Connections a second that come, log in, enter a room and leave
    #[arg(long, default_value_t = 20.0)]
    churn: f64,
    /// Port of a Redis of this machine that keeps everything, in place of the embedded database
    #[arg(long, value_name = "PORT")]
    redis: Option<u16>,
    /// Writes the results to this file, of which `plot` draws docs/reliability/soak.svg
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The results.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    /// Where and when.
    pub(crate) machine: Machine,
    version: String,
    /// Length of the run.
    pub(crate) minutes: f64,
    plan: Plan,
    /// Connections per second that came and went.
    pub(crate) churn: f64,
    /// Number of all connections that came and went.
    came_and_went: u64,
    /// Latency of the clients that stayed.
    latency: Latency,
    /// Resource usage of the server.
    pub(crate) samples: Vec<Sample>,
    /// The figures that grew. Empty if none did.
    grown: Vec<String>,
}

/// Runs the soak. Fails if a delivery was lost, or if a figure grew.
pub(crate) fn run(options: &Options, parlor: &Path) -> Result<()> {
    let machine = Machine::this();
    let url = options.redis.map(|port| format!("redis://127.0.0.1:{port}"));
    let most = (options.clients + PASSERS + 64).to_string();
    let settings = ["--max-connections", &most, "--history", HISTORY];
    let server = Server::start(parlor, url.as_deref(), &settings)?;
    let target = Target::of(&server);
    let rooms = options.clients.div_ceil(ROOM);
    let plan = Plan { rooms, members: options.clients / rooms, publishers: 1, rate: options.rate, payload: 128 };
    let progress = Progress::of("soak".to_owned());
    let mut chat = Chat::enter(&target, plan, &progress)?;
    let time = Duration::from_secs_f64(options.minutes * 60.0);
    let mut sampler = Sampler::new(server.pid(), options.redis, INTERVAL.min(time / SAMPLES))?;
    let stop = AtomicBool::new(false);
    let (latency, came_and_went) = thread::scope(|scope| {
        let passers = scope.spawn(|| pass(&server, options.churn, &stop));
        let latency = chat.go_on(|elapsed| {
            progress.tell(elapsed.as_secs() as usize, time.as_secs() as usize, "s");
            sampler.look().map(|()| elapsed >= time || passers.is_finished())
        });
        stop.store(true, Ordering::Release);
        let came = passers.join().map_err(|_| anyhow!("those who come and go panicked"))??;
        Ok::<_, anyhow::Error>((latency?, came))
    })?;
    chat.close()?;
    let (samples, version, churn) = (sampler.samples, version(parlor)?, options.churn);
    let grown = growth(&samples);
    let minutes = options.minutes;
    let results = Results { machine, version, minutes, plan, churn, came_and_went, latency, samples, grown };
    results.print()?;
    write(options.json.as_deref(), &results)?;
    if results.grown.is_empty() { Ok(()) } else { bail!("{}", results.grown.join("; ")) }
}

impl Results {
    fn print(&self) -> Result<()> {
        let (first, last) = self.samples.first().zip(self.samples.last()).context("there are no samples")?;
        let Latency { p50_ms, p99_ms, deliveries } = self.latency;
        println!("| | first | last |\n|---|---:|---:|");
        println!("| resident memory KiB | {:.0} | {:.0} |", first.resident_kib, last.resident_kib);
        println!("| threads | {:.0} | {:.0} |", first.threads, last.threads);
        println!("| descriptors | {:.0} | {:.0} |", first.descriptors, last.descriptors);
        if let (Some(first), Some(last)) = (first.redis_bytes, last.redis_bytes) {
            println!("| memory of Redis, bytes | {first:.0} | {last:.0} |");
        }
        println!("\n{deliveries} deliveries, none lost, p50 {p50_ms:.2} ms, p99 {p99_ms:.2} ms;");
        println!("{} connections came and went.", self.came_and_went);
        Ok(())
    }
}

/// Makes `rate` connections per second connect, log in, enter a room and leave, until `stop` is set. Returns their
/// number.
fn pass(server: &Server, rate: f64, stop: &AtomicBool) -> Result<u64> {
    let target = Target::of(server);
    let mut crowd = ClientPool::new(&target, PASSERS)?;
    let mut free: Vec<usize> = (0..PASSERS).rev().collect();
    let (mut known, mut begun, mut ended) = (HashSet::new(), 0_u64, 0);
    let begin = Instant::now();
    while !stop.load(Ordering::Acquire) || free.len() < PASSERS {
        let due = (begin.elapsed().as_secs_f64() * rate) as u64;
        if begun < due && !stop.load(Ordering::Acquire) {
            let passer = free.pop().context("those who come do not go any more")?;
            let first =
                if known.insert(passer) { target.accounts.first(passer)? } else { target.accounts.again(passer) };
            let steps = [first, Step::new("/join passage", "OK join"), Step::new("/quit", "BYE quit")];
            crowd.connect(passer, steps)?;
            begun += 1;
        }
        let news = crowd.turn(Some(Duration::from_millis(5)), &mut |_, _| Ok(()))?;
        ended += news.gone.len() as u64;
        free.extend(news.gone);
    }
    ensure!(begun == ended, "{begun} came and {ended} went");
    Ok(ended)
}
