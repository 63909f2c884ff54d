//! The recipients of one log on this server: pushes entries to their outboxes in log order, and decides who flushes
//! them. It must not write to sockets under its lock, nor know the store.
//!
//! Delivery has two halves. Under the topic's lock an entry is pushed to every recipient's outbox, which needs memory
//! only. Recipients whose outbox was idle are added to the list of peers that wait for a flush. Then the thread that
//! finds the topic's flush token free takes it and, outside the lock, flushes all waiting peers. If more peers wait
//! after that, then the token goes to a flush worker and never to the same thread again: otherwise a busy room would
//! capture the publisher that happened to hold it.

use std::sync::Arc;
use std::time::Duration;

use parlor_proto::{Encoded, Epoch, Event, MessageId, Timestamp, UserName};

use crate::delivery::batch::Batch;
use crate::delivery::counters::DeliveryCounters;
use crate::delivery::flush::{Flush, FlushSource, FlushToken};
use crate::delivery::outbox::Pushed;
use crate::delivery::peer::{ConnectionId, Peer};
use crate::delivery::recipient::{BufferedKind, Recipient};
use crate::planted::{Bug, planted};
use crate::ports::{Entry, FlushWorkers, Head, LogId};
use crate::sync::{Condvar, Mutex, MutexGuard, lock};

/// From this number of connections on, a flush is split over the flush workers. Below it, the hand-over costs more than
/// it saves.
const SPLIT_FROM: usize = 512;

/// Bytes of entries that may be pushed after the last pass began, before senders must wait. This is far below the limit
/// of one client's outbox. Otherwise a sender that is faster than this server encrypts would make slow consumers of all
/// recipients.
const MAX_BACKLOG: usize = 64 * 1024;

/// Maximum time that a sender waits for a pass to end.
const BACKLOG_PATIENCE: Duration = Duration::from_secs(1);

/// The recipients of one log. Lock tier 3: no other topic's lock is taken inside, only locks of outboxes.
pub(crate) struct Topic {
    log: LogId,
    flush_workers: Arc<dyn FlushWorkers>,
    counters: Arc<DeliveryCounters>,
    state: Mutex<State>,
    /// Signalled when a pass ends, if a thread waits for it.
    pass_ended: Condvar,
}

struct State {
    recipients: Vec<Recipient>,
    /// Number of the newest entry that was pushed, or of the last entry before the first recipient. `None` before the
    /// log's head is known.
    cursor: Option<MessageId>,
    epoch: Option<Epoch>,
    /// Peers that this topic scheduled and that are not flushed yet.
    to_flush: Vec<Arc<Peer>>,
    /// Whether a thread holds the flush token.
    flushing: bool,
    /// Bytes of entries that were pushed since the last pass began.
    backlog_bytes: usize,
    /// Number of threads that wait for a pass to end.
    blocked_publishers: usize,
}

impl Topic {
    pub(crate) fn new(log: LogId, flush_workers: Arc<dyn FlushWorkers>, counters: Arc<DeliveryCounters>) -> Self {
        let state = State {
            recipients: Vec::new(),
            cursor: None,
            epoch: None,
            to_flush: Vec::new(),
            flushing: false,
            backlog_bytes: 0,
            blocked_publishers: 0,
        };
        Self { log, flush_workers, counters, state: Mutex::new(state), pass_ended: Condvar::new() }
    }

    pub(crate) fn log(&self) -> &LogId {
        &self.log
    }

    /// Adds a recipient that is entering. Its events are buffered until [`Topic::activate`].
    pub(crate) fn add_buffered(&self, peer: Arc<Peer>, user: UserName) {
        let mut state = self.lock();
        if state.recipients.is_empty() {
            // An inbox has one recipient. Without this, there would be room for four.
            state.recipients.reserve_exact(1);
        }
        state.recipients.push(Recipient::entering(peer, user));
    }

    /// Sets the log's position for an entering recipient, read after the follow began. The recipient gets nothing
    /// older.
    pub(crate) fn set_start(&self, connection: ConnectionId, head: Head) {
        let mut state = self.lock();
        state.cursor.get_or_insert(head.last);
        if *state.epoch.get_or_insert(head.epoch) != head.epoch {
            state.restart(head.epoch);
        }
        if let Some(recipient) = state.find(connection) {
            recipient.set_start(head.last);
        }
    }

