//! Hands a connection from one thread to another. A worker thread keeps the memory that its work took; an idle thread
//! needs almost none. It must not read what a client says.

use std::sync::{Arc, Mutex, PoisonError};
use std::{io, thread};

use super::lifetime::Connection;
use super::service::Service;
use super::silence::Silence;
use super::thread_pool::STACK_BYTES;

/// Stack of a thread that waits for a client to speak. It is large enough for the work too, if the system gives no
/// other thread.
///
/// The C library caches stacks of ended threads with their touched pages, and reuses one for a thread that asks for its
/// size or down to a quarter of it. This size is less than a quarter of a worker's stack, guard page included, so an
/// idle thread never gets the stack of a worker.
const IDLE_STACK_BYTES: usize = 96 * 1024;

const _: () = assert!(IDLE_STACK_BYTES * 4 + 64 * 1024 < STACK_BYTES);

/// One client's connection, owned by the one thread that may use it.
pub(super) struct ConnectionTask {
    pub(super) service: Arc<Service>,
    pub(super) connection: Connection,
    /// How long the client has been silent.
    pub(super) silence: Silence,
}

impl ConnectionTask {
    /// Hands the connection to a worker thread.
    ///
    /// # Errors
    /// Returns the connection if the system gives no thread.
    pub(super) fn hand_to_worker(self: Box<Self>, body: fn(Box<Self>)) -> Result<(), Box<Self>> {
        let name = format!("client-{}", self.connection.id());
        let pool = self.service.pool.clone();
        self.hand_over(body, |work| pool.start(name, work))
    }

    /// Hands the connection to a new thread that waits until there is something to do, and then hands it on to `body`.
    ///
    /// # Errors
    /// Returns the connection if the system gives no thread.
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

/// Slot through which one thread hands the connection to the next. Without it, the connection would be lost if the next
/// thread cannot be started.
#[derive(Clone)]
struct HandoverSlot(Arc<Mutex<Option<Box<ConnectionTask>>>>);

impl HandoverSlot {
    fn take(self) -> Option<Box<ConnectionTask>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The body of an idle thread.
fn park(mut task: Box<ConnectionTask>, body: fn(Box<ConnectionTask>)) {
    task.connection.transport().adopt_thread();
    let patience = task.silence.time_left();
    if !task.connection.transport().await_bytes(patience) {
        task.silence.add(patience.unwrap_or_default());
    }
    if let Err(task) = task.hand_to_worker(body) {
        body(task);
    }
}
