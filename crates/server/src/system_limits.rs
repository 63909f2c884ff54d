//! Compares the limits of the machine with the settings: one line for each limit that is too low, with the command that
//! raises it. It must not change anything but the soft limit of descriptors of its own process.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::{Resource, Rlimit, geteuid, getrlimit, setrlimit};

/// Descriptors besides those of connections: listeners, the store, logs, and connections that are about to be refused.
const OTHER_DESCRIPTORS: u64 = 128;

/// Threads of this process besides those of clients.
const OTHER_THREADS: u64 = 64;

/// Memory maps of a thread: its stack and the guard below it (glibc makes both), and the stack for signals with its
/// guard (made by the standard library, to report an overflow).
const MAPS_PER_THREAD: u64 = 4;

/// Memory maps besides those of client threads: program, libraries, heap arenas, database.
const OTHER_MAPS: u64 = 1024;

/// Limits of the machine. `None` means no limit, or an unknown one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SystemLimits {
    /// Open files of this process, the soft limit.
    pub(crate) descriptors: Option<u64>,
    /// Threads of this user (RLIMIT_NPROC).
    pub(crate) user_threads: Option<u64>,
    /// Threads of the whole machine.
    pub(crate) machine_threads: Option<u64>,
    /// Process ids of the machine; each thread uses one.
    pub(crate) machine_ids: Option<u64>,
    /// Threads of the control group with the lowest limit, and the file that holds it.
    pub(crate) group_threads: Option<(u64, PathBuf)>,
    /// Memory maps of a process.
    pub(crate) maps: Option<u64>,
}

/// Raises the soft limit of descriptors to the hard one. Then returns one line for each limit that is too low for
/// `max_connections`.
pub(crate) fn prepare(max_connections: usize) -> Vec<String> {
    raise_descriptors();
    shortfalls(&SystemLimits::take(), u64::try_from(max_connections).unwrap_or(u64::MAX))
}

fn raise_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!("cannot raise the limit of open files: {error}");
    }
}

impl SystemLimits {
    /// Reads the limits of this process and its machine.
    fn take() -> Self {
        // The kernel does not apply this limit to the superuser.
        let user_threads = if geteuid().is_root() { None } else { getrlimit(Resource::Nproc).current };
        Self {
            descriptors: getrlimit(Resource::Nofile).current,
            user_threads,
            machine_threads: number(Path::new("/proc/sys/kernel/threads-max")),
            machine_ids: number(Path::new("/proc/sys/kernel/pid_max")),
            group_threads: group_threads(),
            maps: number(Path::new("/proc/sys/vm/max_map_count")),
        }
    }
}

/// Returns the number in a file; `None` if the file cannot be read or contains `max`.
fn number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Returns the lowest thread limit of the control groups of this process, and its file.
fn group_threads() -> Option<(u64, PathBuf)> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let limits = groups.lines().filter_map(group_dir).flat_map(|(root, group)| limit_files(root, group));
    limits.filter_map(|file| Some((number(&file)?, file))).min()
}

/// Returns the root and the group with the thread limits for one line of `/proc/self/cgroup`: version 2 has one
/// hierarchy, version 1 one for each controller.
fn group_dir(line: &str) -> Option<(&'static Path, &str)> {
    let (_, rest) = line.split_once(':')?;
    match rest.split_once(':')? {
        ("", group) => Some((Path::new("/sys/fs/cgroup"), group)),
        (controllers, group) if controllers.split(',').any(|name| name == "pids") => {
            Some((Path::new("/sys/fs/cgroup/pids"), group))
        }
        _ => None,
    }
}

/// Returns the limit files of a group and of all its parents.
fn limit_files(root: &Path, group: &str) -> Vec<PathBuf> {
    let group = Path::new(group.trim_start_matches('/'));
    group.ancestors().map(|ancestor| root.join(ancestor).join("pids.max")).collect()
}

