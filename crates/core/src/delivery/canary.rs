//! A canary on the way of deliveries: an event for nobody, through a send queue that a flush worker empties. It must not
//! touch a log.

use std::sync::Arc;
use std::time::Duration;

use parlor_proto::{Encoded, Reply};

use crate::delivery::hub::Hub;
use crate::delivery::outbox::Outbox;
use crate::delivery::peer::{ConnectionId, Peer};
use crate::ports::Transport;

/// Bytes that the queue of a canary takes. Its one event has a few.
const QUEUE_BYTES: usize = 1024;

/// Number of a connection that no client has.
const NOBODY: ConnectionId = ConnectionId(u64::MAX);

/// Calls back when it is flushed.
struct Arrival<F>(F);

impl<F: Fn() + Send + Sync> Transport for Arrival<F> {
    fn flush(&self, outbox: &Outbox) {
        outbox.take(QUEUE_BYTES, &mut Vec::new());
        outbox.release_if_empty();
        (self.0)();
    }

    fn interrupt(&self) {}

    fn pause(&self, _time: Duration) {}
}

impl Hub {
    /// Puts an event for nobody into a queue of its own, and has a flush worker flush it. Calls `arrived` then, on the
    /// thread of the worker. Does not block.
    pub fn send_canary(&self, arrived: impl Fn() + Send + Sync + 'static) {
        let peer = Arc::new(Peer::new(NOBODY, QUEUE_BYTES, Arc::new(Arrival(arrived))));
        self.flush_workers().submit(peer.send(&Encoded::new(&Reply::Broadcast.into())));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::delivery::flush::Flush;
    use crate::ports::FlushWorkers;

    /// Keeps what is submitted.
    #[derive(Default)]
    struct Stuck(Mutex<Vec<Flush>>);

    impl FlushWorkers for Stuck {
        fn submit(&self, flush: Flush) {
            self.0.lock().unwrap().push(flush);
        }

        fn run_errand(&self, _errand: Box<dyn FnOnce() + Send>) {}

        fn count(&self) -> usize {
            1
        }
    }

    #[test]
    fn it_arrives_once_a_worker_flushed_it_and_not_before() {
        let (workers, arrivals) = (Arc::new(Stuck::default()), Arc::new(AtomicUsize::new(0)));
        let hub = Hub::new(workers.clone(), 10);
        let counted = arrivals.clone();
        hub.send_canary(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(arrivals.load(Ordering::SeqCst), 0);
        let flushes = std::mem::take(&mut *workers.0.lock().unwrap());
        flushes.into_iter().for_each(Flush::run);
        assert_eq!(arrivals.load(Ordering::SeqCst), 1);
    }
}
