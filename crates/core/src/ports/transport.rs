//! The port towards a connection: how its outbox is emptied, and its thread woken when it waits.

use std::time::Duration;

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
