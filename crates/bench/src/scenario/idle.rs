//! Clients that are in rooms and send nothing: what each costs in memory, threads and descriptors. It must not let them
//! receive anything.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::{Figures, Times, figures};
use crate::load::ClientPool;
use crate::measure::cpu;
use crate::measure::memory::Memory;
use crate::progress::Progress;
use crate::servers::Target;
use crate::servers::accounts::Step;

/// The number of idle clients.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Idle {
    /// Clients in all rooms together.
    pub(crate) clients: usize,
    /// Clients in each room.
    pub(crate) members: usize,
}

/// Runs the scenario.
pub(crate) fn run(idle: &Idle, target: &Target, times: Times, progress: &Progress) -> Result<Figures> {
    let mut crowd = ClientPool::new(target, idle.clients)?;
    let look = || target.pid.map(Memory::of).transpose();
    let before = look()?;
    let begin = Instant::now();
    let steps = |client: usize| {
        let room = client / idle.members;
        Ok(vec![target.accounts.first(client)?, Step::new(format!("/join bench-{room}"), "OK join")])
    };
    crowd.admit(0..idle.clients, steps, |inside| progress.tell(inside, idle.clients, "clients in"))?;
    let entered = begin.elapsed().as_secs_f64();
    rest(&mut crowd, times.warmup)?;
    let spent = target.pid.map(cpu::seconds).transpose()?;
    rest(&mut crowd, times.time)?;
    let used = target.pid.map(cpu::seconds).transpose()?.zip(spent).map_or(f64::NAN, |(after, before)| after - before);
    let mut found =
        figures([("entered_seconds", entered), ("idle_cpu_us_per_second", used * 1e6 / times.time.as_secs_f64())]);
    if let (Some(before), Some(after)) = (before, look()?) {
        found.extend(grown(before, after, idle.clients as f64));
    }
    Ok(found)
}

/// Waits. A client in a small room receives the presence events of later clients. These are dropped.
fn rest(crowd: &mut ClientPool<'_>, time: Duration) -> Result<()> {
    let begin = Instant::now();
    while let Some(left) = time.checked_sub(begin.elapsed()) {
        let news = crowd.turn(Some(left), &mut |_, _| Ok(()))?;
        ensure!(news.gone.is_empty(), "the server closed a connection");
    }
    Ok(())
}

fn grown(before: Memory, after: Memory, clients: f64) -> Figures {
    let each = |of: fn(&Memory) -> f64| (of(&after) - of(&before)) / clients;
    let (stacks, tables) = (each(|it| it.stacks), each(|it| it.tables));
    figures([
        ("resident_kib_per_client", each(|it| it.resident)),
        ("proportional_kib_per_client", each(|it| it.proportional)),
        ("kernel_stack_kib_per_client", stacks),
        ("page_table_kib_per_client", tables),
        // Slab memory of the sockets of both sides, and of all other work on the machine.
        ("slab_kib_per_client_both_sides", each(|it| it.slab)),
        ("threads_per_client", each(|it| it.threads)),
        ("descriptors_per_client", each(|it| it.descriptors)),
        ("resident_kib", after.resident),
        ("threads", after.threads),
        ("descriptors", after.descriptors),
    ])
}
