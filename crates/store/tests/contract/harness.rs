//! Stores under test, each with a sink that records its reports.

use std::collections::BTreeSet;
#[cfg(feature = "redis")]
use std::sync::Weak;
#[cfg(feature = "redis")]
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use parlor_core::ports::{
    Account, Append, AppendResult, Claim, ClaimResult, Content, Destination, EnterResult, Entry, Head, LogId,
    PageRequest, PasswordHash, Recipient, Role, SessionKey, Store, TakeoverLimit, UnloggedMessage,
};
use parlor_core::{ConnectionId, DuplicateLogin};
use parlor_proto::{Generation, MessageId, PageRange, RoomName, Text, Timestamp, UserName};
use parlor_testkit::{RecordingSink, Reported, entrant, person};

/// Number of entries that each log of a bench keeps, unless a test is about the end of what is kept …
pub(crate) const HISTORY: usize = 2000;

/// … then so many.
pub(crate) const SHORT_HISTORY: usize = 10;

/// A store with a recording sink.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) sink: Arc<RecordingSink>,
    /// Lets the store poll for changes by other processes, if it has to poll.
    look: Box<dyn Fn() + Send + Sync>,
    /// If the store reports with a delay: waits until it has reported everything that happened so far.
    settle: Box<dyn Fn(&Self) + Send + Sync>,
    /// The followed logs.
    followed: Mutex<BTreeSet<LogId>>,
    start: Instant,
}

pub(crate) fn memory(history: usize) -> Bench {
    let sink = Arc::new(RecordingSink::default());
    let store = parlor_store::memory::open(sink.clone(), history);
    Bench {
        store,
        sink,
        look: Box::new(|| ()),
        settle: Box::new(|_| ()),
        followed: Mutex::default(),
        start: Instant::now(),
    }
}

#[cfg(feature = "sqlite")]
pub(crate) fn sqlite(history: usize) -> Bench {
    use parlor_store::sqlite::{Durability, Sqlite};
    let sink = Arc::new(RecordingSink::default());
    let directory = tempfile::tempdir().unwrap();
    let sqlite = Sqlite::open(directory.path(), history as u64, Durability::Process, sink.clone()).unwrap();
    let store = sqlite.store().clone();
    let look = Box::new(move || {
        let _keep = &directory;
        sqlite.notice_changes().unwrap();
    });
    Bench { store, sink, look, settle: Box::new(|_| ()), followed: Mutex::default(), start: Instant::now() }
}

#[cfg(feature = "redis")]
pub(crate) fn redis(history: usize) -> Bench {
    let server = parlor_redis_testkit::RedisServer::start();
    let url = server.url();
    redis_at(&url, history, server)
}

/// A Cluster that all tests share, one after the other, because its start takes seconds.
#[cfg(feature = "redis")]
pub(crate) fn redis_cluster(history: usize) -> Bench {
    use parlor_redis_testkit::RedisCluster;
    static SHARED: Mutex<Weak<RedisCluster>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap();
    let cluster = shared.upgrade().unwrap_or_else(|| Arc::new(RedisCluster::start()));
    *shared = Arc::downgrade(&cluster);
    drop(shared);
    let turn = Turn::wait();
    for node in cluster.nodes() {
        node.cli(&["FLUSHALL"]);
    }
    let url = cluster.urls().remove(0);
    let nodes = cluster.clone();
    let settle = Box::new(move |bench: &Bench| bench.hear_all_nodes(&nodes));
    Bench { settle, ..redis_at(&url, history, (cluster, turn)) }
}

/// A store on the Redis at `url`, which lives as long as `alive` is held.
#[cfg(feature = "redis")]
fn redis_at(url: &str, history: usize, alive: impl Send + Sync + 'static) -> Bench {
    use parlor_store::redis::{Config, EventSink, Note, Redis};
    struct Printed;
    impl EventSink for Printed {
        fn note(&self, note: &Note) {
            println!("{note:?}");
        }
    }
    let sink = Arc::new(RecordingSink::default());
    let url = url.parse().unwrap();
    let config = Config { url, ca: None, server_name: "test".to_owned(), history: history as u64, replicas: 0 };
    let redis = Redis::open(&config, sink.clone(), Arc::new(Printed)).unwrap();
    let store = redis.store().clone();
    let look = Box::new(move || {
        let _keep = (&redis, &alive);
    });
    Bench {
        store,
        sink,
        look,
        settle: Box::new(|bench| {
            bench.hear_a_notice();
            bench.hear_users();
        }),
        followed: Mutex::default(),
        start: Instant::now(),
    }
}

