//! The plan of faults of a run. The seed alone determines it. It must not execute anything.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::rng::SeededRng;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// `kill -9` of a server, started again later.
    Kill,
    /// SIGSTOP of a server, continued later.
    Freeze,
    /// SIGTERM of a server, started again later.
    Stop,
    /// Everything of a server moves to a Redis while it runs, and back later.
    Migrate,
    /// The files of a server cannot grow for a limited time.
    DiskFull,
    /// A server gets no more descriptors for a limited time.
    NoDescriptors,
    /// The wall clock of a server jumps, and later back.
    Clock,
    /// Clients stay connected, but no data passes in either direction for a limited time.
    HalfOpen,
    /// Connections open and are reset at every stage, many per second.
    RstStorm,
    /// All connections between a server and Redis are closed.
    Cut,
    /// The link between a server and Redis swallows everything for a limited time.
    Hole,
    /// Redis receives data from a server, but its answers are held back for a limited time.
    Mute,
    /// The link between a server and Redis is slow for a limited time.
    Delay,
    /// The next answer of Redis to a server breaks off in the middle.
    Reset,
    /// `kill -9` of Redis, started again later on its file.
    RedisKill,
    /// Redis is stopped in the way an operator stops it, and started again later on its file.
    RedisRestart,
    /// SIGSTOP of Redis, continued later.
    RedisFreeze,
    /// Redis is emptied.
    RedisEmpty,
    /// The machine itself stalled, so the monitor got no processor time. No plan contains this fault.
    Stall,
}

/// The target of a fault. Two faults on one target never last at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Process,
    Clients,
    RecordedConnection,
    Redis,
    Machine,
}

/// All faults that the user can request, with their names on the command line, and their effects.
pub const FAULT_KINDS: [(&str, FaultKind, &str); 18] = [
    ("kill", FaultKind::Kill, "a server is killed, and started again"),
    ("freeze", FaultKind::Freeze, "a server is frozen, and goes on"),
    ("stop", FaultKind::Stop, "a server is stopped by SIGTERM, and started again"),
    ("migrate", FaultKind::Migrate, "everything moves to a Redis, and back; only by name, needs redis-server"),
    ("disk-full", FaultKind::DiskFull, "no file of a server can grow"),
    ("no-descriptors", FaultKind::NoDescriptors, "a server gets no more descriptors"),
    ("clock", FaultKind::Clock, "the clock of a server jumps; needs a build with planted-bugs"),
    ("half-open", FaultKind::HalfOpen, "clients stay connected, and nothing passes"),
    ("rst-storm", FaultKind::RstStorm, "connections come, and are reset at every stage"),
    ("cut", FaultKind::Cut, "the link to Redis is closed"),
    ("hole", FaultKind::Hole, "the link to Redis swallows everything"),
    ("mute", FaultKind::Mute, "the link to Redis brings no answers"),
    ("delay", FaultKind::Delay, "the link to Redis is slow"),
    ("reset", FaultKind::Reset, "the link to Redis breaks in the middle of an answer"),
    ("redis-kill", FaultKind::RedisKill, "Redis is killed, and started again"),
    ("redis-restart", FaultKind::RedisRestart, "Redis is stopped, and started again"),
    ("redis-freeze", FaultKind::RedisFreeze, "Redis is frozen, and goes on"),
    ("redis-empty", FaultKind::RedisEmpty, "Redis loses everything"),
];

impl FromStr for FaultKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = FAULT_KINDS.iter().find(|(name, ..)| *name == text);
        known.map(|(_, kind, _)| *kind).ok_or_else(|| {
            let names: Vec<&str> = FAULT_KINDS.iter().map(|(name, ..)| *name).collect();
            format!("{text} is no kind of fault; there are {}", names.join(", "))
        })
    }
}

