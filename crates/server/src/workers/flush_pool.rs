//! Threads that run flushes for other threads: parts of large ones, and passes over rooms that became dirty again. They
//! must not decide what is flushed.

use std::io;
use std::thread;

use crossbeam_channel::{Receiver, Sender, unbounded};
use parlor_core::Flush;
use parlor_core::ports::FlushWorkers;

/// Stack of a flush worker, in bytes.
const STACK_BYTES: usize = 256 * 1024;

/// A pool with one thread per processor. The queue needs no bound of its own: a channel hands on at most one pass at a
/// time, and a connection is in at most one flush.
#[derive(Debug)]
pub(crate) struct FlushPool {
    flushes: Sender<Flush>,
    count: usize,
}

impl FlushPool {
    /// Starts the threads.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start() -> io::Result<Self> {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let (flushes, queue) = unbounded();
        for number in 0..count {
            let queue = queue.clone();
            let builder = thread::Builder::new().name(format!("flush-{number}")).stack_size(STACK_BYTES);
            builder.spawn(move || serve(&queue))?;
        }
        Ok(Self { flushes, count })
    }
}

fn serve(queue: &Receiver<Flush>) {
    for flush in queue {
        flush.run();
    }
}

impl FlushWorkers for FlushPool {
    fn submit(&self, flush: Flush) {
        // The flush workers live as long as the process, so one of them always takes it.
        let _ = self.flushes.send(flush);
    }

    fn run_errand(&self, errand: Box<dyn FnOnce() + Send>) {
        let thread = thread::Builder::new().name("errand".to_owned()).stack_size(STACK_BYTES);
        // Without a thread it is done later, by the thread of the client whom it concerns.
        let _ = thread.spawn(errand);
    }

    fn count(&self) -> usize {
        self.count
    }
}
