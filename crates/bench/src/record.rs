//! Results as they are kept in files, and what is made of several rounds. It must not measure.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::cases::Case;
use crate::measure::machine::Machine;
use crate::scenario::{Figures, Scenario};
use crate::servers::ServerKind;

/// All results of one call.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Where and when.
    pub(crate) machine: Machine,
    /// What `parlor --version` says.
    pub(crate) version: String,
    /// Seconds of each measurement.
    pub(crate) seconds: f64,
    /// Each case.
    pub(crate) results: Vec<CaseResult>,
}

/// Results of one case.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CaseResult {
    /// Which.
    #[serde(flatten)]
    pub(crate) case: Case,
    /// Each server in each round.
    pub(crate) runs: Vec<Run>,
}

/// Results of one server in one round.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Which.
    pub(crate) server: ServerKind,
    /// From 1 on.
    pub(crate) round: usize,
    /// What was measured.
    pub(crate) figures: Figures,
}

impl Record {
    /// Writes it, in place of what the file held.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
    }

    /// Reads it.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} holds no results", file.display()))
    }
}

impl CaseResult {
    /// Who took part, the bare ones first.
    pub(crate) fn servers(&self) -> Vec<ServerKind> {
        let mut servers: Vec<_> = self.runs.iter().map(|run| run.server).collect();
        servers.sort_unstable();
        servers.dedup();
        servers
    }

    /// A figure of one server in each round, sorted.
    pub(crate) fn rounds(&self, server: ServerKind, figure: &str) -> Vec<f64> {
        let runs = self.runs.iter().filter(|run| run.server == server);
        let mut values: Vec<f64> = runs.filter_map(|run| run.figures.get(figure).copied()).collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    }

    /// The one in the middle.
    pub(crate) fn median(&self, server: ServerKind, figure: &str) -> Option<f64> {
        let values = self.rounds(server, figure);
        values.get(values.len() / 2).copied()
    }
}

impl Scenario {
    /// The figure that counts most, by which servers are compared.
    pub(crate) fn headline(&self) -> &'static str {
        match self {
            Scenario::Fanout(_) => "server_cpu_us_per_delivery",
            Self::Idle(_) => "resident_kib_per_client",
            Self::Churn(_) => "server_cpu_us_per_cycle_without_hash",
        }
    }
}
