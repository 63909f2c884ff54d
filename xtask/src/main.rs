//! Repository tasks: `cargo xtask tidy`, `cargo xtask docs` and `cargo xtask test`. It must not be needed to build or
//! run Parlor.

mod checks;
mod docs;
mod lexer;
mod paths;
mod test_run;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

const USAGE: &str = "usage: cargo xtask tidy | cargo xtask docs [--check] | cargo xtask test ARGUMENT...";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Runs the command of the command line. Returns `false` if a check found a problem.
fn run() -> Result<bool> {
    let root = repository_root()?;
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["tidy"] => tidy(&root),
        ["docs"] => docs::write(&root).map(|()| true),
        ["docs", "--check"] => docs::check(&root),
        ["test", arguments @ ..] => test_run::run(&root, arguments),
        _ => bail!(USAGE),
    }
}

/// The parent directory of this crate.
fn repository_root() -> Result<PathBuf> {
    let parent = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    Ok(parent.context("this crate has no directory above it")?.to_owned())
}

fn tidy(root: &Path) -> Result<bool> {
    let tree = tree::Tree::load(root)?;
    let report = checks::run_all(&tree)?;
    for note in &report.notes {
        println!("note: {note}");
    }
    for problem in &report.problems {
        println!("error: {problem}");
    }
    println!("tidy: {} files, {} problems", tree.files.len(), report.problems.len());
    Ok(report.problems.is_empty())
}
