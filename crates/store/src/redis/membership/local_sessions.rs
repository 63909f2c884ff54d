//! The sessions of this server, as this server knows them: which sessions exist, and which rooms each may be in. With
//! this they can be restored if Redis loses them, and failed cleanups can be retried. It must not talk to Redis.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

use parlor_core::ConnectionId;
use parlor_core::ports::SessionKey;
use parlor_proto::{Generation, RoomName, UserName};

use crate::redis::keys::{self, ServerId};
use crate::sync::{Condvar, Mutex, lock};

/// Identifies one claim of a server by its connection and a number of its own. So a later cleanup of a failed claim
/// does not affect the next claim of the same connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::redis) struct ClaimId {
    pub(in crate::redis) connection: ConnectionId,
    pub(in crate::redis) number: u64,
}

impl fmt::Display for ClaimId {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.connection, self.number)
    }
}

impl FromStr for ClaimId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (connection, number) = text.split_once('.').ok_or(())?;
        let read = |text: &str| text.parse().map_err(|_| ());
        Ok(Self { connection: ConnectionId(read(connection)?), number: read(number)? })
    }
}

/// One session of this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::redis) struct LocalSession {
    pub(in crate::redis) session_key: SessionKey,
    pub(in crate::redis) ticket: ClaimId,
    pub(in crate::redis) rooms: Vec<RoomName>,
    /// Whether its claim found no earlier session.
    is_first: bool,
    /// Whether somebody asked if earlier sessions are over.
    is_awaited: bool,
    /// The enter that its claim noted, until it enters any room or is restored.
    first_enter: Option<FirstEnter>,
    /// Whether it is an operator's, as it entered its last room.
    pub(in crate::redis) is_operator: bool,
}

/// The enter of the lobby that a claim notes at its session, so that it needs no request for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::redis) struct FirstEnter {
    /// Its number.
    pub(in crate::redis) seq: u64,
    /// Redis's time after which it is too late, in microseconds. It was taken before the claim: fences of later claims
    /// outlive it.
    pub(in crate::redis) deadline: i64,
}

/// A cleanup in Redis that failed and must be retried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::redis) enum DeferredCleanup {
    /// A claim whose answer was lost.
    Claim { server: ServerId, user: UserName, ticket: ClaimId },
    /// A membership up to the number of an append.
    Membership { session_key: SessionKey, room: RoomName, seq: u64 },
    /// Direct messages of the user that are without the recipient's copy.
    Deliveries { user: UserName },
    /// A session that has ended.
    Session { session_key: SessionKey, ticket: ClaimId },
}

impl DeferredCleanup {
    /// The session that may not be released before.
    pub(in crate::redis) fn holds_back(&self) -> Option<&SessionKey> {
        match self {
            Self::Membership { session_key, .. } => Some(session_key),
            Self::Claim { .. } | Self::Deliveries { .. } | Self::Session { .. } => None,
        }
    }
}

/// The sessions of this server. A leaf lock.
#[derive(Default)]
pub(in crate::redis) struct LocalSessions {
    state: Mutex<State>,
    /// Signalled when a session is no longer reserved.
    freed: Condvar,
}

#[derive(Default)]
struct State {
    sessions: HashMap<(UserName, Generation), LocalSession>,
    cleanups: Vec<DeferredCleanup>,
    reserved: HashSet<SessionKey>,
    /// Sessions that other servers may have ended, and that were not checked since.
    doubtful: HashSet<SessionKey>,
}

/// Per-session lock for operations on Redis of several steps; dropping it releases the session.
pub(in crate::redis) struct SessionGuard<'a> {
    local: &'a LocalSessions,
    session_key: SessionKey,
}

impl SessionGuard<'_> {
    pub(in crate::redis) fn session_key(&self) -> &SessionKey {
        &self.session_key
    }
}

impl Drop for SessionGuard<'_> {
    fn drop(&mut self) {
        lock(&self.local.state).reserved.remove(&self.session_key);
        self.local.freed.notify_all();
    }
}

