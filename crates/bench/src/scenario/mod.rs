//! What is measured, each in a file. A scenario must not print and must not know whether others were run.

pub(crate) mod churn;
pub(crate) mod fanout;
pub(crate) mod idle;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::progress::Progress;
use crate::servers::Target;

/// What came of a measurement, by the names of figures. What could not be measured is not there.
pub(crate) type Figures = BTreeMap<String, f64>;

/// What to measure, and with how much of what.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "scenario")]
pub(crate) enum Scenario {
    /// Messages in rooms, or publications. Recorded results call it by an older name.
    #[serde(rename = "talk")]
    Fanout(fanout::Fanout),
    /// Clients that do nothing.
    Idle(idle::Idle),
    /// Clients that come and go.
    Churn(churn::Churn),
}

/// How long is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Before it counts.
    pub(crate) warmup: Duration,
    /// While it counts.
    pub(crate) time: Duration,
}

impl Scenario {
    /// Connections that the server may have at the same time. Those that have ended count until their threads have.
    pub(crate) fn connections(&self) -> usize {
        match self {
            Self::Fanout(talk) => talk.clients(),
            Self::Idle(idle) => idle.clients,
            Self::Churn(churn) => 32 * churn.clients,
        }
    }

    /// Runs it on a server. Fails if the server does anything wrong.
    pub(crate) fn run(&self, target: &Target, times: Times, progress: &Progress) -> Result<Figures> {
        match self {
            Self::Fanout(talk) => fanout::run(talk, target, times, progress),
            Self::Idle(idle) => idle::run(idle, target, times, progress),
            Self::Churn(churn) => churn::run(churn, target, times, progress),
        }
    }
}

/// Makes figures of pairs, without those that are no number.
fn figures<const N: usize>(pairs: [(&str, f64); N]) -> Figures {
    pairs.into_iter().filter(|(_, value)| value.is_finite()).map(|(name, value)| (name.to_owned(), value)).collect()
}
