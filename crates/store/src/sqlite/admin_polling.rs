//! Polls the database for account changes by the admin commands, which run in another process. It must not change
//! anything itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parlor_core::ports::{
    Account, Accounts, PasswordHash, Role, SessionKey, Sink, StoreResult, Suspension, Ticket, Tickets,
};
use parlor_proto::{Bye, Generation, TicketId, Tickets as Which, Timestamp, UserName};

use super::accounts::Deletion;
use super::database::Database;
use super::kick_requests::Kick;
use super::tickets::Revocation;
use crate::in_process::InProcessLoginLimiter;

/// The changes since the last poll.
pub(super) struct AdminChanges {
    database: Arc<Database>,
    sink: Arc<dyn Sink>,
    attempts: Arc<InProcessLoginLimiter>,
    last_deletion: AtomicI64,
    last_kick: AtomicI64,
    last_unlocking: AtomicI64,
    last_revocation: AtomicI64,
}

impl AdminChanges {
    /// Starts with the changes from now on.
    pub(super) fn since_now(
        database: Arc<Database>,
        sink: Arc<dyn Sink>,
        attempts: Arc<InProcessLoginLimiter>,
    ) -> StoreResult<Self> {
        let last_deletion = AtomicI64::new(database.last_deletion()?);
        let last_kick = AtomicI64::new(database.last_kick()?);
        let last_unlocking = AtomicI64::new(database.last_unlocking()?);
        let last_revocation = AtomicI64::new(database.last_revocation()?);
        Ok(Self { database, sink, attempts, last_deletion, last_kick, last_unlocking, last_revocation })
    }

    /// Reports deleted accounts to the sink. Concurrent callers may report the same deletion twice. Blocks.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(super) fn notice_deletions(&self) -> StoreResult<()> {
        let seen = self.last_deletion.load(Ordering::Acquire);
        for Deletion { number, user, created } in self.database.deletions_after(seen)? {
            self.sink.account_deleted(&user, created).run();
            self.last_deletion.fetch_max(number, Ordering::Release);
        }
        Ok(())
    }

    /// Reports kicked accounts to the sink. Concurrent callers may report the same kick twice. Blocks.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(super) fn notice_kicks(&self) -> StoreResult<()> {
        let seen = self.last_kick.load(Ordering::Relaxed);
        for Kick { number, user, version } in self.database.kicks_after(seen)? {
            let account = Accounts::find(&*self.database, &user)?;
            let is_suspended = account.is_some_and(|account| account.suspension.is_some());
            let bye = if is_suspended { Bye::Suspended } else { Bye::Kicked };
            self.sink.session_kicked(&user, version, bye).run();
            self.last_kick.fetch_max(number, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Reports revoked tickets to the sink. Concurrent callers may report the same one twice. Blocks.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(super) fn notice_revocations(&self) -> StoreResult<()> {
        let seen = self.last_revocation.load(Ordering::Relaxed);
        for Revocation { number, user, ticket, by } in self.database.revocations_after(seen)? {
            self.sink.tickets_revoked(&user, &[ticket], by).run();
            self.last_revocation.fetch_max(number, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Clears the failures of accounts that were unlocked. Only one thread may call it. Blocks.
    ///
    /// # Errors
    /// The database cannot be read.
    pub(super) fn notice_unlockings(&self) -> StoreResult<()> {
        let seen = self.last_unlocking.load(Ordering::Relaxed);
        for (number, user) in self.database.unlockings_after(seen)? {
            self.attempts.forgive(&user);
            self.last_unlocking.store(number, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// The accounts for the rules of a server. An account is found or created only after the deletion of an earlier account
/// with this name was reported.
pub(super) struct ServerAccounts {
    database: Arc<Database>,
    changes: Arc<AdminChanges>,
}

impl ServerAccounts {
    pub(super) fn new(database: Arc<Database>, changes: Arc<AdminChanges>) -> Self {
        Self { database, changes }
    }
}

impl Accounts for ServerAccounts {
    fn create(&self, account: &Account) -> StoreResult<bool> {
        let is_new = self.database.create(account)?;
        if is_new {
            // The account is created in any case. If this poll fails, the next regular poll (every second) repeats it
            // and reports the error.
            drop(self.changes.notice_deletions());
        }
        Ok(is_new)
    }

    fn find(&self, user: &UserName) -> StoreResult<Option<Account>> {
        let found = Accounts::find(&*self.database, user)?;
        self.changes.notice_deletions().map(|()| found)
    }

    fn was_deleted(&self, user: &UserName) -> StoreResult<bool> {
        self.database.was_deleted(user)
    }

    fn set_password(&self, user: &UserName, hash: &PasswordHash) -> StoreResult<bool> {
        self.database.set_password(user, hash)
    }

    fn renew_hash(&self, user: &UserName, old: &PasswordHash, new: &PasswordHash) -> StoreResult<bool> {
        self.database.renew_hash(user, old, new)
    }

    fn change_password(
        &self,
        user: &UserName,
        old: &PasswordHash,
        new: &PasswordHash,
        by: Generation,
    ) -> StoreResult<bool> {
        let is_changed = self.database.change_password(user, old, new, by)?;
        // Sessions end now. If this poll fails, the next regular one ends them.
        drop(self.changes.notice_revocations());
        Ok(is_changed)
    }

    fn set_role(&self, user: &UserName, role: Role) -> StoreResult<bool> {
        self.database.set_role(user, role)
    }

    fn delete(&self, user: &UserName) -> StoreResult<bool> {
        self.database.delete(user)
    }

    fn kick(&self, user: &UserName) -> StoreResult<bool> {
        self.database.kick(user)
    }

    fn suspend(&self, user: &UserName, suspension: Option<&Suspension>) -> StoreResult<bool> {
        let is_known = self.database.suspend(user, suspension)?;
        // The session ends now. If this poll fails, the next regular one ends it.
        drop(self.changes.notice_kicks());
        Ok(is_known)
    }

    fn unlock(&self, user: &UserName, address: Option<&str>, now: Timestamp) -> StoreResult<bool> {
        self.database.unlock(user, address, now)
    }

    fn accounts(&self) -> StoreResult<Vec<Account>> {
        self.database.accounts()
    }
}

/// The tickets for the rules of a server. Sessions end as soon as theirs are revoked.
pub(super) struct ServerTickets {
    database: Arc<Database>,
    changes: Arc<AdminChanges>,
}

impl ServerTickets {
    pub(super) fn new(database: Arc<Database>, changes: Arc<AdminChanges>) -> Self {
        Self { database, changes }
    }
}

impl Tickets for ServerTickets {
    fn add(&self, account: &Account, ticket: &Ticket) -> StoreResult<bool> {
        self.database.add(account, ticket)
    }

    fn find(&self, user: &UserName, id: TicketId) -> StoreResult<Option<Ticket>> {
        Tickets::find(&*self.database, user, id)
    }

    fn tickets(&self, user: &UserName) -> StoreResult<Vec<Ticket>> {
        self.database.tickets(user)
    }

    fn note_use(&self, user: &UserName, found: &Ticket, now: Timestamp, address: &str) -> StoreResult<bool> {
        self.database.note_use(user, found, now, address)
    }

    fn bind(&self, session_key: &SessionKey, id: TicketId) -> StoreResult<bool> {
        self.database.bind(session_key, id)
    }

    fn revoke(&self, user: &UserName, which: Which, by: Option<Generation>) -> StoreResult<usize> {
        let revoked = self.database.revoke(user, which, by)?;
        // If this poll fails, the next regular one ends the sessions.
        drop(self.changes.notice_revocations());
        Ok(revoked)
    }
}