/// The right to exclusive use, until it is dropped. Unlike a lock it may be dropped by another thread.
#[cfg(feature = "redis")]
struct Turn;

#[cfg(feature = "redis")]
static IS_TAKEN: AtomicBool = AtomicBool::new(false);
/// The turns that have begun.
#[cfg(feature = "redis")]
static TURNS: AtomicUsize = AtomicUsize::new(0);

#[cfg(feature = "redis")]
impl Turn {
    /// Each turn may take a minute, however many come before this one.
    fn wait() -> Self {
        loop {
            let turns = TURNS.load(Ordering::SeqCst);
            let is_ours = parlor_redis_testkit::wait_for("the end of another test's turn", || {
                let is_free = !IS_TAKEN.swap(true, Ordering::SeqCst);
                (is_free || TURNS.load(Ordering::SeqCst) != turns).then_some(is_free)
            });
            if is_ours {
                TURNS.fetch_add(1, Ordering::SeqCst);
                return Self;
            }
        }
    }
}

#[cfg(feature = "redis")]
impl Drop for Turn {
    fn drop(&mut self) {
        IS_TAKEN.store(false, Ordering::SeqCst);
    }
}

impl Bench {
    /// Monotonic time, as a server measures it.
    pub(crate) fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// Lets time pass.
    pub(crate) fn wait(&self, time: Duration) {
        std::thread::sleep(time);
    }

    pub(crate) fn look(&self) {
        (self.look)();
    }

    /// Lets the store report everything that happened so far.
    pub(crate) fn settle(&self) {
        (self.settle)(self);
        let restarted = self.sink.reported().into_iter().find(|it| matches!(it, Reported::Restarted(_)));
        assert!(restarted.is_none(), "{restarted:?}: nothing was lost");
    }

    /// Messages arrive in the order of their events. So after a notice has arrived, all earlier messages have arrived,
    /// too.
    #[cfg(feature = "redis")]
    fn hear_a_notice(&self) {
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let notice = notice(&format!("notice {number}"));
        self.store.bus.broadcast(&notice).unwrap();
        parlor_redis_testkit::wait_until("a notice", || self.sink.notices().contains(&notice));
        self.sink.retain(|it| !matches!(it, Reported::Notice(heard) if *heard == notice));
    }

    /// The log of a user may be followed before it is heard. What was missed is requested.
    #[cfg(feature = "redis")]
    fn hear_users(&self) {
        for log in self.followed.lock().unwrap().iter().filter(|log| log.room().is_none()) {
            let newest = || self.newest(log, 1).pop();
            parlor_redis_testkit::wait_until("a user's log", || self.sink.entries(log).pop() == newest());
        }
    }

    /// Messages of different nodes arrive in any order, so each log needs a message that the test can wait for.
    #[cfg(feature = "redis")]
    fn hear_all_nodes(&self, cluster: &parlor_redis_testkit::RedisCluster) {
        self.hear_a_notice();
        self.hear_users();
        for log in &*self.followed.lock().unwrap() {
            let LogId::Room(room) = log else { continue };
            let channel = format!("parlor:log:{{{room}}}");
            cluster.master_of(&channel).cli(&["SPUBLISH", &channel, "+ settled 0 0"]);
            let is_settled = |heard: &parlor_core::ports::Presence| heard.user.as_str() == "settled";
            parlor_redis_testkit::wait_until("a change of members", || self.sink.presences().iter().any(is_settled));
            self.sink.retain(|it| !matches!(it, Reported::Presence(heard) if is_settled(heard)));
        }
    }

    /// Follows a log, as each listener to it does.
    pub(crate) fn follow(&self, log: &LogId) -> Head {
        self.followed.lock().unwrap().insert(log.clone());
        self.store.log.follow(std::slice::from_ref(log)).unwrap().remove(0)
    }

    /// The newest entries of a log, oldest first.
    pub(crate) fn newest(&self, log: &LogId, count: usize) -> Vec<Entry> {
        let request = PageRequest { log: log.clone(), peer: None, range: PageRange::Newest, count };
        self.store.log.page(&request).unwrap().entries
    }

    /// Their numbers and texts: `1 hello`.
    pub(crate) fn numbered(&self, log: &LogId, count: usize) -> Vec<String> {
        self.newest(log, count).iter().map(|entry| format!("{} {}", entry.id, entry.said())).collect()
    }

