//! Hands a connection from one thread to another. A thread that has worked keeps the memory that the work
//! took; one that only waits needs next to none. It must not read what a client says.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{io, thread};

use super::lifetime::Connection;
use super::service::Service;
use super::thread_pool::STACK_BYTES;

/// Stack of a thread that waits for a client to speak. It is enough to work on, should there be no other thread.
///
/// The C library keeps stacks of ended threads, touched as they are, for later ones that ask for as much, or for down
/// to a quarter of it. Less than a quarter of the other one, guard page included, this is never taken from a thread
/// that has worked.
const IDLE_STACK_BYTES: usize = 96 * 1024;

const _: () = assert!(IDLE_STACK_BYTES * 4 + 64 * 1024 < STACK_BYTES);

/// One client's connection, and whose turn it is: that of the one thread that has this.
pub(super) struct ConnectionTask {
    pub(super) service: Arc<Service>,
    pub(super) connection: Connection,
    /// How long the client has said nothing, as far as it was waited for.
    pub(super) idle_for: Duration,
}

impl ConnectionTask {
    /// How long the client may go on saying nothing; without end if `None`.
    pub(super) fn idle_left(&self) -> Option<Duration> {
        self.service.idle_timeout.map(|limit| limit.saturating_sub(self.idle_for))
    }

    /// Whether the client has said nothing for so long that it is to be left.
    pub(super) fn is_idle_expired(&self) -> bool {
        self.idle_left().is_some_and(|idle_left| idle_left.is_zero())
    }

    /// Passes the turn to a new thread that works.
    ///
    /// # Errors
    /// Gives the turn back if the system has no thread.
    pub(super) fn hand_to_worker(self: Box<Self>, body: fn(Box<Self>)) -> Result<(), Box<Self>> {
        let name = format!("client-{}", self.connection.id());
        let pool = self.service.pool.clone();
        self.hand_over(body, |work| pool.start(name, work))
    }

    /// Passes the turn to a new thread that waits until there is something to do, and then passes it on to `body`.
    ///
    /// # Errors
    /// Gives the turn back if the system has no thread.
    pub(super) fn park(self: Box<Self>, body: fn(Box<Self>)) -> Result<(), Box<Self>> {
        let name = format!("idle-{}", self.connection.id());
        let thread = thread::Builder::new().name(name).stack_size(IDLE_STACK_BYTES);
        self.hand_over(move |task| park(task, body), |work| thread.spawn(work).map(drop))
    }

    fn hand_over(
        self: Box<Self>,
        body: impl FnOnce(Box<Self>) + Send + 'static,
        start: impl FnOnce(Box<dyn FnOnce() + Send>) -> io::Result<()>,
    ) -> Result<(), Box<Self>> {
        let ours = HandoverSlot(Arc::new(Mutex::new(Some(self))));
        let theirs = ours.clone();
        let started = start(Box::new(move || {
            if let Some(task) = theirs.take() {
                body(task);
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
fn park(mut task: Box<ConnectionTask>, body: fn(Box<ConnectionTask>)) {
    task.connection.transport().adopt_thread();
    let idle_left = task.idle_left();
    if !task.connection.transport().await_bytes(idle_left) {
        task.idle_for += idle_left.unwrap_or_default();
    }
    if let Err(task) = task.hand_to_worker(body) {
        body(task);
    }
}
