//! The plan of faults of a run, which the seed alone determines. It must not carry anything out.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::dice::Dice;

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `kill -9` of a server, started again later.
    Kill,
    /// SIGSTOP of a server, continued later.
    Freeze,
    /// SIGTERM of a server, started again later.
    Stop,
    /// All connections between a server and Redis are closed.
    Cut,
    /// The link between a server and Redis swallows everything for a while.
    Hole,
    /// Redis hears a server, but what it answers is held back for a while.
    Mute,
    /// The link between a server and Redis is slow for a while.
    Delay,
    /// The next answer of Redis to a server breaks off in the middle.
    Reset,
    /// `kill -9` of Redis, started again later on its file.
    RedisKill,
    /// SIGSTOP of Redis, continued later.
    RedisPause,
    /// Redis is emptied.
    Flush,
}

/// All kinds with the names that they have in the environment.
const KINDS: [(&str, Kind); 11] = [
    ("kill", Kind::Kill),
    ("freeze", Kind::Freeze),
    ("stop", Kind::Stop),
    ("cut", Kind::Cut),
    ("hole", Kind::Hole),
    ("mute", Kind::Mute),
    ("delay", Kind::Delay),
    ("reset", Kind::Reset),
    ("redis-kill", Kind::RedisKill),
    ("redis-pause", Kind::RedisPause),
    ("flush", Kind::Flush),
];

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = KINDS.iter().find(|(name, _)| *name == text);
        known.map(|(_, kind)| *kind).ok_or_else(|| {
            let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            format!("{text} is no kind of fault; there are {}", names.join(", "))
        })
    }
}

impl Kind {
    /// What there is between clients and a server that keeps everything itself.
    pub(super) const SERVER: [Self; 3] = [Self::Kill, Self::Freeze, Self::Stop];
    /// Whatever leaves Redis what it knows.
    pub(super) const MIXED: [Self; 10] = [
        Self::Kill,
        Self::Freeze,
        Self::Stop,
        Self::Cut,
        Self::Hole,
        Self::Mute,
        Self::Delay,
        Self::Reset,
        Self::RedisKill,
        Self::RedisPause,
    ];

    /// For how long it lasts.
    fn lasts(self, dice: &mut Dice) -> Duration {
        match self {
            Self::Kill | Self::Stop => dice.millis(500, 8_000),
            // Both shorter and longer than a lease.
            Self::Freeze | Self::Hole | Self::Mute => dice.millis(500, 14_000),
            Self::Delay => dice.millis(1_000, 6_000),
            Self::RedisKill => dice.millis(100, 5_000),
            Self::RedisPause => dice.millis(200, 12_000),
            Self::Cut | Self::Reset | Self::Flush => Duration::ZERO,
        }
    }

    fn on(self, server: usize) -> Fault {
        match self {
            Self::RedisKill | Self::RedisPause | Self::Flush => Fault { kind: self, server: None },
            _ => Fault { kind: self, server: Some(server) },
        }
    }
}

/// A fault, and the server that it hits, unless it hits Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    pub(super) server: Option<usize>,
}

impl Fault {
    /// Whether the server itself stands still or is gone.
    pub(super) fn stills(self, server: usize) -> bool {
        self.server == Some(server) && Kind::SERVER.contains(&self.kind)
    }

    /// Whether Redis, or the way to it, is hit.
    pub(super) fn touches_redis(self) -> bool {
        !Kind::SERVER.contains(&self.kind)
    }

    /// Whether two faults cannot last at the same time, since they are done to the same thing.
    fn excludes(self, other: Self) -> bool {
        self.server == other.server && self.touches_redis() == other.touches_redis()
    }
}

/// A fault at a time of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) at: Duration,
    pub(super) lasts: Duration,
    pub(super) fault: Fault,
    /// What a link held back is lost with its connections, instead of arriving late.
    pub(super) loses: bool,
}

/// What to do to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) servers: usize,
    /// Which kinds of faults were to be chosen from.
    pub(super) kinds: Vec<Kind>,
    /// A second login of a user is refused instead of ending the first.
    pub(super) reject: bool,
    /// How long people do as they like, faults or none.
    pub(super) length: Duration,
    /// In the order of their times.
    pub(super) steps: Vec<Step>,
}

impl Plan {
    /// Before this nothing is done, so that people have come together.
    const FIRST: Duration = Duration::from_millis(1500);

    /// The plan of a seed with these kinds of faults.
    pub(super) fn of(seed: u64, servers: usize, kinds: &[Kind], length: Duration) -> Self {
        let mut dice = Dice::new(seed, 0);
        let reject = dice.chance(25);
        let mut steps: Vec<Step> = Vec::new();
        let wanted = if kinds.is_empty() { 0 } else { 1 + length.as_secs() / 4 };
        for _ in 0..wanted {
            let kind = *dice.pick(kinds);
            let fault = kind.on(dice.below(servers as u64) as usize);
            let span = (length - Self::FIRST).as_millis() as u64;
            let at = Self::FIRST + dice.millis(0, span * 3 / 4);
            let step = Step { at, lasts: kind.lasts(&mut dice), fault, loses: dice.chance(50) };
            if steps.iter().all(|other| step.may_stand_beside(other)) {
                steps.push(step);
            }
        }
        steps.sort_by_key(|step| step.at);
        Self { seed, servers, kinds: kinds.to_vec(), reject, length, steps }
    }
}

impl Step {
    fn may_stand_beside(&self, other: &Self) -> bool {
        // Which life of a log something belonged to is known for one emptying only.
        let both_empty = self.fault.kind == Kind::Flush && other.fault.kind == Kind::Flush;
        let slack = Duration::from_millis(500);
        let apart = self.at > other.at + other.lasts + slack || other.at > self.at + self.lasts + slack;
        !both_empty && (apart || !self.fault.excludes(other.fault))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(KINDS.iter().find(|(_, kind)| kind == self).map_or("", |(name, _)| name))
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
        let policy = if self.reject { "reject" } else { "takeover" };
        writeln!(out, "seed {}, {} servers, duplicate login: {policy}, {:?}", self.seed, self.servers, self.length)?;
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

    #[test]
    fn a_seed_gives_one_plan() {
        assert_eq!(Plan::of(3, 3, &Kind::MIXED, LENGTH), Plan::of(3, 3, &Kind::MIXED, LENGTH));
        assert_ne!(Plan::of(3, 3, &Kind::MIXED, LENGTH).steps, Plan::of(4, 3, &Kind::MIXED, LENGTH).steps);
    }

    #[test]
    fn one_thing_has_one_fault_at_a_time() {
        for seed in 0..200 {
            let Plan { steps, .. } = Plan::of(seed, 3, &KINDS.map(|(_, kind)| kind), LENGTH);
            for (at, step) in steps.iter().enumerate() {
                assert!(steps[at + 1..].iter().all(|other| step.may_stand_beside(other)), "{steps:?}");
            }
            assert!(steps.iter().filter(|step| step.fault.kind == Kind::Flush).count() <= 1);
        }
    }

    #[test]
    fn every_kind_of_fault_can_be_named() {
        for (name, kind) in KINDS {
            assert_eq!(name.parse(), Ok(kind));
        }
        assert!("quake".parse::<Kind>().is_err());
    }
}
