//! Servers that share a Redis, each with a recording sink, and short methods for the actions of their clients. It must
//! not cause any fault; tests do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use parlor_core::ports::{
    Account, Append, AppendResult, Claim, ClaimResult, Content, Destination, EnterResult, Entry, Head, LogId,
    PageRequest, PasswordHash, PredecessorWait, Recipient, Role, SessionKey, Store, StoreError, StoreResult,
};
use parlor_core::{ConnectionId, DuplicateLogin};
use parlor_proto::{MessageId, PageRange, RoomName, Text, Timestamp, UserName};
use parlor_redis_testkit::{FaultProxy, RedisServer, wait_until};
use parlor_store::redis::{Config, EventSink, LinkFacts, Note, OpenError, Redis};

use parlor_testkit::{RecordingSink, entrant, person};

/// One server among several.
pub(crate) struct Server {
    pub(crate) store: Store,
    pub(crate) sink: Arc<RecordingSink>,
    notes: Arc<Notes>,
    /// Its threads end when it is dropped. Its lease stays, as if the server had been killed.
    redis: Redis,
    connections: AtomicU64,
}

/// Records the events for an operator.
#[derive(Default)]
struct Notes(Mutex<Vec<Note>>);

impl EventSink for Notes {
    fn note(&self, note: &Note) {
        println!("{note:?}");
        self.0.lock().unwrap().push(note.clone());
    }
}

/// The configuration of a server on the Redis at `url`.
pub(crate) fn config(url: &str) -> Config {
    Config { url: url.parse().unwrap(), ca: None, server_name: "test".to_owned(), history: 100_000, replicas: 0 }
}

impl Server {
    /// A server on the Redis at `url`.
    pub(crate) fn open(url: &str) -> Self {
        Self::try_open(&config(url)).unwrap()
    }

    pub(crate) fn try_open(config: &Config) -> Result<Self, OpenError> {
        let (sink, notes) = (Arc::new(RecordingSink::default()), Arc::new(Notes::default()));
        let redis = Redis::open(config, sink.clone(), notes.clone())?;
        let store = redis.store().clone();
        Ok(Self { store, sink, notes, redis, connections: AtomicU64::new(1000) })
    }

    /// Shuts it down as an operator does.
    pub(crate) fn close(&self) {
        self.redis.close();
    }

    /// Finds out whether messages go through Redis.
    pub(crate) fn send_canary(&self) -> StoreResult<()> {
        self.redis.send_canary()
    }

    pub(crate) fn link_facts(&self) -> LinkFacts {
        self.redis.link_facts()
    }

    /// Deletes entries that are older than `age`, or than the retention of their room, until there are none.
    pub(crate) fn forget_older(&self, now: Timestamp, age: Option<Duration>) {
        while self.redis.forget_older(now, age).unwrap() {}
    }

    pub(crate) fn notes(&self) -> Vec<Note> {
        self.notes.0.lock().unwrap().clone()
    }

    pub(crate) fn claim(&self, user: &str, connection: u64, policy: DuplicateLogin) -> StoreResult<ClaimResult> {
        let (user, connection) = (name(user), ConnectionId(connection));
        let claim = Claim { user: &user, connection, policy, takeovers: None, at: Duration::ZERO };
        self.store.sessions.claim(&claim)
    }

    /// The user's session for a connection, by takeover if one exists.
    pub(crate) fn session_at(&self, user: &str, connection: u64) -> SessionKey {
        granted(user, self.claim(user, connection, DuplicateLogin::Takeover).unwrap())
    }

    /// The same for an arbitrary connection.
    pub(crate) fn session_key(&self, user: &str) -> SessionKey {
        self.session_at(user, self.connections.fetch_add(1, Ordering::Relaxed))
    }

    pub(crate) fn try_enter(&self, session_key: &SessionKey, into: &str) -> StoreResult<EnterResult> {
        self.try_enter_among(session_key, into, 1000)
    }

    /// Enters a room unless there are too many.
    pub(crate) fn try_enter_among(&self, session_key: &SessionKey, into: &str, max: usize) -> StoreResult<EnterResult> {
        self.store.rooms.enter(&entrant(session_key), &[room(into)], max).map(|mut results| results.remove(0))
    }

