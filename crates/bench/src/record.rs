//! Results in the form in which files keep them, and values computed from several rounds. It must not measure.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::cases::Case;
use crate::measure::machine::Machine;
use crate::scenario::{Figures, Scenario};
use crate::servers::ServerKind;

/// All results of one call of the program.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Where and when.
    pub(crate) machine: Machine,
    /// The output of `parlor --version`.
    pub(crate) version: String,
    /// Seconds of each measurement.
    pub(crate) seconds: f64,
    /// The results of each case.
    pub(crate) results: Vec<CaseResult>,
}

/// Results of one case.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct CaseResult {
    /// The case.
    #[serde(flatten)]
    pub(crate) case: Case,
    /// The results of each server in each round.
    pub(crate) runs: Vec<Run>,
}

/// Results of one server in one round.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// The server.
    pub(crate) server: ServerKind,
    /// Number of the round, from 1.
    pub(crate) round: usize,
    /// The measured values.
    pub(crate) figures: Figures,
}

impl Record {
    /// Writes the record. Replaces the content of the file.
    pub(crate) fn write(&self, file: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))
    }

    /// Reads the record.
    pub(crate) fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} holds no results", file.display()))
    }
}

impl CaseResult {
    /// The measured servers, the bare ones first.
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

    /// The median of a figure of one server.
    pub(crate) fn median(&self, server: ServerKind, figure: &str) -> Option<f64> {
        let values = self.rounds(server, figure);
        values.get(values.len() / 2).copied()
    }
}

impl Scenario {
    /// The most important figure, used to compare servers.
    pub(crate) fn headline(&self) -> &'static str {
        match self {
            Scenario::Fanout(_) => "server_cpu_us_per_delivery",
            Self::Idle(_) => "resident_kib_per_client",
            Self::Churn(_) => "server_cpu_us_per_cycle_without_hash",
        }
    }
}
