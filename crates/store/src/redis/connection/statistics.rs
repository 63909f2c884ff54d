//! Counts the batches that were sent, how often each script ran and how long its answers took, since the start of the
//! server. It must not keep more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::batches::Batches;
use crate::redis::connection::script::{self, Script};

/// Counters of all links.
pub(in crate::redis) struct Statistics {
    /// The batches of all links.
    pub(in crate::redis) batches: Arc<Batches>,
    scripts: Vec<Counters>,
}

#[derive(Default)]
struct Counters {
    calls: AtomicU64,
    total_micros: AtomicU64,
    longest_micros: AtomicU64,
}

impl Default for Statistics {
    fn default() -> Self {
        let scripts = script::all().iter().map(|_| Counters::default()).collect();
        Self { batches: Arc::default(), scripts }
    }
}

impl Statistics {
    /// Records one answer of a script. `took` is the time since its batch was sent.
    pub(in crate::redis) fn count(&self, script: &Script, took: Duration) {
        let Some(counters) = self.scripts.get(script.index) else { return };
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        counters.calls.fetch_add(1, Ordering::Relaxed);
        counters.total_micros.fetch_add(micros, Ordering::Relaxed);
        counters.longest_micros.fetch_max(micros, Ordering::Relaxed);
    }

    /// For each script that ran: name, calls, total microseconds, and microseconds of the longest call.
    pub(in crate::redis) fn read(&self) -> Vec<(&'static str, u64, u64, u64)> {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let scripts = script::all().iter().zip(&self.scripts);
        let rows = scripts.map(|(script, counters)| {
            (script.name, read(&counters.calls), read(&counters.total_micros), read(&counters.longest_micros))
        });
        rows.filter(|(_, calls, ..)| *calls > 0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_that_ran_is_told_with_its_calls_their_time_and_the_longest() {
        let statistics = Statistics::default();
        assert!(statistics.read().is_empty());
        for (script, micros) in [(script::head(), 30), (script::claim(), 7), (script::head(), 50), (script::head(), 20)]
        {
            statistics.count(script, Duration::from_micros(micros));
        }
        statistics.count(script::claim(), Duration::MAX);
        let read = statistics.read();
        assert_eq!(read.iter().find(|(name, ..)| *name == "head"), Some(&("head", 3, 100, 50)));
        let claim = read.iter().find(|(name, ..)| *name == "claim").unwrap();
        assert_eq!((read.len(), claim.1, claim.3), (2, 2, u64::MAX));
    }
}
