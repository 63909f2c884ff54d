//! The threads that post what is said in rooms with outgoing hooks. They follow the logs; no message waits for them. One thread looks
//! for what is to be done and starts one for each hook that has something to post. It must not know what is posted, nor to whom.

mod guard;
mod poster;
mod schedule;
mod signature;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use parlor_core::ports::{LogId, OUTHOOK_TURN, StoreError, StoreResult};
use parlor_core::{NextPost, Services};
use parlor_proto::RoomName;

pub(crate) use guard::Guard;
use poster::{PATIENCE, Poster};
use schedule::{INTERVAL, Key, Outcome, Schedule};

/// A hook that has posted for this long waits until others have posted.
const RUN_TIME: Duration = Duration::from_secs(10);

/// Stack of the threads, in bytes: they shake hands in TLS.
const STACK_BYTES: usize = 1 << 20;

// A post that began in its turn ends in its turn.
const _: () = assert!(PATIENCE.as_millis() < OUTHOOK_TURN.as_millis());

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
            let crew = Crew { services, poster, ends: shared, _lives: lives };
            let (report, reports) = unbounded();
            Dispatcher { crew, report, schedule: Schedule::default(), bare: BTreeSet::new() }.run(&reports);
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

/// Starts a run for each hook that has something to post.
struct Dispatcher {
    crew: Crew,
    report: Sender<(Key, Outcome)>,
    schedule: Schedule,
    /// Rooms in which the last look found no hook.
    bare: BTreeSet<RoomName>,
}

impl Dispatcher {
    fn run(mut self, reports: &Receiver<(Key, Outcome)>) {
        while !self.crew.ends.load(Ordering::Acquire) {
            if let Err(error) = self.look() {
                self.crew.services.observer.store_failed("looking after outgoing hooks", &error);
            }
            self.begin();
            let next = Instant::now() + INTERVAL;
            while let Ok((key, outcome)) = reports.recv_deadline(next) {
                self.schedule.ended(&key, outcome, Instant::now());
                self.begin();
            }
        }
    }

    /// Looks at all hooks and their logs.
    fn look(&mut self) -> StoreResult<()> {
        let store = &self.crew.services.store;
        let (mut found, mut bare) = (BTreeMap::new(), BTreeSet::new());
        let rooms = store.outhooks.rooms()?;
        // Without hooks the store is asked nothing more.
        if !rooms.is_empty() {
            let logs: Vec<LogId> = rooms.iter().cloned().map(LogId::Room).collect();
            let (rights, heads) = (store.governance.rights(&rooms)?, store.log.heads(&logs)?);
            for ((room, rights), head) in rooms.into_iter().zip(rights).zip(heads) {
                let hooks = rights.map(|rights| rights.outhooks).unwrap_or_default();
                if hooks.is_empty() {
                    bare.insert(room);
                } else {
                    found.extend(hooks.iter().map(|hook| ((room.clone(), hook.id()), head)));
                }
            }
        }
        self.schedule.found(&found, Instant::now());
        // A room is named shortly before it gets its first hook.
        let forgotten = bare.intersection(&self.bare).try_for_each(|room| store.outhooks.forget_room(room));
        self.bare = bare;
        forgotten
    }

    /// Starts whoever may post now.
    fn begin(&mut self) {
        if self.crew.ends.load(Ordering::Acquire) {
            return;
        }
        for key in self.schedule.begin() {
            let (crew, report, of) = (self.crew.clone(), self.report.clone(), key.clone());
            let work = move || {
                let outcome = catch_unwind(AssertUnwindSafe(|| crew.post_all(&of)));
                // The dispatcher has ended if nobody receives it. A panic was reported when it happened.
                let _ = report.send((of, outcome.unwrap_or(Outcome::Failed { has_posted: false })));
            };
            if thread::Builder::new().name("outhook".to_owned()).stack_size(STACK_BYTES).spawn(work).is_err() {
                self.schedule.ended(&key, Outcome::Failed { has_posted: false }, Instant::now());
            }
        }
    }
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
                // Another server may reach what this one does not.
                let released = services.store.outhooks.release_turn(room, *id);
                return released
                    .map_or_else(|error| self.failed(&error, has_posted), |()| Outcome::Failed { has_posted });
            }
            services.observer.outhook_posted(room, *id, due.missed);
            match services.store.outhooks.note_posted(room, *id, due.id) {
                // If it is not noted, the same message comes again: then each wait is longer than the one before.
                Ok(true) => has_posted = true,
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
