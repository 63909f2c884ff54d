//! A store whose calls a test can make fail, and after whose calls a test can run an action, so that failures and races
//! happen in a fixed order. It must not change the calls in any other way.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use parlor_core::Flush;
use parlor_core::ports::{
    Account, Accounts, Act, ActReport, Append, AppendReport, Bus, Claim, ClaimResult, EnterResult, Entrant, Follows,
    Governance, Head, Invitation, InvitationTerms, Invitations, InvitedResult, Log, LogId, Mark, Page, PageRequest,
    PasswordHash, Personal, PersonalState, PredecessorWait, Role, Rooms, SecretHash, SessionKey, Sessions, Store,
    StoreError, StoreResult, Suspension, Ticket, Tickets, UnloggedMessage,
};
use parlor_core::rights::{Person, RoomRights};
use parlor_proto::{
    Generation, InvitationId, MessageId, RoomName, RoomSummary, TicketId, Tickets as Which, Timestamp, UserName,
};

use crate::lock;

/// A call of the store. An action can run after each call that has a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    Append,
    Claim,
    Enter,
    Find,
    Follow,
    Heads,
    IsCurrent,
    Leave,
    Page,
    Remember,
    Subscribe,
    FindTicket,
    NoteUse,
    /// Any other call whose effect outlives the server.
    Write,
    /// Any other call.
    Read,
}

impl Call {
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "append" => Self::Append,
            "claim" => Self::Claim,
            "enter" => Self::Enter,
            "find" => Self::Find,
            "follow" => Self::Follow,
            "heads" => Self::Heads,
            "is current" => Self::IsCurrent,
            "leave" => Self::Leave,
            "page" => Self::Page,
            "remember" => Self::Remember,
            "subscribe" => Self::Subscribe,
            "find ticket" => Self::FindTicket,
            "note use" => Self::NoteUse,
            other => panic!("no call of the store is named {other}"),
        }
    }

    /// Whether the call's effect outlives the server, so that it needs disk space.
    fn needs_disk(self) -> bool {
        matches!(self, Self::Append | Self::NoteUse | Self::Remember | Self::Subscribe | Self::Write)
    }
}

type Action = Box<dyn FnOnce() + Send>;

/// Changes the results of a store's calls, and runs actions after them.
#[derive(Default)]
pub(crate) struct Interceptor {
    /// The actions to run, each once.
    actions: Mutex<Vec<(Call, Action)>>,
    appends: AtomicUsize,
    fails: AtomicBool,
    is_disk_full: AtomicBool,
}

impl Interceptor {
    /// Runs `action` after the next call of this kind.
    pub(crate) fn add(&self, call: Call, action: Action) {
        lock(&self.actions).push((call, action));
    }

    /// Number of calls of `append`.
    pub(crate) fn appends(&self) -> usize {
        self.appends.load(Ordering::SeqCst)
    }

    /// From now on every call fails (`true`), or none does.
    pub(crate) fn fail(&self, fail: bool) {
        self.fails.store(fail, Ordering::SeqCst);
    }

    /// From now on every call that needs disk space fails (`true`), or none does.
    pub(crate) fn fill_disk(&self, full: bool) {
        self.is_disk_full.store(full, Ordering::SeqCst);
    }

    fn before(&self, call: Call) -> StoreResult<()> {
        self.appends.fetch_add(usize::from(call == Call::Append), Ordering::SeqCst);
        let fails = self.fails.load(Ordering::SeqCst) || self.is_disk_full.load(Ordering::SeqCst) && call.needs_disk();
        if fails { Err(StoreError::new("failing on purpose")) } else { Ok(()) }
    }

    fn after(&self, call: Call) {
        let mut actions = lock(&self.actions);
        let at = actions.iter().position(|(meant, _)| *meant == call);
        let action = at.map(|at| actions.remove(at).1);
        drop(actions);
        if let Some(action) = action {
            action();
        }
    }
}