impl FaultKind {
    fn target(self) -> Target {
        match self {
            Self::Kill
            | Self::Freeze
            | Self::Stop
            | Self::Migrate
            | Self::DiskFull
            | Self::NoDescriptors
            | Self::Clock => Target::Process,
            Self::HalfOpen | Self::RstStorm => Target::Clients,
            Self::Cut | Self::Hole | Self::Mute | Self::Delay | Self::Reset => Target::RecordedConnection,
            Self::RedisKill | Self::RedisRestart | Self::RedisFreeze | Self::RedisEmpty => Target::Redis,
            Self::Stall => Target::Machine,
        }
    }

    /// Whether a client alone can cause it.
    #[must_use]
    pub fn is_of_clients(self) -> bool {
        self.target() == Target::Clients
    }

    /// Whether it hits Redis itself.
    #[must_use]
    pub fn is_of_redis(self) -> bool {
        self.target() == Target::Redis
    }

    /// Whether it needs a Redis at all.
    #[must_use]
    pub fn needs_redis(self) -> bool {
        matches!(self.target(), Target::RecordedConnection | Target::Redis)
    }

    /// Whether the server is down or frozen.
    pub(crate) fn stills(self) -> bool {
        matches!(self, Self::Kill | Self::Freeze | Self::Stop)
    }

    /// How long it lasts.
    fn lasts(self, rng: &mut SeededRng) -> Duration {
        match self {
            Self::Kill | Self::Stop | Self::Migrate => rng.millis(500, 8_000),
            // Both shorter and longer than a lease.
            Self::Freeze | Self::Hole | Self::Mute | Self::HalfOpen => rng.millis(500, 14_000),
            Self::Delay | Self::RstStorm | Self::DiskFull | Self::NoDescriptors | Self::Clock => {
                rng.millis(1_000, 6_000)
            }
            Self::RedisKill | Self::RedisRestart => rng.millis(100, 5_000),
            Self::RedisFreeze => rng.millis(200, 12_000),
            Self::Cut | Self::Reset | Self::RedisEmpty | Self::Stall => Duration::ZERO,
        }
    }

    fn on(self, server: usize) -> Fault {
        let is_of_one = !matches!(self.target(), Target::Redis | Target::Machine);
        Fault { kind: self, server: is_of_one.then_some(server) }
    }
}

/// A fault, and the server that it hits. `None` if it hits Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) server: Option<usize>,
}

impl Fault {
    /// The machine stalled.
    pub(crate) const STALL: Self = Self { kind: FaultKind::Stall, server: None };

    /// Whether the server itself is frozen or down.
    pub(crate) fn stills(self, server: usize) -> bool {
        self == Self::STALL || (self.server == Some(server) && self.kind.stills())
    }

    /// Whether the server is frozen or down, or was so for a part of the time.
    pub(crate) fn interrupts(self, server: usize) -> bool {
        self.stills(server) || (self.server == Some(server) && self.kind == FaultKind::Migrate)
    }

    /// Whether it hits the store, or the link to the store.
    pub(crate) fn touches_store(self) -> bool {
        self.kind.needs_redis()
            || matches!(self.kind, FaultKind::DiskFull | FaultKind::NoDescriptors | FaultKind::Stall)
    }

    /// Whether `weak` clients of the server receive nothing from it.
    pub(crate) fn deafens(self, server: usize, weak: bool) -> bool {
        self == Self::STALL || (weak && self.kind == FaultKind::HalfOpen && self.server == Some(server))
    }

    /// Whether a server that is started again may not reach Redis.
    pub(crate) fn hides_redis_from(self, server: Option<usize>) -> bool {
        self.kind.needs_redis() && (self.server.is_none() || self.server == server)
    }

    /// Whether two faults cannot last at the same time, since they hit the same target.
    pub(crate) fn excludes(self, other: Self) -> bool {
        self.server == other.server && self.kind.target() == other.kind.target()
    }
}

/// A fault at a time of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) at: Duration,
    pub(crate) lasts: Duration,
    pub(crate) fault: Fault,
    /// Whether data that a link held back is lost with its connections, instead of arriving late.
    pub(crate) loses: bool,
}

