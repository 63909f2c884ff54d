//! Stores to be tried, and a sink that writes down what they tell.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use parlor_core::ports::{
    Account, Append, Claim, Claimed, Direct, Entered, Entry, LogId, PasswordHash, Presence, Role, Seat, Sink, Store,
    TakeoverLimit,
};
use parlor_core::{ConnectionId, DuplicateLogin, Flush};
use parlor_proto::{Epoch, Generation, RoomName, Text, Timestamp, UserName};

/// Entries that each log of a bench keeps.
pub(crate) const HISTORY: usize = 2000;

/// A store with an ear at it.
pub(crate) struct Bench {
    pub(crate) store: Store,
    pub(crate) ear: Arc<Ear>,
    /// Lets the store look for what other processes did, where it has to look.
    look: Box<dyn Fn() + Send + Sync>,
    /// Where the store tells what happened by and by: lets it tell all that happened so far.
    settle: fn(&Self),
    start: Instant,
}

pub(crate) fn memory() -> Bench {
    let ear = Arc::new(Ear::default());
    let store = parlor_store::memory::open(ear.clone(), HISTORY);
    Bench { store, ear, look: Box::new(|| ()), settle: |_| (), start: Instant::now() }
}

#[cfg(feature = "sqlite")]
pub(crate) fn sqlite() -> Bench {
    use parlor_store::sqlite::{Durability, Sqlite};
    let ear = Arc::new(Ear::default());
    let directory = tempfile::tempdir().unwrap();
    let sqlite = Sqlite::open(directory.path(), HISTORY as u64, Durability::Process, ear.clone()).unwrap();
    let store = sqlite.store().clone();
    let look = Box::new(move || {
        let _keep = &directory;
        sqlite.notice_deletions().unwrap();
    });
    Bench { store, ear, look, settle: |_| (), start: Instant::now() }
}

#[cfg(feature = "redis")]
pub(crate) fn redis() -> Bench {
    use parlor_store::redis::{Config, Journal, Note, Redis};
    struct Printed;
    impl Journal for Printed {
        fn note(&self, note: &Note) {
            println!("{note:?}");
        }
    }
    let ear = Arc::new(Ear::default());
    let server = parlor_redis_testkit::RedisServer::start();
    let url = server.url().parse().unwrap();
    let config = Config { url, ca: None, server_name: "test".to_owned(), history: HISTORY as u64, replicas: 0 };
    let redis = Redis::open(&config, ear.clone(), Arc::new(Printed)).unwrap();
    let store = redis.store().clone();
    let look = Box::new(move || {
        let _keep = (&redis, &server);
    });
    Bench { store, ear, look, settle: Bench::hear_a_notice, start: Instant::now() }
}

impl Bench {
    pub(crate) fn look(&self) {
        (self.look)();
    }

    /// Lets the store tell what happened so far.
    pub(crate) fn settle(&self) {
        (self.settle)(self);
    }

    /// News come in the order in which they happened, and so after a notice all that happened before it.
    #[cfg(feature = "redis")]
    fn hear_a_notice(&self) {
        static NUMBER: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let notice = direct(&format!("notice {number}"));
        self.store.bus.broadcast(&notice).unwrap();
        parlor_redis_testkit::wait_until("a notice", || {
            let mut notices = self.ear.notices.lock().unwrap();
            let before = notices.len();
            notices.retain(|heard| *heard != notice);
            notices.len() < before
        });
    }

    /// Follows a log, as whoever listens to it does.
    pub(crate) fn follow(&self, log: &LogId) {
        self.store.log.follow(log).unwrap();
    }

    /// Takes the user's session over; connections are numbered by the caller.
    pub(crate) fn claim(&self, user: &str, connection: u64, policy: DuplicateLogin) -> Claimed {
        self.claim_limited(user, connection, policy, None)
    }

    pub(crate) fn claim_limited(
        &self,
        user: &str,
        connection: u64,
        policy: DuplicateLogin,
        takeovers: Option<TakeoverLimit>,
    ) -> Claimed {
        let user = name(user);
        let at = self.start.elapsed();
        let claim = Claim { user: &user, connection: ConnectionId(connection), policy, takeovers, at };
        self.store.sessions.claim(&claim).unwrap()
    }

