//! Executes the plan of faults and records when each began and ended. It must not choose faults.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::client::RunContext;
use crate::deployment::Deployment;
use crate::plan::{FaultKind, Plan};
use crate::record::{Connection, Dump, Moment, Span};
use crate::rst_storm::rage;
use parlor_process_testkit::Failure;

/// The result of the injection.
#[derive(Debug, Default)]
pub(crate) struct InjectionLog {
    pub(crate) spans: Vec<Span>,
    pub(crate) dumps: Vec<Dump>,
    /// The connections that the storms made.
    pub(crate) connections: Vec<Connection>,
}

/// The start or the end of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    at: Duration,
    step: usize,
    ends: bool,
}

/// A fault that lasts.
struct Lasting {
    step: usize,
    since: Moment,
    storm: Option<Storm>,
}

/// Executes the plan, starting now. When it returns, no fault lasts any more.
///
/// # Errors
/// If a fault could not begin or end.
pub(crate) fn inject(plan: &Plan, world: &Deployment, context: &Arc<RunContext>) -> Result<InjectionLog, Failure> {
    let start = Instant::now();
    let mut deeds = InjectionLog::default();
    let mut turns = turns(plan);
    let mut lasting: Vec<Lasting> = Vec::new();
    while !turns.is_empty() {
        let turn = turns.remove(0);
        thread::sleep(turn.at.saturating_sub(start.elapsed()));
        let step = &plan.steps[turn.step];
        if !turn.ends && is_taken(plan, turn.step, &lasting) {
            turns.retain(|other| other.step != turn.step);
            continue;
        }
        if !turn.ends {
            let since = context.began.elapsed();
            let storm = (step.fault.kind == FaultKind::RstStorm).then(|| Storm::begin(plan, turn.step, context));
            lasting.push(Lasting { step: turn.step, since, storm });
            let dump = world.begin(step)?;
            if dump.is_some() {
                context.board.allow_again(context.began.elapsed());
            }
            deeds.dumps.extend(dump.map(|dump| Dump { from: since, at: context.began.elapsed(), ..dump }));
            continue;
        }
        if must_wait(plan, turn.step, &lasting) {
            turns.push(Turn { at: start.elapsed() + Duration::from_millis(200), ..turn });
            turns.sort_by_key(|turn| turn.at);
            continue;
        }
        world.end(step)?;
        if let Some(at) = lasting.iter().position(|lasting| lasting.step == turn.step) {
            let Lasting { since, storm, .. } = lasting.remove(at);
            deeds.connections.extend(storm.into_iter().flat_map(Storm::end));
            deeds.spans.push(Span { from: since, to: context.began.elapsed(), fault: step.fault });
        }
    }
    deeds.spans.sort_by_key(|span| span.from);
    Ok(deeds)
}

fn turns(plan: &Plan) -> Vec<Turn> {
    let begins = plan.steps.iter().enumerate().map(|(step, it)| Turn { at: it.at, step, ends: false });
    let ends = plan.steps.iter().enumerate().map(|(step, it)| Turn { at: it.at + it.lasts, step, ends: true });
    let mut turns: Vec<Turn> = begins.chain(ends).collect();
    turns.sort_by_key(|turn| (turn.at, turn.ends));
    turns
}

/// Whether the start of a server must wait: a server rightly refuses to start while it cannot reach Redis.
fn must_wait(plan: &Plan, step: usize, lasting: &[Lasting]) -> bool {
    let fault = plan.steps[step].fault;
    let restarts = matches!(fault.kind, FaultKind::Kill | FaultKind::Stop);
    restarts && lasting.iter().any(|other| plan.steps[other.step].fault.hides_redis_from(fault.server))
}

/// Whether another fault on the same target still lasts, longer than planned. For example, a server that could not be
/// started again yet cannot be frozen. In this case the fault is left out.
fn is_taken(plan: &Plan, step: usize, lasting: &[Lasting]) -> bool {
    lasting.iter().any(|other| plan.steps[other.step].fault.excludes(plan.steps[step].fault))
}

/// A storm at one server, on its own thread.
struct Storm {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Connection>>,
}

impl Storm {
    fn begin(plan: &Plan, step: usize, context: &Arc<RunContext>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (context, seed, until) = (context.clone(), plan.seed ^ ((step as u64) << 32), stop.clone());
        let server = plan.steps[step].fault.server.unwrap_or_default();
        let thread = thread::spawn(move || rage(&context.doors[server], &context, seed, &until));
        Self { stop, thread }
    }

    fn end(self) -> Vec<Connection> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Fault, Step};

    #[test]
    fn what_cannot_be_started_again_yet_is_not_frozen() {
        let step = |kind, server| Step {
            at: Duration::ZERO,
            lasts: Duration::from_secs(1),
            fault: Fault { kind, server: Some(server) },
            loses: false,
        };
        let steps = vec![
            step(FaultKind::Kill, 0),
            step(FaultKind::Freeze, 0),
            step(FaultKind::Freeze, 1),
            step(FaultKind::Cut, 0),
        ];
        let plan = Plan { seed: 1, servers: 2, kinds: Vec::new(), length: Duration::from_secs(40), steps };
        let killed = [Lasting { step: 0, since: Moment::ZERO, storm: None }];
        let taken = |lasting: &[Lasting]| [1, 2, 3].map(|step| is_taken(&plan, step, lasting));
        assert_eq!(taken(&killed), [true, false, false]);
        assert_eq!(taken(&[]), [false; 3]);
    }
}
