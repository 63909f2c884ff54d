//! What is to be tortured, how, and for how long. It must not start anything.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::plan::{FAULT_KINDS, FaultKind};

/// A run that is asked for.
#[derive(Debug, Clone)]
pub struct Config {
    /// What is driven.
    pub target: Target,
    /// The program `parlor`: servers, health checks and accounts are made by it.
    pub program: PathBuf,
    /// Of the first round; each further one has the next.
    pub seed: u64,
    /// About how long it lasts. A round that has begun is played to its end.
    pub length: Duration,
    /// One round is played in which people do as they like for so long, however long the run would be.
    pub once: Option<Duration>,
    /// Which faults are chosen from.
    pub faults: Vec<FaultKind>,
    /// How many clients are to be there, besides one canary for each server. At least 16 come.
    pub clients: usize,
    /// A second login of a user is to be refused, instead of ending the first session.
    pub reject: bool,
    /// The run ends with the first round in which a promise is broken.
    pub stop_at_first: bool,
    /// Accounts are made and deleted by `parlor user` with these arguments, which say where they are, such as
    /// `--data DIR`; they are made by REGISTER if there are none.
    pub accounts: Vec<String>,
}

/// Where the servers are.
#[derive(Debug, Clone)]
pub enum Target {
    /// Servers that are started for this, each in a directory of its own.
    Own {
        /// How many; one, if each keeps everything itself.
        servers: usize,
        /// What they share.
        store: Store,
    },
    /// Servers that run already, of one installation that nobody else uses meanwhile.
    Given {
        /// The names to verify, and the addresses.
        servers: Vec<(String, SocketAddr)>,
        /// File with the authority that issued their certificates.
        ca: PathBuf,
    },
}

/// What the servers of a run keep everything in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Store {
    /// The one server has a database of its own.
    Embedded,
    /// A `redis-server` that is started for this.
    OwnRedis,
    /// One that runs already.
    Redis {
        /// Holds the address as it is written there.
        url: String,
        /// Where it listens without TLS.
        address: SocketAddr,
    },
}

impl Target {
    /// The faults that can be done there, by a program that may have an injected clock.
    #[must_use]
    pub fn faults(&self, has_injected_clock: bool) -> Vec<FaultKind> {
        let can = |kind: &FaultKind| match self {
            _ if kind.is_of_clients() => true,
            Self::Given { .. } => false,
            Self::Own { .. } if *kind == FaultKind::Clock => has_injected_clock,
            Self::Own { store: Store::Embedded, .. } => !kind.needs_redis(),
            // What it keeps is in Redis.
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
