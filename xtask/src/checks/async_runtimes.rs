//! The server has no async runtime, not even through its dependencies. The check asks Cargo, and must not read lock
//! files itself.

use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Report;
use crate::tree::Tree;

const RUNTIMES: [&str; 5] = ["tokio", "async-std", "smol", "async-executor", "async-io"];

pub(super) fn check(tree: &Tree, report: &mut Report) -> Result<()> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(&tree.root).args(["tree", "-e", "normal,build", "-p", "parlor", "--prefix", "none"]);
    let output = command.output().context("cargo cannot be run")?;
    if !output.status.success() {
        bail!("cargo tree: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    for runtime in runtimes(&String::from_utf8_lossy(&output.stdout)) {
        report.problem_of_file("Cargo.lock", format!("{runtime} is in the server's dependency tree"));
    }
    Ok(())
}

/// The async runtimes in a list of packages with one `name version` per line.
fn runtimes(list: &str) -> Vec<&'static str> {
    let packages: Vec<&str> = list.lines().filter_map(|line| line.split_whitespace().next()).collect();
    RUNTIMES.into_iter().filter(|runtime| packages.contains(runtime)).collect()
}

#[cfg(test)]
mod tests {
    use super::runtimes;

    #[test]
    fn a_runtime_in_the_tree_is_found() {
        assert_eq!(runtimes("parlor v0.1.0\ntokio v1.2.3\nsmol v2.0.0 (*)\n"), ["tokio", "smol"]);
        assert!(runtimes("parlor v0.1.0\nsmallvec v1.0.0\ntokio-free v1.0.0\n").is_empty());
    }
}