/// The faults of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) servers: usize,
    /// The kinds of faults to choose from.
    pub(crate) kinds: Vec<FaultKind>,
    /// Length of the chaos phase, in which clients act as they like.
    pub(crate) length: Duration,
    /// In order of time.
    pub(crate) steps: Vec<Step>,
}

impl Plan {
    /// There is no fault before this time, so that the clients can connect.
    const FIRST: Duration = Duration::from_millis(1500);

    /// The plan of a seed with these kinds of faults.
    pub(crate) fn of(seed: u64, servers: usize, kinds: &[FaultKind], length: Duration) -> Self {
        let mut rng = SeededRng::new(seed, 0);
        let mut steps: Vec<Step> = Vec::new();
        let wanted = if kinds.is_empty() { 0 } else { 1 + length.as_secs() / 4 };
        for _ in 0..wanted {
            let kind = *rng.pick(kinds);
            let fault = kind.on(rng.below(servers as u64) as usize);
            let span = length.saturating_sub(Self::FIRST).as_millis() as u64;
            let at = Self::FIRST + rng.millis(0, span * 3 / 4);
            let step = Step { at, lasts: kind.lasts(&mut rng), fault, loses: rng.chance(50) };
            if steps.iter().all(|other| step.may_stand_beside(other)) {
                steps.push(step);
            }
        }
        steps.sort_by_key(|step| step.at);
        Self { seed, servers, kinds: kinds.to_vec(), length, steps }
    }
}

impl Step {
    fn may_stand_beside(&self, other: &Self) -> bool {
        // The life that an entry belongs to can be determined for only one emptying.
        let both_empty = self.fault.kind == FaultKind::RedisEmpty && other.fault.kind == FaultKind::RedisEmpty;
        let slack = Duration::from_millis(500);
        let apart = self.at > other.at + other.lasts + slack || other.at > self.at + self.lasts + slack;
        !both_empty && (apart || !self.fault.excludes(other.fault))
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(FAULT_KINDS.iter().find(|(_, kind, _)| kind == self).map_or("stall", |(name, ..)| name))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.server {
            Some(server) => write!(out, "{} server {server}", self.kind),
            None => write!(out, "{}", self.kind),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "seed {}, {} servers, {:?}", self.seed, self.servers, self.length)?;
        for Step { at, lasts, fault, .. } in &self.steps {
            writeln!(out, "  at {:.1} s for {:.1} s: {fault}", at.as_secs_f64(), lasts.as_secs_f64())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTH: Duration = Duration::from_secs(60);

    fn everything() -> Vec<FaultKind> {
        FAULT_KINDS.map(|(_, kind, _)| kind).to_vec()
    }

    #[test]
    fn a_seed_gives_one_plan() {
        assert_eq!(Plan::of(3, 3, &everything(), LENGTH), Plan::of(3, 3, &everything(), LENGTH));
        assert_ne!(Plan::of(3, 3, &everything(), LENGTH).steps, Plan::of(4, 3, &everything(), LENGTH).steps);
    }

    #[test]
    fn one_thing_has_one_fault_at_a_time() {
        for seed in 0..200 {
            let Plan { steps, .. } = Plan::of(seed, 3, &everything(), LENGTH);
            for (at, step) in steps.iter().enumerate() {
                assert!(steps[at + 1..].iter().all(|other| step.may_stand_beside(other)), "{steps:?}");
            }
            assert!(steps.iter().filter(|step| step.fault.kind == FaultKind::RedisEmpty).count() <= 1);
        }
    }

    #[test]
    fn every_kind_of_fault_can_be_named() {
        for (name, kind, _) in FAULT_KINDS {
            assert_eq!(name.parse(), Ok(kind));
            assert_eq!(kind.to_string(), name);
        }
        assert!("quake".parse::<FaultKind>().is_err());
    }
}
