//! A store in whose calls a test can let something happen, so that races are played out in a fixed order. It
//! must not change what the calls do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use parlor_core::ports::{
    Account, Accounts, Append, AppendReport, Claim, Claimed, Entered, Entry, Follows, Head, Log, LogId, PasswordHash,
    Role, Rooms, SessionKey, Sessions, Store, StoreResult, Waited,
};
use parlor_proto::{Generation, RoomName, RoomSummary, Timestamp, UserName};

use crate::lock;

/// Calls after which something can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Append,
    Claim,
    Enter,
    Find,
    Follow,
    IsCurrent,
    Leave,
    Subscribe,
}

impl Call {
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "append" => Self::Append,
            "claim" => Self::Claim,
            "enter" => Self::Enter,
            "find" => Self::Find,
            "follow" => Self::Follow,
            "is current" => Self::IsCurrent,
            "leave" => Self::Leave,
            "subscribe" => Self::Subscribe,
            other => panic!("no call of the store is named {other}"),
        }
    }
}

type Deed = Box<dyn FnOnce() + Send>;

/// What is to happen, each once.
#[derive(Default)]
pub(crate) struct Hooks {
    deeds: Mutex<Vec<(Call, Deed)>>,
    appends: AtomicUsize,
}

impl Hooks {
    pub(crate) fn add(&self, call: Call, deed: Deed) {
        lock(&self.deeds).push((call, deed));
    }

    /// How often something was appended.
    pub(crate) fn appends(&self) -> usize {
        self.appends.load(Ordering::SeqCst)
    }

    /// Passes on what the call returned, after what was to happen after it.
    fn after<T>(&self, call: Call, returned: T) -> T {
        let mut deeds = lock(&self.deeds);
        let at = deeds.iter().position(|(meant, _)| *meant == call);
        let deed = at.map(|at| deeds.remove(at).1);
        drop(deeds);
        if let Some(deed) = deed {
            deed();
        }
        returned
    }
}

struct Hooked<T: ?Sized>(Arc<T>, Arc<Hooks>);

pub(crate) fn wrap(store: Store, hooks: &Arc<Hooks>) -> Store {
    Store {
        accounts: Arc::new(Hooked(store.accounts, hooks.clone())),
        follows: Arc::new(Hooked(store.follows, hooks.clone())),
        sessions: Arc::new(Hooked(store.sessions, hooks.clone())),
        rooms: Arc::new(Hooked(store.rooms, hooks.clone())),
        log: Arc::new(Hooked(store.log, hooks.clone())),
        ..store
    }
}

impl Accounts for Hooked<dyn Accounts> {
    fn create(&self, account: &Account) -> StoreResult<bool> {
        self.0.create(account)
    }

    fn find(&self, user: &UserName) -> StoreResult<Option<Account>> {
        self.1.after(Call::Find, self.0.find(user))
    }

    fn set_password(&self, user: &UserName, hash: &PasswordHash) -> StoreResult<bool> {
        self.0.set_password(user, hash)
    }

    fn renew_hash(&self, user: &UserName, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool> {
        self.0.renew_hash(user, old, new)
    }

    fn set_role(&self, user: &UserName, role: Role) -> StoreResult<bool> {
        self.0.set_role(user, role)
    }

    fn delete(&self, user: &UserName) -> StoreResult<bool> {
        self.0.delete(user)
    }

    fn unlock(&self, user: &UserName, address: Option<&str>, now: Timestamp) -> StoreResult<bool> {
        self.0.unlock(user, address, now)
    }

    fn accounts(&self) -> StoreResult<Vec<Account>> {
        self.0.accounts()
    }
}

impl Follows for Hooked<dyn Follows> {
    fn subscribe(&self, follower: &UserName, publisher: &UserName) -> StoreResult<bool> {
        self.1.after(Call::Subscribe, self.0.subscribe(follower, publisher))
    }

    fn unsubscribe(&self, follower: &UserName, publisher: &UserName) -> StoreResult<bool> {
        self.0.unsubscribe(follower, publisher)
    }

    fn subscriptions(&self, follower: &UserName) -> StoreResult<Vec<UserName>> {
        self.0.subscriptions(follower)
    }

    fn subscribers(&self, publisher: &UserName) -> StoreResult<Vec<UserName>> {
        self.0.subscribers(publisher)
    }
}

impl Sessions for Hooked<dyn Sessions> {
    fn claim(&self, claim: &Claim<'_>) -> StoreResult<Claimed> {
        self.1.after(Call::Claim, self.0.claim(claim))
    }

    fn await_predecessors(&self, user: &UserName, generation: Generation, patience: Duration) -> StoreResult<Waited> {
        self.0.await_predecessors(user, generation, patience)
    }

    fn release(&self, user: &UserName, generation: Generation) -> StoreResult<()> {
        self.0.release(user, generation)
    }

    fn is_current(&self, user: &UserName, generation: Generation) -> StoreResult<bool> {
        self.1.after(Call::IsCurrent, self.0.is_current(user, generation))
    }

    fn is_online(&self, user: &UserName) -> StoreResult<bool> {
        self.0.is_online(user)
    }
}

impl Rooms for Hooked<dyn Rooms> {
    fn enter(&self, session_key: &SessionKey, room: &RoomName, max_rooms: usize) -> StoreResult<Entered> {
        self.1.after(Call::Enter, self.0.enter(session_key, room, max_rooms))
    }

    fn leave(&self, session_key: &SessionKey, room: &RoomName) -> StoreResult<()> {
        self.1.after(Call::Leave, self.0.leave(session_key, room))
    }

    fn evict_predecessors(&self, session_key: &SessionKey) -> StoreResult<()> {
        self.0.evict_predecessors(session_key)
    }

    fn members(&self, room: &RoomName) -> StoreResult<Vec<UserName>> {
        self.0.members(room)
    }

    fn rooms(&self) -> StoreResult<Vec<RoomSummary>> {
        self.0.rooms()
    }
}

impl Log for Hooked<dyn Log> {
    fn append(&self, batch: Vec<Append>) -> AppendReport {
        self.1.appends.fetch_add(1, Ordering::SeqCst);
        self.1.after(Call::Append, self.0.append(batch))
    }

    fn follow(&self, log: &LogId) -> StoreResult<Head> {
        self.1.after(Call::Follow, self.0.follow(log))
    }

    fn unfollow(&self, log: &LogId) {
        self.0.unfollow(log);
    }

    fn newest(&self, log: &LogId, count: usize) -> StoreResult<Vec<Entry>> {
        self.0.newest(log, count)
    }
}
