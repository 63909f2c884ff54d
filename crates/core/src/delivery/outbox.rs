//! The frames that wait to be written to one client: a queue bounded in bytes, with exactly one owner who may empty it.
//! It must not write, and must not know the meaning of a frame.
//!
//! The contract that everything else relies on:
//! 1. Pushing never blocks and never performs I/O.
//! 2. Frames leave in the order in which they were pushed.
//! 3. The thread that turns the owner from `Idle` to `Scheduled` must make sure that [`crate::ports::Transport::flush`]
//!    is called. Only this thread, or the thread to which it hands the flush, may call it. So there is never more than
//!    one writer, and no wake-up is lost: the owner becomes `Idle` only in [`Outbox::release_if_empty`], which checks
//!    under the lock that the queue is empty.
//! 4. If an event would exceed the limit, then the queue is dropped, replaced by `BYE slow-consumer`, and closed.
//! 5. Nothing is pushed after a goodbye: it is the last frame.

mod queue;

use std::sync::Arc;
use std::time::Duration;

use parlor_proto::{Bye, Encoded, Encoding, Event};

use self::queue::{Queue, Queued};
use crate::sync::{Condvar, Mutex, MutexGuard, lock};

/// Bytes that are still to be sent to one client. Lock tier 4: it may be taken while a topic's lock is held, and no
/// other lock is taken inside.
#[derive(Debug)]
pub struct Outbox {
    inner: Mutex<Inner>,
    /// Signalled when bytes were taken or sent or the outbox was closed, if the client's own thread waits for it.
    progress: Condvar,
}

#[derive(Debug)]
struct Inner {
    encoding: Encoding,
    queue: Queue,
    /// Bytes of frames from other threads. They are limited.
    event_bytes: usize,
    /// Bytes of replies. The client's own thread keeps them few, see [`Outbox::await_capacity`].
    reply_bytes: usize,
    max_event_bytes: usize,
    owner: Owner,
    goodbye: Option<Bye>,
    closing: Closing,
    dead: bool,
    /// Counts progress: frames were taken, or bytes were sent until the socket was full.
    progress_count: u64,
    /// Whether the client's own thread waits for progress. Signalling is a system call even if no thread waits, so
    /// without this flag each delivery would cost one.
    awaited: bool,
}

/// Which side ends the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Closing {
    /// Neither side yet.
    No,
    /// The client. The server waits for it.
    ByClient,
    /// The server.
    ByServer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// No thread. The queue is empty, or the client's own thread is about to schedule.
    Idle,
    /// A thread that flushes, or is about to flush.
    Scheduled,
    /// The drain thread, which waits until the socket is writable.
    Blocked,
}

/// Duties of the caller after a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Pushed {
    /// The outbox was idle and is now scheduled: make sure that it is flushed.
    pub must_flush: bool,
    /// This push closed the outbox: interrupt the client's thread.
    pub must_interrupt: bool,
}

/// The result of [`Outbox::take`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// All waiting frames.
    All,
    /// A part of the frames; more are waiting.
    Some,
    /// No frame.
    Nothing,
}

/// The result of waiting for a client that may read slowly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// The condition holds.
    Done,
    /// Bytes were taken or sent meanwhile, so waiting longer makes sense.
    Progress,
    /// No bytes were taken or sent in all that time.
    Stuck,
}

/// The result of [`Outbox::release_if_empty`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The queue is empty. The caller no longer owns the outbox.
    Idle,
    /// More frames arrived meanwhile. The caller still owns the outbox.
    More,
}

impl Outbox {
    /// An empty outbox that holds at most `max_event_bytes` of events.
    pub fn new(max_event_bytes: usize) -> Self {
        let inner = Inner {
            encoding: Encoding::default(),
            queue: Queue::default(),
            event_bytes: 0,
            reply_bytes: 0,
            max_event_bytes,
            owner: Owner::Idle,
            goodbye: None,
            closing: Closing::No,
            dead: false,
            progress_count: 0,
            awaited: false,
        };
        Self { inner: Mutex::new(inner), progress: Condvar::new() }
    }

    /// Moves frames of up to `max_bytes` in total to the end of `out`, but at least one if there is any. Only for the
    /// owner.
    pub fn take(&self, max_bytes: usize, out: &mut Vec<Arc<[u8]>>) -> Taken {
        let mut inner = self.lock();
        let mut bytes = 0;
        while let Some(next) = inner.queue.first() {
            if bytes > 0 && bytes + next.frame.len() > max_bytes {
                break;
            }
            bytes += next.frame.len();
            out.extend(inner.pop());
        }
        inner.progress_count += u64::from(bytes > 0);
        self.notify(&inner);
        match (bytes, inner.queue.is_empty()) {
            (0, _) => Taken::Nothing,
            (_, true) => Taken::All,
            (_, false) => Taken::Some,
        }
    }

