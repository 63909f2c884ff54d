//! The threads that post what is said in rooms with outgoing hooks. They follow the logs; no message waits for them. One thread looks
//! for what is to be done and starts one for each hook that has something to post. It must not know what is posted, nor to whom.

mod guard;
mod poster;
mod signature;

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use parlor_core::ports::{LogId, StoreError, StoreResult};
use parlor_core::{NextPost, Services};
use parlor_proto::{HookId, MessageId, RoomName};

pub(crate) use guard::Guard;
use poster::{PATIENCE, Poster};

/// Time between two looks at the logs.
const INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of hooks that post at the same time.
const MAX_RUNS: usize = 16;

/// A hook that has posted for this long waits until others have posted.
const RUN_TIME: Duration = Duration::from_secs(10);

/// Longest wait before a post is tried again. The first wait is a second, each next one twice as long.
const MAX_WAIT: Duration = Duration::from_secs(5 * 60);

/// Stack of the threads, in bytes: they shake hands in TLS.
const STACK_BYTES: usize = 1 << 20;

/// A hook.
type Key = (RoomName, HookId);

/// The threads, for the end.
pub(crate) struct OuthookThreads {
    ends: Arc<AtomicBool>,
    ended: Receiver<()>,
}

impl OuthookThreads {
    /// Starts them.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(services: Arc<Services>, guard: Arc<Guard>) -> io::Result<Self> {
        let (ends, (lives, ended)) = (Arc::new(AtomicBool::new(false)), bounded(0));
        let shared = ends.clone();
        let work = move || {
            let poster = Arc::new(Poster::new(guard));
            Dispatcher { crew: Crew { services, poster, ends: shared, _lives: lives }, hooks: HashMap::new() }.run();
        };
        thread::Builder::new().name("outhooks".to_owned()).stack_size(STACK_BYTES).spawn(work)?;
        Ok(Self { ends, ended })
    }

    /// Has them begin nothing more, and waits until they have ended, at most until `deadline`.
    pub(crate) fn stop(self, deadline: Instant) {
        self.ends.store(true, Ordering::Release);
        // Nothing is ever sent: either all threads are gone, or the time is over.
        let _ = self.ended.recv_deadline(deadline);
    }
}

/// What each thread has.
#[derive(Clone)]
struct Crew {
    services: Arc<Services>,
    poster: Arc<Poster>,
    ends: Arc<AtomicBool>,
    /// Dropped by the last thread.
    _lives: Sender<()>,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Everything is posted, or the hook was ended.
    Done,
    /// There is more to post.
    Paused,
    /// Another server posts.
    Elsewhere,
    /// The post or the store failed. Whether something was posted before.
    Failed { has_posted: bool },
}

/// What the dispatcher knows of a hook.
#[derive(Debug, Clone, Copy)]
struct Known {
    runs: bool,
    /// The newest entry of the log when the run began.
    seen: MessageId,
    /// Everything up to this entry is posted.
    posted: MessageId,
    /// Failures in sequence.
    failures: u32,
    not_before: Instant,
}

/// Starts a run for each hook that has something to post.
struct Dispatcher {
    crew: Crew,
    hooks: HashMap<Key, Known>,
}

impl Dispatcher {
    fn run(mut self) {
        let (report, reports) = unbounded();
        while !self.crew.ends.load(Ordering::Acquire) {
            if let Err(error) = self.look(&report) {
                self.crew.services.observer.store_failed("looking after outgoing hooks", &error);
            }
            let next = Instant::now() + INTERVAL;
            while let Ok((key, outcome)) = reports.recv_deadline(next) {
                self.note(&key, outcome);
            }
        }
    }

