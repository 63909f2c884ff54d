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
mod tests {
    use super::*;
    use crate::delivery::outbox::Outbox;
    use crate::ports::{Content, Head, Moderation, Transport};
    use parlor_proto::{Action, MessageId, RoomName, Text};
    use std::time::Duration;

    struct NoTransport;

    impl Transport for NoTransport {
        fn flush(&self, _outbox: &Outbox) {}

        fn interrupt(&self) {}

        fn pause(&self, _time: Duration) {}
    }

    struct NoFlushWorkers;

    impl FlushWorkers for NoFlushWorkers {
        fn submit(&self, flush: Flush) {
            flush.run();
        }

        fn run_errand(&self, errand: Box<dyn FnOnce() + Send>) {
            errand();
        }

        fn count(&self) -> usize {
            1
        }
    }

    struct NoSession;

    impl Evictable for NoSession {
        fn note(&self, _eviction: Eviction) {}

        fn work(self: Arc<Self>) {}
    }

    fn peer(number: u64) -> Arc<Peer> {
        Arc::new(Peer::new(ConnectionId(number), 1000, Arc::new(NoTransport)))
    }

    fn made_at(created: i64) -> AccountVersion {
        AccountVersion { created: Timestamp::from_millis(created), kicks: 0 }
    }

    fn by_password(version: AccountVersion) -> LoginProof {
        LoginProof { version, ticket: None }
    }

    fn session_key(generation: u64) -> SessionKey {
        SessionKey { user: "ann".parse().unwrap(), generation: Generation(generation) }
    }

    #[test]
    fn a_session_that_begins_late_does_not_hide_its_successor() {
        let hub = Hub::new(Arc::new(NoFlushWorkers), 100);
        hub.register_session(&session_key(2), by_password(made_at(5)), peer(20), Arc::new(NoSession));
        hub.register_session(&session_key(1), by_password(made_at(5)), peer(10), Arc::new(NoSession));
        hub.end_session(&session_key(1).user, ConnectionId(10));
        hub.activate_session(&session_key(1));
        assert!(hub.peer_of(&session_key(2).user).is_none());
        hub.activate_session(&session_key(2));
        assert_eq!(hub.peer_of(&session_key(2).user).map(|peer| peer.connection()), Some(ConnectionId(20)));
        hub.end_session(&session_key(2).user, ConnectionId(20));
        assert!(hub.peer_of(&session_key(2).user).is_none());
    }

    #[test]
    fn nothing_is_said_to_a_session_whose_login_is_not_answered_but_it_can_be_ended() {
        let (hub, ann) = (Hub::new(Arc::new(NoFlushWorkers), 100), peer(1));
        let (made, next) = (made_at(5), made_at(6));
        hub.register_session(&session_key(1), by_password(made), ann.clone(), Arc::new(NoSession));
        let message = UnloggedMessage {
            time: Timestamp::from_millis(0),
            from: "bob".parse().unwrap(),
            text: Text::sanitise("hi").unwrap(),
        };
        assert!(hub.direct(&session_key(1).user, &message).is_none());
        hub.notice(&message).run();
        assert_eq!(heard(&ann), [""; 0]);
        hub.activate_session(&session_key(1));
        assert!(hub.direct(&session_key(1).user, &message).is_some());
        hub.notice(&message).run();
        assert_eq!(heard(&ann), ["DM bob hi\n", "NOTICE bob hi\n"]);
        hub.register_session(&session_key(2), by_password(next), peer(2), Arc::new(NoSession));
        let goodbye = || hub.present.read().unwrap()[&session_key(2).user].peer.outbox().goodbye();
        hub.account_deleted(&session_key(2).user, made.created).run();
        assert_eq!(goodbye(), None);
        hub.account_deleted(&session_key(2).user, next.created).run();
        assert_eq!(goodbye(), Some(Bye::Kicked));
    }

