//! What the maintenance thread does for this server in each round: cleanups, and checks of the followed logs and of the
//! channels. It must not decide when.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Instant;

use parlor_core::ports::{SessionKey, StoreResult};

use crate::redis::codec::{ask_for_head, read_head};
use crate::redis::connection::command::Command;
use crate::redis::keys;
use crate::redis::membership::local_sessions::{DeferredCleanup, LocalSession};
use crate::redis::membership::maintenance::BUDGET;
use crate::redis::membership::reaper::rotate_randomly;
use crate::redis::membership::server::Server;

impl Server {
    /// Retries cleanups, those on unreachable nodes last. Among the reachable ones, sessions with a pending membership
    /// come last. So a session is not released while it is still a member. A cleanup in progress still counts as pending.
    pub(in crate::redis) fn retry_cleanups(&self) {
        let mut cleanups = self.local.cleanups();
        rotate_randomly(&mut cleanups);
        let leaving = cleanups.iter().filter_map(DeferredCleanup::holds_back);
        let leaving: HashSet<SessionKey> = leaving.cloned().collect();
        let is_held_back = |cleanup: &DeferredCleanup| matches!(cleanup, DeferredCleanup::Session { session_key, .. } if leaving.contains(session_key));
        // The node of a recipient of direct messages may be unreachable, too.
        let is_delivery = |cleanup: &DeferredCleanup| matches!(cleanup, DeferredCleanup::Deliveries { .. });
        cleanups.sort_by_cached_key(|cleanup| {
            (is_delivery(cleanup), self.is_on_unreachable_node(cleanup), is_held_back(cleanup))
        });
        let start = Instant::now();
        for cleanup in cleanups {
            if start.elapsed() > BUDGET {
                return;
            }
            let is_done = match &cleanup {
                DeferredCleanup::Claim { server, user, ticket } => self.cancel_claim(server, user, *ticket).is_ok(),
                DeferredCleanup::Membership { session_key, room, seq } => {
                    self.leave_until(session_key, &[(room.clone(), *seq)]).into_iter().all(|left| left.is_ok())
                }
                DeferredCleanup::Deliveries { user } => self.complete_directs_of(user).is_ok(),
                DeferredCleanup::Session { session_key, ticket } => {
                    !self.local.is_leaving(session_key) && self.release_now(session_key, *ticket).is_ok()
                }
            };
            if is_done {
                self.local.settle(&cleanup);
            }
        }
    }

    fn is_on_unreachable_node(&self, cleanup: &DeferredCleanup) -> bool {
        let (user, room) = match cleanup {
            DeferredCleanup::Claim { user, .. } => (user, None),
            DeferredCleanup::Membership { session_key, room, .. } => (&session_key.user, Some(room)),
            DeferredCleanup::Deliveries { user } => (user, None),
            DeferredCleanup::Session { session_key, .. } => (&session_key.user, None),
        };
        self.router.is_unreachable(&keys::session(user))
            || room.is_some_and(|room| self.router.is_unreachable(&keys::members(room)))
    }

    /// Whether a node that has the session, or a room of it, is known to be unreachable.
    pub(super) fn is_away(&self, LocalSession { session_key, rooms, .. }: &LocalSession) -> bool {
        self.router.is_unreachable(&keys::session(&session_key.user))
            || rooms.iter().any(|room| self.router.is_unreachable(&keys::members(room)))
    }

    /// Checks whether this server is subscribed to its control channel and to the channel to all servers, at the
    /// current owners of their slots.
    pub(super) fn audit_channels(&self) -> StoreResult<()> {
        let mut outcome = Ok(());
        for channel in [keys::control(&self.id()), keys::EVERYBODY.to_owned()] {
            // This command only finds the node: the node answers it, or says which node has the slot.
            let asked = self.call::<i64>(Command::plain("EXISTS", channel.clone(), &[]));
            outcome = outcome.and(asked.map(drop));
            if !self.pubsub_readers.is_heard_at(&channel, &self.router.owner(&channel)) {
                self.look_at(&channel);
                self.wake_followers();
            }
        }
        outcome
    }

    /// Compares the head of each followed log with this server's position, and notes the largest number of missing
    /// entries.
    ///
    /// # Errors
    /// Some logs could not be checked.
    pub(super) fn audit_logs(&self) -> StoreResult<()> {
        let cursors = self.cursors.all();
        let commands = cursors.iter().map(|(_, cursor)| ask_for_head(&cursor.log)).collect();
        let (mut outcome, mut is_any_stuck) = (Ok(()), false);
        let mut lag = 0;
        for ((channel, cursor), reply) in cursors.iter().zip(self.router.try_all(commands)) {
            let head = match read_head(Some(reply)) {
                Ok(head) => head,
                Err(error) => {
                    outcome = outcome.and(Err(error));
                    continue;
                }
            };
            let (lags, is_stuck) = cursor.audit(head);
            lag = lags.max(lag);
            if is_stuck || !cursor.is_subscribed_at(&self.router.owner(channel)) {
                self.look_at(channel);
                is_any_stuck = true;
            }
        }
        self.lag.store(lag, Ordering::Relaxed);
        if is_any_stuck {
            self.wake_followers();
        }
        outcome
    }
}
