//! What the system says of this process and its disk. It must not fail: what cannot be read is left out.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// Facts of the process.
#[derive(Debug, Default)]
pub(super) struct ProcessFacts {
    pub(super) threads: Option<u64>,
    pub(super) resident_bytes: Option<u64>,
    pub(super) open_files: Option<u64>,
    pub(super) cpu: Option<Duration>,
}

/// Facts of the disk of the database.
#[derive(Debug, Default)]
pub(super) struct DiskFacts {
    pub(super) free_bytes: Option<u64>,
    pub(super) database_bytes: Option<u64>,
}

impl ProcessFacts {
    /// Reads them, see proc(5).
    pub(super) fn read() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            threads: field(&status, "Threads:"),
            resident_bytes: field(&status, "VmRSS:").map(|kib| kib * 1024),
            open_files: fs::read_dir("/proc/self/fd").ok().map(|entries| entries.count() as u64),
            cpu: Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime)).ok(),
        }
    }
}

impl DiskFacts {
    /// Reads them for the database at `path`.
    pub(super) fn read(path: &Path) -> Self {
        let free = path.parent().and_then(|dir| rustix::fs::statvfs(dir).ok());
        let size = |suffix: &str| {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            fs::metadata(Path::new(&name)).map(|facts| facts.len()).ok()
        };
        Self {
            free_bytes: free.map(|free| free.f_bavail * free.f_frsize),
            database_bytes: size("").map(|bytes| bytes + size("-wal").unwrap_or_default()),
        }
    }
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
