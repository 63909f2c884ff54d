//! The port towards the threads that run flushes for others.

use crate::delivery::flush::Flush;

/// Threads that run flushes for others.
pub trait FlushWorkers: Send + Sync {
    /// Runs `flush` soon on another thread. Never blocks.
    fn submit(&self, flush: Flush);

    /// Number of threads. Large flushes are split among them.
    fn count(&self) -> usize;
}