    /// The position after which an entering recipient gets entries, as [`Topic::activate`] would reply it now.
    pub(crate) fn position_of(&self, connection: ConnectionId) -> Head {
        let mut state = self.lock();
        let (cursor, epoch) = (state.cursor.unwrap_or_default(), state.epoch.unwrap_or(Epoch(0)));
        let last = state.find(connection).map_or(cursor, |recipient| recipient.position(cursor));
        Head { epoch, last }
    }

    /// The epoch of the log's numbering as far as this server knows it.
    pub(crate) fn epoch(&self) -> Option<Epoch> {
        self.lock().epoch
    }

    /// The log has a new epoch. Its numbers start at 1 again.
    pub(crate) fn restart(&self, epoch: Epoch) {
        self.lock().restart(epoch);
    }

    /// Activates an entering recipient: it gets `reply`, then the buffered events, then all later events. It gets no
    /// change of membership up to `seen`, even if the change arrives late.
    pub(crate) fn activate(
        self: &Arc<Self>,
        connection: ConnectionId,
        seen: Option<u64>,
        reply: impl FnOnce(Head) -> Option<Event>,
    ) -> Flush {
        let mut state = self.lock();
        let (cursor, epoch) = (state.cursor.unwrap_or_default(), state.epoch.unwrap_or(Epoch(0)));
        let Some(recipient) = state.find(connection) else { return Flush::default() };
        let (last, buffered) = recipient.activate(cursor, seen.unwrap_or_default());
        let peer = recipient.peer.clone();
        if let Some(event) = reply(Head { epoch, last }) {
            peer.reply(&event);
        }
        let mut flush = Flush::default();
        for (mark, frame) in buffered.frames {
            if !matches!(mark, BufferedKind::Change(version) if Some(version) <= seen) {
                flush.merge(Flush::after_push(&peer, peer.outbox().push_frame(frame)));
            }
        }
        flush
    }

    /// Removes a recipient. Returns `true` if none is left.
    pub(crate) fn remove(&self, connection: ConnectionId) -> bool {
        let mut state = self.lock();
        if let Some(at) = state.recipients.iter().position(|recipient| recipient.peer.connection() == connection) {
            state.recipients.swap_remove(at);
        }
        state.recipients.is_empty()
    }

    /// The account that was created at `created` is gone. In a feed, only recipients that follow the next owner of the
    /// name stay.
    pub(crate) fn lose_owner(&self, created: Timestamp) {
        self.lock().recipients.retain(|recipient| recipient.owner.is_some_and(|owner| owner != created));
    }

    /// Notes that a recipient follows the account that was created at `created`. Returns `false` if it is not a
    /// recipient any more.
    pub(crate) fn note_owner(&self, connection: ConnectionId, created: Timestamp) -> bool {
        self.lock().find(connection).map(|recipient| recipient.owner = Some(created)).is_some()
    }

    /// Whether a connection is a recipient, and not of a user who was removed.
    pub(crate) fn has(&self, connection: ConnectionId) -> bool {
        self.lock().find(connection).is_some_and(|recipient| !recipient.is_silenced())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().recipients.is_empty()
    }

    /// Pushes new entries to all recipients except their author. If the last one removed the user `removed` from the room,
    /// the user's recipient gets nothing after it, whoever pushes. Returns too whether there was one that did not enter
    /// later.
    pub(crate) fn deliver(self: &Arc<Self>, entries: &[Entry], removed: Option<&UserName>) -> (Flush, bool) {
        let mut state = self.lock();
        let mut interrupts = Vec::new();
        let known = entries.partition_point(|entry| state.cursor.is_some_and(|cursor| entry.id <= cursor));
        let swapped: Vec<Entry>;
        let new = if planted(Bug::SwapTwo) {
            swapped = entries[known..].iter().rev().cloned().collect();
            &swapped
        } else {
            &entries[known..]
        };
        if let Some(newest) = entries[known..].last() {
            state.cursor = Some(newest.id);
            state.backlog_bytes += new.iter().map(|entry| entry.content.len_hint()).sum::<usize>();
        }
        let mut delivered = 0;
        for batch in Batch::cut(&self.log, new) {
            state.push_all(&mut interrupts, |recipient| {
                let (pushed, entries) = recipient.push(&batch);
                delivered += entries;
                pushed
            });
        }
        self.counters.delivered(delivered);
        let is_silenced = match (removed, entries.last()) {
            (Some(user), Some(entry)) => state.silence(user, entry.id),
            _ => false,
        };
        (self.flush(state, interrupts), is_silenced)
    }

