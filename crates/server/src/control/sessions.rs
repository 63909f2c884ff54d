//! The sessions of this server, for whoever lists them. It must not decide anything about them.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use parlor_core::ports::{Clock, Observer};
use parlor_core::{ConnectionId, Origin};
use parlor_proto::{Bye, Timestamp, UserName};
use serde::{Deserialize, Serialize};

use crate::clock::SystemClock;

/// One session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedSession {
    pub(crate) user: UserName,
    /// The address of the client.
    pub(crate) address: String,
    /// Number of its connection, as in the log.
    pub(crate) connection: u64,
    /// When it began.
    pub(crate) since: Timestamp,
}

/// All sessions, as the rules report them. A leaf lock.
#[derive(Debug, Default)]
pub(crate) struct SessionList(Mutex<BTreeMap<u64, ListedSession>>);

impl SessionList {
    /// The sessions of this moment, by user.
    pub(crate) fn all(&self) -> Vec<ListedSession> {
        let mut sessions: Vec<_> = self.lock().values().cloned().collect();
        sessions.sort_by(|one, other| (&one.user, one.connection).cmp(&(&other.user, other.connection)));
        sessions
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, ListedSession>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for SessionList {
    fn session_began(&self, connection: ConnectionId, user: &UserName, origin: &Origin) {
        let (user, address) = (user.clone(), origin.address.clone());
        let session = ListedSession { user, address, connection: connection.0, since: SystemClock::start().now() };
        self.lock().insert(connection.0, session);
    }

    fn session_ended(&self, connection: ConnectionId, _user: &UserName, _why: Option<Bye>) {
        self.lock().remove(&connection.0);
    }
}
