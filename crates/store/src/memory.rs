//! The store that keeps everything in memory. For tests, it is the reference that other stores are compared with. It
//! must not be used for data that must survive the process.

mod invitations;
mod log;
mod personal;
mod tickets;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use parlor_core::ports::{
    Account, Accounts, Follows, Invitation, KNOWN_FOR, LogId, MAX_KNOWN_ADDRESSES, PasswordHash, Role, Sink, Store,
    StoreResult, Suspension, Ticket, Tickets,
};
use parlor_proto::{Bye, Epoch, Generation, InvitationId, Tickets as Which, Timestamp, UserName};

use crate::in_process::{InProcessBus, InProcessLoginLimiter, InProcessSessions, UsualAddresses};
use crate::sync::{Mutex, lock};

#[cfg(feature = "sqlite")]
pub(crate) use log::Conversations;
pub(crate) use log::MemoryLog;
#[cfg(feature = "sqlite")]
pub(crate) use log::may_be_known;
use personal::MemoryPersonal;

/// A store in memory that keeps the newest `history` entries of each log and sends news for clients to `sink`.
pub fn open(sink: Arc<dyn Sink>, history: usize) -> Store {
    let live = Arc::new(InProcessSessions::new(sink.clone()));
    let addresses = Arc::new(MemoryAddresses::default());
    let attempts = Arc::new(InProcessLoginLimiter::new(addresses.clone()));
    let personal = Arc::new(MemoryPersonal::default());
    let log = Arc::new(MemoryLog::new(live.clone(), sink.clone(), personal.clone(), history, Epoch(1)));
    let people = Arc::new(MemoryAccounts {
        state: Mutex::default(),
        sink: sink.clone(),
        attempts: attempts.clone(),
        addresses,
        personal: personal.clone(),
        log: log.clone(),
    });
    Store {
        accounts: people.clone(),
        follows: people.clone(),
        tickets: people.clone(),
        invitations: people,
        sessions: live.clone(),
        rooms: live,
        governance: log.clone(),
        outhooks: log.clone(),
        log,
        personal,
        bus: Arc::new(InProcessBus::new(sink)),
        attempts,
        logins: None,
    }
}

/// Accounts, follows, tickets and invitations. Lock tier 0.
struct MemoryAccounts {
    state: Mutex<People>,
    sink: Arc<dyn Sink>,
    attempts: Arc<InProcessLoginLimiter>,
    addresses: Arc<MemoryAddresses>,
    personal: Arc<MemoryPersonal>,
    log: Arc<MemoryLog>,
}

#[derive(Default)]
struct People {
    accounts: BTreeMap<UserName, Account>,
    /// The names of accounts that were deleted.
    deleted: BTreeSet<UserName>,
    /// Pairs of follower and publisher.
    follows: BTreeSet<(UserName, UserName)>,
    /// The tickets of each user, oldest first.
    tickets: BTreeMap<UserName, Vec<Ticket>>,
    invitations: BTreeMap<InvitationId, Invitation>,
}

impl MemoryAccounts {
    fn change(&self, user: &UserName, change: impl FnOnce(&mut Account)) -> bool {
        let mut people = lock(&self.state);
        people.accounts.get_mut(user).map(change).is_some()
    }

    /// Creates an account. Returns `false` if the name is taken.
    fn insert(&self, people: &mut People, account: &Account) -> bool {
        let is_free = !people.accounts.contains_key(&account.user);
        if is_free {
            people.follows.retain(|(follower, publisher)| *follower != account.user && *publisher != account.user);
            people.tickets.remove(&account.user);
            people.accounts.insert(account.user.clone(), account.clone());
            // The last session of an earlier account of this name may have left something behind.
            self.personal.forget_user(&account.user);
            self.personal.set_account(&account.user, account.created);
        }
        is_free
    }

    /// Removes all that belongs to a user besides the account and the follows.
    fn forget_person(&self, user: &UserName) {
        lock(&self.addresses.0).remove(user);
        self.personal.forget_user(user);
        for log in [LogId::Feed(user.clone()), LogId::Inbox(user.clone())] {
            self.log.forget_entries(&log);
        }
    }
}

impl Accounts for MemoryAccounts {
    fn create(&self, account: &Account) -> StoreResult<bool> {
        Ok(self.insert(&mut lock(&self.state), account))
    }

    fn find(&self, user: &UserName) -> StoreResult<Option<Account>> {
        Ok(lock(&self.state).accounts.get(user).cloned())
    }

    fn was_deleted(&self, user: &UserName) -> StoreResult<bool> {
        Ok(lock(&self.state).deleted.contains(user))
    }

    fn set_password(&self, user: &UserName, hash: &PasswordHash) -> StoreResult<bool> {
        let mut people = lock(&self.state);
        let Some(account) = people.accounts.get_mut(user) else { return Ok(false) };
        account.hash = hash.clone();
        people.tickets.remove(user);
        Ok(true)
    }

    fn change_password(
        &self,
        user: &UserName,
        old: &PasswordHash,
        new: &PasswordHash,
        by: Generation,
    ) -> StoreResult<bool> {
        if !self.renew_hash(user, old, new)? {
            return Ok(false);
        }
        self.revoke(user, Which::All, Some(by)).map(|_| true)
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
        let bye = if account.suspension.is_some() { Bye::Suspended } else { Bye::Kicked };
        drop(people);
        self.sink.session_kicked(user, version, bye).run();
        Ok(true)
    }

    fn delete(&self, user: &UserName) -> StoreResult<bool> {
        let mut people = lock(&self.state);
        let Some(Account { created, .. }) = people.accounts.remove(user) else { return Ok(false) };
        people.deleted.insert(user.clone());
        people.follows.retain(|(follower, publisher)| follower != user && publisher != user);
        people.tickets.remove(user);
        drop(people);
        self.forget_person(user);
        self.sink.account_deleted(user, created).run();
        Ok(true)
    }

    fn suspend(&self, user: &UserName, suspension: Option<&Suspension>) -> StoreResult<bool> {
        let mut people = lock(&self.state);
        let Some(account) = people.accounts.get_mut(user) else { return Ok(false) };
        account.suspension = suspension.cloned();
        if suspension.is_none() {
            return Ok(true);
        }
        people.tickets.entry(user.clone()).or_default().iter_mut().for_each(|ticket| ticket.is_revoked = true);
        drop(people);
        self.kick(user)
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

#[cfg(test)]
mod tests;
