//! The threads that work for clients. A thread that is done waits 1 s for the next job, since waking it costs a third
//! of starting another. It must not know what the job does.

use std::ffi::CString;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{io, thread};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

/// Stack of a thread that works for a client, in bytes. Only touched pages take memory.
pub(super) const STACK_BYTES: usize = 512 * 1024;

/// Maximum number of threads that wait for a job at the same time. Each keeps its touched stack and its allocator
/// cache, some tens of KiB.
const MAX_SPARE: usize = 16;

/// How long a thread waits for a job.
const SPARE_FOR: Duration = Duration::from_secs(1);

/// Name of a thread that waits for a job.
const SPARE_NAME: &str = "spare";

struct Job {
    name: String,
    body: Box<dyn FnOnce() + Send>,
}

/// Threads that work, and up to 16 that wait for a job.
#[derive(Debug)]
pub(crate) struct ThreadPool {
    /// Rendezvous channel (capacity 0): sending succeeds only if an idle thread is waiting.
    offers: Sender<Job>,
    work: Receiver<Job>,
    spare: AtomicUsize,
}

impl ThreadPool {
    /// Creates a pool without threads.
    pub(crate) fn new() -> Self {
        let (offers, work) = bounded(0);
        Self { offers, work, spare: AtomicUsize::new(0) }
    }

    /// Runs `body` on a thread that has this `name` meanwhile. Does not wait for it.
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

    /// The body of a thread. A panic of a job ends it.
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

/// Sets the name of the calling thread, which tools such as `ps` show. The kernel cuts long names.
fn call_thread(name: &str) {
    if let Ok(name) = CString::new(name) {
        // A thread with a wrong name works as well.
        let _ = rustix::thread::set_name(&name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread::ThreadId;
    use std::time::Instant;

    /// Returns the thread that the pool uses for a job.
    fn worker(pool: &Arc<ThreadPool>) -> ThreadId {
        let (sender, receiver) = mpsc::channel();
        pool.start("test".to_owned(), move || sender.send(thread::current().id()).unwrap()).unwrap();
        receiver.recv().unwrap()
    }

    fn await_that(what: &str, mut is_so: impl FnMut() -> bool) {
        let begin = Instant::now();
        while !is_so() {
            assert!(begin.elapsed() < Duration::from_secs(20), "timed out waiting for {what}");
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
        // The thread is counted just before it waits.
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