    /// Creates accounts as [`account`] describes them.
    pub(crate) fn create(&self, users: &[&str]) {
        for user in users {
            assert!(self.store.accounts.create(&account(user)).unwrap());
        }
    }

    /// Appends a batch, none of which may fail.
    pub(crate) fn append(&self, batch: Vec<Append>) -> Vec<AppendResult> {
        let report = self.store.log.append(batch);
        report.flush.run();
        report.outcomes.into_iter().map(Result::unwrap).collect()
    }

    /// Claims the user's session with this policy. The caller numbers the connections.
    pub(crate) fn claim(&self, user: &str, connection: u64, policy: DuplicateLogin) -> ClaimResult {
        self.claim_limited(user, connection, policy, None)
    }

    pub(crate) fn claim_limited(
        &self,
        user: &str,
        connection: u64,
        policy: DuplicateLogin,
        takeovers: Option<TakeoverLimit>,
    ) -> ClaimResult {
        let user = name(user);
        let at = self.elapsed();
        let claim = Claim { user: &user, connection: ConnectionId(connection), policy, takeovers, at };
        self.store.sessions.claim(&claim).unwrap()
    }

    /// A session of the user, by takeover if one exists.
    pub(crate) fn session_key(&self, user: &str) -> SessionKey {
        match self.claim(user, 0, DuplicateLogin::Takeover) {
            ClaimResult::Granted(generation) => SessionKey { user: name(user), generation },
            refused => panic!("{refused:?}"),
        }
    }

    /// A session that is a member of a room.
    pub(crate) fn member(&self, user: &str, of: &str) -> SessionKey {
        let session_key = self.session_key(user);
        self.follow(&log_of(of));
        assert!(matches!(self.enter(&session_key, of), EnterResult::Member { .. }));
        session_key
    }

    pub(crate) fn enter(&self, session_key: &SessionKey, into: &str) -> EnterResult {
        self.store.rooms.enter(&entrant(session_key), &[room(into)], 1000).unwrap().remove(0)
    }

    pub(crate) fn members(&self, of: &str) -> Vec<String> {
        self.store.rooms.members(&room(of), &person("nobody")).unwrap().iter().map(UserName::to_string).collect()
    }

    pub(crate) fn release(&self, session_key: &SessionKey) {
        self.store.sessions.release(&session_key.user, session_key.generation).unwrap();
    }

    pub(crate) fn is_online(&self, user: &str) -> bool {
        self.store.sessions.is_online(&name(user)).unwrap()
    }
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

pub(crate) fn text(text: &str) -> Text {
    Text::sanitise(text).unwrap()
}

pub(crate) fn account(user: &str) -> Account {
    Account {
        user: name(user),
        hash: PasswordHash::new(format!("hash of {user}")),
        role: Role::Member,
        created: Timestamp::from_millis(1_795_392_000_123),
        kicks: 0,
        suspension: None,
    }
}

/// A message to a room, or into the feed of the author.
pub(crate) fn said(log: &LogId, by: &SessionKey, what: &str) -> Append {
    let to = match log {
        LogId::Room(room) => Destination::Room(room.clone()),
        LogId::Feed(_) => Destination::Feed,
        LogId::Inbox(_) => panic!("a direct message has a recipient"),
    };
    sent(to, by, what)
}

/// A direct message to a user, whose account is that of [`account`].
pub(crate) fn told(to: &str, by: &SessionKey, what: &str) -> Append {
    sent(Destination::Direct(Recipient { user: name(to), created: account(to).created }), by, what)
}

pub(crate) fn sent(to: Destination, by: &SessionKey, what: &str) -> Append {
    Append {
        to,
        author: by.user.clone(),
        generation: by.generation,
        time: Timestamp::from_millis(7),
        content: Content::Said(text(what)),
        once: None,
    }
}

/// The same, at most once.
pub(crate) fn keyed(key: &str, append: Append) -> Append {
    Append { once: Some(key.parse().unwrap()), ..append }
}

pub(crate) fn inbox_of(user: &str) -> LogId {
    LogId::Inbox(name(user))
}

pub(crate) fn stored(number: u64) -> AppendResult {
    AppendResult::Stored(MessageId(number))
}

/// A broadcast.
pub(crate) fn notice(what: &str) -> UnloggedMessage {
    UnloggedMessage { time: Timestamp::from_millis(7), from: name("ann"), text: text(what) }
}

pub(crate) fn generation(claimed: ClaimResult) -> Option<Generation> {
    match claimed {
        ClaimResult::Granted(generation) => Some(generation),
        _ => None,
    }
}
