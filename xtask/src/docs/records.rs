//! Tables from recorded runs of `parlor torture`, stored as JSON in docs/reliability. It must not run anything.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use super::{code, markdown};

const DIRECTORY: &str = "docs/reliability";
/// Written by `scripts/torture planted`.
const PLANTED_BUGS: &str = "planted-bugs.json";
/// The files of the long runs, and their names.
const LONG_RUNS: [(&str, &str); 2] =
    [("embedded.json", "one server, embedded"), ("redis.json", "two servers on one Redis")];

/// Every planted bug, and the time until it was found.
pub(super) fn planted_bugs(root: &Path) -> Result<String> {
    if !root.join(DIRECTORY).join(PLANTED_BUGS).exists() {
        return Ok("The planted bugs have not been recorded yet.\n".to_owned());
    }
    let record = read(root, PLANTED_BUGS)?;
    let row = |bug: &Value| {
        let text = |key: &str| bug[key].as_str().unwrap_or_default().to_owned();
        let on_redis = bug["args"].as_array().is_some_and(|args| args.iter().any(|arg| arg == "--redis"));
        let place = if on_redis { ", on Redis" } else { "" };
        vec![code(&text("bug")) + place, text("what"), text("promise"), format!("{} s", bug["seconds"])]
    };
    let rows: Vec<_> = record.as_array().context("the record of planted bugs is no list")?.iter().map(row).collect();
    Ok(markdown(&["bug", "what it does", "promise that is found broken", "found after"], &rows))
}

/// The long runs, side by side.
pub(super) fn long_runs(root: &Path) -> Result<String> {
    let mut names = vec![""];
    let mut runs = Vec::new();
    for (file, name) in LONG_RUNS {
        // Each run is recorded separately. A run that is not recorded yet has no column.
        if root.join(DIRECTORY).join(file).exists() {
            names.push(name);
            runs.push(read(root, file)?);
        }
    }
    if runs.is_empty() {
        return Ok("No long run has been recorded yet.\n".to_owned());
    }
    let row = |what: &str, of: &dyn Fn(&Value) -> String| {
        std::iter::once(what.to_owned()).chain(runs.iter().map(of)).collect::<Vec<String>>()
    };
    let count = |key: &'static str| move |run: &Value| run["counts"][key].to_string();
    let seconds = |key: &'static str| move |run: &Value| format!("{} s", run["counts"][key]);
    let mut rows = vec![
        row("length, rounds, seed", &|run| {
            let minutes = run["seconds"].as_f64().unwrap_or_default() / 60.0;
            format!("{minutes:.0} min, {}, {}", run["rounds"], run["seed"])
        }),
        row("promises broken", &broken),
        row("messages accepted", &count("accepted")),
        row("delivered", &count("delivered")),
        row("connections", &count("connections")),
        row("faults injected", &faults),
        row("longest outage seen by a client", &seconds("longest_outage")),
        row("recovery after a fault, median", &seconds("median_recovery")),
        row("recovery after a fault, longest", &seconds("longest_recovery")),
    ];
    let usage = [("at_start", "at start"), ("most", "at most"), ("at_end", "at the end")];
    rows.extend(usage.map(|(key, name)| row(&format!("a server {name}"), &|run| taken(&run["counts"][key]))));
    Ok(markdown(&names, &rows))
}

fn broken(run: &Value) -> String {
    let promises = run["promises"].as_array().into_iter().flatten();
    let broken: Vec<String> =
        promises.filter(|line| line["broken"] != 0).map(|line| line["promise"].to_string()).collect();
    if broken.is_empty() { "none".to_owned() } else { broken.join(", ") }
}

fn faults(run: &Value) -> String {
    let kinds = run["counts"]["faults_injected"].as_array().into_iter().flatten();
    let kinds: Vec<(String, u64)> =
        kinds.filter_map(|kind| Some((kind[0].as_str()?.to_owned(), kind[1].as_u64()?))).collect();
    let sum: u64 = kinds.iter().map(|(_, times)| times).sum();
    let list: Vec<String> = kinds.iter().map(|(kind, times)| format!("{kind} {times}")).collect();
    format!("{sum}: {}", list.join(", "))
}

fn taken(usage: &Value) -> String {
    let memory = usage["memory"].as_u64().unwrap_or_default() / 1024;
    format!("{memory} MiB, {} threads, {} descriptors", usage["threads"], usage["descriptors"])
}

fn read(root: &Path, file: &str) -> Result<Value> {
    let path = Path::new(DIRECTORY).join(file);
    let text = std::fs::read_to_string(root.join(&path)).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn root(file: &str, record: &Value) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join(DIRECTORY)).unwrap();
        std::fs::write(root.path().join(DIRECTORY).join(file), record.to_string()).unwrap();
        root
    }

    #[test]
    fn bugs_have_a_row_each() {
        let root = root(
            "planted-bugs.json",
            &json!([
                { "bug": "a-b", "args": ["--redis"], "what": "it breaks", "promise": "Nothing breaks", "seconds": 9.0 },
                { "bug": "a-b", "what": "it breaks", "promise": "Nothing breaks", "seconds": 12.0 },
            ]),
        );
        let table = planted_bugs(root.path()).unwrap();
        assert!(table.ends_with("| `a-b` | it breaks | Nothing breaks | 12.0 s |\n"), "{table}");
        assert!(table.contains("| `a-b`, on Redis | it breaks | Nothing breaks | 9.0 s |\n"), "{table}");
    }

    #[test]
    fn a_run_that_is_not_recorded_has_no_column() {
        let run = json!({
            "seconds": 1800.0, "rounds": 30, "seed": 1,
            "promises": [{ "promise": "kept", "broken": 0 }, { "promise": "lost", "broken": 2 }],
            "counts": { "accepted": 5, "faults_injected": [["kill", 2], ["cut", 1]], "most": { "memory": 2048 } },
        });
        let table = long_runs(root("redis.json", &run).path()).unwrap();
        assert!(table.starts_with("|  | two servers on one Redis |\n"), "{table}");
        assert!(table.contains("| promises broken | \"lost\" |") && table.contains("| 3: kill 2, cut 1 |"), "{table}");
        assert!(table.contains("30 min, 30, 1"), "{table}");
        let empty = tempfile::tempdir().unwrap();
        assert_eq!(long_runs(empty.path()).unwrap(), "No long run has been recorded yet.\n");
        assert_eq!(planted_bugs(empty.path()).unwrap(), "The planted bugs have not been recorded yet.\n");
    }
}
