//! Invitations in memory. It must not see a code.

use std::collections::BTreeSet;
use std::time::Duration;

use parlor_core::ports::{
    Account, Invitation, InvitationTerms, Invitations, InvitedResult, MAX_INVITATIONS, SecretHash, StoreResult,
};
use parlor_proto::{InvitationId, Timestamp};

use super::MemoryAccounts;
use crate::sync::lock;

impl Invitations for MemoryAccounts {
    fn add(&self, terms: &InvitationTerms, lifetime: Duration, now: Timestamp) -> StoreResult<Option<Invitation>> {
        let kept = &mut lock(&self.state).invitations;
        kept.retain(|_, invitation| !invitation.is_forgotten_at(now));
        if kept.len() >= MAX_INVITATIONS || kept.contains_key(&terms.id()) {
            return Ok(None);
        }
        let terms = terms.clone();
        let added = Invitation { made: now, expires: now.after(lifetime), used: BTreeSet::new(), terms };
        kept.insert(added.terms.id(), added.clone());
        Ok(Some(added))
    }

    fn find_valid(&self, hash: &SecretHash, now: Timestamp) -> StoreResult<Option<Invitation>> {
        let people = lock(&self.state);
        let found = people.invitations.get(&InvitationId(hash.number()));
        Ok(found.filter(|invitation| invitation.admits(hash, now)).cloned())
    }

    fn register(&self, account: &Account, hash: &SecretHash, now: Timestamp) -> StoreResult<InvitedResult> {
        let mut people = lock(&self.state);
        if people.accounts.contains_key(&account.user) {
            return Ok(InvitedResult::NameTaken);
        }
        let id = InvitationId(hash.number());
        let found = people.invitations.get_mut(&id).filter(|invitation| invitation.admits(hash, now));
        if !found.is_some_and(|invitation| invitation.used.insert(account.user.clone())) {
            return Ok(InvitedResult::Void);
        }
        self.insert(&mut people, account);
        Ok(InvitedResult::Made)
    }

    fn invitations(&self, now: Timestamp) -> StoreResult<Vec<Invitation>> {
        let people = lock(&self.state);
        let kept = people.invitations.values().filter(|invitation| !invitation.is_forgotten_at(now));
        let mut kept: Vec<Invitation> = kept.cloned().collect();
        kept.sort_by_key(|invitation| (invitation.made, invitation.terms.id()));
        Ok(kept)
    }

    fn revoke(&self, id: InvitationId) -> StoreResult<bool> {
        Ok(lock(&self.state).invitations.remove(&id).is_some())
    }
}
