//! Carries out the plan of faults and notes when each began and ended. It must not choose.

use std::thread;
use std::time::{Duration, Instant};

use super::plan::{Kind, Plan};
use super::record::{Dump, Span};
use super::world::World;

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Deeds {
    pub(super) spans: Vec<Span>,
    pub(super) dumps: Vec<Dump>,
}

/// A fault that begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    at: Duration,
    step: usize,
    ends: bool,
}

/// Does to the world what the plan says, from now on. Times are noted as since `began`. When it returns, no fault
/// lasts any more.
pub(super) fn torment(plan: &Plan, world: &World, began: Instant) -> Deeds {
    let start = Instant::now();
    let mut deeds = Deeds::default();
    let mut turns = turns(plan);
    let mut lasting: Vec<(usize, Duration)> = Vec::new();
    while !turns.is_empty() {
        let turn = turns.remove(0);
        thread::sleep(turn.at.saturating_sub(start.elapsed()));
        let step = &plan.steps[turn.step];
        if !turn.ends {
            lasting.push((turn.step, began.elapsed()));
            deeds.dumps.extend(world.begin(step).map(|dump| Dump { at: began.elapsed(), ..dump }));
            continue;
        }
        if must_wait(plan, turn.step, &lasting) {
            turns.push(Turn { at: start.elapsed() + Duration::from_millis(200), ..turn });
            turns.sort_by_key(|turn| turn.at);
            continue;
        }
        world.end(step);
        let at = lasting.iter().position(|(step, _)| *step == turn.step).expect("what ends has begun");
        let (_, from) = lasting.remove(at);
        deeds.spans.push(Span { from, to: began.elapsed(), fault: step.fault });
    }
    deeds.spans.sort_by_key(|span| span.from);
    deeds
}

fn turns(plan: &Plan) -> Vec<Turn> {
    let begins = plan.steps.iter().enumerate().map(|(step, it)| Turn { at: it.at, step, ends: false });
    let ends = plan.steps.iter().enumerate().map(|(step, it)| Turn { at: it.at + it.lasts, step, ends: true });
    let mut turns: Vec<Turn> = begins.chain(ends).collect();
    turns.sort_by_key(|turn| (turn.at, turn.ends));
    turns
}

/// A server is not started while it cannot reach Redis: it would rightly not start.
fn must_wait(plan: &Plan, step: usize, lasting: &[(usize, Duration)]) -> bool {
    let fault = plan.steps[step].fault;
    let restarts = matches!(fault.kind, Kind::Kill | Kind::Stop);
    let in_the_way = |(other, _): &(usize, Duration)| {
        let other = plan.steps[*other].fault;
        other.touches_redis() && (other.server.is_none() || other.server == fault.server)
    };
    restarts && lasting.iter().any(in_the_way)
}
