//! One log's recipients on this server: pushes entries to their outboxes in log order, and decides who
//! flushes them. It must not write to sockets under its lock, nor know the store.
//!
//! Delivery has two halves. Under the topic's lock an entry is pushed on every recipient's outbox, which is
//! memory only; recipients whose outbox was idle are put on the list of those that wait for a flush. Then
//! whoever finds the topic's flush token free takes it and, outside the lock, flushes all that wait. If more
//! came to wait meanwhile, the token goes to a flush worker and never round again on the same thread: otherwise a
//! busy room would capture the publisher who happened to hold it.

use std::sync::Arc;
use std::time::Duration;

use parlor_proto::{Encoded, Epoch, Event, MessageId, Timestamp, UserName};

use crate::delivery::batch::Batch;
use crate::delivery::flush::{Flush, FlushSource, FlushToken};
use crate::delivery::outbox::Pushed;
use crate::delivery::peer::{ConnectionId, Peer};
use crate::delivery::recipient::{BufferedKind, Recipient};
use crate::planted::{Bug, planted};
use crate::ports::{Entry, FlushWorkers, Head, LogId};
use crate::sync::{Condvar, Mutex, MutexGuard, lock};

/// From so many connections on, a flush is split over the flush workers; below, the hand-over costs more than it
/// saves.
const SPLIT_FROM: usize = 512;

/// Bytes of entries that may have been pushed since the last pass began, before senders have to wait.
/// Far below what may be queued for one client: or else a sender that is faster than this server can encrypt
/// would make slow consumers of all who listen.
const MAX_BACKLOG: usize = 64 * 1024;

/// How long a sender waits at most for a pass to end.
const BACKLOG_PATIENCE: Duration = Duration::from_secs(1);

/// The recipients of one log. Lock tier 3: no other topic's lock is taken inside, only outboxes'.
pub(crate) struct Topic {
    log: LogId,
    flush_workers: Arc<dyn FlushWorkers>,
    state: Mutex<State>,
    /// Signalled when a pass ends while somebody waits for that.
    pass_ended: Condvar,
}

struct State {
    recipients: Vec<Recipient>,
    /// Number of the newest entry that was pushed, or that preceded the first recipient; none before the
    /// log's head is known.
    cursor: Option<MessageId>,
    epoch: Option<Epoch>,
    /// Peers that this topic scheduled and nobody has flushed yet.
    to_flush: Vec<Arc<Peer>>,
    /// Whether somebody holds the flush token.
    flushing: bool,
    /// Bytes of entries that were pushed since the last pass began.
    backlog_bytes: usize,
    /// How many wait for a pass to end.
    blocked_publishers: usize,
}

impl Topic {
    pub(crate) fn new(log: LogId, flush_workers: Arc<dyn FlushWorkers>) -> Self {
        let state = State {
            recipients: Vec::new(),
            cursor: None,
            epoch: None,
            to_flush: Vec::new(),
            flushing: false,
            backlog_bytes: 0,
            blocked_publishers: 0,
        };
        Self { log, flush_workers, state: Mutex::new(state), pass_ended: Condvar::new() }
    }

    pub(crate) fn log(&self) -> &LogId {
        &self.log
    }

    /// Adds a recipient that is entering: what comes is held back until [`Topic::activate`].
    pub(crate) fn add_buffered(&self, peer: Arc<Peer>, user: UserName) {
        self.lock().recipients.push(Recipient::entering(peer, user));
    }

    /// Where the log stood after it began to be followed for an entering recipient, which gets nothing older.
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

    /// The log began a new life, whose numbers count from 1 again.
    pub(crate) fn restart(&self, epoch: Epoch) {
        self.lock().restart(epoch);
    }

    /// Lets an entering recipient in: it gets `reply`, then what was held back, then all that follows. Changes
    /// of membership that are not newer than `seen` are not told, whenever they are heard of.
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

