//! The logs that this server follows, and the position up to which it has received each. It must not talk to Redis.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parlor_core::Flush;
use parlor_core::planted::{Bug, planted};
use parlor_core::ports::{Entry, Head, LogId, Sink};
use parlor_proto::{Epoch, MessageId};

use crate::redis::connection::url::Address;
use crate::redis::keys;
use crate::sync::{Condvar, Mutex, lock};

/// All followed logs, by their channel. Lock tier 0, held only briefly.
#[derive(Default)]
pub(in crate::redis) struct LogCursors {
    by_channel: Mutex<HashMap<String, Arc<LogCursor>>>,
}

/// One followed log.
pub(in crate::redis) struct LogCursor {
    pub(in crate::redis) log: LogId,
    /// Changed only while the lock of the cursors is held.
    listeners: AtomicUsize,
    /// Lock tier 0, after that of the cursors: held during calls of the sink, so that deliveries do not overlap.
    state: Mutex<State>,
    /// Signalled when the subscription is confirmed.
    heard: Condvar,
}

#[derive(Default)]
struct State {
    /// The newest entry that was delivered; none before the log's head is known.
    position: Option<Head>,
    /// Whether a request for missing entries is in progress.
    is_repairing: bool,
    /// The node of the last subscription, if it was confirmed.
    subscribed_at: Option<Option<Address>>,
    /// The position at the last audit, if it lagged then.
    lagged_at: Option<MessageId>,
}

/// The result of handling a message or a repair.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::redis) enum Next {
    /// Nothing is missing.
    Good,
    /// Entries are missing: request those after this position.
    Repair(Head),
}

impl LogCursors {
    /// Adds a listener. Returns `true` if it is the first, so that the caller must subscribe to the channel.
    pub(in crate::redis) fn add(&self, log: &LogId) -> (Arc<LogCursor>, bool) {
        let mut cursors = lock(&self.by_channel);
        let new = || {
            Arc::new(LogCursor {
                log: log.clone(),
                listeners: AtomicUsize::new(0),
                state: Mutex::default(),
                heard: Condvar::new(),
            })
        };
        let cursor = cursors.entry(keys::log(log)).or_insert_with(new).clone();
        let is_first = cursor.listeners.fetch_add(1, Ordering::Relaxed) == 0;
        (cursor, is_first)
    }

    /// Removes a listener. Returns `true` if it was the last, so that the channel is no longer needed.
    pub(in crate::redis) fn remove(&self, log: &LogId) -> bool {
        let mut cursors = lock(&self.by_channel);
        let channel = keys::log(log);
        let Some(cursor) = cursors.get(&channel).cloned() else { return false };
        let is_last = cursor.listeners.fetch_sub(1, Ordering::Relaxed) == 1;
        if is_last {
            cursors.remove(&channel);
        }
        is_last
    }

    /// The log of a channel, if it is followed.
    pub(in crate::redis) fn find(&self, channel: &str) -> Option<Arc<LogCursor>> {
        lock(&self.by_channel).get(channel).cloned()
    }

    /// The position of a log as this server knows it, for an append; empty if it does not follow the log.
    pub(in crate::redis) fn known_position(&self, channel: &str) -> String {
        let known = self.find(channel).and_then(|cursor| cursor.position());
        known.map(|Head { epoch, last }| format!("{epoch} {last}")).unwrap_or_default()
    }

    /// All followed logs, with their channels.
    pub(in crate::redis) fn all(&self) -> Vec<(String, Arc<LogCursor>)> {
        lock(&self.by_channel).iter().map(|(channel, cursor)| (channel.clone(), cursor.clone())).collect()
    }

    /// The number of followed logs.
    pub(in crate::redis) fn len(&self) -> usize {
        lock(&self.by_channel).len()
    }
}

impl LogCursor {
    /// Sets the position to a head of the log that was read after following began; only the first call sets it. Returns
    /// the position from which entries are received, and `true` if earlier messages may have been missed.
    pub(in crate::redis) fn begin(&self, head: Head) -> (Head, bool) {
        let mut state = lock(&self.state);
        let may_lack = state.position.is_none() && state.subscribed_at.is_some();
        (*state.position.get_or_insert(head), may_lack)
    }

    /// The log has this epoch now, which was read after its position. If that is of another epoch, entries of it that still
    /// arrive come too late: whoever begins to listen has been told of a head behind them. Returns `true` then; everything is
    /// missing.
    pub(in crate::redis) fn restart(&self, epoch: Epoch, sink: &dyn Sink) -> bool {
        let mut state = lock(&self.state);
        let is_other = state.position.is_some_and(|position| position.epoch != epoch);
        if is_other {
            sink.restarted(&self.log, epoch);
            state.position = Some(Head { epoch, last: MessageId(0) });
        }
        is_other
    }

