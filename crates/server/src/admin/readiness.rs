//! Whether this server serves: a canary goes through the store and through delivery when somebody asks. It must not
//! believe a thread that does not answer.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use parlor_core::Hub;

use crate::backend::StoreMonitor;

/// Time within which a canary must arrive.
const PATIENCE: Duration = Duration::from_secs(3);

/// Time for which the result of a canary is told without another one.
const FRESH: Duration = Duration::from_secs(1);

/// Stack of the thread that waits for the store, in bytes: it may write to the database.
const STACK_BYTES: usize = 256 * 1024;

/// Sends canaries. Its lock is a leaf, and is never held while a canary is under way.
pub(crate) struct Readiness {
    hub: Arc<Hub>,
    store: StoreMonitor,
    is_draining: AtomicBool,
    canary: Mutex<Canary>,
    arrived: Condvar,
}

#[derive(Default)]
struct Canary {
    /// When the one under way was sent.
    sent: Option<Instant>,
    /// When the last one came to its end, and how.
    last: Option<(Instant, Result<(), String>)>,
}

impl Readiness {
    pub(crate) fn new(hub: Arc<Hub>, store: StoreMonitor) -> Arc<Self> {
        let (is_draining, canary, arrived) = (AtomicBool::new(false), Mutex::default(), Condvar::new());
        Arc::new(Self { hub, store, is_draining, canary, arrived })
    }

    /// From now on the server is not ready: its clients go elsewhere.
    pub(crate) fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
    }

    /// Whether a message would be accepted and delivered now. Blocks for 3 s at most.
    ///
    /// # Errors
    /// Says in words why not.
    pub(crate) fn check(self: &Arc<Self>) -> Result<(), String> {
        if self.is_draining.load(Ordering::Acquire) {
            return Err("the server is draining".to_owned());
        }
        let asked = Instant::now();
        let mut canary = self.lock();
        if let Some((_, result)) = canary.last.as_ref().filter(|(at, _)| asked - *at < FRESH) {
            return result.clone();
        }
        if canary.sent.is_none() {
            canary.sent = Some(asked);
            self.send()?;
        }
        let is_new = |canary: &mut Canary| canary.last.as_ref().is_none_or(|(at, _)| *at < asked);
        let waited = self.arrived.wait_timeout_while(canary, PATIENCE, is_new);
        let (canary, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match &canary.last {
            Some((at, result)) if *at >= asked => result.clone(),
            _ => Err(format!("a canary of {} s ago did not arrive", canary.sent.unwrap_or(asked).elapsed().as_secs())),
        }
    }

    /// Starts the thread of a canary. It ends when the store answers.
    fn send(self: &Arc<Self>) -> Result<(), String> {
        let this = self.clone();
        let way = move || match this.store.send_canary() {
            Ok(()) => {
                let arrived = this.clone();
                this.hub.send_canary(move || arrived.arrive(Ok(())));
            }
            Err(error) => this.arrive(Err(error.to_string())),
        };
        let thread = thread::Builder::new().name("canary".to_owned()).stack_size(STACK_BYTES).spawn(way);
        thread.map(drop).map_err(|error| format!("there is no thread for a canary: {error}"))
    }

    fn arrive(&self, result: Result<(), String>) {
        let mut canary = self.lock();
        canary.sent = None;
        canary.last = Some((Instant::now(), result));
        self.arrived.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Canary> {
        self.canary.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