impl LocalSessions {
    /// Adds a session that started here.
    pub(in crate::redis) fn add(
        &self,
        session_key: SessionKey,
        ticket: ClaimId,
        is_first: bool,
        first_enter: FirstEnter,
    ) {
        let key = (session_key.user.clone(), session_key.generation);
        let session = LocalSession {
            session_key,
            ticket,
            rooms: Vec::new(),
            is_first,
            is_awaited: false,
            first_enter: Some(first_enter),
            is_operator: false,
        };
        lock(&self.state).sessions.insert(key, session);
    }

    /// Whether the claim of the session found no earlier session.
    pub(in crate::redis) fn is_first(&self, session_key: &SessionKey) -> bool {
        lock(&self.state).sessions.get(&key(session_key)).is_some_and(|session| session.is_first)
    }

    /// The same, for the first question whether earlier sessions are over; later ones are about what happened since.
    pub(in crate::redis) fn is_known_alone(&self, session_key: &SessionKey) -> bool {
        let mut state = lock(&self.state);
        let Some(session) = state.sessions.get_mut(&key(session_key)) else { return false };
        !std::mem::replace(&mut session.is_awaited, true) && session.is_first
    }

    /// The enter that the claim of the session noted, unless the session entered a room before, or was restored. It is told
    /// once.
    pub(in crate::redis) fn take_first_enter(&self, session_key: &SessionKey) -> Option<FirstEnter> {
        lock(&self.state).sessions.get_mut(&key(session_key))?.first_enter.take()
    }

    /// Records that Redis may have no note of a session any more.
    pub(in crate::redis) fn forget_first_enter(&self, session_key: &SessionKey) {
        self.take_first_enter(session_key);
    }

    /// The session with this key.
    pub(in crate::redis) fn find(&self, session_key: &SessionKey) -> Option<LocalSession> {
        lock(&self.state).sessions.get(&key(session_key)).cloned()
    }

    /// Removes a session that has ended.
    pub(in crate::redis) fn remove(&self, session_key: &SessionKey) -> Option<LocalSession> {
        let mut state = lock(&self.state);
        state.doubtful.remove(session_key);
        state.sessions.remove(&key(session_key))
    }

    /// Records that the session is a member of a room.
    pub(in crate::redis) fn entered(&self, session_key: &SessionKey, room: &RoomName, is_operator: bool) {
        if let Some(session) = lock(&self.state).sessions.get_mut(&key(session_key)) {
            session.is_operator = is_operator;
            if !session.rooms.contains(room) {
                session.rooms.push(room.clone());
            }
        }
    }

    /// Records that the session is no longer a member of a room.
    pub(in crate::redis) fn left(&self, session_key: &SessionKey, room: &RoomName) {
        if let Some(session) = lock(&self.state).sessions.get_mut(&key(session_key)) {
            session.rooms.retain(|other| other != room);
        }
    }

    /// Records that other servers may have ended any session.
    pub(in crate::redis) fn doubt_all(&self) {
        let mut state = lock(&self.state);
        state.doubtful = state.sessions.values().map(|session| session.session_key.clone()).collect();
    }

