//! The resource usage of a server, sampled at intervals, and whether it grew. It must not know what happens to the
//! server.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::measure::memory::Memory;
use crate::redis::resp::Redis;

/// Minimum number of samples for a judgement.
const ENOUGH: usize = 8;
/// Allowed variation between two samples: of memory in KiB, of Redis in bytes, of threads and of descriptors.
const MEMORY_SLACK_KIB: f64 = 4096.0;
const REDIS_SLACK_BYTES: f64 = 4.0 * 1024.0 * 1024.0;
const COUNT_SLACK: f64 = 24.0;
/// Maximum growth of the last quarter over the second quarter, as a share, in addition to the allowed variation.
const SHARE: f64 = 0.05;

/// One sample.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// Seconds since the start.
    pub(crate) seconds: f64,
    /// Resident memory of the server.
    pub(crate) resident_kib: f64,
    /// Number of its threads.
    pub(crate) threads: f64,
    /// Number of its descriptors.
    pub(crate) descriptors: f64,
    /// Memory of Redis, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) redis_bytes: Option<f64>,
}

/// One figure of a sample. `None` if it is not measured.
pub(crate) type Figure = fn(&Sample) -> Option<f64>;

/// Samples a server at intervals.
pub(crate) struct Sampler {
    pid: u32,
    redis: Option<Redis>,
    interval: Duration,
    begin: Instant,
    pub(crate) samples: Vec<Sample>,
}

impl Sampler {
    /// A sampler for a process, and for the Redis at this port of this machine.
    pub(crate) fn new(pid: u32, redis: Option<u16>, interval: Duration) -> Result<Self> {
        let redis = redis.map(Redis::connect).transpose()?;
        Ok(Self { pid, redis, interval, begin: Instant::now(), samples: Vec::new() })
    }

    /// Takes a sample if the next one is due.
    pub(crate) fn look(&mut self) -> Result<()> {
        let due = self.interval.as_secs_f64() * self.samples.len() as f64;
        let seconds = self.begin.elapsed().as_secs_f64();
        if seconds < due {
            return Ok(());
        }
        let Memory { resident, threads, descriptors, .. } = Memory::of(self.pid)?;
        let redis_bytes = self.redis.as_mut().map(used).transpose()?;
        self.samples.push(Sample { seconds, resident_kib: resident, threads, descriptors, redis_bytes });
        Ok(())
    }
}

fn used(redis: &mut Redis) -> Result<f64> {
    let reply = redis.call(&["INFO", "memory"])?;
    let line = reply.text()?.lines().find_map(|line| line.strip_prefix("used_memory:")).context("no used_memory")?;
    Ok(line.trim().parse()?)
}

/// The figures that grew. Compares the median of the last quarter with the median of the second, since the first
/// quarter is the warm-up. Returns nothing if there are too few samples.
pub(crate) fn growth(samples: &[Sample]) -> Vec<String> {
    let count = samples.len();
    if count < ENOUGH {
        return Vec::new();
    }
    let (early, late) = (&samples[count / 4..count / 2], &samples[count - count / 4..]);
    let figures: [(&str, f64, Figure); 4] = [
        ("resident memory (KiB)", MEMORY_SLACK_KIB, |sample| Some(sample.resident_kib)),
        ("threads", COUNT_SLACK, |sample| Some(sample.threads)),
        ("descriptors", COUNT_SLACK, |sample| Some(sample.descriptors)),
        ("memory of Redis (bytes)", REDIS_SLACK_BYTES, |sample| sample.redis_bytes),
    ];
    let grown = |(what, slack, of): (&str, f64, Figure)| {
        let (before, after) = (median(early, of)?, median(late, of)?);
        (after > before * (1.0 + SHARE) + slack).then(|| format!("{what} grew from {before:.0} to {after:.0}"))
    };
    figures.into_iter().filter_map(grown).collect()
}

fn median(samples: &[Sample], of: Figure) -> Option<f64> {
    let mut values: Vec<f64> = samples.iter().filter_map(of).collect();
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(of: impl Fn(usize) -> f64, redis: impl Fn(usize) -> Option<f64>) -> Vec<Sample> {
        let sample = |number: usize| Sample {
            seconds: number as f64,
            resident_kib: of(number),
            threads: 50.0,
            descriptors: 60.0,
            redis_bytes: redis(number),
        };
        (0..40).map(sample).collect()
    }

    #[test]
    fn what_is_flat_did_not_grow_whatever_it_did_at_first() {
        assert!(growth(&samples(|number| if number < 8 { 10.0 } else { 50_000.0 }, |_| None)).is_empty());
        assert!(growth(&samples(|number| 50_000.0 + (number % 3) as f64 * 2000.0, |_| Some(1e7))).is_empty());
    }

    #[test]
    fn what_leaks_grew() {
        let leak = |number: usize| 50_000.0 + 500.0 * number as f64;
        assert_eq!(growth(&samples(leak, |_| None)), ["resident memory (KiB) grew from 57500 to 67500"]);
        let grown = growth(&samples(|_| 1.0, |number| Some(1e6 * number as f64)));
        assert_eq!(grown, ["memory of Redis (bytes) grew from 15000000 to 35000000"]);
    }

    #[test]
    fn few_samples_are_not_judged() {
        assert!(growth(&samples(|number| 1e6 * number as f64, |_| None)[..7]).is_empty());
    }

    #[test]
    fn a_process_is_looked_at_when_it_is_time() {
        let mut sampler = Sampler::new(std::process::id(), None, Duration::from_secs(3600)).unwrap();
        sampler.look().unwrap();
        sampler.look().unwrap();
        assert!(sampler.samples.len() == 1 && sampler.samples[0].resident_kib > 100.0);
    }
}
