//! The effect of stuck readers on a busy room: memory of the server over time, and the latency of the others without
//! and with them: `parlor-bench stuck`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use clap::Args;
use serde::Serialize;

use super::chat::{Chat, Latency, Plan, room_name};
use super::resource_samples::{Sample, Sampler, growth};
use super::{version, write};
use crate::measure::machine::Machine;
use crate::progress::Progress;
use crate::servers::Target;
use crate::servers::parlor::{Client, Server};

/// Interval between two checks whether a stuck reader was disconnected.
const LOOK: Duration = Duration::from_millis(500);
/// Maximum growth of a server besides the send queues of the stuck readers, in KiB.
const SLACK_KIB: f64 = 16.0 * 1024.0;

/// Options of `parlor-bench stuck`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Members of the busy room
    #[arg(long, default_value_t = 1000)]
    members: usize,
    /// Messages a second in it
    #[arg(long, default_value_t = 10.0)]
    rate: f64,
    /// Bytes of each text
    #[arg(long, default_value_t = 2048)]
    payload: usize,
    /// Readers that are stuck; whoever is cut off comes back
    #[arg(long, default_value_t = 50)]
    stuck: usize,
    /// KiB that may wait for a client (`--max-queued-bytes` of the server)
    #[arg(long, default_value_t = 128)]
    queued_kib: usize,
    /// Seconds without them, and with them; what the kernels of both sides keep has to be full before anybody is cut off
    #[arg(long, default_value_t = 120.0)]
    seconds: f64,
    /// Writes the results to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Results {
    machine: Machine,
    version: String,
    members: usize,
    stuck: usize,
    queued_kib: usize,
    /// How often a stuck reader was disconnected.
    cut_off: usize,
    without: Phase,
    with: Phase,
    p99_factor: f64,
}

#[derive(Debug, Serialize)]
struct Phase {
    latency: Latency,
    samples: Vec<Sample>,
}

impl Phase {
    /// Maximum memory of the samples, in KiB.
    fn most(&self) -> f64 {
        self.samples.iter().map(|sample| sample.resident_kib).fold(0.0, f64::max)
    }
}

/// Measures both. Fails if another client loses a message, or if memory grows by more than the send queues of the stuck
/// readers.
pub(crate) fn run(options: &Options, parlor: &Path) -> Result<()> {
    let machine = Machine::this();
    let &Options { members, rate, payload, stuck, queued_kib, seconds, .. } = options;
    let (most, queued) = ((members + stuck + 64).to_string(), format!("{queued_kib}KiB"));
    let server = Server::start(parlor, None, &["--max-connections", &most, "--max-queued-bytes", &queued])?;
    let target = Target::of(&server);
    let plan = Plan { rooms: 1, members, publishers: 10.min(members), rate, payload };
    let mut chat = Chat::enter(&target, plan, &Progress::of("stuck".to_owned()))?;
    let time = Duration::from_secs_f64(seconds);
    chat.go_on_for(time / 10)?;
    let without = phase(&mut chat, &server, time)?;
    let (with, cut_off) = with_stuck(&mut chat, &server, stuck, time)?;
    chat.close()?;
    let p99_factor = with.latency.p99_ms / without.latency.p99_ms;
    let (before, after) = (without.most(), with.most());
    println!("| stuck readers | p50 ms | p99 ms | most memory KiB | deliveries |");
    println!("|---:|---:|---:|---:|---:|");
    for (count, phase) in [(0, &without), (stuck, &with)] {
        let Latency { p50_ms, p99_ms, deliveries } = phase.latency;
        println!("| {count} | {p50_ms:.2} | {p99_ms:.2} | {:.0} | {deliveries} |", phase.most());
    }
    println!("\nThe p99 is {p99_factor:.2} of what it was; {cut_off} times one who was stuck was cut off.");
    let grown = growth(&with.samples);
    let version = version(parlor)?;
    let results = Results { machine, version, members, stuck, queued_kib, cut_off, without, with, p99_factor };
    write(options.json.as_deref(), &results)?;
    let bound = before + (stuck * queued_kib) as f64 + SLACK_KIB;
    ensure!(
        after <= bound,
        "memory grew from {before:.0} KiB to {after:.0} KiB, more than what may wait for the stuck"
    );
    ensure!(grown.is_empty(), "it does not stay flat: {}", grown.join("; "));
    Ok(())
}

fn phase(chat: &mut Chat<'_>, server: &Server, time: Duration) -> Result<Phase> {
    let mut sampler = Sampler::new(server.pid(), None, Duration::from_secs(1))?;
    let latency = chat.go_on(|elapsed| sampler.look().map(|()| elapsed >= time))?;
    Ok(Phase { latency, samples: sampler.samples })
}

fn with_stuck(chat: &mut Chat<'_>, server: &Server, count: usize, time: Duration) -> Result<(Phase, usize)> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let keeper = scope.spawn(|| keep_stuck(server, count, &stop));
        let phase = phase(chat, server, time);
        stop.store(true, Ordering::Release);
        let cut_off = keeper.join().map_err(|_| anyhow!("the keeper of the stuck panicked"))??;
        Ok((phase?, cut_off))
    })
}

/// Keeps `count` readers in the room that never read. A reader that was disconnected reconnects. Returns the number of
/// disconnects.
fn keep_stuck(server: &Server, count: usize, stop: &AtomicBool) -> Result<usize> {
    let mut watch = server.member("watch", "watch")?;
    let name = |number: usize| format!("stuck-{number}");
    let enter = |number: usize| server.member(&name(number), &room_name(0)).context("one who is to be stuck");
    let mut stuck: Vec<Client> = (0..count).map(enter).collect::<Result<_>>()?;
    let mut cut_off = 0;
    while !stop.load(Ordering::Acquire) {
        for (number, place) in stuck.iter_mut().enumerate() {
            // Sends one more line for the reader's queue. The answer shows whether the session still exists.
            watch.send(&format!("/msg {} still there?\n", name(number)))?;
            if watch.line()?.starts_with("ERR user-offline ") {
                *place = server.back(&name(number), &room_name(0))?;
                cut_off += 1;
            }
        }
        thread::sleep(LOOK);
    }
    Ok(cut_off)
}
