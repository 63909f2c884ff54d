//! Counts what is delivered, for the metrics. It must not decide anything.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of one hub. They only grow.
#[derive(Debug, Default)]
pub(crate) struct DeliveryCounters {
    deliveries: AtomicU64,
    passes: AtomicU64,
}

/// What a hub delivered since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deliveries {
    /// Entries of logs, once for each recipient in whose send queue they were put.
    pub entries: u64,
    /// Passes over the recipients of a topic that waited for a flush.
    pub passes: u64,
}

impl DeliveryCounters {
    /// Counts entries that were put into send queues.
    pub(crate) fn delivered(&self, entries: u64) {
        self.deliveries.fetch_add(entries, Ordering::Relaxed);
    }

    /// Counts one pass.
    pub(crate) fn passed(&self) {
        self.passes.fetch_add(1, Ordering::Relaxed);
    }

    /// What was counted so far.
    pub(crate) fn read(&self) -> Deliveries {
        Deliveries { entries: self.deliveries.load(Ordering::Relaxed), passes: self.passes.load(Ordering::Relaxed) }
    }
}