    /// Looks at all hooks and their logs.
    fn look(&mut self, report: &Sender<(Key, Outcome)>) -> StoreResult<()> {
        let store = &self.crew.services.store;
        let rooms = store.outhooks.rooms()?;
        if rooms.is_empty() {
            self.hooks.retain(|_, known| known.runs);
            return Ok(());
        }
        let logs: Vec<LogId> = rooms.iter().cloned().map(LogId::Room).collect();
        let (rights, heads) = (store.governance.rights(&rooms)?, store.log.heads(&logs)?);
        let mut found = BTreeSet::new();
        for ((room, rights), head) in rooms.into_iter().zip(rights).zip(heads) {
            for hook in rights.iter().flat_map(|rights| &rights.outhooks) {
                let key = (room.clone(), hook.id());
                self.start_if_due(&key, head.last, report);
                found.insert(key);
            }
        }
        self.hooks.retain(|key, known| known.runs || found.contains(key));
        Ok(())
    }

    fn start_if_due(&mut self, key: &Key, last: MessageId, report: &Sender<(Key, Outcome)>) {
        let (now, running) = (Instant::now(), self.hooks.values().filter(|known| known.runs).count());
        let fresh = Known { runs: false, seen: last, posted: MessageId(0), failures: 0, not_before: now };
        let known = self.hooks.entry(key.clone()).or_insert(fresh);
        if known.runs || known.posted == last || known.not_before > now || running >= MAX_RUNS {
            return;
        }
        known.seen = last;
        let (crew, report, of) = (self.crew.clone(), report.clone(), key.clone());
        let work = move || {
            let outcome = catch_unwind(AssertUnwindSafe(|| crew.post_all(&of)));
            // The dispatcher has ended if nobody receives it. A panic was reported when it happened.
            let _ = report.send((of, outcome.unwrap_or(Outcome::Failed { has_posted: false })));
        };
        let thread = thread::Builder::new().name("outhook".to_owned()).stack_size(STACK_BYTES).spawn(work);
        known.runs = thread.is_ok();
    }

    fn note(&mut self, key: &Key, outcome: Outcome) {
        let Some(known) = self.hooks.get_mut(key) else { return };
        let now = Instant::now();
        known.runs = false;
        match outcome {
            Outcome::Done => (known.posted, known.failures, known.not_before) = (known.seen, 0, now),
            Outcome::Paused => (known.failures, known.not_before) = (0, now),
            Outcome::Elsewhere => known.not_before = now + INTERVAL,
            Outcome::Failed { has_posted } => {
                known.failures = if has_posted { 1 } else { known.failures.saturating_add(1) };
                known.not_before = now + wait(known.failures);
            }
        }
    }
}

/// How long a hook waits after so many failures in sequence.
fn wait(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    (INTERVAL * 2u32.pow(doublings)).min(MAX_WAIT)
}

impl Crew {
    /// Posts what a hook has to post, in order, until everything is posted or something fails.
    fn post_all(&self, (room, id): &Key) -> Outcome {
        let (services, begun, mut has_posted) = (&self.services, Instant::now(), false);
        while !self.ends.load(Ordering::Acquire) && begun.elapsed() < RUN_TIME {
            // A process that was stopped behind its look at the turn posts nothing afterwards.
            let deadline = Instant::now() + PATIENCE;
            let due = match services.next_post(room, *id) {
                Ok(NextPost::Post(due)) => due,
                Ok(NextPost::Nothing | NextPost::Ended) => return Outcome::Done,
                Ok(NextPost::Elsewhere) => return Outcome::Elsewhere,
                Err(error) => return self.failed(&error, has_posted),
            };
            if let Err(error) = self.poster.post(&due, deadline) {
                services.observer.outhook_failed(room, *id, &error);
                return Outcome::Failed { has_posted };
            }
            services.observer.outhook_posted(room, *id, due.missed);
            has_posted = true;
            match services.store.outhooks.note_posted(room, *id, due.id) {
                Ok(true) => {}
                Ok(false) => return Outcome::Elsewhere,
                Err(error) => return self.failed(&error, has_posted),
            }
        }
        Outcome::Paused
    }

    fn failed(&self, error: &StoreError, has_posted: bool) -> Outcome {
        self.services.observer.store_failed("following a log for an outgoing hook", error);
        Outcome::Failed { has_posted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_a_second_to_five_minutes() {
        let seconds: Vec<u64> = (1..=11).map(|failures| wait(failures).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(wait(u32::MAX), MAX_WAIT);
    }
}
