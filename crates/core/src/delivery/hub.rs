//! The connections of this server and the topics that they receive: the receiving end of the store. It must not ask the
//! store for anything, nor decide who may do what.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::fmt;
use std::sync::Arc;

use parlor_proto::{Bye, Encoded, Epoch, Event, Framing, Generation, Note, TicketId, Timestamp, UserName};

use crate::delivery::counters::{Deliveries, DeliveryCounters};
use crate::delivery::eviction::{Evictable, Eviction};
use crate::delivery::flush::Flush;
use crate::delivery::peer::{ConnectionId, Peer};
use crate::delivery::topic::Topic;
use crate::planted::{Bug, planted};
use crate::ports::{
    AccountVersion, Change, Content, Entry, FlushWorkers, LogId, Moderation, Presence, SessionKey, Sink,
    UnloggedMessage,
};
use crate::sync::{RwLock, read, write};

/// The connections of this server and the topics that they receive. It could be rebuilt at any time from the existing
/// connections. Lock tiers: `topics` 1, `peers` and `present` 2. None of them is taken inside another.
pub struct Hub {
    topics: RwLock<HashMap<LogId, Arc<Topic>>>,
    peers: RwLock<HashMap<ConnectionId, Arc<Peer>>>,
    present: RwLock<HashMap<UserName, UserRoute>>,
    flush_workers: Arc<dyn FlushWorkers>,
    counters: Arc<DeliveryCounters>,
    presence_limit: usize,
}

/// What a session began with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoginProof {
    /// The account when its password or its ticket was right.
    pub(crate) version: AccountVersion,
    /// The ticket; none if it was the password.
    pub(crate) ticket: Option<TicketId>,
}

/// The connection of a user's newest session.
struct UserRoute {
    generation: Generation,
    peer: Arc<Peer>,
    cell: Arc<dyn Evictable>,
    /// The account of the user when its password was right.
    version: AccountVersion,
    /// The ticket by which it began.
    ticket: Option<TicketId>,
    /// Whether the login is about to be answered. Before that the session receives nothing.
    is_open: bool,
}

impl fmt::Debug for Hub {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Hub")
    }
}

impl Hub {
    /// A hub without connections.
    pub fn new(flush_workers: Arc<dyn FlushWorkers>, presence_limit: usize) -> Self {
        Self {
            topics: RwLock::default(),
            peers: RwLock::default(),
            present: RwLock::default(),
            flush_workers,
            counters: Arc::default(),
            presence_limit,
        }
    }

    /// Adds a new connection.
    pub fn connect(&self, peer: Arc<Peer>) {
        write(&self.peers).insert(peer.connection(), peer);
    }

    /// Removes a closed connection.
    pub fn disconnect(&self, connection: ConnectionId) {
        write(&self.peers).remove(&connection);
    }

    /// The connection with this number, if it still exists.
    pub fn peer(&self, connection: ConnectionId) -> Option<Arc<Peer>> {
        read(&self.peers).get(&connection).cloned()
    }

    /// Closes all connections with `bye`, logged in or not.
    pub fn close_all(&self, bye: Bye) -> Flush {
        let peers: Vec<_> = read(&self.peers).values().cloned().collect();
        let mut flush = Flush::default();
        for peer in peers {
            flush.merge(peer.close(bye));
        }
        flush
    }

    /// Number of connections.
    pub fn connections(&self) -> usize {
        read(&self.peers).len()
    }

    /// Routes the user to this connection from now on, unless a later session began meanwhile. The session ends if its
    /// account is deleted or kicked, or its ticket revoked. It receives direct messages and broadcasts only after [`Hub::activate_session`].
    pub(crate) fn register_session(
        &self,
        session_key: &SessionKey,
        LoginProof { version, ticket }: LoginProof,
        peer: Arc<Peer>,
        cell: Arc<dyn Evictable>,
    ) {
        let SessionKey { user, generation } = session_key.clone();
        let mut present = write(&self.present);
        if present.get(&user).is_none_or(|present| present.generation < generation) {
            present.insert(user, UserRoute { generation, peer, cell, version, ticket, is_open: false });
        }
    }

