//! One round: its phases in their order, and its record. It must not know the promises.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::accounts::Accounts;
use crate::checks::resources::is_at_rest;
use crate::client::{ClientSpec, Role, RunContext, SimulatedClient};
use crate::clients::{cast, users};
use crate::config::{Config, Target};
use crate::coordinator::{Coordinator, Phase};
use crate::deployment::Deployment;
use crate::guests::receive;
use crate::logs::read_back;
use crate::monitor::{Monitor, Seen, at_rest};
use crate::nemesis::{InjectionLog, inject};
use crate::plan::{Fault, FaultKind, Plan};
use crate::programs::report;
use crate::receiver::Receiver;
use crate::record::{Connection, History, Post, Span};
use parlor_process_testkit::Failure;

/// After this time, the users of a server that died must not be shown any more.
const GHOSTS_ARE_SEEN_AFTER: Duration = Duration::from_secs(25);
/// After this time, all clients must receive messages sent in the new life of a store that was emptied.
const NEW_LIFE_IS_SEEN_AFTER: Duration = Duration::from_secs(18);
/// Maximum time until all clients are back. With servers that share a store, a lease must expire first, and a second
/// attempt may be needed.
const GATHERED_WITHIN: Duration = Duration::from_secs(45);
const GATHERED_ALONE_WITHIN: Duration = Duration::from_secs(25);
const PATIENCE: Duration = Duration::from_secs(20);

/// Tells threads to end, also when their scope panics: it waits for them.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Plays one round. Names of users and rooms end with `tag`, which is unique to this round.
///
/// # Errors
/// If the round could not be played. This says nothing about any promise.
pub(crate) fn play(plan: &Plan, config: &Config, world: &Deployment, tag: &str) -> Result<History, Failure> {
    let cast = cast(config.clients, plan.servers, tag);
    let doors = world.doors();
    let storms = doors.iter().map(|door| format!("gus{}{tag}", door.server));
    let everybody: Vec<String> = users(&cast, true).into_iter().chain(storms).collect();
    let password = doors.first().map_or("", |door| &door.password);
    let accounts = Accounts::make(config, world.accounts_at(config), &everybody, password)?;
    let began = Instant::now();
    let is_own = matches!(config.target, Target::Own { .. });
    let receiver = is_own.then(|| Receiver::open(began)).transpose()?;
    let context = Arc::new(RunContext {
        users: users(&cast, false),
        rooms: rooms(tag),
        court: format!("court{tag}"),
        deputy: of_role(&cast, Role::Deputy).concat(),
        citizens: of_role(&cast, Role::Citizen),
        receiver,
        suspensions_end: plan.steps.iter().all(|step| step.fault.kind != FaultKind::Clock),
        tag: tag.to_owned(),
        accounts_are_made: !config.accounts.is_empty(),
        doors,
        web_percent: config.door.web_percent(),
        board: Coordinator::new(plan.steps.iter().any(|step| step.fault.kind == FaultKind::RedisEmpty)),
        began,
    });
    let (stop, prober) = (AtomicBool::new(false), world.prober(config));
    let history = thread::scope(|scope| {
        let watch = Monitor::begin(scope, world, &prober, context.began, &stop);
        let history = {
            let _stop = SetOnDrop(&stop);
            stages(plan, cast, world, &context, &accounts)
        };
        let Seen { samples, probes, deaths, stalls } = watch.end()?;
        let mut history = history?;
        history.spans.extend(stalls.into_iter().map(|(from, to)| Span { from, to, fault: Fault::STALL }));
        history.spans.sort_by_key(|span| span.from);
        let rests = at_rest(world, context.began, is_at_rest);
        Ok::<_, Failure>(History {
            tag: tag.to_owned(),
            reject: config.reject,
            store_has_own_clock: world.has_leases(),
            samples,
            probes,
            deaths,
            rests,
            ..history
        })
    })?;
    accounts.remove(&history)?;
    Ok(history)
}

/// All clients connect, act as they like, come together again, and leave.
fn stages(
    plan: &Plan,
    cast: Vec<ClientSpec>,
    world: &Deployment,
    context: &Arc<RunContext>,
    accounts: &Accounts<'_>,
) -> Result<History, Failure> {
    let judge = of_role(&cast, Role::Judge).concat();
    let everybody: BTreeSet<String> = cast.iter().map(|part| part.name.clone()).collect();
    let actors = cast.into_iter().map(|part| begin(part, context, plan.seed)).collect::<Result<Vec<_>, Failure>>();
    // Even after an error, the clients that have started must run to their end.
    let (actors, failed) = match actors {
        Ok(actors) => (actors, None),
        Err(failure) => (Vec::new(), Some(failure)),
    };
    let mut history = History::default();
    let played = failed.map_or(Ok(()), Err).and_then(|()| {
        history.overdue.extend(context.overdue("everybody comes together", &everybody, GATHERED_WITHIN));
        if history.overdue.is_empty() {
            accounts.promote(&judge)?;
        }
        let began = context.began.elapsed();
        let InjectionLog { spans, dumps, connections } = chaos(plan, world, context)?;
        history.chaos = (began, context.began.elapsed());
        (history.spans, history.dumps, history.connections) = (spans, dumps, connections);
        let gathered = if world.has_leases() { GATHERED_WITHIN } else { GATHERED_ALONE_WITHIN };
        come_together(&mut history, context, &everybody, gathered);
        history.posts = posts(&history, context);
        Ok(())
    });
    context.board.begin(Phase::End);
    for actor in actors {
        history.connections.extend(actor.join().map_err(|_| Failure::new("a client panicked"))?);
    }
    played?;
    history.kept = world.logs_kept()?;
    if history.kept.is_none() && history.reading > Duration::ZERO {
        history.kept = Some(read_back(&history));
    }
    Ok(history)
}

