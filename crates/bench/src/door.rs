//! What a delivery through the web door costs the server beside JSON lines: `parlor-bench door`. Both are measured in
//! pairs, so that other work on the machine affects both. It must not judge the ratio.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde::Serialize;

use crate::cases;
use crate::measure::machine::{Machine, said_by};
use crate::progress::Progress;
use crate::scenario::{Figures, Scenario, Times};
use crate::servers::dialect::Dialect;
use crate::servers::{Running, ServerKind, Target};

/// Options of `parlor-bench door`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Pairs of measurements for each case
    #[arg(long, default_value_t = 9)]
    pairs: usize,
    /// Seconds of each measurement
    #[arg(long, default_value_t = 3.0)]
    seconds: f64,
    /// Seconds before that; less than 4 measure that clients come to rest, too
    #[arg(long, default_value_t = 4.0)]
    warmup: f64,
    /// Only what has this in its name
    #[arg(long, default_value = "")]
    only: String,
    /// Writes every single result to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The results.
#[derive(Debug, Serialize)]
struct Results {
    version: String,
    machine: Machine,
    seconds: f64,
    cases: Vec<Case>,
}

#[derive(Debug, Serialize)]
struct Case {
    name: String,
    pairs: Vec<Pair>,
}

/// Two measurements, one directly after the other.
#[derive(Debug, Serialize)]
struct Pair {
    lines: Figures,
    web: Figures,
}

/// Runs the measurement and prints a table.
pub(crate) fn run(options: &Options, parlor: &Path) -> Result<()> {
    ensure!(options.pairs > 0, "nothing is measured without a pair");
    let program = parlor.to_string_lossy();
    let version = said_by(&program, &["--version"]).with_context(|| format!("{program} does not run"))?;
    let (machine, mut found) = (Machine::this(), Vec::new());
    println!("| case | JSON lines, CPU µs each | web door | web of lines | least to most | tool µs, lines | web |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    for case in cases::door().into_iter().filter(|case| case.name.contains(&options.only)) {
        let pairs = (0..options.pairs).map(|number| pair(&case.scenario, number, options, parlor));
        let pairs = pairs.collect::<Result<Vec<_>>>().with_context(|| case.name.clone())?;
        println!("{}", row(&case.name, &pairs)?);
        found.push(Case { name: case.name, pairs });
    }
    let Some(file) = &options.json else { return Ok(()) };
    let results = Results { version, machine, seconds: options.seconds, cases: found };
    let text = serde_json::to_string_pretty(&results)?;
    std::fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
}

/// Measures both. The one that was second is first in the next pair.
fn pair(scenario: &Scenario, number: usize, options: &Options, parlor: &Path) -> Result<Pair> {
    let seconds = Duration::from_secs_f64;
    let times = Times { warmup: seconds(options.warmup), time: seconds(options.seconds) };
    let measure = |dialect: Dialect| {
        let progress = Progress::of(format!("pair {} of {}{}", number + 1, options.pairs, dialect.suffix()));
        let target = Target::open(ServerKind::Parlor, &Running::default(), parlor, scenario.connections())?;
        scenario.run(&target.speaking(dialect), times, &progress)
    };
    if number.is_multiple_of(2) {
        let lines = measure(Dialect::Json)?;
        return Ok(Pair { lines, web: measure(Dialect::Web)? });
    }
    let web = measure(Dialect::Web)?;
    Ok(Pair { lines: measure(Dialect::Json)?, web })
}

fn row(name: &str, pairs: &[Pair]) -> Result<String> {
    const COST: &str = "server_cpu_us_per_delivery";
    const TOOL: &str = "tool_cpu_us_per_delivery";
    let of = |what: &dyn Fn(&Pair) -> Option<f64>| {
        let mut values = pairs.iter().map(what).collect::<Option<Vec<f64>>>().context("a figure is missing")?;
        values.sort_unstable_by(f64::total_cmp);
        Ok::<_, anyhow::Error>(values)
    };
    let ratios = of(&|pair| Some(pair.web.get(COST)? / pair.lines.get(COST)?))?;
    let median = |values: Vec<f64>| values[values.len() / 2];
    let [lines, web] =
        [median(of(&|pair| pair.lines.get(COST).copied())?), median(of(&|pair| pair.web.get(COST).copied())?)];
    let tools = [median(of(&|pair| pair.lines.get(TOOL).copied())?), median(of(&|pair| pair.web.get(TOOL).copied())?)];
    let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
    let ratio = median(ratios);
    let [tool_lines, tool_web] = tools;
    Ok(format!(
        "| {name} | {lines:.3} | {web:.3} | {ratio:.3} | {least:.3} to {most:.3} | {tool_lines:.3} | {tool_web:.3} |"
    ))
}