    /// Releases ownership, unless frames arrived meanwhile. Only for the owner.
    pub fn release_if_empty(&self) -> Settled {
        let mut inner = self.lock();
        if !inner.queue.is_empty() {
            return Settled::More;
        }
        inner.owner = Owner::Idle;
        inner.queue.shrink();
        self.notify(&inner);
        Settled::Idle
    }

    /// Hands ownership to the drain thread, since the socket is full. The socket took some bytes before that. Only for
    /// the owner.
    pub fn hand_over(&self) {
        let mut inner = self.lock();
        inner.owner = Owner::Blocked;
        inner.progress_count += 1;
        self.notify(&inner);
    }

    /// The drain thread becomes the owner that flushes again.
    pub fn take_back(&self) {
        self.lock().owner = Owner::Scheduled;
    }

    /// Makes the caller the owner if there is no owner. If it returns `true`, then the caller must flush.
    pub fn acquire(&self) -> bool {
        let mut inner = self.lock();
        inner.take_ownership()
    }

    /// Drops everything for ever, since the connection is broken. The owner stays, so that it can settle.
    pub fn kill(&self) {
        let mut inner = self.lock();
        inner.dead = true;
        inner.drop_queue();
        self.notify(&inner);
    }

    /// Whether nothing more can be written.
    pub fn is_dead(&self) -> bool {
        self.lock().dead
    }

    /// The reason to close the connection, if it must be closed.
    pub fn goodbye(&self) -> Option<Bye> {
        self.lock().goodbye
    }

    /// Whether the server ends the connection, so that nobody waits for the client.
    pub fn is_closed_by_server(&self) -> bool {
        self.lock().closing == Closing::ByServer
    }

    /// Whether no frame waits.
    pub fn is_empty(&self) -> bool {
        self.lock().queue.is_empty()
    }

    /// Waits until everything is written or nothing more can be written, at most for `patience`. Blocks; only for the
    /// client's own thread. Returns `true` if nothing is left to write.
    pub fn await_empty(&self, patience: Duration) -> bool {
        self.await_until(patience, Inner::is_written).is_written()
    }

    /// Waits like [`Outbox::await_empty`], but also ends when the server closes the connection
    /// ([`Outbox::is_closed_by_server`]) or bytes were taken or sent.
    pub fn await_empty_or_closed(&self, patience: Duration) -> Awaited {
        self.await_progress(patience, |inner| inner.is_written() || inner.closing == Closing::ByServer)
    }

    /// Whether the waiting replies are few enough to add more, or a goodbye was queued.
    pub(crate) fn has_capacity(&self, max_reply_bytes: usize) -> bool {
        self.lock().has_capacity(max_reply_bytes)
    }

    /// Waits until [`Outbox::has_capacity`] holds or bytes were taken or sent, at most for `patience`. Blocks; only for
    /// the client's own thread.
    pub(crate) fn await_capacity(&self, max_reply_bytes: usize, patience: Duration) -> Awaited {
        self.await_progress(patience, |inner| inner.has_capacity(max_reply_bytes))
    }

    /// Switches the encoding for this reply and all later frames, in one step, so that no earlier frame has the new
    /// one. Otherwise like [`Outbox::reply`].
    pub(crate) fn reply_in(&self, encoding: Encoding, event: &Encoded<'_>) {
        let mut inner = self.lock();
        inner.encoding = encoding;
        inner.reply(event);
    }

    /// The encoding of frames that are pushed now. Only the client's own thread changes it.
    pub(crate) fn encoding(&self) -> Encoding {
        self.lock().encoding
    }

    /// Bytes of events that may be queued.
    pub(crate) fn max_event_bytes(&self) -> usize {
        self.lock().max_event_bytes
    }

    /// Bytes that are queued: of events and of replies.
    pub(crate) fn queued_bytes(&self) -> usize {
        let inner = self.lock();
        inner.event_bytes + inner.reply_bytes
    }

    /// Queues an event from another thread.
    pub(crate) fn push(&self, event: &Encoded<'_>) -> Pushed {
        self.push_with(|encoding| event.frame(encoding).clone())
    }

    /// Queues events as one frame. The closure builds their lines in the encoding of this client.
    pub(crate) fn push_with(&self, frame: impl FnOnce(Encoding) -> Arc<[u8]>) -> Pushed {
        let inner = self.lock();
        let frame = frame(inner.encoding);
        self.push_event(inner, frame)
    }

    /// Queues an event that is already encoded.
    pub fn push_frame(&self, frame: Arc<[u8]>) -> Pushed {
        self.push_event(self.lock(), frame)
    }

