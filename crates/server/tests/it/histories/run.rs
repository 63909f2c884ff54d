//! One run: the cast, the parts in their order, and the verdict. It must not know what is promised.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::actor::{Actor, Part, Role, Scene};
use super::board::{Board, Stage};
use super::checks;
use super::nemesis::{Deeds, torment};
use super::plan::{Kind, Plan};
use super::record::{History, Span};
use super::report::{describe, everything};
use super::world::World;

/// How often a promise that was broken several times is shown, the first time in full.
const SHOWN: usize = 4;
/// After this, the people of a server that died must not be shown any more.
const GHOSTS_ARE_SEEN_AFTER: Duration = Duration::from_secs(22);
/// After this, everybody has to hear what is said in the new life of a store that was emptied.
const NEW_LIFE_IS_SEEN_AFTER: Duration = Duration::from_secs(18);
/// For everybody to come back: a lease has to run out, and a second attempt may be needed.
const GATHERED_WITHIN: Duration = Duration::from_secs(45);
const PATIENCE: Duration = Duration::from_secs(30);

/// Who keeps what is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeper {
    /// The one server there is.
    Itself,
    /// A Redis that all servers share.
    Redis,
}

/// Runs a plan and fails if a promise was broken.
pub(super) fn judge(plan: &Plan, keeper: Keeper) {
    let verdict = verdict(plan, keeper);
    assert!(verdict.is_ok(), "{}", verdict.unwrap_err());
}

/// Runs a plan. Broken promises are described for people.
pub(super) fn verdict(plan: &Plan, keeper: Keeper) -> Result<String, String> {
    let world = match keeper {
        Keeper::Itself => World::embedded(plan.reject),
        Keeper::Redis => World::on_redis(plan.servers, plan.reject),
    };
    let history = play(plan, &world);
    let found = checks::check(&history);
    if found.is_empty() {
        return Ok(summary(&history));
    }
    let mut text = format!("{} promises broken.\n{plan}", found.len());
    let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
    for violation in &found {
        let times = shown.entry(violation.invariant).or_default();
        *times += 1;
        match *times {
            1 => writeln!(text, "{}", describe(violation, &history)).unwrap(),
            2..=SHOWN => writeln!(text, "also at {:?}: {}\n", violation.at, violation.what).unwrap(),
            _ => {}
        }
    }
    for (invariant, times) in shown {
        writeln!(text, "{times} times: {invariant}").unwrap();
    }
    writeln!(text, "Everything is in {}.", write_down(plan, &history, &world, &text).display()).unwrap();
    writeln!(text, "Again: {}", command(plan)).unwrap();
    Err(text)
}

/// What a run was made of.
fn summary(history: &History) -> String {
    let lines = history.connections.iter().map(|connection| connection.exchanges().len()).sum::<usize>();
    let heard = history.connections.iter().map(|connection| connection.heard().count()).sum::<usize>();
    let connections = history.connections.len();
    let faults: Vec<String> = history.spans.iter().map(|span| span.fault.to_string()).collect();
    format!("{connections} connections, {lines} lines, {heard} heard; faults: {}", faults.join(", "))
}