/// The phases without faults, up to the first one that is not complete in time. The logs are read even then, if everybody
/// is there.
fn come_together(history: &mut History, context: &RunContext, everybody: &BTreeSet<String>, gathered: Duration) {
    let parts = [
        (Phase::Gather, "everybody comes back and goes to a room", gathered),
        (Phase::Mark, "everybody is heard by all who should hear", PATIENCE),
        (Phase::Look, "all lists of members are right", PATIENCE),
        (Phase::Read, "all logs can be read to the end", PATIENCE),
    ];
    for (phase, what, patience) in parts {
        if phase == Phase::Look && !history.overdue.is_empty() {
            continue;
        }
        let began = context.began.elapsed();
        context.board.begin(phase);
        let overdue = context.overdue(what, everybody, patience);
        if phase == Phase::Gather {
            history.settled = context.began.elapsed();
        }
        if phase == Phase::Read && overdue.is_none() {
            history.reading = began;
        }
        history.overdue.extend(overdue);
        if phase == Phase::Gather && !history.overdue.is_empty() {
            return;
        }
    }
}

/// What outgoing hooks posted. Waits until the last messages are taken, unless they were lost with the store.
fn posts(history: &History, context: &RunContext) -> Vec<Post> {
    let Some(receiver) = &context.receiver else { return Vec::new() };
    let (hooks, newest) = context.board.owed_posts();
    let has_all = || hooks.iter().all(|url| receiver.has_taken(url, newest));
    let deadline = Instant::now() + PATIENCE;
    let waits = history.reading > Duration::ZERO && history.dumps.is_empty();
    while waits && Instant::now() < deadline && !has_all() {
        thread::sleep(Duration::from_millis(50));
    }
    receiver.posts()
}

/// Sleeps for `length`, not counting the time in which the machine stalled.
fn sleep_awake(length: Duration) {
    const PIECE: Duration = Duration::from_millis(100);
    let mut slept = Duration::ZERO;
    while slept < length {
        let before = Instant::now();
        thread::sleep(PIECE);
        slept += before.elapsed().min(2 * PIECE);
    }
}

impl RunContext {
    /// Waits until all clients have done what the current phase requires. Returns a description of what did not happen
    /// in time.
    fn overdue(&self, what: &str, everybody: &BTreeSet<String>, patience: Duration) -> Option<String> {
        let missing = self.board.wait_for(everybody, patience);
        (!missing.is_empty()).then(|| format!("{what}: not {}", missing.join(", ")))
    }
}

/// The rooms that clients go to.
fn rooms(tag: &str) -> Vec<String> {
    let others = ["red", "blue", "green"].into_iter().map(|room| format!("{room}{tag}"));
    std::iter::once("lobby".to_owned()).chain(others).collect()
}

/// The users of a role.
fn of_role(cast: &[ClientSpec], role: Role) -> Vec<String> {
    cast.iter().filter(|part| part.role == role).map(|part| part.user.clone()).collect()
}

fn begin(part: ClientSpec, context: &Arc<RunContext>, seed: u64) -> Result<JoinHandle<Vec<Connection>>, Failure> {
    let actor = SimulatedClient::new(part, context.clone(), seed);
    let thread = thread::Builder::new().name(actor.part.name.clone()).spawn(|| actor.play());
    thread.map_err(|error| {
        context.board.begin(Phase::End);
        Failure::of("no thread can be made for a client")(error)
    })
}

/// Lets all clients act as they like for the time of the plan, or longer if that is needed to detect ghosts.
fn chaos(plan: &Plan, world: &Deployment, context: &Arc<RunContext>) -> Result<InjectionLog, Failure> {
    context.board.begin(Phase::Chaos);
    let deeds = thread::scope(|scope| {
        let length = scope.spawn(|| sleep_awake(plan.length));
        let stop = AtomicBool::new(false);
        let (deeds, others) = thread::scope(|scope| {
            let guests = scope.spawn(|| receive(context, plan.seed, &stop));
            let programs = scope.spawn(|| report(context, plan.seed, &stop));
            let deeds = {
                let _stop = SetOnDrop(&stop);
                let deeds = inject(plan, world, context);
                // It cannot panic.
                let _ = length.join();
                deeds
            };
            (deeds, [guests.join(), programs.join()])
        });
        let mut deeds = deeds?;
        for records in others {
            deeds.connections.extend(records.map_err(|_| Failure::new("a thread of guests or programs panicked"))?);
        }
        Ok::<_, Failure>(deeds)
    })?;
    let linger = |span: &Span| match span.fault.kind {
        kind if kind.stills() && world.has_leases() => span.from + GHOSTS_ARE_SEEN_AFTER,
        FaultKind::RedisEmpty => span.to + NEW_LIFE_IS_SEEN_AFTER,
        _ => Duration::ZERO,
    };
    let end = deeds.spans.iter().map(linger).max().unwrap_or_default();
    thread::sleep(end.saturating_sub(context.began.elapsed()));
    if !deeds.dumps.is_empty() {
        context.board.forget_accounts();
    }
    context.board.allow_again(Duration::ZERO);
    Ok(deeds)
}