    /// The session receives direct messages and broadcasts from now on.
    pub(crate) fn activate_session(&self, session_key: &SessionKey) {
        let mut present = write(&self.present);
        if let Some(present) =
            present.get_mut(&session_key.user).filter(|present| present.generation == session_key.generation)
        {
            present.is_open = true;
        }
    }

    /// Ends the user's session on this connection. Does not touch the session of a successor.
    pub(crate) fn end_session(&self, user: &UserName, connection: ConnectionId) {
        let mut present = write(&self.present);
        if present.get(user).is_some_and(|present| present.peer.connection() == connection) {
            present.remove(user);
        }
    }

    /// Adds a recipient to a log's topic. Its events are buffered until it is activated.
    pub(crate) fn listen(&self, log: &LogId, peer: &Arc<Peer>, user: &UserName) -> Arc<Topic> {
        let mut topics = write(&self.topics);
        let topic = match topics.entry(log.clone()) {
            Slot::Occupied(slot) => slot.into_mut(),
            Slot::Vacant(slot) => slot.insert(self.new_topic(log)),
        };
        topic.add_buffered(peer.clone(), user.clone());
        topic.clone()
    }

    /// Removes a recipient, and the topic with its last recipient.
    pub(crate) fn unlisten(&self, topic: &Arc<Topic>, connection: ConnectionId) {
        if !topic.remove(connection) {
            return;
        }
        let mut topics = write(&self.topics);
        let current = topics.get(topic.log()).is_some_and(|current| Arc::ptr_eq(current, topic));
        if current && topic.is_empty() {
            topics.remove(topic.log());
        }
    }

    /// Makes a sender wait while deliveries of the log are behind. Blocks, but never on a client.
    pub(crate) fn wait_for_backpressure(&self, log: &LogId) {
        if let Some(topic) = self.topic(log) {
            topic.wait_for_backpressure();
        }
    }

    /// What was delivered so far.
    pub fn deliveries(&self) -> Deliveries {
        self.counters.read()
    }

    /// Bytes that wait in the send queues of all connections.
    pub fn queued_bytes(&self) -> usize {
        let peers: Vec<_> = read(&self.peers).values().cloned().collect();
        peers.iter().map(|peer| peer.outbox().queued_bytes()).sum()
    }

    /// The connections whose lines come in this framing.
    pub fn connections_by(&self, framing: Framing) -> usize {
        read(&self.peers).values().filter(|peer| peer.outbox().encoding().framing == framing).count()
    }

    /// Number of sessions whose login was answered.
    pub fn sessions(&self) -> usize {
        read(&self.present).values().filter(|present| present.is_open).count()
    }

    /// Number of rooms that have members here.
    pub fn rooms(&self) -> usize {
        read(&self.topics).keys().filter(|log| log.room().is_some()).count()
    }

    /// Number of logs that have recipients.
    pub fn topics(&self) -> usize {
        read(&self.topics).len()
    }

    /// The connections of all sessions whose login was answered.
    pub(super) fn open_sessions(&self) -> Vec<Arc<Peer>> {
        read(&self.present).values().filter(|present| present.is_open).map(|present| present.peer.clone()).collect()
    }

    pub(super) fn flush_workers(&self) -> &dyn FlushWorkers {
        &*self.flush_workers
    }

    fn new_topic(&self, log: &LogId) -> Arc<Topic> {
        Arc::new(Topic::new(log.clone(), self.flush_workers.clone(), self.counters.clone()))
    }

    fn topic(&self, log: &LogId) -> Option<Arc<Topic>> {
        read(&self.topics).get(log).cloned()
    }

    /// Closes the connection of the user's session if it is meant.
    fn end_if(&self, user: &UserName, bye: Bye, is_meant: impl Fn(&UserRoute) -> bool) -> Flush {
        let present = read(&self.present);
        let peer = present.get(user).filter(|present| is_meant(present)).map(|present| present.peer.clone());
        drop(present);
        peer.map(|peer| peer.close(bye)).unwrap_or_default()
    }

