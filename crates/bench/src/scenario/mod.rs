//! The scenarios that can be measured, each in a file. A scenario must not print and must not know whether others were
//! run.

pub(crate) mod churn;
pub(crate) mod fanout;
pub(crate) mod idle;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::progress::Progress;
use crate::servers::Target;

/// The results of a measurement, by name. A value that could not be measured is missing.
pub(crate) type Figures = BTreeMap<String, f64>;

/// The scenario to measure, with its sizes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "scenario")]
pub(crate) enum Scenario {
    /// Messages in rooms, or publications. Recorded results call it by an older name.
    #[serde(rename = "talk")]
    Fanout(fanout::Fanout),
    /// Idle clients.
    Idle(idle::Idle),
    /// Clients that come and go.
    Churn(churn::Churn),
}

/// Length of a measurement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Time before counting starts.
    pub(crate) warmup: Duration,
    /// Time while it counts.
    pub(crate) time: Duration,
}

impl Scenario {
    /// Connections that the server may have at the same time. An ended connection counts until its thread has ended.
    pub(crate) fn connections(&self) -> usize {
        match self {
            Self::Fanout(talk) => talk.clients(),
            Self::Idle(idle) => idle.clients,
            Self::Churn(churn) => 32 * churn.clients,
        }
    }

    /// Runs the scenario on a server. Fails if the server does anything wrong.
    pub(crate) fn run(&self, target: &Target, times: Times, progress: &Progress) -> Result<Figures> {
        match self {
            Self::Fanout(talk) => fanout::run(talk, target, times, progress),
            Self::Idle(idle) => idle::run(idle, target, times, progress),
            Self::Churn(churn) => churn::run(churn, target, times, progress),
        }
    }
}

/// Turns pairs into figures, without values that are not finite.
fn figures<const N: usize>(pairs: [(&str, f64); N]) -> Figures {
    pairs.into_iter().filter(|(_, value)| value.is_finite()).map(|(name, value)| (name.to_owned(), value)).collect()
}
