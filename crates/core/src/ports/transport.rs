//! The port to a connection: how its outbox is written, and how its thread is woken.

use std::time::Duration;

use crate::delivery::outbox::Outbox;

/// The connection behind an outbox.
pub trait Transport: Send + Sync {
    /// Writes the content of `outbox`, which the caller has scheduled (see [`Outbox`]), until the outbox is idle or
    /// blocked. Never blocks.
    fn flush(&self, outbox: &Outbox);

    /// Wakes the client's thread from any wait for its client. Queued frames can still be written. Never blocks.
    fn interrupt(&self);

    /// Makes the client's own thread wait. `interrupt` ends the wait early.
    fn pause(&self, time: Duration);
}
