//! The store that keeps everything in memory. For tests, it is the reference that other stores are compared with. It
//! must not be used for data that must survive the process.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parlor_core::Flush;
use parlor_core::ports::{
    Account, Accounts, Append, AppendReport, AppendResult, Entry, Follows, Head, KNOWN_FOR, Log, LogId,
    MAX_KNOWN_ADDRESSES, PasswordHash, Role, Sink, Store, StoreResult,
};
use parlor_proto::{Epoch, MessageId, Timestamp, UserName};

use crate::in_process::{InProcessBus, InProcessLoginLimiter, InProcessSessions, UsualAddresses};
use crate::sync::{Mutex, lock};

/// A store in memory that keeps the newest `history` entries of each log and sends news for clients to `sink`.
pub fn open(sink: Arc<dyn Sink>, history: usize) -> Store {
    let live = Arc::new(InProcessSessions::new(sink.clone()));
    let addresses = Arc::new(MemoryAddresses::default());
    let attempts = Arc::new(InProcessLoginLimiter::new(addresses.clone()));
    let people =
        Arc::new(MemoryAccounts { state: Mutex::default(), sink: sink.clone(), attempts: attempts.clone(), addresses });
    Store {
        accounts: people.clone(),
        follows: people,
        sessions: live.clone(),
        rooms: live.clone(),
        log: Arc::new(MemoryLog::new(live, sink.clone(), history, Epoch(1))),
        bus: Arc::new(InProcessBus::new(sink)),
        attempts,
    }
}

/// Accounts and follows. Lock tier 0.
struct MemoryAccounts {
    state: Mutex<People>,
    sink: Arc<dyn Sink>,
    attempts: Arc<InProcessLoginLimiter>,
    addresses: Arc<MemoryAddresses>,
}

#[derive(Default)]
struct People {
    accounts: BTreeMap<UserName, Account>,
    /// Pairs of follower and publisher.
    follows: BTreeSet<(UserName, UserName)>,
}

impl MemoryAccounts {
    fn change(&self, user: &UserName, change: impl FnOnce(&mut Account)) -> bool {
        let mut people = lock(&self.state);
        people.accounts.get_mut(user).map(change).is_some()
    }
}

impl Accounts for MemoryAccounts {
    fn create(&self, account: &Account) -> StoreResult<bool> {
        let mut people = lock(&self.state);
        let is_free = !people.accounts.contains_key(&account.user);
        if is_free {
            people.follows.retain(|(follower, publisher)| *follower != account.user && *publisher != account.user);
            people.accounts.insert(account.user.clone(), account.clone());
        }
        Ok(is_free)
    }

    fn find(&self, user: &UserName) -> StoreResult<Option<Account>> {
        Ok(lock(&self.state).accounts.get(user).cloned())
    }

    fn set_password(&self, user: &UserName, hash: &PasswordHash) -> StoreResult<bool> {
        Ok(self.change(user, |account| account.hash = hash.clone()))
    }

    fn renew_hash(&self, user: &UserName, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool> {
        let mut people = lock(&self.state);
        let account = people.accounts.get_mut(user).filter(|account| account.hash == *old);
        Ok(account.map(|account| account.hash = new.clone()).is_some())
    }

    fn set_role(&self, user: &UserName, role: Role) -> StoreResult<bool> {
        Ok(self.change(user, |account| account.role = role))
    }

    fn kick(&self, user: &UserName) -> StoreResult<bool> {
        let mut people = lock(&self.state);
        let Some(account) = people.accounts.get_mut(user) else { return Ok(false) };
        account.kicks += 1;
        let version = account.version();
        drop(people);
        self.sink.session_kicked(user, version).run();
        Ok(true)
    }

    fn delete(&self, user: &UserName) -> StoreResult<bool> {
        let mut people = lock(&self.state);
        let Some(Account { created, .. }) = people.accounts.remove(user) else { return Ok(false) };
        people.follows.retain(|(follower, publisher)| follower != user && publisher != user);
        drop(people);
        lock(&self.addresses.0).remove(user);
        self.sink.account_deleted(user, created).run();
        Ok(true)
    }

    fn unlock(&self, user: &UserName, address: Option<&str>, now: Timestamp) -> StoreResult<bool> {
        if !lock(&self.state).accounts.contains_key(user) {
            return Ok(false);
        }
        self.attempts.forgive(user);
        address.map_or(Ok(()), |address| self.addresses.note(user, address, now)).map(|()| true)
    }

    fn accounts(&self) -> StoreResult<Vec<Account>> {
        Ok(lock(&self.state).accounts.values().cloned().collect())
    }
}

/// The usual addresses of users, newest last. A leaf lock.
#[derive(Default)]
struct MemoryAddresses(Mutex<HashMap<UserName, Vec<(String, Timestamp)>>>);

impl UsualAddresses for MemoryAddresses {
    fn is_known(&self, user: &UserName, address: &str, now: Timestamp) -> StoreResult<bool> {
        let known = lock(&self.0);
        let is_it = |(usual, seen): &(String, Timestamp)| usual == address && is_recent(*seen, now);
        Ok(known.get(user).is_some_and(|addresses| addresses.iter().any(is_it)))
    }

