//! What a transaction appended, and its delivery after the commit. It must not read or write the database.

use std::collections::HashMap;
use std::sync::Arc;

use parlor_core::Flush;
use parlor_core::ports::{Entry, LogId, Sink};

use crate::in_process::InProcessSessions;

/// What one transaction appended for all who brought something: each listener gets it in one go.
#[derive(Default)]
pub(super) struct CommittedEntries {
    logs: HashMap<LogId, Vec<Entry>>,
    /// Whom to tell, once there is something.
    audience: Option<DeliveryTarget>,
}

/// Who is told of what was written.
#[derive(Clone)]
pub(super) struct DeliveryTarget {
    pub(super) live: Arc<InProcessSessions>,
    pub(super) sink: Arc<dyn Sink>,
}

impl CommittedEntries {
    /// Keeps an entry for the delivery.
    pub(super) fn add(&mut self, log: LogId, entry: Entry, audience: &DeliveryTarget) {
        self.audience.get_or_insert_with(|| audience.clone());
        self.logs.entry(log).or_default().push(entry);
    }

    /// Delivers all of it, each log in its order, once it is committed. There is one writer, so no two deliveries
    /// overlap.
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
