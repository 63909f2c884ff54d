//! The rate at which Redis runs the append script, called without Parlor by a client that does nothing else. It must
//! not call anything else meanwhile.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};

use super::resp::Redis;
use super::script::{Append, Variant};
use super::throughput::{Rate, Spenders};

/// Calls per batch.
const BATCH: usize = 64;

/// The rate of `redis-benchmark` with 64 pipelined calls on one connection.
pub(crate) fn redis_benchmark(port: u16, calls: u32, bytes: usize) -> Result<f64> {
    let mut redis = Redis::connect(port)?;
    let args = Append::prepare(&mut redis, "bench-tool", Variant::Uncounted)?.args(&"x".repeat(bytes));
    let [port, calls, batch] = [u32::from(port), calls, BATCH as u32].map(|number| number.to_string());
    let output = Command::new("redis-benchmark")
        .args(["-h", "127.0.0.1", "-p", &port, "-c", "1", "-P", &batch, "-n", &calls, "--csv"])
        .args(&args)
        .output()
        .context("redis-benchmark does not start")?;
    let text = String::from_utf8(output.stdout)?;
    let row = text.lines().last().context("redis-benchmark says nothing")?;
    let top = redis.call(&["HGET", "parlor:log-meta:{bench-tool}", "top"])?;
    ensure!(top.text()? == calls, "redis-benchmark made {calls} calls, {top:?} entries are there");
    let rate = row.split("\",\"").nth(1).with_context(|| format!("redis-benchmark says {row}"))?;
    Ok(rate.parse()?)
}

/// The rate of our own client with `windows` batches in flight on one connection.
pub(crate) fn own(port: u16, pid: u32, windows: usize, bytes: usize, time: Duration) -> Result<Rate> {
    let mut redis = Redis::connect(port)?;
    let append = Append::prepare(&mut redis, "bench-own", Variant::Counted)?;
    let spenders = Spenders::new(&[], pid);
    let (count, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let calling = scope.spawn(|| call(redis, append, windows, &"x".repeat(bytes), &count, &is_over));
        thread::sleep(Duration::from_secs(1));
        let rate = spenders.watch(&count, time);
        is_over.store(true, Ordering::Relaxed);
        calling.join().map_err(|_| anyhow!("the calling thread panicked"))??;
        rate
    })
}

fn call(
    mut redis: Redis,
    mut append: Append,
    windows: usize,
    text: &str,
    count: &AtomicU64,
    is_over: &AtomicBool,
) -> Result<()> {
    let mut expected = 0;
    let mut on_the_way = 0;
    while on_the_way > 0 || !is_over.load(Ordering::Relaxed) {
        if !is_over.load(Ordering::Relaxed) {
            let batch: Vec<u8> = (0..BATCH).flat_map(|_| append.command(text)).collect();
            redis.send(&batch)?;
            on_the_way += 1;
            if on_the_way < windows {
                continue;
            }
        }
        for _ in 0..BATCH {
            expected += 1;
            let number = redis.reply()?.integer()?;
            ensure!(number == expected, "the script answers {number} instead of {expected}");
        }
        on_the_way -= 1;
        count.fetch_add(BATCH as u64, Ordering::Relaxed);
    }
    Ok(())
}
