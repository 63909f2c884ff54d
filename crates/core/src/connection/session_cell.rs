//! Where a session lies while its own thread waits for the client. Another thread that removes the user from a room takes
//! it from here meanwhile. It must not know what is done with the session.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::connection::handle::ConnectionHandle;
use crate::connection::session::Session;
use crate::delivery::eviction::{Evictable, Eviction};
use crate::delivery::peer::Peer;
use crate::services::Services;
use crate::sync::{Condvar, Mutex, lock, wait};

/// The session of one connection. The lock is held only to take the session and to put it back.
pub(crate) struct SessionCell {
    services: Arc<Services>,
    peer: Arc<Peer>,
    state: Mutex<State>,
    /// Signalled when another thread has put the session back.
    returned: Condvar,
}

#[derive(Default)]
struct State {
    /// There while no thread works with it.
    session: Option<Box<Session>>,
    /// Whether another thread than that of the client works with it.
    is_lent: bool,
    /// What is still to be done; whoever has the session does it before putting it back.
    evictions: Vec<Eviction>,
}

impl SessionCell {
    pub(crate) fn new(services: Arc<Services>, peer: Arc<Peer>) -> Self {
        Self { services, peer, state: Mutex::default(), returned: Condvar::new() }
    }

    /// Takes the session for the thread of the client. Blocks while another thread works with it. None if there is no session.
    pub(crate) fn take(&self) -> Option<Box<Session>> {
        let mut state = lock(&self.state);
        while state.is_lent {
            state = wait(&self.returned, state);
        }
        state.session.take()
    }

    /// Does what is noted. Only for the thread that has the session.
    pub(crate) fn catch_up(&self, handle: &ConnectionHandle, session: &mut Session) {
        let evictions = std::mem::take(&mut lock(&self.state).evictions);
        if !evictions.is_empty() {
            evict_all(handle, session, evictions);
        }
    }

    /// Puts the session back, after everything is done that came meanwhile.
    pub(crate) fn put_back(&self, handle: &ConnectionHandle, mut session: Box<Session>) {
        loop {
            let mut state = lock(&self.state);
            let evictions = std::mem::take(&mut state.evictions);
            if evictions.is_empty() {
                state.session = Some(session);
                state.is_lent = false;
                self.returned.notify_all();
                return;
            }
            drop(state);
            evict_all(handle, &mut session, evictions);
        }
    }
}

impl Evictable for SessionCell {
    fn note(&self, eviction: Eviction) {
        lock(&self.state).evictions.push(eviction);
    }

    fn work(self: Arc<Self>) {
        let mut state = lock(&self.state);
        if state.evictions.is_empty() {
            return;
        }
        let Some(session) = state.session.take() else { return };
        state.is_lent = true;
        drop(state);
        let (services, peer) = (self.services.clone(), self.peer.clone());
        self.put_back(&ConnectionHandle { services, peer, cell: self.clone() }, session);
    }
}

/// A panic ends this connection only. The session is put back all the same: its thread ends it.
fn evict_all(handle: &ConnectionHandle, session: &mut Session, evictions: Vec<Eviction>) {
    let done = catch_unwind(AssertUnwindSafe(|| {
        evictions.into_iter().for_each(|eviction| session.evict(handle, eviction));
        handle.peer.flush();
    }));
    if done.is_err() {
        handle.peer.outbox().kill();
        handle.peer.transport().interrupt();
    }
}
