//! Memory, threads and descriptors of a process, and memory of the kernel for all processes. It must not change them.

use std::fs;

use anyhow::{Context, Result};

/// One snapshot of a server and of the kernel. Sizes are in KiB.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    /// Resident memory of the process.
    pub(crate) resident: f64,
    /// Resident memory, with only this process's share of the pages that it shares with others.
    pub(crate) proportional: f64,
    pub(crate) threads: f64,
    pub(crate) descriptors: f64,
    /// Values of the whole machine: stacks in the kernel, page tables, and other objects such as sockets.
    pub(crate) stacks: f64,
    pub(crate) tables: f64,
    pub(crate) slab: f64,
}

impl Memory {
    pub(crate) fn of(pid: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        // Only the owner may read these two files.
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).map_or(f64::NAN, |entries| entries.count() as f64);
        let kernel = fs::read_to_string("/proc/meminfo")?;
        Ok(Self {
            resident: field(&status, "VmRSS")?,
            proportional: field(&rollup, "Pss").unwrap_or(f64::NAN),
            threads: field(&status, "Threads")?,
            descriptors,
            stacks: field(&kernel, "KernelStack")?,
            tables: field(&kernel, "PageTables")?,
            slab: field(&kernel, "Slab")?,
        })
    }
}

/// The number in the line `NAME: NUMBER …`.
fn field(text: &str, name: &str) -> Result<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let number = line.and_then(|line| line.split_whitespace().next()).with_context(|| format!("no {name}"))?;
    Ok(number.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_that_is_used_is_seen() {
        let before = Memory::of(std::process::id()).unwrap();
        let used = std::hint::black_box(vec![1_u8; 64 << 20]);
        let after = Memory::of(std::process::id()).unwrap();
        assert!(after.resident - before.resident > 32.0 * 1024.0 && used.len() > 1);
        assert!(after.threads >= 1.0 && after.descriptors >= 3.0 && after.stacks > 0.0);
    }
}