    /// A session of the user, taken over if need be.
    pub(crate) fn seat(&self, user: &str) -> Seat {
        match self.claim(user, 0, DuplicateLogin::Takeover) {
            Claimed::Granted(generation) => Seat { user: name(user), generation },
            refused => panic!("{refused:?}"),
        }
    }

    /// A session that is a member of a room.
    pub(crate) fn member(&self, user: &str, of: &str) -> Seat {
        let seat = self.seat(user);
        self.follow(&log_of(of));
        assert!(matches!(self.enter(&seat, of), Entered::Member { .. }));
        seat
    }

    pub(crate) fn enter(&self, seat: &Seat, into: &str) -> Entered {
        self.store.rooms.enter(seat, &room(into), 1000).unwrap()
    }

    pub(crate) fn members(&self, of: &str) -> Vec<String> {
        self.store.rooms.members(&room(of)).unwrap().iter().map(UserName::to_string).collect()
    }

    pub(crate) fn release(&self, seat: &Seat) {
        self.store.sessions.release(&seat.user, seat.generation).unwrap();
    }

    pub(crate) fn is_online(&self, user: &str) -> bool {
        self.store.sessions.is_online(&name(user)).unwrap()
    }
}

/// Writes down what the store tells, and finds deliveries of one log that overlap.
#[derive(Default)]
pub(crate) struct Ear {
    delivered: Mutex<Vec<(LogId, Entry)>>,
    /// Logs of which entries are being delivered just now.
    delivering: Mutex<BTreeSet<LogId>>,
    pub(crate) presences: Mutex<Vec<Presence>>,
    pub(crate) displaced: Mutex<Vec<u64>>,
    pub(crate) deleted: Mutex<Vec<String>>,
    pub(crate) directs: Mutex<Vec<Direct>>,
    pub(crate) notices: Mutex<Vec<Direct>>,
    pub(crate) here: Mutex<Vec<String>>,
}

impl Ear {
    /// The entries of a log that were delivered so far.
    pub(crate) fn delivered(&self, log: &LogId) -> Vec<Entry> {
        let delivered = self.delivered.lock().unwrap();
        delivered.iter().filter(|(of, _)| of == log).map(|(_, entry)| entry.clone()).collect()
    }
}

impl Sink for Ear {
    fn deliver(&self, log: &LogId, entries: &[Entry]) -> Flush {
        assert!(self.delivering.lock().unwrap().insert(log.clone()), "deliveries of one log overlap");
        std::thread::yield_now();
        let told = entries.iter().map(|entry| (log.clone(), entry.clone()));
        self.delivered.lock().unwrap().extend(told);
        self.delivering.lock().unwrap().remove(log);
        Flush::default()
    }

    fn restarted(&self, log: &LogId, epoch: Epoch) {
        panic!("{log:?} restarted as {epoch}");
    }

    fn presence(&self, presence: &Presence) -> Flush {
        self.presences.lock().unwrap().push(presence.clone());
        Flush::default()
    }

    fn direct(&self, to: &UserName, message: &Direct) -> Option<Flush> {
        let is_here = self.here.lock().unwrap().iter().any(|user| user == to.as_str());
        is_here.then(|| self.directs.lock().unwrap().push(message.clone())).map(|()| Flush::default())
    }

    fn notice(&self, message: &Direct) -> Flush {
        self.notices.lock().unwrap().push(message.clone());
        Flush::default()
    }

    fn displaced(&self, connection: ConnectionId) -> Flush {
        self.displaced.lock().unwrap().push(connection.0);
        Flush::default()
    }

    fn account_deleted(&self, user: &UserName) -> Flush {
        self.deleted.lock().unwrap().push(user.to_string());
        Flush::default()
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
    }
}

pub(crate) fn said(log: &LogId, by: &Seat, what: &str) -> Append {
    Append {
        log: log.clone(),
        author: by.user.clone(),
        generation: by.generation,
        time: Timestamp::from_millis(7),
        text: text(what),
    }
}

pub(crate) fn direct(what: &str) -> Direct {
    Direct { time: Timestamp::from_millis(7), from: name("ann"), text: text(what) }
}

pub(crate) fn generation(claimed: Claimed) -> Option<Generation> {
    match claimed {
        Claimed::Granted(generation) => Some(generation),
        _ => None,
    }
}