    /// Removes a recipient. `true` if none is left.
    pub(crate) fn remove(&self, connection: ConnectionId) -> bool {
        let mut state = self.lock();
        if let Some(at) = state.recipients.iter().position(|recipient| recipient.peer.connection() == connection) {
            state.recipients.swap_remove(at);
        }
        state.recipients.is_empty()
    }

    /// The account that was made at `created` is gone. Of a feed only those go on listening who follow the next owner of
    /// its name.
    pub(crate) fn lose_owner(&self, created: Timestamp) {
        self.lock().recipients.retain(|recipient| recipient.owner.is_some_and(|owner| owner != created));
    }

    /// A recipient follows the account that was made at `created`. `false` if it does not listen any more.
    pub(crate) fn note_owner(&self, connection: ConnectionId, created: Timestamp) -> bool {
        self.lock().find(connection).map(|recipient| recipient.owner = Some(created)).is_some()
    }

    /// Whether a connection listens.
    pub(crate) fn has(&self, connection: ConnectionId) -> bool {
        self.lock().find(connection).is_some()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().recipients.is_empty()
    }

    /// Pushes new entries to all recipients but their author.
    pub(crate) fn deliver(self: &Arc<Self>, entries: &[Entry]) -> Flush {
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
            state.backlog_bytes += new.iter().map(|entry| entry.text.as_str().len()).sum::<usize>();
        }
        for batch in Batch::cut(&self.log, new) {
            state.push_all(&mut interrupts, |recipient| recipient.push(&batch));
        }
        self.flush(state, interrupts)
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

    /// Pushes an event that is not in the log to all recipients but `about`.
    pub(crate) fn announce(self: &Arc<Self>, event: &Event, about: &UserName, version: u64) -> Flush {
        let mut state = self.lock();
        let mut interrupts = Vec::new();
        let event = Encoded::new(event);
        state.push_all(&mut interrupts, |recipient| recipient.announce(&event, about, version));
        self.flush(state, interrupts)
    }

    /// Takes the flush token if there is something to flush and nobody holds it.
    fn flush(self: &Arc<Self>, mut state: MutexGuard<'_, State>, interrupts: Vec<Arc<Peer>>) -> Flush {
        let takes_token = !state.to_flush.is_empty() && !state.flushing;
        state.flushing |= takes_token;
        drop(state);
        let pass = takes_token.then(|| FlushToken::new(self.clone()));
        Flush::after_pushes(pass, interrupts)
    }

    /// Wakes those who wait for passes to keep up.
    fn notify_publishers(&self, state: &State) {
        if state.blocked_publishers > 0 {
            self.pass_ended.notify_all();
        }
    }

    /// The peers that wait to be flushed, for the holder of the token.
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
        flush_peers(self.take_to_flush(), &*self.flush_workers);
    }

    /// Whether more peers wait after a pass. If not, the token is free from here on: both in one step, so that
    /// nobody comes to wait in between without a token to take.
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
mod tests {
    use parlor_testkit::World;

    #[test]
    fn who_comes_and_goes_is_told_up_to_a_number_of_members() {
        let world = World::builder().presence_limit(2).build();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        let cyd = world.login("cyd");
        assert_eq!(ann.read(), ["JOIN lobby bob"]);
        cyd.disconnect();
        assert_eq!(ann.read(), ["PART lobby cyd"]);
        bob.send("/join red");
        assert_eq!(ann.read(), ["PART lobby bob"]);
    }

    #[test]
    fn large_rooms_are_flushed_by_flush_workers_too() {
        let world = World::builder().presence_limit(0).queued_flush_workers().build();
        let people: Vec<_> = (0..=super::SPLIT_FROM).map(|number| world.login(&format!("user{number}"))).collect();
        people[0].send("hello");
        assert_ne!(world.run_flush_workers(), 0);
        for person in &people[1..] {
            assert_eq!(person.read(), ["MSG lobby user0 hello"]);
        }
        people[0].send("again");
        world.run_flush_workers();
        assert_eq!(people[super::SPLIT_FROM].read(), ["MSG lobby user0 again"]);
    }
}
