//! The events of the store to the hub, with a way to lose some of them. It must not change what it passes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parlor_core::ports::{AccountVersion, Entry, LogId, Presence, Sink, UnloggedMessage};
use parlor_core::{ConnectionId, Flush, Hub};
use parlor_proto::{Bye, Epoch, Generation, TicketId, Timestamp, UserName};

pub(crate) struct LossySink {
    hub: Arc<Hub>,
    /// Whether displacements of sessions are lost.
    pub(crate) is_deaf: AtomicBool,
}

impl LossySink {
    pub(crate) fn new(hub: Arc<Hub>) -> Self {
        Self { hub, is_deaf: AtomicBool::new(false) }
    }
}

impl Sink for LossySink {
    fn deliver(&self, log: &LogId, entries: &[Entry]) -> Flush {
        self.hub.deliver(log, entries)
    }

    fn restarted(&self, log: &LogId, epoch: Epoch) {
        self.hub.restarted(log, epoch);
    }

    fn presence(&self, presence: &Presence) -> Flush {
        self.hub.presence(presence)
    }

    fn direct(&self, to: &UserName, message: &UnloggedMessage) -> Option<Flush> {
        self.hub.direct(to, message)
    }

    fn notice(&self, message: &UnloggedMessage) -> Flush {
        self.hub.notice(message)
    }

    fn displaced(&self, connection: ConnectionId) -> Flush {
        if self.is_deaf.load(Ordering::SeqCst) { Flush::default() } else { self.hub.displaced(connection) }
    }

    fn account_deleted(&self, user: &UserName, created: Timestamp) -> Flush {
        self.hub.account_deleted(user, created)
    }

    fn session_kicked(&self, user: &UserName, version: AccountVersion, bye: Bye) -> Flush {
        let is_lost = self.is_deaf.load(Ordering::SeqCst);
        if is_lost { Flush::default() } else { self.hub.session_kicked(user, version, bye) }
    }

    fn tickets_revoked(&self, user: &UserName, tickets: &[TicketId], by: Option<Generation>) -> Flush {
        self.hub.tickets_revoked(user, tickets, by)
    }
}