    #[test]
    fn a_kick_ends_only_sessions_that_were_verified_before_it() {
        let hub = Hub::new(Arc::new(NoFlushWorkers), 100);
        let (user, peer) = (session_key(1).user, self::peer(1));
        let kicks = |created, kicks| AccountVersion { kicks, ..made_at(created) };
        hub.register_session(&session_key(1), by_password(kicks(5, 1)), peer.clone(), Arc::new(NoSession));
        for other in [kicks(5, 0), kicks(5, 1), kicks(4, 2)] {
            hub.session_kicked(&user, other, Bye::Kicked).run();
            assert_eq!(peer.outbox().goodbye(), None, "{other:?}");
        }
        hub.session_kicked(&user, kicks(5, 2), Bye::Kicked).run();
        assert_eq!(peer.outbox().goodbye(), Some(Bye::Kicked));
        // The store lost the account, and the name has a newer one.
        let later = self::peer(2);
        hub.register_session(&session_key(2), by_password(kicks(5, 2)), later.clone(), Arc::new(NoSession));
        hub.session_kicked(&user, kicks(6, 1), Bye::Kicked).run();
        assert_eq!(later.outbox().goodbye(), Some(Bye::Kicked));
    }

    #[test]
    fn a_revoked_ticket_ends_the_session_that_began_by_it_unless_it_revokes_it_itself() {
        let hub = Hub::new(Arc::new(NoFlushWorkers), 100);
        let (user, peer) = (session_key(1).user, self::peer(1));
        let proof = LoginProof { version: made_at(5), ticket: Some(TicketId(7)) };
        hub.register_session(&session_key(1), proof, peer.clone(), Arc::new(NoSession));
        for (tickets, by) in [(&[][..], None), (&[TicketId(6)], None), (&[TicketId(7)], Some(Generation(1)))] {
            hub.tickets_revoked(&user, tickets, by).run();
            assert_eq!(peer.outbox().goodbye(), None, "{tickets:?}");
        }
        hub.tickets_revoked(&user, &[TicketId(6), TicketId(7)], Some(Generation(2))).run();
        assert_eq!(peer.outbox().goodbye(), Some(Bye::LoggedOut));
    }

    #[test]
    fn who_is_removed_while_entering_hears_nobody_come_or_go_after_it() {
        let (hub, ann) = (Hub::new(Arc::new(NoFlushWorkers), 100), peer(1));
        let (room, user) = (RoomName::lobby(), &session_key(1).user);
        let log = LogId::Room(room.clone());
        let topic = hub.listen(&log, &ann, user);
        topic.set_start(ConnectionId(1), Head { epoch: Epoch(1), last: MessageId(6) });
        let kick = Moderation { action: Action::Kick, user: Some(user.clone()), until: None, reason: Note::default() };
        let (time, author) = (Timestamp::from_millis(0), "bob".parse().unwrap());
        let entry = Entry { id: MessageId(7), time, author, to: None, content: Content::Moderation(kick) };
        hub.deliver(&log, &[entry]).run();
        topic.activate(ConnectionId(1), Some(7), |_| None).run();
        let presence =
            |change| Presence { room: room.clone(), user: "cyd".parse().unwrap(), change, members: 3, version: 8 };
        [Change::Entered, Change::Left].into_iter().for_each(|change| hub.presence(&presence(change)).run());
        let lines = heard(&ann);
        assert!(lines.len() == 1 && lines[0].starts_with("MODERATED lobby ann kick "), "{lines:?}");
    }

    #[test]
    fn changes_that_are_in_the_answer_already_are_not_told_however_late_they_come() {
        let (hub, ann) = (Hub::new(Arc::new(NoFlushWorkers), 100), peer(1));
        let room: RoomName = "red".parse().unwrap();
        let topic = hub.listen(&LogId::Room(room.clone()), &ann, &session_key(1).user);
        topic.activate(ConnectionId(1), Some(7), |_| None).run();
        for (user, version) in [("bob", 6), ("cyd", 7), ("dan", 8)] {
            let (room, user) = (room.clone(), user.parse().unwrap());
            hub.presence(&Presence { room, user, change: Change::Entered, members: 3, version }).run();
        }
        assert_eq!(heard(&ann), ["JOIN red dan\n"]);
    }

