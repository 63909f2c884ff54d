//! Processor time of processes, as the kernel accounts for it. `/proc/PID/stat` counts in ticks of 10 ms, too coarse
//! for a server that idles between messages; the clocks of processes count in nanoseconds.

use anyhow::{Context, Result};
use nix::time::ClockId;
use nix::unistd::Pid;

/// Seconds that a process has spent so far, user and system, with those of its ended threads.
pub(crate) fn seconds(pid: u32) -> Result<f64> {
    let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(pid.cast_signed())).context("the process has ended")?;
    now(clock)
}

/// The same of several processes together.
pub(crate) fn total(pids: &[u32]) -> Result<f64> {
    pids.iter().map(|&pid| seconds(pid)).sum()
}

/// Seconds that the calling thread has spent so far.
pub(crate) fn of_this_thread() -> Result<f64> {
    now(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

fn now(clock: ClockId) -> Result<f64> {
    let time = clock.now()?;
    Ok(time.tv_sec() as f64 + time.tv_nsec() as f64 * 1e-9)
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