    /// Backpressure: blocks a sender while flushes are behind. Blocks, but never on a client.
    pub(crate) fn wait_for_backpressure(&self) {
        let mut state = self.lock();
        if !state.is_behind() {
            return;
        }
        state.blocked_publishers += 1;
        let waited = self.pass_ended.wait_timeout_while(state, BACKLOG_PATIENCE, |state| state.is_behind());
        let (mut state, _) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
        state.blocked_publishers -= 1;
    }

    /// Pushes an event that is not in the log to all recipients except `about`.
    pub(crate) fn announce(self: &Arc<Self>, event: &Event, about: &UserName, version: u64) -> Flush {
        let mut state = self.lock();
        let mut interrupts = Vec::new();
        let event = Encoded::new(event);
        state.push_all(&mut interrupts, |recipient| recipient.announce(&event, about, version));
        self.flush(state, interrupts)
    }

    /// Takes the flush token if there are peers to flush and the token is free.
    fn flush(self: &Arc<Self>, mut state: MutexGuard<'_, State>, interrupts: Vec<Arc<Peer>>) -> Flush {
        let takes_token = !state.to_flush.is_empty() && !state.flushing;
        state.flushing |= takes_token;
        drop(state);
        let pass = takes_token.then(|| FlushToken::new(self.clone()));
        Flush::after_pushes(pass, interrupts)
    }

    /// Wakes the publishers that wait for passes to catch up.
    fn notify_publishers(&self, state: &State) {
        if state.blocked_publishers > 0 {
            self.pass_ended.notify_all();
        }
    }

    /// The peers that wait for a flush. Only for the holder of the token.
    fn take_to_flush(&self) -> Vec<Arc<Peer>> {
        let mut state = self.lock();
        state.backlog_bytes = 0;
        self.notify_publishers(&state);
        std::mem::take(&mut state.to_flush)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl State {
    /// Ends the delivery to a user who was removed from the room by the entry `id`. Returns `false` if there is no such
    /// recipient, or one that entered later.
    fn silence(&mut self, user: &UserName, id: MessageId) -> bool {
        let recipient = self.recipients.iter_mut().find(|recipient| recipient.is_of(user) && recipient.hears(id));
        recipient.map(Recipient::silence).is_some()
    }

    /// Whether entries are pushed faster than they are flushed.
    fn is_behind(&self) -> bool {
        self.flushing && self.backlog_bytes > MAX_BACKLOG
    }

    fn restart(&mut self, epoch: Epoch) {
        if self.epoch == Some(epoch) {
            return;
        }
        self.epoch = Some(epoch);
        self.cursor = Some(MessageId::default());
        for recipient in &mut self.recipients {
            recipient.restart();
        }
    }

    fn find(&mut self, connection: ConnectionId) -> Option<&mut Recipient> {
        self.recipients.iter_mut().find(|recipient| recipient.peer.connection() == connection)
    }

    fn push_all(&mut self, interrupts: &mut Vec<Arc<Peer>>, mut push: impl FnMut(&mut Recipient) -> Pushed) {
        for recipient in &mut self.recipients {
            let pushed = push(recipient);
            if pushed.must_flush {
                self.to_flush.push(recipient.peer.clone());
            }
            if pushed.must_interrupt {
                interrupts.push(recipient.peer.clone());
            }
        }
    }
}

impl FlushSource for Topic {
    fn flush_waiting(&self) {
        self.counters.passed();
        flush_peers(self.take_to_flush(), &*self.flush_workers);
    }

    /// Whether more peers wait after a pass. If not, then the token is free from now on. Both happen in one step, so
    /// that no peer starts to wait in between without a token to take.
    fn keeps_token_busy(&self) -> bool {
        let mut state = self.lock();
        state.flushing = !state.to_flush.is_empty();
        self.notify_publishers(&state);
        state.flushing
    }

    fn release_token(&self) {
        let mut state = self.lock();
        state.flushing = false;
        self.notify_publishers(&state);
    }

    fn submit(&self, flush: Flush) {
        self.flush_workers.submit(flush);
    }
}

fn flush_peers(mut peers: Vec<Arc<Peer>>, flush_workers: &dyn FlushWorkers) {
    if peers.len() >= SPLIT_FROM && flush_workers.count() > 1 {
        let share = peers.len().div_ceil(flush_workers.count());
        while peers.len() > share {
            let part = peers.split_off(peers.len() - share);
            flush_workers.submit(Flush::of_peers(part));
        }
    }
    for peer in peers {
        peer.flush_scheduled();
    }
}

#[cfg(test)]
mod tests;
