//! A sink for programs that have no clients.

use parlor_core::ports::{AccountVersion, Entry, LogId, Presence, Sink, UnloggedMessage};
use parlor_core::{ConnectionId, Flush};
use parlor_proto::{Bye, Epoch, Generation, TicketId, Timestamp, UserName};

/// Nobody hears anything.
pub(crate) struct NoSink;

impl Sink for NoSink {
    fn deliver(&self, _log: &LogId, _entries: &[Entry]) -> Flush {
        Flush::default()
    }

    fn restarted(&self, _log: &LogId, _epoch: Epoch) {}

    fn presence(&self, _presence: &Presence) -> Flush {
        Flush::default()
    }

    fn direct(&self, _to: &UserName, _message: &UnloggedMessage) -> Option<Flush> {
        None
    }

    fn notice(&self, _message: &UnloggedMessage) -> Flush {
        Flush::default()
    }

    fn displaced(&self, _connection: ConnectionId) -> Flush {
        Flush::default()
    }

    fn account_deleted(&self, _user: &UserName, _created: Timestamp) -> Flush {
        Flush::default()
    }

    fn session_kicked(&self, _user: &UserName, _version: AccountVersion, _bye: Bye) -> Flush {
        Flush::default()
    }

    fn tickets_revoked(&self, _user: &UserName, _tickets: &[TicketId], _by: Option<Generation>) -> Flush {
        Flush::default()
    }
}
