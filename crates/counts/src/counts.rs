//! Instructions of the paths that every message takes, counted by Valgrind and compared with a stored list. To subtract
//! the work before and after a path, the program repeats the path a different number of times in two runs. It must not
//! measure time.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use parlor_counts::paths::{PATHS, prepare};

/// The argument with which the program repeats a path.
pub(crate) const REPEAT: &str = "repeat";

/// Repetitions in the two runs that are subtracted. The first repetitions create objects that later ones reuse.
const FEW: usize = 100;
const MANY: usize = 300;
/// Maximum increase of a path over the list, in percent.
const SLACK: f64 = 5.0;
/// The stored list.
const LIST: &str = "crates/counts/instructions.txt";

/// Counts the instructions, and compares them with the list.
pub(crate) fn check() -> Result<()> {
    let (counted, compilers) = (count_all()?, compilers());
    let list = List::read(Path::new(LIST))?;
    let is_comparable = list.compilers == compilers;
    if !is_comparable {
        println!("other compilers than those of the list, so nothing is compared");
        println!("list: {}\nhere: {compilers}", list.compilers);
    }
    compare(&counted, &list.counts, is_comparable)
}

/// Counts the instructions, and writes the list anew.
pub(crate) fn renew() -> Result<()> {
    let lines: String = count_all()?.iter().map(|(path, count)| format!("{path} {count}\n")).collect();
    let head = "# Instructions of single paths. Written by `scripts/bench counts --renew`.\n";
    let text = format!("{head}{COMPILERS}{}\n{lines}", compilers());
    fs::write(LIST, text).with_context(|| format!("cannot write {LIST}"))
}

/// Repeats a path under Valgrind.
pub(crate) fn repeat(name: &str, times: usize) -> Result<()> {
    let mut path = prepare(name)?;
    (0..times).try_for_each(|_| path())
}

fn count_all() -> Result<BTreeMap<&'static str, u64>> {
    PATHS.iter().map(|&path| Ok((path, count(path)?))).collect()
}

fn compare(counted: &BTreeMap<&str, u64>, known: &BTreeMap<String, u64>, is_comparable: bool) -> Result<()> {
    println!("| path | instructions | of the list |\n|---|---:|---:|");
    let mut worse = Vec::new();
    for (path, count) in counted {
        let known = known.get(*path).with_context(|| format!("{path} is not in the list; renew it"))?;
        let percent = 100.0 * *count as f64 / *known as f64;
        println!("| {path} | {count} | {percent:.1} % |");
        if percent > 100.0 + SLACK {
            worse.push(*path);
        }
    }
    if !is_comparable || worse.is_empty() {
        return Ok(());
    }
    bail!("more than {SLACK} % dearer: {}. If it has to be: scripts/bench counts --renew", worse.join(", "))
}

/// Instructions of one repetition.
fn count(path: &str) -> Result<u64> {
    let more = total(path, MANY)?.saturating_sub(total(path, FEW)?);
    Ok(more / (MANY - FEW) as u64)
}

fn total(path: &str, times: usize) -> Result<u64> {
    let this = env::current_exe().context("where this program is")?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(this)
        .args([REPEAT, path, &times.to_string()])
        .stdout(Stdio::null())
        .output()
        .context("valgrind does not start")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{path} fails under valgrind: {said}");
    let count = said.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, count)| count.trim());
    Ok(count.with_context(|| format!("valgrind says {said}"))?.parse()?)
}

const COMPILERS: &str = "# compilers: ";

/// The versions of the compilers, since another compiler generates other instructions.
fn compilers() -> String {
    let [rust, c] = ["rustc", "cc"].map(|program| version(program).unwrap_or_else(|| format!("no {program}")));
    format!("{rust}, {c}, {}", env::consts::ARCH)
}

fn version(program: &str) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    String::from_utf8_lossy(&output.stdout).lines().next().map(str::to_owned)
}

/// The stored list.
struct List {
    compilers: String,
    counts: BTreeMap<String, u64>,
}

impl List {
    fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        let compilers = text.lines().find_map(|line| line.strip_prefix(COMPILERS)).unwrap_or_default().to_owned();
        let rows = text.lines().filter(|line| !line.starts_with('#'));
        let row = |line: &str| {
            let (path, count) = line.split_once(' ').with_context(|| format!("no row: {line}"))?;
            Ok((path.to_owned(), count.parse()?))
        };
        Ok(Self { compilers, counts: rows.map(row).collect::<Result<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(count: u64, is_comparable: bool) -> Result<()> {
        compare(&BTreeMap::from([("a", count)]), &BTreeMap::from([("a".to_owned(), 1000)]), is_comparable)
    }

    #[test]
    fn a_path_that_became_dearer_fails_if_the_compilers_are_the_same() {
        assert!(judged(1050, true).is_ok() && judged(500, true).is_ok());
        assert!(judged(1051, true).is_err());
        assert!(judged(1051, false).is_ok());
    }

    #[test]
    fn every_path_can_be_repeated() {
        for path in PATHS {
            repeat(path, 2).unwrap();
        }
    }
}
