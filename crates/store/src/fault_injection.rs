//! A wrapper around a store that fails on purpose while it is told to, for tests of what happens then. It must
//! not be used by a server that serves people.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parlor_core::Flush;
use parlor_core::ports::{
    Account, Accounts, Append, AppendReport, Bus, Claim, Claimed, Direct, Entered, Entry, Follows, Head, Log, LogId,
    PasswordHash, Role, Rooms, SessionKey, Sessions, Store, StoreError, StoreResult, Waited,
};
use parlor_proto::{Generation, RoomName, RoomSummary, Timestamp, UserName};

/// Says whether the store fails now.
#[derive(Debug, Clone, Default)]
pub struct FaultSwitch(Arc<Faults>);

#[derive(Debug, Default)]
struct Faults {
    all: AtomicBool,
    writes: AtomicBool,
}

impl FaultSwitch {
    /// From now on every call fails, or none does.
    pub fn fail(&self, fail: bool) {
        self.0.all.store(fail, Ordering::SeqCst);
    }

    /// From now on every call that keeps something beyond the end of the server fails, as on a full disk, or none does.
    pub fn fail_writes(&self, fail: bool) {
        self.0.writes.store(fail, Ordering::SeqCst);
    }

    fn check(&self) -> StoreResult<()> {
        check(&self.0.all)
    }

    fn check_write(&self) -> StoreResult<()> {
        check(&self.0.all).and_then(|()| check(&self.0.writes))
    }
}

fn check(fails: &AtomicBool) -> StoreResult<()> {
    if fails.load(Ordering::SeqCst) { Err(StoreError::new("failing on purpose")) } else { Ok(()) }
}

/// The same store, except that it fails while the switch says so.
pub fn wrap(store: Store) -> (Store, FaultSwitch) {
    let switch = FaultSwitch::default();
    let store = Store {
        accounts: Arc::new(Faulty(store.accounts, switch.clone())),
        follows: Arc::new(Faulty(store.follows, switch.clone())),
        sessions: Arc::new(Faulty(store.sessions, switch.clone())),
        rooms: Arc::new(Faulty(store.rooms, switch.clone())),
        log: Arc::new(Faulty(store.log, switch.clone())),
        bus: Arc::new(Faulty(store.bus, switch.clone())),
        attempts: store.attempts,
    };
    (store, switch)
}

struct Faulty<T: ?Sized>(Arc<T>, FaultSwitch);

impl<T: ?Sized> Faulty<T> {
    fn port(&self) -> StoreResult<&T> {
        self.1.check().map(|()| &*self.0)
    }

    fn port_to_write(&self) -> StoreResult<&T> {
        self.1.check_write().map(|()| &*self.0)
    }
}

impl Accounts for Faulty<dyn Accounts> {
    fn create(&self, account: &Account) -> StoreResult<bool> {
        self.port_to_write()?.create(account)
    }

    fn find(&self, user: &UserName) -> StoreResult<Option<Account>> {
        self.port()?.find(user)
    }

    fn set_password(&self, user: &UserName, hash: &PasswordHash) -> StoreResult<bool> {
        self.port_to_write()?.set_password(user, hash)
    }

    fn renew_hash(&self, user: &UserName, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool> {
        self.port_to_write()?.renew_hash(user, old, new)
    }

    fn set_role(&self, user: &UserName, role: Role) -> StoreResult<bool> {
        self.port_to_write()?.set_role(user, role)
    }

    fn delete(&self, user: &UserName) -> StoreResult<bool> {
        self.port_to_write()?.delete(user)
    }

    fn unlock(&self, user: &UserName, address: Option<&str>, now: Timestamp) -> StoreResult<bool> {
        self.port_to_write()?.unlock(user, address, now)
    }

    fn accounts(&self) -> StoreResult<Vec<Account>> {
        self.port()?.accounts()
    }
}

impl Follows for Faulty<dyn Follows> {
    fn subscribe(&self, follower: &UserName, publisher: &UserName) -> StoreResult<bool> {
        self.port_to_write()?.subscribe(follower, publisher)
    }

    fn unsubscribe(&self, follower: &UserName, publisher: &UserName) -> StoreResult<bool> {
        self.port_to_write()?.unsubscribe(follower, publisher)
    }

    fn subscriptions(&self, follower: &UserName) -> StoreResult<Vec<UserName>> {
        self.port()?.subscriptions(follower)
    }

    fn subscribers(&self, publisher: &UserName) -> StoreResult<Vec<UserName>> {
        self.port()?.subscribers(publisher)
    }
}

impl Sessions for Faulty<dyn Sessions> {
    fn claim(&self, claim: &Claim<'_>) -> StoreResult<Claimed> {
        self.port()?.claim(claim)
    }

    fn await_predecessors(&self, user: &UserName, generation: Generation, patience: Duration) -> StoreResult<Waited> {
        self.port()?.await_predecessors(user, generation, patience)
    }

    fn release(&self, user: &UserName, generation: Generation) -> StoreResult<()> {
        self.port()?.release(user, generation)
    }

    fn is_current(&self, user: &UserName, generation: Generation) -> StoreResult<bool> {
        self.port()?.is_current(user, generation)
    }

    fn is_online(&self, user: &UserName) -> StoreResult<bool> {
        self.port()?.is_online(user)
    }
}

impl Rooms for Faulty<dyn Rooms> {
    fn enter(&self, session_key: &SessionKey, room: &RoomName, max_rooms: usize) -> StoreResult<Entered> {
        self.port()?.enter(session_key, room, max_rooms)
    }

    fn leave(&self, session_key: &SessionKey, room: &RoomName) -> StoreResult<()> {
        self.port()?.leave(session_key, room)
    }

    fn evict_predecessors(&self, session_key: &SessionKey) -> StoreResult<()> {
        self.port()?.evict_predecessors(session_key)
    }

    fn members(&self, room: &RoomName) -> StoreResult<Vec<UserName>> {
        self.port()?.members(room)
    }

    fn rooms(&self) -> StoreResult<Vec<RoomSummary>> {
        self.port()?.rooms()
    }
}

impl Log for Faulty<dyn Log> {
    fn append(&self, batch: Vec<Append>) -> AppendReport {
        match self.port_to_write() {
            Ok(log) => log.append(batch),
            Err(error) => AppendReport { outcomes: vec![Err(error); batch.len()], flush: Flush::default() },
        }
    }

    fn follow(&self, log: &LogId) -> StoreResult<Head> {
        self.port()?.follow(log)
    }

    fn unfollow(&self, log: &LogId) {
        self.0.unfollow(log);
    }

    fn newest(&self, log: &LogId, count: usize) -> StoreResult<Vec<Entry>> {
        self.port()?.newest(log, count)
    }
}

impl Bus for Faulty<dyn Bus> {
    fn direct(&self, to: &UserName, message: &Direct) -> StoreResult<bool> {
        self.port()?.direct(to, message)
    }

    fn broadcast(&self, message: &Direct) -> StoreResult<()> {
        self.port()?.broadcast(message)
    }
}