    pub(crate) fn enter(&self, session_key: &SessionKey, into: &str) {
        assert!(matches!(self.try_enter(session_key, into).unwrap(), EnterResult::Member { .. }));
    }

    /// A session that is a member of a room and follows it.
    pub(crate) fn member(&self, user: &str, of: &str) -> SessionKey {
        let session_key = self.session_key(user);
        self.follow(&log_of(of));
        self.enter(&session_key, of);
        session_key
    }

    pub(crate) fn follow(&self, log: &LogId) -> Head {
        self.store.log.follow(std::slice::from_ref(log)).unwrap().remove(0)
    }

    /// The newest entries of a log, oldest first.
    pub(crate) fn newest(&self, log: &LogId, count: usize) -> StoreResult<Vec<Entry>> {
        let request = PageRequest { log: log.clone(), peer: None, range: PageRange::Newest, count };
        self.store.log.page(&request).map(|page| page.entries)
    }

    /// Sends messages in one batch.
    pub(crate) fn say_all(
        &self,
        session_key: &SessionKey,
        log: &LogId,
        texts: &[String],
    ) -> Vec<Result<AppendResult, StoreError>> {
        let report = self.store.log.append(texts.iter().map(|text| said(session_key, log, text)).collect());
        report.flush.run();
        report.outcomes
    }

    /// Sends a message to each of some logs in one batch.
    pub(crate) fn say_in_each(
        &self,
        session_key: &SessionKey,
        logs: &[LogId],
        text: &str,
    ) -> Vec<Result<AppendResult, StoreError>> {
        let report = self.store.log.append(logs.iter().map(|log| said(session_key, log, text)).collect());
        report.flush.run();
        report.outcomes
    }

    pub(crate) fn try_say(
        &self,
        session_key: &SessionKey,
        log: &LogId,
        text: &str,
    ) -> Result<AppendResult, StoreError> {
        self.say_all(session_key, log, &[text.to_owned()]).remove(0)
    }

    /// Sends direct messages in one batch.
    pub(crate) fn tell_all(
        &self,
        by: &SessionKey,
        messages: &[(&Account, String)],
    ) -> Vec<Result<AppendResult, StoreError>> {
        let report = self.store.log.append(messages.iter().map(|(to, text)| told(by, to, text, None)).collect());
        report.flush.run();
        report.outcomes
    }

    pub(crate) fn try_tell(&self, by: &SessionKey, to: &Account, text: &str) -> Result<AppendResult, StoreError> {
        self.tell_all(by, &[(to, text.to_owned())]).remove(0)
    }

    /// Sends a direct message at most once.
    pub(crate) fn tell_once(&self, by: &SessionKey, to: &Account, text: &str, key: &str) -> StoreResult<AppendResult> {
        let mut report = self.store.log.append(vec![told(by, to, text, Some(key))]);
        report.flush.run();
        report.outcomes.remove(0)
    }

    /// Creates an account.
    pub(crate) fn create(&self, user: &str) -> Account {
        let account = Account {
            user: name(user),
            hash: PasswordHash::new("x".to_owned()),
            role: Role::Member,
            created: Timestamp::from_millis(7),
            kicks: 0,
            suspension: None,
        };
        assert!(self.store.accounts.create(&account).unwrap());
        account
    }

    /// The texts of the newest direct messages of a user.
    pub(crate) fn inbox(&self, user: &str) -> Vec<String> {
        let entries = self.newest(&inbox_of(user), 500).unwrap();
        assert!(entries.iter().zip(entries.iter().skip(1)).all(|(one, next)| one.id.next() == next.id));
        entries.iter().map(|entry| entry.said().to_string()).collect()
    }

    /// Sends a message that must be accepted, and returns its number.
    pub(crate) fn say(&self, session_key: &SessionKey, log: &LogId, text: &str) -> u64 {
        stored(self.try_say(session_key, log, text)).unwrap()
    }

    /// Sends many messages, in batches, that must all be accepted.
    pub(crate) fn say_many(&self, session_key: &SessionKey, log: &LogId, texts: &[String]) {
        for batch in texts.chunks(100) {
            self.say_all(session_key, log, batch).into_iter().for_each(|outcome| assert!(stored(outcome).is_ok()));
        }
    }

