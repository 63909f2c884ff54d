//! Processor time of processes, as the kernel accounts for it. `/proc/PID/stat` counts in ticks of 10 ms, which is too
//! coarse for a server that idles between messages. The clocks of processes count in nanoseconds.

use std::fs;

use anyhow::{Context, Result};
use nix::time::ClockId;
use nix::unistd::Pid;

/// Processor time of a process so far in seconds, user and system, including its ended threads.
pub(crate) fn seconds(pid: u32) -> Result<f64> {
    let clock = ClockId::pid_cpu_clock_id(Pid::from_raw(pid.cast_signed())).context("the process has ended")?;
    let time = clock.now()?;
    Ok(time.tv_sec() as f64 + time.tv_nsec() as f64 * 1e-9)
}

/// The same for several processes together.
pub(crate) fn total(pids: &[u32]) -> Result<f64> {
    pids.iter().map(|&pid| seconds(pid)).sum()
}

/// Processor time so far in seconds of the living threads of a process whose names begin with `prefix`.
pub(crate) fn of_threads(pid: u32, prefix: &str) -> Result<f64> {
    let mut nanoseconds = 0.0;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?.path();
        // A thread that ends meanwhile has no name any more, so it does not match.
        if fs::read_to_string(thread.join("comm")).is_ok_and(|name| name.starts_with(prefix)) {
            let spent = fs::read_to_string(thread.join("schedstat"))?;
            nanoseconds += spent.split(' ').next().context("no times")?.parse::<f64>()?;
        }
    }
    Ok(nanoseconds * 1e-9)
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
        let name = std::fs::read_to_string("/proc/thread-self/comm").unwrap();
        assert!(super::of_threads(std::process::id(), name.trim()).unwrap() > 0.0);
        assert!(super::of_threads(std::process::id(), "no such thread").unwrap() == 0.0);
    }
}