    fn note(&self, user: &UserName, address: &str, now: Timestamp) -> StoreResult<()> {
        let mut known = lock(&self.0);
        let addresses = known.entry(user.clone()).or_default();
        addresses.retain(|(usual, _)| usual != address);
        addresses.push((address.to_owned(), now));
        let excess = addresses.len().saturating_sub(MAX_KNOWN_ADDRESSES);
        addresses.drain(..excess);
        Ok(())
    }
}

fn is_recent(seen: Timestamp, now: Timestamp) -> bool {
    let since = u64::try_from(now.as_millis().saturating_sub(seen.as_millis())).unwrap_or(0);
    Duration::from_millis(since) <= KNOWN_FOR
}

impl Follows for MemoryAccounts {
    fn subscribe(&self, follower: &UserName, publisher: &UserName) -> StoreResult<bool> {
        Ok(lock(&self.state).follows.insert((follower.clone(), publisher.clone())))
    }

    fn unsubscribe(&self, follower: &UserName, publisher: &UserName) -> StoreResult<bool> {
        Ok(lock(&self.state).follows.remove(&(follower.clone(), publisher.clone())))
    }

    fn subscriptions(&self, follower: &UserName) -> StoreResult<Vec<UserName>> {
        let people = lock(&self.state);
        let followed = people.follows.iter().filter(|(by, _)| by == follower);
        Ok(followed.map(|(_, publisher)| publisher.clone()).collect())
    }

    fn subscribers(&self, publisher: &UserName) -> StoreResult<Vec<UserName>> {
        let people = lock(&self.state);
        let followers = people.follows.iter().filter(|(_, of)| of == publisher);
        Ok(followers.map(|(follower, _)| follower.clone()).collect())
    }
}

/// Logs in memory. Also used if no history is kept. Lock tier 0, before that of [`InProcessSessions`]: held while
/// entries are delivered, so that they are in order; the sink never blocks and never calls back.
pub(crate) struct MemoryLog {
    logs: Mutex<HashMap<LogId, MemoryLogData>>,
    live: Arc<InProcessSessions>,
    sink: Arc<dyn Sink>,
    history: usize,
    epoch: Epoch,
}

#[derive(Default)]
struct MemoryLogData {
    last: MessageId,
    newest: VecDeque<Entry>,
}

impl MemoryLog {
    pub(crate) fn new(live: Arc<InProcessSessions>, sink: Arc<dyn Sink>, history: usize, epoch: Epoch) -> Self {
        Self { logs: Mutex::default(), live, sink, history, epoch }
    }

    /// Stores an entry, and leaves it in `stored` for its delivery.
    fn store(
        &self,
        logs: &mut HashMap<LogId, MemoryLogData>,
        append: Append,
        stored: &mut HashMap<LogId, Vec<Entry>>,
    ) -> AppendResult {
        if !self.live.may_append(&append) {
            return AppendResult::Fenced;
        }
        let Append { log, author, time, text, .. } = append;
        let kept = logs.entry(log.clone()).or_default();
        kept.last = kept.last.next();
        let entry = Entry { id: kept.last, time, author, text };
        stored.entry(log).or_default().push(entry.clone());
        if self.history > 0 {
            kept.newest.push_back(entry);
            let excess = kept.newest.len().saturating_sub(self.history);
            kept.newest.drain(..excess);
        }
        AppendResult::Stored(kept.last)
    }
}

impl Log for MemoryLog {
    fn append(&self, batch: Vec<Append>) -> AppendReport {
        let mut logs = lock(&self.logs);
        let mut stored = HashMap::new();
        let outcomes = batch.into_iter().map(|append| Ok(self.store(&mut logs, append, &mut stored))).collect();
        self.live.keep(stored.keys());
        let mut flush = Flush::default();
        for (log, entries) in &stored {
            flush.merge(self.sink.deliver(log, entries));
        }
        AppendReport { outcomes, flush }
    }

    fn follow(&self, log: &LogId) -> StoreResult<Head> {
        let last = lock(&self.logs).get(log).map(|kept| kept.last).unwrap_or_default();
        Ok(Head { epoch: self.epoch, last })
    }

    fn unfollow(&self, _log: &LogId) {}

    fn newest(&self, log: &LogId, count: usize) -> StoreResult<Vec<Entry>> {
        let logs = lock(&self.logs);
        let Some(kept) = logs.get(log) else { return Ok(Vec::new()) };
        let skipped = kept.newest.len().saturating_sub(count);
        Ok(kept.newest.iter().skip(skipped).cloned().collect())
    }
}
