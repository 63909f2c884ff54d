//! Processor time of processes, as the kernel accounts for it.

use std::fs;

use anyhow::{Context, Result};

/// Ticks a second in `/proc`: the same on all machines that Linux runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Seconds that a process has spent so far, with those of its ended threads.
pub(crate) fn seconds(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in parentheses may hold spaces.
    let (_, fields) = stat.rsplit_once(") ").context("no fields")?;
    let mut times = fields.split(' ').skip(11).map(str::parse::<f64>);
    let (user, system) = times.next().zip(times.next()).context("no times")?;
    Ok((user? + system?) / TICKS_PER_SECOND)
}

/// The same of several processes together.
pub(crate) fn total(pids: &[u32]) -> Result<f64> {
    pids.iter().map(|&pid| seconds(pid)).sum()
}

#[cfg(test)]
mod tests {
    #[test]
    fn work_is_seen() {
        let before = super::seconds(std::process::id()).unwrap();
        let mut sum = 0_u64;
        while super::seconds(std::process::id()).unwrap() < before + 0.05 {
            sum = sum.wrapping_add(std::hint::black_box(1));
        }
        assert!(sum > 0);
    }
}