    /// Records that sessions were checked.
    pub(in crate::redis) fn checked<'a>(&self, sessions: impl IntoIterator<Item = &'a LocalSession>) {
        let mut state = lock(&self.state);
        for session in sessions {
            state.doubtful.remove(&session.session_key);
        }
    }

    /// Number of sessions that are not checked.
    pub(in crate::redis) fn doubts(&self) -> usize {
        lock(&self.state).doubtful.len()
    }

    /// Whether a session of the user is not checked.
    pub(in crate::redis) fn is_doubtful(&self, user: &UserName) -> bool {
        lock(&self.state).doubtful.iter().any(|session_key| session_key.user == *user)
    }

    /// The keys of all sessions.
    pub(in crate::redis) fn memberships(&self) -> Vec<SessionKey> {
        lock(&self.state).sessions.values().map(|session| session.session_key.clone()).collect()
    }

    /// Prevents other threads from changing a session in Redis during an operation of several steps. Blocks while
    /// another thread has it reserved.
    pub(in crate::redis) fn reserve(&self, session_key: &SessionKey) -> SessionGuard<'_> {
        let is_taken = |state: &mut State| state.reserved.contains(session_key);
        let waited = self.freed.wait_while(lock(&self.state), is_taken);
        waited.unwrap_or_else(std::sync::PoisonError::into_inner).reserved.insert(session_key.clone());
        SessionGuard { local: self, session_key: session_key.clone() }
    }

    /// Like `reserve`, but returns none if another thread has it reserved.
    pub(in crate::redis) fn try_reserve(&self, session_key: &SessionKey) -> Option<SessionGuard<'_>> {
        let is_free = lock(&self.state).reserved.insert(session_key.clone());
        is_free.then(|| SessionGuard { local: self, session_key: session_key.clone() })
    }

    /// The entries of all sessions in this server's set, including sessions that are still to be released.
    pub(in crate::redis) fn entries(&self) -> BTreeSet<String> {
        let state = lock(&self.state);
        let sessions = state
            .sessions
            .values()
            .map(|session| keys::server_session_entry(&session.session_key.user, session.ticket));
        let cleanups = state.cleanups.iter().filter_map(|cleanup| match cleanup {
            DeferredCleanup::Claim { user, ticket, .. } => Some(keys::server_session_entry(user, *ticket)),
            DeferredCleanup::Session { session_key, ticket } => {
                Some(keys::server_session_entry(&session_key.user, *ticket))
            }
            DeferredCleanup::Membership { .. } | DeferredCleanup::Deliveries { .. } => None,
        });
        sessions.chain(cleanups).collect()
    }

    /// The number of sessions.
    pub(in crate::redis) fn len(&self) -> usize {
        lock(&self.state).sessions.len()
    }

    /// Stores a cleanup for a later retry, unless it is stored already.
    pub(in crate::redis) fn defer(&self, cleanup: DeferredCleanup) {
        let mut state = lock(&self.state);
        if !state.cleanups.contains(&cleanup) {
            state.cleanups.push(cleanup);
        }
    }

    /// Whether this is a claim whose answer was lost: it is nobody's session.
    pub(in crate::redis) fn has_given_up(&self, claim: ClaimId) -> bool {
        let is_it = |left: &DeferredCleanup| matches!(left, DeferredCleanup::Claim { ticket, .. } if *ticket == claim);
        lock(&self.state).cleanups.iter().any(is_it)
    }

    /// Whether a membership of the session still needs a cleanup.
    pub(in crate::redis) fn is_leaving(&self, session_key: &SessionKey) -> bool {
        lock(&self.state).cleanups.iter().any(|left| left.holds_back() == Some(session_key))
    }

    /// Whether direct messages of the user are without the recipient's copy.
    pub(in crate::redis) fn has_deliveries(&self, user: &UserName) -> bool {
        let is_one =
            |left: &DeferredCleanup| matches!(left, DeferredCleanup::Deliveries { user: sender } if sender == user);
        lock(&self.state).cleanups.iter().any(is_one)
    }

    /// Whether the session is a member of the room, as far as its client knows.
    pub(in crate::redis) fn is_in(&self, session_key: &SessionKey, room: &RoomName) -> bool {
        lock(&self.state).sessions.get(&key(session_key)).is_some_and(|session| session.rooms.contains(room))
    }

    /// All pending cleanups.
    pub(in crate::redis) fn cleanups(&self) -> Vec<DeferredCleanup> {
        lock(&self.state).cleanups.clone()
    }

    /// Removes a cleanup that succeeded.
    pub(in crate::redis) fn settle(&self, done: &DeferredCleanup) {
        lock(&self.state).cleanups.retain(|cleanup| cleanup != done);
    }
}

fn key(session_key: &SessionKey) -> (UserName, Generation) {
    (session_key.user.clone(), session_key.generation)
}

#[cfg(test)]
mod tests;