/// The same store with the interceptor before and after each call.
pub(crate) fn wrap(store: Store, interceptor: &Arc<Interceptor>) -> Store {
    Store {
        accounts: Arc::new(Intercepted(store.accounts, interceptor.clone())),
        follows: Arc::new(Intercepted(store.follows, interceptor.clone())),
        sessions: Arc::new(Intercepted(store.sessions, interceptor.clone())),
        rooms: Arc::new(Intercepted(store.rooms, interceptor.clone())),
        governance: Arc::new(Intercepted(store.governance, interceptor.clone())),
        log: Arc::new(Intercepted(store.log, interceptor.clone())),
        personal: Arc::new(Intercepted(store.personal, interceptor.clone())),
        bus: Arc::new(Intercepted(store.bus, interceptor.clone())),
        tickets: Arc::new(Intercepted(store.tickets, interceptor.clone())),
        invitations: Arc::new(Intercepted(store.invitations, interceptor.clone())),
        outhooks: store.outhooks,
        attempts: store.attempts,
        logins: None,
    }
}

struct Intercepted<T: ?Sized>(Arc<T>, Arc<Interceptor>);

impl<T: ?Sized> Intercepted<T> {
    fn call<R>(&self, call: Call, act: impl FnOnce(&T) -> StoreResult<R>) -> StoreResult<R> {
        let returned = self.1.before(call).and_then(|()| act(&self.0));
        self.1.after(call);
        returned
    }
}

impl Accounts for Intercepted<dyn Accounts> {
    fn create(&self, account: &Account) -> StoreResult<bool> {
        self.call(Call::Write, |it| it.create(account))
    }

    fn find(&self, user: &UserName) -> StoreResult<Option<Account>> {
        self.call(Call::Find, |it| it.find(user))
    }

    fn was_deleted(&self, user: &UserName) -> StoreResult<bool> {
        self.call(Call::Read, |it| it.was_deleted(user))
    }

    fn set_password(&self, user: &UserName, hash: &PasswordHash) -> StoreResult<bool> {
        self.call(Call::Write, |it| it.set_password(user, hash))
    }

    fn renew_hash(&self, user: &UserName, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool> {
        self.call(Call::Write, |it| it.renew_hash(user, old, new))
    }

    fn change_password(
        &self,
        user: &UserName,
        old: &PasswordHash,
        new: &PasswordHash,
        by: Generation,
    ) -> StoreResult<bool> {
        self.call(Call::Write, |it| it.change_password(user, old, new, by))
    }

    fn set_role(&self, user: &UserName, role: Role) -> StoreResult<bool> {
        self.call(Call::Write, |it| it.set_role(user, role))
    }

    fn delete(&self, user: &UserName) -> StoreResult<bool> {
        self.call(Call::Write, |it| it.delete(user))
    }

    fn kick(&self, user: &UserName) -> StoreResult<bool> {
        self.call(Call::Write, |it| it.kick(user))
    }

    fn suspend(&self, user: &UserName, suspension: Option<&Suspension>) -> StoreResult<bool> {
        self.call(Call::Write, |it| it.suspend(user, suspension))
    }

    fn unlock(&self, user: &UserName, address: Option<&str>, now: Timestamp) -> StoreResult<bool> {
        self.call(Call::Write, |it| it.unlock(user, address, now))
    }

    fn accounts(&self) -> StoreResult<Vec<Account>> {
        self.call(Call::Read, |it| it.accounts())
    }
}

impl Follows for Intercepted<dyn Follows> {
    fn subscribe(&self, follower: &UserName, publisher: &UserName) -> StoreResult<bool> {
        self.call(Call::Subscribe, |it| it.subscribe(follower, publisher))
    }

    fn unsubscribe(&self, follower: &UserName, publisher: &UserName) -> StoreResult<bool> {
        self.call(Call::Write, |it| it.unsubscribe(follower, publisher))
    }

