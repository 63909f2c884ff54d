//! Claiming and releasing sessions. A claim is one critical section, so two claims are always ordered.

use std::time::Duration;

use parlor_core::DuplicateLogin;
use parlor_core::ports::{Claim, ClaimResult, PredecessorWait, Sessions, StoreResult, TakeoverLimit};
use parlor_proto::{Generation, UserName};

use super::{InProcessSessions, Owner, State, User};

impl Sessions for InProcessSessions {
    fn claim(&self, claim: &Claim<'_>) -> StoreResult<ClaimResult> {
        let mut guard = self.lock();
        let state = &mut *guard;
        let user = state.users.entry(claim.user.clone()).or_default();
        let earlier = user.current;
        if earlier.is_some() {
            if let Some(refused) = user.refuse(claim) {
                return Ok(refused);
            }
            // Takeovers are counted only if they are limited, so the list is no longer than the limit.
            if claim.takeovers.is_some() {
                user.takeovers.push_back(claim.at);
            }
        }
        state.last_generation += 1;
        let generation = Generation(state.last_generation);
        user.current = Some(Owner { generation, connection: claim.connection });
        user.ending.extend(earlier.map(|owner| owner.generation));
        let flush = earlier.map(|owner| self.sink.displaced(owner.connection)).unwrap_or_default();
        // The displaced session may be waiting for its own predecessors.
        self.sessions_changed.notify_all();
        drop(guard);
        flush.run();
        Ok(ClaimResult::Granted(generation))
    }

    fn await_predecessors(
        &self,
        user: &UserName,
        generation: Generation,
        patience: Duration,
    ) -> StoreResult<PredecessorWait> {
        let waiting = |state: &mut State| state.waited(user, generation) == PredecessorWait::StillThere;
        let (state, _) = self
            .sessions_changed
            .wait_timeout_while(self.lock(), patience, waiting)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(state.waited(user, generation))
    }

    fn release(&self, user: &UserName, generation: Generation) -> StoreResult<()> {
        let mut state = self.lock();
        if let Some(known) = state.users.get_mut(user) {
            known.ending.remove(&generation);
            known.current = known.current.filter(|owner| owner.generation != generation);
            if known.is_forgettable() {
                state.users.remove(user);
            }
        }
        self.sessions_changed.notify_all();
        Ok(())
    }

    fn is_current(&self, user: &UserName, generation: Generation) -> StoreResult<bool> {
        Ok(self.lock().is_current(user, generation))
    }

    fn is_online(&self, user: &UserName) -> StoreResult<bool> {
        Ok(self.lock().users.get(user).is_some_and(|user| user.current.is_some()))
    }
}

impl State {
    fn waited(&self, user: &UserName, generation: Generation) -> PredecessorWait {
        if !self.is_current(user, generation) {
            return PredecessorWait::Displaced;
        }
        let oldest = self.users.get(user).and_then(|user| user.ending.first().copied());
        match oldest {
            Some(oldest) if oldest < generation => PredecessorWait::StillThere,
            _ => PredecessorWait::Alone,
        }
    }
}

impl User {
    /// Why the claim is rejected; none if it is granted.
    fn refuse(&mut self, claim: &Claim<'_>) -> Option<ClaimResult> {
        match (claim.policy, claim.takeovers) {
            (DuplicateLogin::Reject, _) => Some(ClaimResult::AlreadyLoggedIn),
            (DuplicateLogin::Takeover, Some(limit)) => self.takeover_loop(limit, claim.at),
            (DuplicateLogin::Takeover, None) => None,
        }
    }

    fn takeover_loop(&mut self, limit: TakeoverLimit, now: Duration) -> Option<ClaimResult> {
        self.takeovers.retain(|&at| now.saturating_sub(at) < limit.within);
        if self.takeovers.len() < limit.max {
            return None;
        }
        let oldest = self.takeovers.front().copied().unwrap_or(now);
        Some(ClaimResult::TakeoverLoop((oldest + limit.within).saturating_sub(now)))
    }

    fn is_forgettable(&self) -> bool {
        self.current.is_none() && self.ending.is_empty() && self.rooms.is_empty() && self.takeovers.is_empty()
    }
}
