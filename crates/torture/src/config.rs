//! What a run tests, how, and for how long. It must not start anything.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::plan::{FAULT_KINDS, FaultKind};

/// The settings of a run.
#[derive(Debug, Clone)]
pub struct Config {
    /// The servers under test.
    pub target: Target,
    /// The program `parlor`. It runs servers and health checks, and creates accounts.
    pub program: PathBuf,
    /// Seed of the first round. Each further round has the next number.
    pub seed: u64,
    /// Approximate length of the run. A round that has begun is played to its end.
    pub length: Duration,
    /// If set, the run plays one round with a chaos phase of this length, however long the run would be.
    pub once: Option<Duration>,
    /// The faults to choose from.
    pub faults: Vec<FaultKind>,
    /// Number of clients, besides one canary for each server. The minimum is 16.
    pub clients: usize,
    /// How the clients connect.
    pub door: Door,
    /// Whether the servers must refuse a second login of a user, instead of ending the first session.
    pub reject: bool,
    /// Whether the run ends with the first round in which a promise is broken.
    pub stop_at_first: bool,
    /// Arguments for `parlor user`, which creates and deletes the accounts. They say where the accounts are, such as
    /// `--data DIR`. If there are none, the clients create their accounts by REGISTER.
    pub accounts: Vec<String>,
}

/// How the clients of a run connect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// All by lines.
    Lines,
    /// All by WebSocket.
    Web,
    /// A third of the connections by WebSocket, the others by lines.
    Mixed,
}

impl Door {
    /// How many of a hundred connections come by WebSocket.
    pub(crate) fn web_percent(self) -> u64 {
        match self {
            Self::Lines => 0,
            Self::Web => 100,
            Self::Mixed => 33,
        }
    }
}

impl fmt::Display for Door {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Lines => "lines",
            Self::Web => "web",
            Self::Mixed => "mixed",
        })
    }
}

/// Where the servers are.
#[derive(Debug, Clone)]
pub enum Target {
    /// Servers that the run starts itself, each in its own directory.
    Own {
        /// Number of servers. It must be one if each server has its own database.
        servers: usize,
        /// The store that they share.
        store: Store,
    },
    /// Servers that already run, of one installation that nobody else uses meanwhile.
    Given {
        /// The names to verify, and the addresses.
        servers: Vec<(String, SocketAddr)>,
        /// File with the authority that issued their certificates.
        ca: PathBuf,
    },
}

/// The store of the servers of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// The one server has its own database.
    Embedded,
    /// A `redis-server` that the run starts itself.
    OwnRedis,
    /// A Redis that already runs.
    Redis {
        /// The URL. It contains `address` in the same spelling.
        url: String,
        /// Where it listens without TLS.
        address: SocketAddr,
    },
}

impl Target {
    /// The faults that are possible for these servers, if the program may have an injected clock.
    #[must_use]
    pub fn faults(&self, has_injected_clock: bool) -> Vec<FaultKind> {
        let can = |kind: &FaultKind| match self {
            _ if kind.is_of_clients() => true,
            Self::Given { .. } => false,
            Self::Own { .. } if *kind == FaultKind::Clock => has_injected_clock,
            Self::Own { store, .. } if *kind == FaultKind::Migrate => *store == Store::Embedded,
            Self::Own { store: Store::Embedded, .. } => !kind.needs_redis(),
            // The server keeps its data in Redis.
            Self::Own { .. } if *kind == FaultKind::DiskFull => false,
            Self::Own { store: Store::OwnRedis, .. } => true,
            Self::Own { store: Store::Redis { .. }, .. } => !kind.is_of_redis(),
        };
        FAULT_KINDS.iter().map(|(_, kind, _)| *kind).filter(can).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_jumps_only_where_it_is_injected() {
        let target = Target::Own { store: Store::Embedded, servers: 1 };
        assert!(target.faults(true).contains(&FaultKind::Clock));
        assert!(!target.faults(false).contains(&FaultKind::Clock));
    }
}
