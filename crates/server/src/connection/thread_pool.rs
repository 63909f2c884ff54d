//! The threads that work for clients. One that is done waits a moment for the next piece of work, since to wake it costs
//! a third of what it costs to start another. It must not know what the work is.

use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{io, thread};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

/// Stack of a thread that works for a client, in bytes. Only what is touched takes memory.
pub(super) const STACK_BYTES: usize = 512 * 1024;

/// Threads that wait for work at the same time. Each keeps what its stack and its part of the allocator have come to,
/// some tens of KiB.
const MAX_SPARE: usize = 16;

/// How long one waits for work.
const SPARE_FOR: Duration = Duration::from_secs(1);

/// What a thread that waits for work is called.
const SPARE_NAME: &str = "spare";

struct Job {
    name: String,
    body: Box<dyn FnOnce() + Send>,
}

/// Threads that work, and some that wait for work.
#[derive(Debug)]
pub(crate) struct ThreadPool {
    /// Rendezvous channel (capacity 0): sending succeeds only if an idle thread is waiting.
    offers: Sender<Job>,
    work: Receiver<Job>,
    spare: AtomicUsize,
}

impl ThreadPool {
    /// Without any thread.
    pub(crate) fn new() -> Self {
        let (offers, work) = bounded(0);
        Self { offers, work, spare: AtomicUsize::new(0) }
    }

    /// Has `body` run by a thread that is called `name` meanwhile. Does not wait for it.
    ///
    /// # Errors
    /// The system gives no thread; `body` is dropped.
    pub(super) fn start(self: &Arc<Self>, name: String, body: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let work = Job { name, body: Box::new(body) };
        let Err(TrySendError::Full(work) | TrySendError::Disconnected(work)) = self.offers.try_send(work) else {
            return Ok(());
        };
        let pool = self.clone();
        let builder = thread::Builder::new().name(work.name.clone()).stack_size(STACK_BYTES);
        builder.spawn(move || pool.work(work)).map(drop)
    }

    /// The whole of a thread. A panic of its work ends it.
    fn work(&self, first: Job) {
        (first.body)();
        while let Some(next) = self.await_work() {
            call_thread(&next.name);
            (next.body)();
        }
    }

    fn await_work(&self) -> Option<Job> {
        let is_wanted = self.spare.fetch_add(1, Ordering::Relaxed) < MAX_SPARE;
        let work = if is_wanted {
            call_thread(SPARE_NAME);
            self.work.recv_timeout(SPARE_FOR).ok()
        } else {
            None
        };
        self.spare.fetch_sub(1, Ordering::Relaxed);
        work
    }
}

/// Names the calling thread for those who look at the process from outside, as far as a name may be long.
fn call_thread(name: &str) {
    if let Ok(name) = CString::new(name) {
        // A thread that keeps another's name works as well.
        let _ = rustix::thread::set_name(&name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread::ThreadId;
    use std::time::Instant;

    /// Has the crew tell which thread works.
    fn worker(pool: &Arc<ThreadPool>) -> ThreadId {
        let (sender, receiver) = mpsc::channel();
        pool.start("test".to_owned(), move || sender.send(thread::current().id()).unwrap()).unwrap();
        receiver.recv().unwrap()
    }

    fn await_that(what: &str, mut is_so: impl FnMut() -> bool) {
        let begin = Instant::now();
        while !is_so() {
            assert!(begin.elapsed() < Duration::from_secs(20), "waited in vain for {what}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn await_spare(pool: &ThreadPool, count: usize) {
        await_that("spare threads", || pool.spare.load(Ordering::Relaxed) == count);
    }

    #[test]
    fn a_thread_that_waits_is_taken_before_another_is_started() {
        let pool = Arc::new(ThreadPool::new());
        let first = worker(&pool);
        await_spare(&pool, 1);
        // Counted just before it waits.
        thread::sleep(Duration::from_millis(20));
        assert_eq!(worker(&pool), first);
    }

    #[test]
    fn whoever_is_not_needed_ends() {
        let pool = Arc::new(ThreadPool::new());
        worker(&pool);
        await_spare(&pool, 1);
        await_that("its end", || Arc::strong_count(&pool) == 1);
        assert_eq!(pool.spare.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn work_that_panics_ends_its_thread_only() {
        let pool = Arc::new(ThreadPool::new());
        pool.start("test".to_owned(), || panic!("on purpose")).unwrap();
        worker(&pool);
        await_spare(&pool, 1);
    }

    #[test]
    fn only_some_wait() {
        let pool = Arc::new(ThreadPool::new());
        let (go, gate) = bounded::<()>(0);
        for _ in 0..2 * MAX_SPARE {
            let gate = gate.clone();
            pool.start("test".to_owned(), move || assert!(gate.recv().is_err())).unwrap();
        }
        drop(go);
        await_spare(&pool, MAX_SPARE);
    }
}
