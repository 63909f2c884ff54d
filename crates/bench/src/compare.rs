//! Runs cases on several servers in turns, round after round, so that other work on the machine affects all servers
//! equally. It prints tables and keeps results. It must not judge them.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};

use crate::cases::Case;
use crate::measure::machine::{Machine, said_by};
use crate::progress::Progress;
use crate::record::{CaseResult, Record, Run};
use crate::scenario::fanout::{Fanout, Way};
use crate::scenario::{Scenario, Times};
use crate::servers::dialect::Dialect;
use crate::servers::{Running, ServerKind, Target};
use crate::table;

/// How cases are run.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) times: Times,
    /// The other servers to measure.
    pub(crate) beside: Vec<ServerKind>,
    /// The file for the results.
    pub(crate) json: Option<PathBuf>,
    pub(crate) running: Running,
    /// How clients talk.
    pub(crate) dialect: Dialect,
    pub(crate) parlor: PathBuf,
}

/// Runs the cases. Fails at the first error. Earlier results are kept.
pub(crate) fn run(cases: &[Case], plan: &Plan) -> Result<()> {
    let program = plan.parlor.to_string_lossy();
    let mut record = Record {
        machine: Machine::this(),
        version: said_by(&program, &["--version"]).with_context(|| format!("{program} does not run"))?,
        seconds: plan.times.time.as_secs_f64(),
        results: Vec::new(),
    };
    for case in cases {
        let outcome = one(case, plan)?;
        table::print(record.results.last(), &outcome);
        record.results.push(outcome);
        if let Some(file) = &plan.json {
            record.write(file)?;
        }
    }
    Ok(())
}

fn one(case: &Case, plan: &Plan) -> Result<CaseResult> {
    let contestants = contestants(case, plan);
    let is_text = plan.dialect == Dialect::Text;
    ensure!(is_text || contestants == [ServerKind::Parlor], "the bare servers speak only text lines: add --alone");
    let mut runs = Vec::new();
    for round in 1..=plan.rounds {
        for &server in &contestants {
            let what = format!("{}, {server}, round {round} of {}", case.name, plan.rounds);
            let progress = Progress::of(what.clone());
            let target = Target::open(server, &plan.running, &plan.parlor, case.scenario.connections())
                .with_context(|| what.clone())?;
            let figures =
                case.scenario.run(&target.speaking(plan.dialect), plan.times, &progress).with_context(|| what)?;
            runs.push(Run { server, round, figures });
        }
    }
    Ok(CaseResult { case: case.clone(), runs })
}

/// The servers that can run a case. The bare servers have no followers, and have nothing to coalesce if no messages are
/// sent.
fn contestants(case: &Case, plan: &Plan) -> Vec<ServerKind> {
    let fits = |contestant: &ServerKind| match (case.scenario, contestant) {
        (_, ServerKind::Parlor) => false,
        (Scenario::Fanout(Fanout { way: Way::Publication, .. }), _) => false,
        (Scenario::Fanout(_), _) => true,
        (_, contestant) => *contestant == ServerKind::Bare,
    };
    plan.beside.iter().copied().filter(fits).chain([ServerKind::Parlor]).collect()
}