    /// Has the session told of a user who was removed from a room by `entry`, if the session is here.
    fn evict(&self, topic: &Topic, user: &UserName, entry: &Entry) {
        let Some(room) = topic.log().room().cloned() else { return };
        let cell = read(&self.present).get(user).map(|present| present.cell.clone());
        let Some(cell) = cell else { return };
        let reason = match &entry.content {
            Content::Moderation(Moderation { reason, .. }) => reason.clone(),
            _ => Note::default(),
        };
        cell.note(Eviction { room, id: entry.id, reason });
        self.flush_workers.run_errand(Box::new(move || cell.work()));
    }

    /// The connection that receives messages to a user.
    fn peer_of(&self, user: &UserName) -> Option<Arc<Peer>> {
        read(&self.present).get(user).filter(|present| present.is_open).map(|present| present.peer.clone())
    }
}

impl Sink for Hub {
    fn deliver(&self, log: &LogId, entries: &[Entry]) -> Flush {
        let Some(topic) = self.topic(log) else { return Flush::default() };
        let mut flush = Flush::default();
        let mut rest = entries;
        // Whoever is removed from a room hears of it, and of nothing after it.
        while let Some(at) = rest.iter().position(|entry| entry.content.removes().is_some()) {
            let (until, later) = rest.split_at(at + 1);
            let removed = until[at].content.removes().filter(|_| !planted(Bug::KickedHears));
            let (delivered, is_silenced) = topic.deliver(until, removed);
            flush.merge(delivered);
            if let Some(user) = removed.filter(|_| is_silenced) {
                self.evict(&topic, user, &until[at]);
            }
            rest = later;
        }
        if !rest.is_empty() {
            flush.merge(topic.deliver(rest, None).0);
        }
        flush
    }

    fn restarted(&self, log: &LogId, epoch: Epoch) {
        if let Some(topic) = self.topic(log) {
            topic.restart(epoch);
        }
    }

    fn presence(&self, presence: &Presence) -> Flush {
        if presence.members > self.presence_limit {
            return Flush::default();
        }
        let Some(topic) = self.topic(&LogId::Room(presence.room.clone())) else { return Flush::default() };
        let (room, user) = (presence.room.clone(), presence.user.clone());
        let event = match presence.change {
            Change::Entered => Event::Joined { room, user },
            Change::Left => Event::Left { room, user },
        };
        topic.announce(&event, &presence.user, presence.version)
    }

    fn direct(&self, to: &UserName, message: &UnloggedMessage) -> Option<Flush> {
        let UnloggedMessage { time, from, text } = message.clone();
        let event = Event::Direct { id: None, time, from, text: text.into() };
        self.peer_of(to).map(|peer| peer.send(&Encoded::new(&event)))
    }

    fn notice(&self, message: &UnloggedMessage) -> Flush {
        let UnloggedMessage { time, from, text } = message.clone();
        let event = Event::Notice { time, from, text };
        let encoded = Encoded::new(&event);
        let mut flush = Flush::default();
        for peer in self.open_sessions() {
            flush.merge(peer.send(&encoded));
        }
        flush
    }

    fn displaced(&self, connection: ConnectionId) -> Flush {
        if planted(Bug::NoFence) {
            return Flush::default();
        }
        self.peer(connection).map(|peer| peer.close(Bye::LoggedInElsewhere)).unwrap_or_default()
    }

    fn account_deleted(&self, user: &UserName, created: Timestamp) -> Flush {
        // The followers of the account do not follow the next owner of its name.
        if let Some(topic) = self.topic(&LogId::Feed(user.clone())) {
            topic.lose_owner(created);
        }
        self.end_if(user, Bye::Kicked, |session| session.version.created == created)
    }

    fn session_kicked(&self, user: &UserName, version: AccountVersion, bye: Bye) -> Flush {
        // A store that lost the account may have a newer one of the same name.
        self.end_if(user, bye, |session| session.version < version)
    }

    fn tickets_revoked(&self, user: &UserName, tickets: &[TicketId], by: Option<Generation>) -> Flush {
        let is_meant = |session: &UserRoute| {
            by != Some(session.generation) && session.ticket.is_some_and(|ticket| tickets.contains(&ticket))
        };
        self.end_if(user, Bye::LoggedOut, is_meant)
    }
}

#[cfg(test)]
mod tests;
