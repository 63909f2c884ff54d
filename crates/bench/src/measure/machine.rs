//! The facts about the machine that are stored with results. It must not measure.

use std::fs;
use std::process::Command;
use std::thread;

use serde::{Deserialize, Serialize};

/// Where and when the results were measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Model of the processor.
    pub(crate) processor: String,
    /// Number of processors.
    pub(crate) processors: usize,
    /// The kernel.
    pub(crate) kernel: String,
    /// Load average of the last minute at the start of the run. Other work makes results worse.
    pub(crate) load: String,
    /// The day, in UTC.
    pub(crate) date: String,
}

impl Machine {
    /// This machine, now.
    pub(crate) fn this() -> Self {
        let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        Self {
            processor: model.map_or("unknown", |(_, name)| name).to_owned(),
            processors: thread::available_parallelism().map_or(0, usize::from),
            kernel: rustix::system::uname().release().to_string_lossy().into_owned(),
            load: load.split(' ').next().unwrap_or_default().to_owned(),
            date: said_by("date", &["-u", "+%Y-%m-%d"]).unwrap_or_default(),
        }
    }
}

/// The output of a program, if it succeeds.
pub(crate) fn said_by(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
