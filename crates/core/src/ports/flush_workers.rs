//! The port towards the threads that run flushes for others.

use crate::delivery::flush::Flush;

/// Threads that run flushes for others.
pub trait FlushWorkers: Send + Sync {
    /// Runs `flush` soon on another thread. Never blocks.
    fn submit(&self, flush: Flush);

    /// How many there are; large flushes are split among them.
    fn count(&self) -> usize;
}