    /// The position, if it is set.
    pub(in crate::redis) fn position(&self) -> Option<Head> {
        lock(&self.state).position
    }

    /// Records that its channel is subscribed to at a node. Earlier entries must be requested.
    pub(in crate::redis) fn subscribed(&self, at: Option<Address>) -> Next {
        let mut state = lock(&self.state);
        state.subscribed_at = Some(at);
        // A pending answer of another connection does not arrive any more.
        state.is_repairing = false;
        self.heard.notify_all();
        state.repair()
    }

    /// Waits until the subscription is confirmed, so that nothing that is published from then on is missed. Returns
    /// `false` if that takes longer than `patience`.
    pub(in crate::redis) fn await_subscription(&self, patience: Duration) -> bool {
        let is_deaf = |state: &mut State| state.subscribed_at.is_none();
        let waited = self.heard.wait_timeout_while(lock(&self.state), patience, is_deaf);
        waited.unwrap_or_else(std::sync::PoisonError::into_inner).0.subscribed_at.is_some()
    }

    /// Records that its subscription has ended.
    pub(in crate::redis) fn unsubscribed(&self) {
        lock(&self.state).subscribed_at = None;
    }

    /// Whether it is subscribed to at a node.
    pub(in crate::redis) fn is_subscribed_at(&self, node: &Option<Address>) -> bool {
        lock(&self.state).subscribed_at.as_ref() == Some(node)
    }

    /// Requests missing entries, unless a request is in progress.
    pub(in crate::redis) fn repair(&self) -> Next {
        lock(&self.state).repair()
    }

    /// Handles a published entry.
    pub(in crate::redis) fn hear(&self, epoch: Epoch, entry: &Entry, sink: &dyn Sink) -> (Flush, Next) {
        let mut state = lock(&self.state);
        let Some(position) = state.position else { return (Flush::default(), Next::Good) };
        let is_ahead = entry.id > position.last.next() && !planted(Bug::SkipRepair);
        if position.epoch != epoch || is_ahead {
            return (Flush::default(), state.repair());
        }
        if entry.id <= position.last {
            return (Flush::default(), Next::Good);
        }
        state.position = Some(Head { epoch, last: entry.id });
        (sink.deliver(&self.log, std::slice::from_ref(entry)), Next::Good)
    }

    /// Handles the answer to a request for missing entries: the head of the log, and entries after the position that was
    /// `asked` for. Entries that are older than the retained history are skipped.
    pub(in crate::redis) fn repaired(
        &self,
        asked: Head,
        head: Head,
        entries: &[Entry],
        sink: &dyn Sink,
    ) -> (Flush, Next) {
        let mut state = lock(&self.state);
        state.is_repairing = false;
        let Some(mut position) = state.position else { return (Flush::default(), Next::Good) };
        if position.epoch != asked.epoch {
            // The log was restarted meanwhile, and the answer may be older.
            return (Flush::default(), state.repair());
        }
        if position.epoch != head.epoch {
            sink.restarted(&self.log, head.epoch);
            position = Head { epoch: head.epoch, last: MessageId(0) };
        }
        let new = entries.iter().position(|entry| entry.id > position.last).unwrap_or(entries.len());
        let new = &entries[new..];
        let is_complete = new.last().is_none_or(|last| last.id >= head.last);
        if let Some(last) = new.last() {
            position.last = last.id;
        } else if head.last > position.last {
            position.last = head.last;
        }
        state.position = Some(position);
        let flush = if new.is_empty() { Flush::default() } else { sink.deliver(&self.log, new) };
        (flush, if is_complete { Next::Good } else { state.repair() })
    }

    /// Compares the position with the head of the log. Returns how many entries are missing, and whether the position
    /// has not changed since the last audit, which also found missing entries.
    pub(in crate::redis) fn audit(&self, head: Head) -> (u64, bool) {
        let mut state = lock(&self.state);
        let Some(position) = state.position else { return (0, false) };
        let is_other = position.epoch != head.epoch;
        let lag = head.last.0.saturating_sub(position.last.0);
        if lag == 0 && !is_other {
            state.lagged_at = None;
            return (0, false);
        }
        let is_stuck = state.lagged_at.replace(position.last) == Some(position.last);
        if is_stuck {
            state.is_repairing = false;
        }
        (lag, is_stuck)
    }
}

impl State {
    fn repair(&mut self) -> Next {
        let Some(position) = self.position.filter(|_| !planted(Bug::SkipRepair)) else { return Next::Good };
        if std::mem::replace(&mut self.is_repairing, true) { Next::Good } else { Next::Repair(position) }
    }
}

#[cfg(test)]
mod tests;
