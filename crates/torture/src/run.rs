//! A run: round after round on the same servers, and a check of each round at its end. It must not know how a promise
//! is checked, nor how the result looks.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::checks;
use crate::config::Config;
use crate::deployment::Deployment;
use crate::plan::Plan;
use crate::promises::Promise;
use crate::record::History;
use crate::report::{Violation, describe, everything};
use crate::round::play;
use crate::statistics::Statistics;
use crate::summary::RunSummary;
use parlor_process_testkit::Failure;

/// Minimum and maximum length of the chaos phase of one round.
const SHORTEST: Duration = Duration::from_secs(6);
const LONGEST: Duration = Duration::from_secs(40);
/// The time that a round needs besides: to connect, to detect ghosts, to come back, and to check the lists.
const AROUND: Duration = Duration::from_secs(25);
/// How often a promise that was broken several times is shown. The first time it is shown in full.
const SHOWN: usize = 3;

/// A round in which a promise was broken.
#[derive(Debug, Clone)]
pub(crate) struct Broken {
    /// Seed of the round.
    pub(crate) seed: u64,
    pub(crate) length: Duration,
    /// Time from the start of the run until the violation was found.
    pub(crate) found_after: Duration,
    /// Number of violations, by promise and by check.
    pub(crate) times: BTreeMap<(&'static str, &'static str), usize>,
    /// The description for users.
    pub(crate) text: String,
    /// The file with the record of everything.
    pub(crate) record: Option<PathBuf>,
}

/// Executes a run, and calls `progress` with a line for users after each round. Blocks for about the time that the
/// configuration says.
///
/// # Errors
/// If the run could not be executed. This says nothing about any promise.
pub fn run(config: &Config, mut progress: impl FnMut(&str)) -> Result<RunSummary, Failure> {
    let began = Instant::now();
    let random = RandomState::new();
    let password: Arc<str> = format!("{:016x}", random.hash_one("password")).into();
    let world = Deployment::open(config, &password)?;
    let mut tally = Statistics::default();
    let (mut broken, mut rounds) = (Vec::new(), 0);
    while rounds == 0 || began.elapsed() + SHORTEST + AROUND < config.length {
        let seed = config.seed + rounds;
        let left = config.length.saturating_sub(began.elapsed());
        // A round that gets more time than it needs leaves no time for another one.
        let length = if left > 2 * AROUND + SHORTEST { left.saturating_sub(AROUND) } else { left * 2 / 3 };
        // Whole seconds, since the command that repeats a round takes whole seconds.
        let length = Duration::from_secs(length.clamp(SHORTEST, LONGEST).as_secs());
        let length = config.once.unwrap_or(length);
        let plan = Plan::of(seed, world.doors().len(), &config.faults, length);
        let tag = format!("-{:05x}{rounds:x}", random.hash_one(rounds) & 0xf_ffff);
        let history = play(&plan, config, &world, &tag)?;
        tally.add(&history);
        let found = checks::check(&history);
        rounds += 1;
        progress(&line(rounds, &plan, &history, found.len()));
        if !found.is_empty() {
            broken.push(Broken::new(&plan, &history, &world, &found, began.elapsed()));
        }
        if config.once.is_some() || (config.stop_at_first && !broken.is_empty()) {
            break;
        }
    }
    Ok(RunSummary::new(config, world.doors().len(), rounds, began.elapsed(), tally, broken))
}

/// A description of a round in one line.
fn line(round: u64, plan: &Plan, history: &History, broken: usize) -> String {
    let faults: Vec<String> = history.spans.iter().map(|span| span.fault.to_string()).collect();
    let faults = if faults.is_empty() { "no faults".to_owned() } else { faults.join(", ") };
    let verdict = if broken == 0 { "kept" } else { "BROKEN" };
    format!("round {round}, seed {}: {faults}: {verdict}", plan.seed)
}

impl Broken {
    fn new(plan: &Plan, history: &History, world: &Deployment, found: &[Violation], found_after: Duration) -> Self {
        let mut times: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let mut text = plan.to_string();
        for violation in found {
            let so_far = times.entry((Promise::of(violation.invariant).name, violation.invariant)).or_default();
            *so_far += 1;
            match *so_far {
                1 => text += &describe(violation, history),
                2..=SHOWN => text += &format!("also at {:?}: {}\n", violation.at, violation.what),
                _ => {}
            }
        }
        let record = write_down(plan, history, world, &text);
        Self { seed: plan.seed, length: plan.length, found_after, times, text, record }
    }
}

/// Writes a record of everything to a file, if possible. The verdict does not depend on it.
fn write_down(plan: &Plan, history: &History, world: &Deployment, verdict: &str) -> Option<PathBuf> {
    let mut text = format!("{verdict}\n{}", everything(history));
    for (server, log) in world.logs().iter().enumerate() {
        text += &format!("log of server {server}:\n{log}\n");
    }
    let path = std::env::temp_dir().join(format!("parlor-torture{}-seed-{}.txt", history.tag, plan.seed));
    fs::write(&path, text).ok()?;
    Some(path)
}