    pub(crate) fn waits(&self, session_key: &SessionKey, patience: Duration) -> PredecessorWait {
        self.store.sessions.await_predecessors(&session_key.user, session_key.generation, patience).unwrap()
    }

    pub(crate) fn release(&self, session_key: &SessionKey) -> StoreResult<()> {
        self.store.sessions.release(&session_key.user, session_key.generation)
    }

    pub(crate) fn leave(&self, session_key: &SessionKey, of: &str) -> StoreResult<()> {
        self.store.rooms.leave(session_key, &[room(of)])
    }

    pub(crate) fn members(&self, of: &str) -> Vec<String> {
        self.store.rooms.members(&room(of), &person("nobody")).unwrap().iter().map(UserName::to_string).collect()
    }

    pub(crate) fn is_online(&self, user: &str) -> bool {
        self.store.sessions.is_online(&name(user)).unwrap()
    }

    /// Whether the room is among those that have members.
    pub(crate) fn has_room(&self, name: &str) -> bool {
        self.store.rooms.rooms(&person("nobody")).unwrap().iter().any(|summary| summary.room.as_str() == name)
    }

    /// Waits until it has received exactly these texts of a log.
    pub(crate) fn hears(&self, log: &LogId, texts: &[String]) {
        wait_until("the entries", || self.sink.entries(log).len() >= texts.len());
        assert_eq!(self.sink.texts(log), texts);
    }

    /// Waits until it has reported an event to the operator.
    pub(crate) fn tells(&self, what: &str, is_it: impl Fn(&Note) -> bool) {
        wait_until(what, || self.notes().iter().any(&is_it));
    }
}

/// A Redis with two servers.
pub(crate) fn pair() -> (RedisServer, Server, Server) {
    let redis = RedisServer::start();
    let (one, two) = (Server::open(&redis.url()), Server::open(&redis.url()));
    (redis, one, two)
}

/// A Redis with a server that connects directly, and one that connects through a proxy.
pub(crate) fn pair_by_proxy() -> (RedisServer, Server, Server, FaultProxy) {
    let redis = RedisServer::start();
    let proxy = FaultProxy::start(redis.port());
    let (one, two) = (Server::open(&redis.url()), Server::open(&redis.url_by(&proxy)));
    (redis, one, two, proxy)
}

pub(crate) fn granted(user: &str, claimed: ClaimResult) -> SessionKey {
    match claimed {
        ClaimResult::Granted(generation) => SessionKey { user: name(user), generation },
        refused => panic!("{refused:?}"),
    }
}

/// The number of an accepted message; an error if the result is unknown.
pub(crate) fn stored(outcome: Result<AppendResult, StoreError>) -> Result<u64, StoreError> {
    match outcome? {
        AppendResult::Stored(MessageId(number)) | AppendResult::Repeated(MessageId(number)) => Ok(number),
        refused => panic!("a current session is refused: {refused:?}"),
    }
}

fn said(by: &SessionKey, log: &LogId, text: &str) -> Append {
    let to = match log {
        LogId::Room(room) => Destination::Room(room.clone()),
        LogId::Feed(_) => Destination::Feed,
        LogId::Inbox(_) => panic!("a direct message has a recipient"),
    };
    Append {
        to,
        author: by.user.clone(),
        generation: by.generation,
        time: Timestamp::from_millis(7),
        content: Content::Said(Text::sanitise(text).unwrap()),
        once: None,
    }
}

fn told(by: &SessionKey, to: &Account, text: &str, once: Option<&str>) -> Append {
    Append {
        to: Destination::Direct(Recipient { user: to.user.clone(), created: to.created }),
        author: by.user.clone(),
        generation: by.generation,
        time: Timestamp::from_millis(7),
        content: Content::Said(Text::sanitise(text).unwrap()),
        once: once.map(|key| key.parse().unwrap()),
    }
}

pub(crate) fn inbox_of(user: &str) -> LogId {
    LogId::Inbox(name(user))
}

/// `label 0`, `label 1`, …
pub(crate) fn numbered(label: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{label} {number}")).collect()
}

pub(crate) fn name(user: &str) -> UserName {
    user.parse().unwrap()
}

pub(crate) fn room(room: &str) -> RoomName {
    room.parse().unwrap()
}

pub(crate) fn log_of(of: &str) -> LogId {
    LogId::Room(room(of))
}
