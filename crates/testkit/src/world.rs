//! The world: rules, store and clients in one process.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parlor_core::ports::{Account, Clock, LogId, PasswordHash, Role, Sink};
use parlor_core::{Hub, Origin, Services};
use parlor_proto::{Bye, Epoch, Tickets, Timestamp, UserName};
use parlor_store::memory;

use crate::builder::Builder;
use crate::connection::Connection;
use crate::fakes::{FakeClock, FakeFlushWorkers, FakePasswords, FakeRandom, Recorder, current_hash, outdated_hash};
use crate::intercept::{self, Call, Interceptor};
use crate::lossy_sink::LossySink;

/// The password of a user whose account a world created.
pub fn password_of(user: &str) -> String {
    format!("secret of {user}")
}

/// Rules, store and clients in one process. Cheap to clone; the clones are the same world.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    services: Arc<Services>,
    clock: Arc<FakeClock>,
    flush_workers: Arc<FakeFlushWorkers>,
    recorder: Arc<Recorder>,
    interceptor: Arc<Interceptor>,
    sink: Arc<LossySink>,
    last_connection: AtomicU64,
}

impl fmt::Debug for World {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("World")
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl World {
    /// A world with the default settings.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A builder for a world with other settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn of(settings: Builder) -> Self {
        let flush_workers = Arc::new(FakeFlushWorkers::queued(settings.queued_flush_workers));
        let hub = Arc::new(Hub::new(flush_workers.clone(), settings.policy.presence_limit));
        let sink = Arc::new(LossySink::new(hub.clone()));
        let interceptor = Arc::new(Interceptor::default());
        let store = intercept::wrap(memory::open(sink.clone(), settings.history), &interceptor);
        let (clock, recorder) = (Arc::new(FakeClock::default()), Arc::new(Recorder::default()));
        let services = Services {
            hub,
            store,
            passwords: Arc::new(FakePasswords),
            authority: settings.authority,
            endpoints: settings.endpoints,
            random: Arc::new(FakeRandom::default()),
            clock: clock.clone(),
            observer: recorder.clone(),
            policy: settings.policy,
        };
        let last_connection = AtomicU64::new(0);
        let services = Arc::new(services);
        Self(Arc::new(Inner { services, clock, flush_workers, recorder, interceptor, sink, last_connection }))
    }

    /// Creates an account with the password of [`password_of`], unless it exists.
    pub fn account(&self, user: &str) {
        self.make_account(user, Role::Member, false);
    }

    /// Creates the account of an operator.
    pub fn operator(&self, user: &str) {
        self.make_account(user, Role::Operator, false);
    }

    /// Creates an account whose hash has another cost than the current setting.
    pub fn outdated_account(&self, user: &str) {
        self.make_account(user, Role::Member, true);
    }

    /// Creates an account with this password, whatever passwords are refused now.
    pub fn account_with_password(&self, user: &str, password: &str) {
        self.store_account(user, Role::Member, current_hash(password));
    }

    /// Changes the password of an account, as an operator does.
    pub fn set_password(&self, user: &str, password: &str) {
        let accounts = &self.0.services.store.accounts;
        let changed = accounts.set_password(&name(user), &current_hash(password)).expect("the store works");
        assert!(changed, "there is such an account");
    }

    /// Revokes all tickets of an account, as another session does.
    pub fn revoke_tickets(&self, user: &str) {
        self.0.services.store.tickets.revoke(&name(user), Tickets::All, None).expect("the store works");
    }

    /// The services, for a door that logs in without a session.
    pub fn services(&self) -> &Services {
        &self.0.services
    }

    /// Ends the session of an account, as an operator does.
    pub fn kick(&self, user: &str) {
        assert!(self.0.services.store.accounts.kick(&name(user)).expect("the store works"), "there is such an account");
    }

    /// The hash of an account's password.
    pub fn hash_of(&self, user: &str) -> String {
        let account = self.0.services.store.accounts.find(&name(user)).expect("the store works");
        account.expect("there is such an account").hash.expose().to_owned()
    }

    /// Deletes an account.
    pub fn delete_account(&self, user: &str) {
        self.0.services.store.accounts.delete(&name(user)).expect("the store works");
    }

    /// When an account was created.
    pub fn created(&self, user: &str) -> Timestamp {
        let account = self.0.services.store.accounts.find(&name(user)).expect("the store works");
        account.expect("there is such an account").created
    }

    /// Reports to the hub that the account with this creation time was deleted. The report may come late.
    pub fn tell_deletion(&self, user: &str, created: Timestamp) {
        self.0.services.hub.account_deleted(&name(user), created).run();
    }

    /// Tells the server that the log of a room has a new numbering.
    pub fn restart_numbering(&self, room: &str) {
        let log = LogId::Room(room.parse().expect("it is a name"));
        self.0.services.hub.restarted(&log, Epoch(u64::MAX));
    }

    /// Makes an operator a member.
    pub fn demote(&self, user: &str) {
        self.0.services.store.accounts.set_role(&name(user), Role::Member).expect("the store works");
    }