    fn subscriptions(&self, follower: &UserName) -> StoreResult<Vec<UserName>> {
        self.call(Call::Read, |it| it.subscriptions(follower))
    }

    fn subscribers(&self, publisher: &UserName) -> StoreResult<Vec<UserName>> {
        self.call(Call::Read, |it| it.subscribers(publisher))
    }
}

impl Sessions for Intercepted<dyn Sessions> {
    fn claim(&self, claim: &Claim<'_>) -> StoreResult<ClaimResult> {
        self.call(Call::Claim, |it| it.claim(claim))
    }

    fn await_predecessors(
        &self,
        user: &UserName,
        generation: Generation,
        patience: Duration,
    ) -> StoreResult<PredecessorWait> {
        self.call(Call::Read, |it| it.await_predecessors(user, generation, patience))
    }

    fn release(&self, user: &UserName, generation: Generation) -> StoreResult<()> {
        self.call(Call::Read, |it| it.release(user, generation))
    }

    fn is_current(&self, user: &UserName, generation: Generation) -> StoreResult<bool> {
        self.call(Call::IsCurrent, |it| it.is_current(user, generation))
    }

    fn is_online(&self, user: &UserName) -> StoreResult<bool> {
        self.call(Call::Read, |it| it.is_online(user))
    }
}

impl Rooms for Intercepted<dyn Rooms> {
    fn enter(&self, entrant: &Entrant, rooms: &[RoomName], max_rooms: usize) -> StoreResult<Vec<EnterResult>> {
        self.call(Call::Enter, |it| it.enter(entrant, rooms, max_rooms))
    }

    fn leave(&self, session_key: &SessionKey, rooms: &[RoomName]) -> StoreResult<()> {
        self.call(Call::Leave, |it| it.leave(session_key, rooms))
    }

    fn counts(&self, rooms: &[RoomName]) -> StoreResult<Vec<usize>> {
        self.call(Call::Read, |it| it.counts(rooms))
    }

    fn evict_predecessors(&self, session_key: &SessionKey) -> StoreResult<()> {
        self.call(Call::Read, |it| it.evict_predecessors(session_key))
    }

    fn members(&self, room: &RoomName, viewer: &Person) -> StoreResult<Vec<UserName>> {
        self.call(Call::Read, |it| it.members(room, viewer))
    }

    fn rooms(&self, viewer: &Person) -> StoreResult<Vec<RoomSummary>> {
        self.call(Call::Read, |it| it.rooms(viewer))
    }
}

impl Log for Intercepted<dyn Log> {
    fn append(&self, batch: Vec<Append>) -> AppendReport {
        let count = batch.len();
        let report = self.call(Call::Append, |it| Ok(it.append(batch)));
        report.unwrap_or_else(|error| AppendReport { outcomes: vec![Err(error); count], flush: Flush::default() })
    }

    fn follow(&self, logs: &[LogId]) -> StoreResult<Vec<Head>> {
        self.call(Call::Follow, |it| it.follow(logs))
    }

    fn unfollow(&self, log: &LogId) {
        self.0.unfollow(log);
    }

    fn heads(&self, logs: &[LogId]) -> StoreResult<Vec<Head>> {
        self.call(Call::Heads, |it| it.heads(logs))
    }

    fn others_between(&self, ranges: &[(LogId, MessageId, MessageId)]) -> StoreResult<Vec<u64>> {
        self.call(Call::Read, |it| it.others_between(ranges))
    }

    fn page(&self, request: &PageRequest) -> StoreResult<Page> {
        self.call(Call::Page, |it| it.page(request))
    }
}

impl Governance for Intercepted<dyn Governance> {
    fn act(&self, act: Act) -> StoreResult<ActReport> {
        self.call(Call::Write, |it| it.act(act))
    }