/// Returns one line for each limit that is too low for `max_connections`, with the command that raises it.
fn shortfalls(readings: &SystemLimits, max_connections: u64) -> Vec<String> {
    let descriptors = max_connections.saturating_add(OTHER_DESCRIPTORS);
    let threads = max_connections.saturating_add(OTHER_THREADS);
    let maps = max_connections.saturating_mul(MAPS_PER_THREAD).saturating_add(OTHER_MAPS);
    let group = readings.group_threads.as_ref();
    let group_mend = group.map(|(_, file)| format!("echo {threads} > {}", file.display())).unwrap_or_default();
    let checks = [
        (readings.descriptors, descriptors, "open files of this process", format!("ulimit -Hn {descriptors}")),
        (readings.user_threads, threads, "threads of this user", format!("ulimit -u {threads}")),
        (
            readings.machine_threads,
            threads,
            "threads of this machine",
            format!("sysctl -w kernel.threads-max={threads}"),
        ),
        (readings.machine_ids, threads, "process ids of this machine", format!("sysctl -w kernel.pid_max={threads}")),
        (group.map(|(limit, _)| *limit), threads, "threads of this control group", group_mend),
        (readings.maps, maps, "memory maps of a process", format!("sysctl -w vm.max_map_count={maps}")),
    ];
    let short = |(limit, need, what, mend): (Option<u64>, u64, &str, String)| {
        let limit = limit.filter(|limit| *limit < need)?;
        Some(format!("max-connections {max_connections} needs {need} {what}, and {limit} are allowed; as root: {mend}"))
    };
    checks.into_iter().filter_map(short).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_limits_suffices() {
        assert_eq!(shortfalls(&SystemLimits::default(), u64::MAX), Vec::<String>::new());
    }

    #[test]
    fn each_limit_that_is_one_short_gets_its_line() {
        let enough = SystemLimits {
            descriptors: Some(1128),
            user_threads: Some(1064),
            machine_threads: Some(1064),
            machine_ids: Some(1064),
            group_threads: Some((1064, "/sys/fs/cgroup/a/pids.max".into())),
            maps: Some(5024),
        };
        assert_eq!(shortfalls(&enough, 1000), Vec::<String>::new());
        let lines = shortfalls(&enough, 1001);
        assert_eq!(
            lines[0],
            "max-connections 1001 needs 1129 open files of this process, and 1128 are allowed; as root: ulimit -Hn 1129"
        );
        let mends: Vec<_> = lines.iter().map(|line| line.split_once("as root: ").unwrap().1).collect();
        assert_eq!(
            mends,
            [
                "ulimit -Hn 1129",
                "ulimit -u 1065",
                "sysctl -w kernel.threads-max=1065",
                "sysctl -w kernel.pid_max=1065",
                "echo 1065 > /sys/fs/cgroup/a/pids.max",
                "sysctl -w vm.max_map_count=5028",
            ]
        );
    }

    #[test]
    fn control_groups_of_both_versions_are_found_with_their_parents() {
        assert_eq!(group_dir("0::/system.slice/parlor"), Some((Path::new("/sys/fs/cgroup"), "/system.slice/parlor")));
        assert_eq!(group_dir("7:cpu,pids:/docker/x"), Some((Path::new("/sys/fs/cgroup/pids"), "/docker/x")));
        assert_eq!(group_dir("3:memory:/docker/x"), None);
        let files = limit_files(Path::new("/r"), "/a/b");
        assert_eq!(files, ["/r/a/b/pids.max", "/r/a/pids.max", "/r/pids.max"].map(PathBuf::from));
    }

    #[test]
    fn the_soft_limit_of_descriptors_becomes_the_hard_one() {
        raise_descriptors();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
        assert_eq!(SystemLimits::take().descriptors, limit.current);
    }

    #[test]
    fn a_thread_has_no_more_maps_than_is_reckoned() {
        const THREADS: u64 = 200;
        let maps = || u64::try_from(fs::read_to_string("/proc/self/maps").unwrap().lines().count()).unwrap();
        let barrier = std::sync::Barrier::new(usize::try_from(THREADS).unwrap() + 1);
        let (before, during) = std::thread::scope(|scope| {
            let before = maps();
            for _ in 0..THREADS {
                scope.spawn(|| {
                    barrier.wait();
                    barrier.wait();
                });
            }
            barrier.wait();
            let during = maps();
            barrier.wait();
            (before, during)
        });
        assert!(during - before <= THREADS * MAPS_PER_THREAD + OTHER_MAPS, "{before} maps became {during}");
        assert!(during - before >= THREADS * 2, "{before} maps became {during}: MAPS_PER_THREAD is out of date");
    }
}