fn play(plan: &Plan, world: &World) -> History {
    let cast = cast();
    let everybody: BTreeSet<String> = cast.iter().map(|part| part.name.clone()).collect();
    let users: BTreeSet<String> = cast.iter().map(|part| part.user.clone()).collect();
    let (doors, began) = (world.doors(), Instant::now());
    let scene = Arc::new(Scene { users: users.into_iter().collect(), doors, board: Board::new(), began });
    let actors: Vec<_> = cast
        .into_iter()
        .map(|part| {
            let actor = Actor::new(part, scene.clone(), plan.seed);
            thread::Builder::new().name(actor.part.name.clone()).spawn(|| actor.play()).unwrap()
        })
        .collect();
    let mut history = History::default();
    let wait = |what: &str, patience| {
        let missing = scene.board.wait_for(&everybody, patience);
        if missing.is_empty() { None } else { Some(format!("{what}: not {}", missing.join(", "))) }
    };
    history.overdue.extend(wait("everybody comes together", GATHERED_WITHIN));
    let Deeds { spans, dumps } = chaos(plan, world, &scene);
    (history.spans, history.dumps) = (spans, dumps);
    scene.board.begin(Stage::Gather);
    history.overdue.extend(wait("everybody comes back and goes to a room", GATHERED_WITHIN));
    history.settled = began.elapsed();
    scene.board.begin(Stage::Mark);
    history.overdue.extend(wait("everybody is heard by all who should hear", PATIENCE));
    scene.board.begin(Stage::Look);
    history.overdue.extend(wait("all lists of members are right", PATIENCE));
    scene.board.begin(Stage::End);
    history.connections = actors.into_iter().flat_map(|actor| actor.join().unwrap()).collect();
    history.kept = world.logs_kept();
    history
}

/// Lets everybody do as they like for the time of the plan, and so long that ghosts would be seen.
fn chaos(plan: &Plan, world: &World, scene: &Scene) -> Deeds {
    let start = Instant::now();
    scene.board.begin(Stage::Chaos);
    let deeds = torment(plan, world, scene.began);
    thread::sleep(plan.length.saturating_sub(start.elapsed()));
    let linger = |span: &Span| match span.fault.kind {
        Kind::Kill | Kind::Freeze | Kind::Stop if world.has_leases() => span.from + GHOSTS_ARE_SEEN_AFTER,
        Kind::Flush => span.to + NEW_LIFE_IS_SEEN_AFTER,
        _ => Duration::ZERO,
    };
    let end = deeds.spans.iter().map(linger).max().unwrap_or_default();
    thread::sleep(end.saturating_sub(scene.began.elapsed()));
    if !deeds.dumps.is_empty() {
        scene.board.forget_accounts();
    }
    deeds
}

/// Steady ones first, one for each room.
fn cast() -> Vec<Part> {
    let mut cast: Vec<Part> = Vec::new();
    let mut add = |user: &str, suffix: &str, role| {
        cast.push(Part { number: cast.len(), name: format!("{user}{suffix}"), user: user.to_owned(), role });
    };
    ["sam", "sue", "sid", "sol"].iter().for_each(|user| add(user, "", Role::Steady));
    ["ray", "rex", "rob", "ron", "roy"].iter().for_each(|user| add(user, "", Role::Roamer));
    ["zac", "zoe", "zed"].iter().for_each(|user| add(user, "", Role::Sleeper));
    for user in ["dan", "dot"] {
        add(user, "", Role::Rival { first: true });
        add(user, "-too", Role::Rival { first: false });
    }
    cast
}

/// Writes a record of everything into a file.
fn write_down(plan: &Plan, history: &History, world: &World, verdict: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("histories");
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join(format!("seed-{}-{}.txt", plan.seed, kinds(plan)));
    let mut text = format!("{verdict}\n{}", everything(history));
    for (server, log) in world.logs().iter().enumerate() {
        writeln!(text, "log of server {server}:\n{log}").unwrap();
    }
    fs::write(&path, text).unwrap();
    path
}

/// As they are named in the environment.
fn kinds(plan: &Plan) -> String {
    match plan.kinds.as_slice() {
        [] => "none".to_owned(),
        kinds if *kinds == Kind::MIXED => "mixed".to_owned(),
        kinds => kinds.iter().map(Kind::to_string).collect::<Vec<_>>().join(","),
    }
}

fn command(plan: &Plan) -> String {
    format!(
        "PARLOR_SEEDS={} PARLOR_SERVERS={} PARLOR_FAULTS={} PARLOR_LENGTH={} \
         cargo test -p parlor --test it seeds_by_hand -- --ignored --nocapture",
        plan.seed,
        plan.servers,
        kinds(plan),
        plan.length.as_secs()
    )
}