    fn rights(&self, rooms: &[RoomName]) -> StoreResult<Vec<Option<RoomRights>>> {
        self.call(Call::Read, |it| it.rights(rooms))
    }
}

impl Personal for Intercepted<dyn Personal> {
    fn load(&self, user: &UserName) -> StoreResult<PersonalState> {
        self.call(Call::Read, |it| it.load(user))
    }

    fn remember(&self, user: &UserName, room: &RoomName, read: MessageId, max: usize) -> StoreResult<bool> {
        self.call(Call::Remember, |it| it.remember(user, room, read, max))
    }

    fn forget(&self, user: &UserName, room: &RoomName) -> StoreResult<()> {
        self.call(Call::Write, |it| it.forget(user, room))
    }

    fn mark(&self, user: &UserName, marks: &[Mark]) -> StoreResult<()> {
        self.call(Call::Write, |it| it.mark(user, marks))
    }

    fn mark_conversations(&self, user: &UserName, read: &[(UserName, MessageId)]) -> StoreResult<()> {
        self.call(Call::Write, |it| it.mark_conversations(user, read))
    }

    fn block(&self, user: &UserName, blocked: &UserName) -> StoreResult<()> {
        self.call(Call::Write, |it| it.block(user, blocked))
    }

    fn unblock(&self, user: &UserName, blocked: &UserName) -> StoreResult<()> {
        self.call(Call::Write, |it| it.unblock(user, blocked))
    }

    fn blocks(&self, user: &UserName) -> StoreResult<Vec<UserName>> {
        self.call(Call::Read, |it| it.blocks(user))
    }
}

impl Bus for Intercepted<dyn Bus> {
    fn broadcast(&self, message: &UnloggedMessage) -> StoreResult<()> {
        self.call(Call::Read, |it| it.broadcast(message))
    }
}

impl Tickets for Intercepted<dyn Tickets> {
    fn add(&self, account: &Account, ticket: &Ticket) -> StoreResult<bool> {
        self.call(Call::Write, |it| it.add(account, ticket))
    }

    fn find(&self, user: &UserName, id: TicketId) -> StoreResult<Option<Ticket>> {
        self.call(Call::FindTicket, |it| it.find(user, id))
    }

    fn tickets(&self, user: &UserName) -> StoreResult<Vec<Ticket>> {
        self.call(Call::Read, |it| it.tickets(user))
    }

    fn note_use(&self, user: &UserName, found: &Ticket, now: Timestamp, address: &str) -> StoreResult<bool> {
        self.call(Call::NoteUse, |it| it.note_use(user, found, now, address))
    }

    fn bind(&self, session_key: &SessionKey, id: TicketId) -> StoreResult<bool> {
        self.call(Call::Read, |it| it.bind(session_key, id))
    }

    fn revoke(&self, user: &UserName, which: Which, by: Option<Generation>) -> StoreResult<usize> {
        self.call(Call::Write, |it| it.revoke(user, which, by))
    }
}

impl Invitations for Intercepted<dyn Invitations> {
    fn add(&self, terms: &InvitationTerms, lifetime: Duration, now: Timestamp) -> StoreResult<Option<Invitation>> {
        self.call(Call::Write, |it| it.add(terms, lifetime, now))
    }

    fn find_valid(&self, hash: &SecretHash, now: Timestamp) -> StoreResult<Option<Invitation>> {
        self.call(Call::Read, |it| it.find_valid(hash, now))
    }

    fn register(&self, account: &Account, hash: &SecretHash, now: Timestamp) -> StoreResult<InvitedResult> {
        self.call(Call::Write, |it| it.register(account, hash, now))
    }

    fn invitations(&self, now: Timestamp) -> StoreResult<Vec<Invitation>> {
        self.call(Call::Read, |it| it.invitations(now))
    }

    fn revoke(&self, id: InvitationId) -> StoreResult<bool> {
        self.call(Call::Write, |it| it.revoke(id))
    }
}