    #[test]
    fn a_channel_lives_as_long_as_somebody_listens() {
        let hub = Hub::new(Arc::new(NoFlushWorkers), 100);
        let log = LogId::Room("red".parse().unwrap());
        let user = session_key(1).user;
        let first = hub.listen(&log, &peer(1), &user);
        let second = hub.listen(&log, &peer(2), &user);
        assert!(Arc::ptr_eq(&first, &second));
        hub.unlisten(&first, ConnectionId(1));
        assert_eq!(hub.topics(), 1);
        hub.unlisten(&second, ConnectionId(2));
        hub.unlisten(&second, ConnectionId(2));
        assert_eq!(hub.topics(), 0);
        let again = hub.listen(&log, &peer(3), &user);
        hub.unlisten(&first, ConnectionId(3));
        assert!(!Arc::ptr_eq(&first, &again) && hub.topics() == 1);
    }

    #[test]
    fn a_log_that_begins_anew_is_heard_from_its_first_number_on() {
        let hub = Hub::new(Arc::new(NoFlushWorkers), 100);
        let log = LogId::Room("red".parse().unwrap());
        let (recipient, newcomer) = (peer(1), peer(2));
        let topic = hub.listen(&log, &recipient, &session_key(1).user);
        topic.set_start(ConnectionId(1), crate::ports::Head { epoch: Epoch(1), last: parlor_proto::MessageId(7) });
        topic.activate(ConnectionId(1), None, |_| None).run();
        hub.listen(&log, &newcomer, &"cyd".parse().unwrap());
        hub.deliver(&log, &[said(8, "eight")]).run();
        hub.restarted(&log, Epoch(2));
        hub.restarted(&log, Epoch(2));
        hub.deliver(&log, &[said(1, "one")]).run();
        hub.restarted(&log, Epoch(2));
        hub.deliver(&log, &[said(1, "again")]).run();
        let mut told = None;
        let answer = |start: crate::ports::Head| {
            told = Some((start.epoch, start.last.0));
            None
        };
        topic.activate(ConnectionId(2), None, answer).run();
        assert_eq!(told, Some((Epoch(2), 0)));
        for peer in [recipient, newcomer] {
            assert_eq!(heard(&peer), ["MSG red bob eight\n", "MSG red bob one\n"]);
        }
    }

    #[test]
    fn whoever_enters_while_deliveries_lag_hears_only_what_is_newer_than_its_answer() {
        let hub = Hub::new(Arc::new(NoFlushWorkers), 100);
        let log = LogId::Room("red".parse().unwrap());
        let head = |last| crate::ports::Head { epoch: Epoch(1), last: parlor_proto::MessageId(last) };
        let (early, late) = (peer(1), peer(2));
        let topic = hub.listen(&log, &early, &session_key(1).user);
        topic.set_start(ConnectionId(1), head(1));
        topic.activate(ConnectionId(1), None, |_| None).run();
        hub.listen(&log, &late, &"cyd".parse().unwrap());
        hub.deliver(&log, &[said(2, "two")]).run();
        topic.set_start(ConnectionId(2), head(4));
        hub.deliver(&log, &[said(3, "three")]).run();
        let mut told = None;
        let answer = |start: crate::ports::Head| {
            told = Some(start.last.0);
            None
        };
        topic.activate(ConnectionId(2), None, answer).run();
        hub.deliver(&log, &[said(4, "four"), said(5, "five")]).run();
        assert_eq!((told, heard(&late)), (Some(4), vec!["MSG red bob five\n".to_owned()]));
        assert_eq!(heard(&early).len(), 4);
    }

    fn said(id: u64, text: &str) -> Entry {
        Entry {
            id: parlor_proto::MessageId(id),
            time: Timestamp::from_millis(0),
            author: "bob".parse().unwrap(),
            to: None,
            content: Content::Said(Text::sanitise(text).unwrap()),
        }
    }

    fn heard(peer: &Peer) -> Vec<String> {
        let mut frames = Vec::new();
        peer.outbox().take(usize::MAX, &mut frames);
        String::from_utf8(frames.concat()).unwrap().split_inclusive('\n').map(str::to_owned).collect()
    }
}