    /// Removes a follow from the store only, as if the store was emptied.
    pub fn lose_follow(&self, follower: &str, publisher: &str) {
        let was_there = self.0.services.store.follows.unsubscribe(&name(follower), &name(publisher));
        assert!(was_there.expect("the store works"), "there is such a follow");
    }

    /// Adds a follow to the store only, as if the reply to its session was lost.
    pub fn make_follow(&self, follower: &str, publisher: &str) {
        let is_new = self.0.services.store.follows.subscribe(&name(follower), &name(publisher));
        assert!(is_new.expect("the store works"), "there is no such follow");
    }

    /// Connects from this machine, and reads HELLO.
    pub fn connect(&self) -> Connection {
        self.open(origin("127.0.0.1", true))
    }

    /// Connects from another machine, and reads HELLO.
    pub fn from_address(&self, address: &str) -> Connection {
        self.open(origin(address, false))
    }

    /// Connects, logs in and reads the reply. Creates the account if it does not exist.
    ///
    /// # Panics
    /// If the login is refused.
    pub fn login(&self, user: &str) -> Connection {
        self.account(user);
        let connection = self.connect();
        let mut answer = connection.ask(&login_line(user));
        // With many threads, another thread may be about to write the reply.
        while answer.is_empty() && connection.is_open() {
            std::thread::yield_now();
            answer = connection.read();
        }
        assert_eq!(answer.first(), Some(&format!("OK login {user} lobby")));
        connection
    }

    /// From now on every call of the store fails (`true`), or none does.
    pub fn fail_store(&self, fails: bool) {
        self.0.interceptor.fail(fails);
    }

    /// From now on every write of the store fails (`true`), as on a full disk, or none does.
    pub fn fill_disk(&self, is_full: bool) {
        self.0.interceptor.fill_disk(is_full);
    }

    /// From now on the hub does not receive that a session was displaced or ended by an operator, as if this server hung.
    pub fn lose_displacements(&self) {
        self.0.sink.is_deaf.store(true, Ordering::SeqCst);
    }

    /// Runs an action once, right after the next call of the store with this name has returned: append, claim, enter, find
    /// (an account), find ticket, follow, heads, is current, leave, note use or subscribe.
    pub fn after(&self, call: &str, deed: impl FnOnce() + Send + 'static) {
        self.0.interceptor.add(Call::named(call), Box::new(deed));
    }

    /// Advances the clock.
    pub fn advance(&self, seconds: u64) {
        self.0.clock.advance(Duration::from_secs(seconds));
    }

    /// Milliseconds that have passed in this world.
    pub fn elapsed_millis(&self) -> u128 {
        self.0.clock.elapsed().as_millis()
    }

    /// Runs all flushes that flush workers got, and returns how many they were.
    pub fn run_flush_workers(&self) -> usize {
        let mut count = 0;
        while let done @ 1.. = self.0.flush_workers.run() {
            count += done;
        }
        count
    }

    /// The reports to operators since the last call.
    pub fn reports(&self) -> Vec<String> {
        self.0.recorder.take()
    }

    /// How often `append` was called, however many entries a call had.
    pub fn appends(&self) -> usize {
        self.0.interceptor.appends()
    }

    /// The hub.
    pub fn hub(&self) -> &Hub {
        &self.0.services.hub
    }

    /// Number of connections in the hub.
    pub fn connections(&self) -> usize {
        self.0.services.hub.connections()
    }

    /// Number of logs that have recipients.
    pub fn topics(&self) -> usize {
        self.0.services.hub.topics()
    }

    /// Closes all connections, as a server that stops.
    pub fn shut_down(&self) {
        self.0.services.hub.close_all(Bye::ServerShutdown).run();
    }

    fn open(&self, origin: Origin) -> Connection {
        let number = self.0.last_connection.fetch_add(1, Ordering::SeqCst) + 1;
        let connection = Connection::open(
            self.0.services.clone(),
            self.0.clock.clone(),
            self.0.flush_workers.clone(),
            number,
            origin,
        );
        assert_eq!(connection.read(), ["HELLO parlor/1 test"]);
        connection
    }

    fn make_account(&self, user: &str, role: Role, is_outdated: bool) {
        let password = password_of(user);
        self.store_account(user, role, if is_outdated { outdated_hash(&password) } else { current_hash(&password) });
    }

    fn store_account(&self, user: &str, role: Role, hash: PasswordHash) {
        let account = Account { user: name(user), hash, role, created: self.0.clock.now(), kicks: 0, suspension: None };
        self.0.services.store.accounts.create(&account).expect("the store works");
    }
}

/// The LOGIN line of a user whose account a world created.
pub fn login_line(user: &str) -> String {
    format!("LOGIN {user} {}", password_of(user))
}

/// Each address is its own network.
fn origin(address: &str, is_loopback: bool) -> Origin {
    Origin { address: address.to_owned(), network: address.to_owned(), is_loopback }
}

pub(crate) fn name(user: &str) -> UserName {
    user.parse().expect("tests use valid names")
}
