//! The entries and the acts of a transaction, and what is told of them after the commit. It must not read or write the database.

use std::collections::HashMap;
use std::sync::Arc;

use parlor_core::Flush;
use parlor_core::ports::{Entry, LogId, Sink};

use crate::in_process::{InProcessSessions, StagedAct};

/// The entries of one transaction, from all callers. Each listener receives them in one batch.
#[derive(Default)]
pub(super) struct CommittedEntries {
    logs: HashMap<LogId, Vec<Entry>>,
    /// The recipients, once there are entries.
    audience: Option<DeliveryTarget>,
}

/// Where written entries are reported.
#[derive(Clone)]
pub(super) struct DeliveryTarget {
    pub(super) live: Arc<InProcessSessions>,
    pub(super) sink: Arc<dyn Sink>,
}

/// The acts of one transaction, in order.
#[derive(Default)]
pub(super) struct StagedActs(Vec<(Arc<InProcessSessions>, StagedAct)>);

impl StagedActs {
    pub(super) fn push(&mut self, live: Arc<InProcessSessions>, staged: StagedAct) {
        self.0.push((live, staged));
    }

    /// They are committed, and their entries delivered: tells who was removed.
    pub(super) fn settle(self) -> Flush {
        let mut flush = Flush::default();
        self.0.into_iter().for_each(|(live, staged)| flush.merge(live.settle(staged)));
        flush
    }

    /// The transaction was rolled back: everything is as before.
    pub(super) fn undo(self) {
        self.0.into_iter().rev().for_each(|(live, staged)| live.undo(staged));
    }
}

impl CommittedEntries {
    /// Keeps an entry for the delivery.
    pub(super) fn add(&mut self, log: LogId, entry: Entry, audience: &DeliveryTarget) {
        self.audience.get_or_insert_with(|| audience.clone());
        self.logs.entry(log).or_default().push(entry);
    }

    /// Delivers all entries after the commit, each log in its order. There is one writer, so deliveries do not overlap.
    pub(super) fn deliver(self) -> Flush {
        let mut flush = Flush::default();
        let Some(DeliveryTarget { live, sink }) = self.audience else { return flush };
        live.keep(self.logs.keys());
        for (log, entries) in &self.logs {
            flush.merge(sink.deliver(log, entries));
        }
        flush
    }
}
