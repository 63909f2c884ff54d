//! Hands a connection from one thread to another. A thread that has worked keeps the memory that the work
//! took; one that only waits needs next to none. It must not read what a client says.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{io, thread};

use super::connection::Connection;
use super::service::Service;
use super::thread_pool::STACK_BYTES;

/// Stack of a thread that waits for a client to speak. It is enough to work on, should there be no other thread.
///
/// The C library keeps stacks of ended threads, touched as they are, for later ones that ask for as much, or for down
/// to a quarter of it. Less than a quarter of the other one, guard page included, this is never taken from a thread
/// that has worked.
const RESTING_STACK_BYTES: usize = 96 * 1024;

const _: () = assert!(RESTING_STACK_BYTES * 4 + 64 * 1024 < STACK_BYTES);

/// One client's connection, and whose turn it is: that of the one thread that has this.
pub(super) struct ConnectionTask {
    pub(super) service: Arc<Service>,
    pub(super) connection: Connection,
    /// How long the client has said nothing, as far as it was waited for.
    pub(super) silent: Duration,
}

impl ConnectionTask {
    /// How long the client may go on saying nothing; without end if `None`.
    pub(super) fn patience(&self) -> Option<Duration> {
        self.service.idle_timeout.map(|limit| limit.saturating_sub(self.silent))
    }

    /// Whether the client has said nothing for so long that it is to be left.
    pub(super) fn is_idle_expired(&self) -> bool {
        self.patience().is_some_and(|patience| patience.is_zero())
    }

    /// Passes the turn to a new thread that works.
    ///
    /// # Errors
    /// Gives the turn back if the system has no thread.
    pub(super) fn pass(self: Box<Self>, body: fn(Box<Self>)) -> Result<(), Box<Self>> {
        let name = format!("client-{}", self.connection.id());
        let pool = self.service.pool.clone();
        self.pass_by(body, |work| pool.start(name, work))
    }

    /// Passes the turn to a new thread that waits until there is something to do, and then passes it on to `body`.
    ///
    /// # Errors
    /// Gives the turn back if the system has no thread.
    pub(super) fn rest(self: Box<Self>, body: fn(Box<Self>)) -> Result<(), Box<Self>> {
        let name = format!("idle-{}", self.connection.id());
        let thread = thread::Builder::new().name(name).stack_size(RESTING_STACK_BYTES);
        self.pass_by(move |turn| rest(turn, body), |work| thread.spawn(work).map(drop))
    }

    fn pass_by(
        self: Box<Self>,
        body: impl FnOnce(Box<Self>) + Send + 'static,
        start: impl FnOnce(Box<dyn FnOnce() + Send>) -> io::Result<()>,
    ) -> Result<(), Box<Self>> {
        let ours = HandoverSlot(Arc::new(Mutex::new(Some(self))));
        let theirs = ours.clone();
        let started = start(Box::new(move || {
            if let Some(turn) = theirs.take() {
                body(turn);
            }
        }));
        match (started, ours) {
            (Ok(()), _) => Ok(()),
            (Err(_), ours) => ours.take().map_or(Ok(()), Err),
        }
    }
}

/// What one thread leaves for the next. Without it, a thread that cannot be started would take the connection along.
#[derive(Clone)]
struct HandoverSlot(Arc<Mutex<Option<Box<ConnectionTask>>>>);

impl HandoverSlot {
    fn take(self) -> Option<Box<ConnectionTask>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The whole of a thread that waits.
fn rest(mut turn: Box<ConnectionTask>, body: fn(Box<ConnectionTask>)) {
    turn.connection.transport().adopt_thread();
    let patience = turn.patience();
    if !turn.connection.transport().await_bytes(patience) {
        turn.silent += patience.unwrap_or_default();
    }
    if let Err(turn) = turn.pass(body) {
        body(turn);
    }
}