    fn push_event(&self, mut inner: MutexGuard<'_, Inner>, frame: Arc<[u8]>) -> Pushed {
        let pushed = inner.push_event(frame);
        if pushed.must_interrupt {
            self.notify(&inner);
        }
        pushed
    }

    /// Queues a reply. Schedules nothing: the client's own thread calls it, and flushes at the end of its batch.
    pub(crate) fn reply(&self, event: &Encoded<'_>) {
        self.lock().reply(event);
    }

    /// Queues the goodbye, after which nothing is queued. Only the first goodbye counts.
    pub(crate) fn close(&self, bye: Bye) -> Pushed {
        let mut inner = self.lock();
        if inner.closing == Closing::ByClient && bye != Bye::ServerShutdown {
            // A client that has left is not thrown out any more, and gets its pending frames.
            return Pushed::default();
        }
        inner.closing = if bye == Bye::Quit { inner.closing.max(Closing::ByClient) } else { Closing::ByServer };
        self.notify(&inner);
        if !inner.is_open() {
            return Pushed::default();
        }
        inner.say_goodbye(bye);
        Pushed { must_flush: inner.take_ownership(), must_interrupt: true }
    }

    /// Marks that the client ends the connection, unless the server ends it already.
    pub(crate) fn leave(&self) {
        let mut inner = self.lock();
        inner.closing = inner.closing.max(Closing::ByClient);
    }

    fn notify(&self, inner: &Inner) {
        if inner.awaited {
            self.progress.notify_all();
        }
    }

    /// Waits until `done` holds, or bytes were taken or sent.
    fn await_progress(&self, patience: Duration, done: impl Fn(&Inner) -> bool) -> Awaited {
        // Progress between these two steps ends the wait at once, and the waiting thread starts again.
        let progress_count = self.lock().progress_count;
        let inner = self.await_until(patience, |inner| inner.progress_count != progress_count || done(inner));
        match (inner.dead || done(&inner), inner.progress_count != progress_count) {
            (true, _) => Awaited::Done,
            (false, true) => Awaited::Progress,
            (false, false) => Awaited::Stuck,
        }
    }

    fn await_until(&self, patience: Duration, done: impl Fn(&Inner) -> bool) -> MutexGuard<'_, Inner> {
        let waiting = |inner: &mut Inner| !inner.dead && !done(inner);
        let mut inner = self.lock();
        inner.awaited = true;
        let (mut inner, _) = self
            .progress
            .wait_timeout_while(inner, patience, waiting)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        inner.awaited = false;
        inner
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

impl Inner {
    fn is_open(&self) -> bool {
        self.goodbye.is_none() && !self.dead
    }

    fn has_capacity(&self, max_reply_bytes: usize) -> bool {
        self.reply_bytes <= max_reply_bytes || self.goodbye.is_some()
    }

    fn is_written(&self) -> bool {
        self.queue.is_empty() && self.owner == Owner::Idle
    }

    fn reply(&mut self, event: &Encoded<'_>) {
        let frame = event.frame(self.encoding);
        if self.is_open() && !frame.is_empty() {
            self.reply_bytes += frame.len();
            self.queue.push(Queued { frame: frame.clone(), is_reply: true });
        }
    }

    fn push_event(&mut self, frame: Arc<[u8]>) -> Pushed {
        if !self.is_open() || frame.is_empty() {
            return Pushed::default();
        }
        if self.event_bytes + frame.len() > self.max_event_bytes {
            self.drop_queue();
            self.closing = Closing::ByServer;
            self.say_goodbye(Bye::SlowConsumer);
            return Pushed { must_flush: self.take_ownership(), must_interrupt: true };
        }
        self.event_bytes += frame.len();
        self.queue.push(Queued { frame, is_reply: false });
        Pushed { must_flush: self.take_ownership(), must_interrupt: false }
    }

    fn say_goodbye(&mut self, bye: Bye) {
        let event = Event::from(bye);
        let frame = Encoded::new(&event).frame(self.encoding).clone();
        self.goodbye = Some(bye);
        self.reply_bytes += frame.len();
        self.queue.push(Queued { frame, is_reply: true });
    }

    fn take_ownership(&mut self) -> bool {
        let idle = self.owner == Owner::Idle;
        if idle {
            self.owner = Owner::Scheduled;
        }
        idle
    }

    fn pop(&mut self) -> Option<Arc<[u8]>> {
        let Queued { frame, is_reply } = self.queue.pop()?;
        if is_reply {
            self.reply_bytes -= frame.len();
        } else {
            self.event_bytes -= frame.len();
        }
        Some(frame)
    }

    fn drop_queue(&mut self) {
        self.queue.clear();
        self.event_bytes = 0;
        self.reply_bytes = 0;
    }
}

#[cfg(test)]
mod tests;
