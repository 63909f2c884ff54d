//! The port towards the threads that run flushes for others.

use crate::delivery::flush::Flush;

/// Threads that run flushes for others.
pub trait FlushWorkers: Send + Sync {
    /// Runs `flush` soon on another thread. Never blocks.
    fn submit(&self, flush: Flush);

    /// Runs `errand` soon on a thread that may wait for the store. Never blocks. If there is no thread, it is dropped: then
    /// the client's own thread does the same when its client speaks again.
    fn run_errand(&self, errand: Box<dyn FnOnce() + Send>);

    /// Number of threads. Large flushes are split among them.
    fn count(&self) -> usize;
}
