//! The ports towards the connections: how an outbox is emptied and a blocked thread is woken.

use std::time::Duration;

use crate::delivery::channel::Flush;
use crate::delivery::outbox::Outbox;

/// The connection behind an outbox.
pub trait Transport: Send + Sync {
    /// Writes what waits in `outbox`, which the caller has scheduled (see [`Outbox`]), until it is settled as
    /// idle or blocked. Never blocks.
    fn flush(&self, outbox: &Outbox);

    /// Wakes the client's thread wherever it waits for its client. What is queued can still be written. Never blocks.
    fn interrupt(&self);

    /// Lets the client's own thread wait, until `interrupt` at the latest.
    fn pause(&self, time: Duration);
}

/// Threads that run flushes for others.
pub trait FlushWorkers: Send + Sync {
    /// Runs `flush` soon on another thread. Never blocks.
    fn submit(&self, flush: Flush);

    /// How many there are; large flushes are split among them.
    fn count(&self) -> usize;
}
