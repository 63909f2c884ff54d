//! Draws results as SVG: a plot for each series of measurements that differ in one size, and bars for the others. It
//! must not measure. The files it writes must not change from call to call.

mod bars;
mod curves;
mod soak;
mod svg;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::record::{CaseResult, Record};
use crate::scenario::Scenario;
use crate::servers::ServerKind;
use svg::Svg;

/// Options of `parlor-bench plot`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Results to draw; by default all in the directory
    files: Vec<PathBuf>,
    /// Where drawings are put
    #[arg(long, value_name = "DIR", default_value = "docs/performance")]
    directory: PathBuf,
    /// Where soak.json is, the results of `soak`, and soak.svg is put
    #[arg(long, value_name = "DIR", default_value = "docs/reliability")]
    reliability: PathBuf,
}

/// Draws the plots.
pub(crate) fn run(options: &Options) -> Result<()> {
    let is_drawn = draw_soak(&options.reliability)?;
    if is_drawn && options.files.is_empty() && !options.directory.exists() {
        return Ok(());
    }
    let files = if options.files.is_empty() { results(&options.directory)? } else { options.files.clone() };
    ensure!(!files.is_empty(), "no results in {}", options.directory.display());
    fs::create_dir_all(&options.directory).with_context(|| format!("cannot make {}", options.directory.display()))?;
    let mut outcomes = Vec::new();
    for file in &files {
        outcomes.extend(Record::read(file)?.results);
    }
    for (name, drawing) in drawings(&outcomes) {
        let file = options.directory.join(format!("{name}.svg"));
        fs::write(&file, drawing.finish()).with_context(|| format!("cannot write {}", file.display()))?;
        println!("{}", file.display());
    }
    Ok(())
}

/// Draws the soak run, if its results exist. Returns `false` if they do not.
fn draw_soak(directory: &Path) -> Result<bool> {
    let (results, drawing) = (directory.join("soak.json"), directory.join("soak.svg"));
    if !results.exists() {
        return Ok(false);
    }
    let text = fs::read_to_string(&results).with_context(|| format!("cannot read {}", results.display()))?;
    let kept = serde_json::from_str(&text).with_context(|| format!("{} holds no results", results.display()))?;
    fs::write(&drawing, soak::draw(&kept).finish()).with_context(|| format!("cannot write {}", drawing.display()))?;
    println!("{}", drawing.display());
    Ok(true)
}

/// The files with results in a directory, sorted.
fn results(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(directory).with_context(|| format!("cannot read {}", directory.display()))?;
    let mut files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    Ok(files)
}

/// Names and contents of the files.
fn drawings(outcomes: &[CaseResult]) -> Vec<(String, Svg)> {
    let mut drawn = Vec::new();
    let sweeps = outcomes.iter().filter_map(|outcome| outcome.case.sweep.as_ref());
    for sweep in sweeps {
        if drawn.iter().any(|(name, _)| *name == sweep.name) {
            continue;
        }
        let part_of = |outcome: &&CaseResult| outcome.case.sweep.as_ref().is_some_and(|other| other.name == sweep.name);
        let parts: Vec<&CaseResult> = outcomes.iter().filter(part_of).collect();
        drawn.push((sweep.name.clone(), curves::draw(&sweep.axis, &parts)));
    }
    let talks: Vec<&CaseResult> =
        outcomes.iter().filter(|it| matches!(it.case.scenario, Scenario::Fanout(_))).collect();
    for (name, title, figure, unit) in [
        ("cost", "Processor time of the server for a delivery", "server_cpu_us_per_delivery", "µs"),
        ("latency-p50", "Latency, median", "latency_p50_ms", "ms"),
        ("latency-p99", "Latency, 99 of 100 below", "latency_p99_ms", "ms"),
    ] {
        drawn.extend(bars::draw(title, figure, unit, &talks).map(|svg| (name.to_owned(), svg)));
    }
    drawn
}

/// The colour of a server in all drawings.
fn colour(server: ServerKind) -> &'static str {
    match server {
        ServerKind::Bare => "#9aa0a6",
        ServerKind::BareCoalesced => "#5f8dd3",
        ServerKind::Parlor => "#c0392b",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;
    use crate::record::Run;

    #[test]
    fn each_sweep_has_a_drawing_that_names_its_servers() {
        let outcome = |case: cases::Case| {
            let figures = [("server_cpu_us_per_delivery", 2.5), ("latency_p50_ms", 1.0), ("latency_p99_ms", 3.0)];
            let figures = figures.map(|(name, value)| (name.to_owned(), value)).into();
            CaseResult { case, runs: vec![Run { server: ServerKind::Parlor, round: 1, figures }] }
        };
        let outcomes: Vec<CaseResult> = cases::suite().into_iter().map(outcome).collect();
        let drawn = drawings(&outcomes);
        let names: Vec<&str> = drawn.iter().map(|(name, _)| name.as_str()).collect();
        let sweeps = ["members-slow", "members-saturated", "rooms", "payload"];
        assert_eq!(names, [&sweeps[..], &["cost", "latency-p50", "latency-p99"]].concat());
        for (name, svg) in drawn {
            let text = svg.finish();
            assert!(text.contains(">parlor<") && text.ends_with("</svg>\n"), "{name}: {text}");
        }
    }
}
