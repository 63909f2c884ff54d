//! Group commit and sessions under a model checker, which tries many schedules of a few threads. Run with `--cfg
//! shuttle`. A schedule in which threads wait forever fails as a deadlock. It must not rely on time, which does not
//! pass here.

use parlor_testkit::{entrant, person};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parlor_core::ports::{Claim, ClaimResult, EnterResult, PredecessorWait, Rooms, SessionKey, Sessions};
use parlor_core::{ConnectionId, DuplicateLogin};
use parlor_proto::{RoomName, UserName};
use parlor_testkit::NoopSink;
use shuttle::thread;

use crate::group::{BatchHealth, GroupCommit, Worker};
use crate::in_process::InProcessSessions;

/// Number of schedules of each of two kinds.
const SCHEDULES: usize = 3_000;

fn explore(model: fn()) {
    shuttle::check_random(model, SCHEDULES);
    shuttle::check_pct(model, SCHEDULES, 3);
}

fn together(threads: usize, work: impl Fn(usize) + Send + Sync + 'static) {
    let work = Arc::new(work);
    let start = |number| {
        let work = work.clone();
        thread::spawn(move || work(number))
    };
    let handles: Vec<_> = (0..threads).map(start).collect();
    for handle in handles {
        handle.join().unwrap();
    }
}

/// The result of one piece of work.
#[derive(Default)]
struct Fate {
    done: AtomicUsize,
    refused: AtomicUsize,
}

/// Does work by counting it. One piece of work is poison, and after another it is stuck.
#[derive(Default)]
struct Counter {
    poison: Option<usize>,
    stuck_after: Option<usize>,
    total: Arc<AtomicUsize>,
}

impl Worker for Counter {
    type Work = (usize, Arc<Fate>);

    fn work(&mut self, batch: Vec<Self::Work>) -> BatchHealth {
        let mut health = BatchHealth::Good;
        for (number, fate) in batch {
            thread::yield_now();
            assert!(self.poison != Some(number), "poison");
            fate.done.fetch_add(1, Ordering::SeqCst);
            self.total.fetch_add(1, Ordering::SeqCst);
            if self.stuck_after == Some(number) {
                health = BatchHealth::Stuck;
            }
        }
        health
    }

    fn refuse(&mut self, (_, fate): Self::Work) {
        fate.refused.fetch_add(1, Ordering::SeqCst);
    }
}

/// Submits one piece of work and checks that it has exactly one result, as far as that can be known.
fn bring(group: &GroupCommit<Counter>, number: usize, may_be_lost: bool) {
    let fate = Arc::new(Fate::default());
    // If a leader panics, the panic reaches its own client.
    let led_into_panic = catch_unwind(AssertUnwindSafe(|| group.run((number, fate.clone())))).is_err();
    let outcomes = fate.done.load(Ordering::SeqCst) + fate.refused.load(Ordering::SeqCst);
    assert!(outcomes == 1 || (outcomes == 0 && may_be_lost), "{outcomes} outcomes");
    assert!(may_be_lost || !led_into_panic);
}

fn group_commit() {
    let total = Arc::new(AtomicUsize::new(0));
    let group = GroupCommit::new(Counter { total: total.clone(), ..Counter::default() }, Arc::default());
    together(3, move |number| {
        bring(&group, 2 * number, false);
        bring(&group, 2 * number + 1, false);
    });
    assert_eq!(total.load(Ordering::SeqCst), 6);
}

#[test]
fn all_work_of_a_group_is_done_once_and_nobody_waits_for_ever() {
    explore(group_commit);
}

fn poisoned() {
    let total = Arc::new(AtomicUsize::new(0));
    let group = Arc::new(GroupCommit::new(
        Counter { poison: Some(1), total: total.clone(), ..Counter::default() },
        Arc::default(),
    ));
    let shared = group.clone();
    together(3, move |number| bring(&shared, number, true));
    let before = total.load(Ordering::SeqCst);
    bring(&group, 9, false);
    assert_eq!(total.load(Ordering::SeqCst), before + 1);
}

/// The checker prints the first panic even if it is caught, but does not fail for it.
#[test]
fn a_group_survives_a_leader_that_panics() {
    explore(poisoned);
}

fn stuck() {
    let total = Arc::new(AtomicUsize::new(0));
    let group = Arc::new(GroupCommit::new(
        Counter { stuck_after: Some(1), total: total.clone(), ..Counter::default() },
        Arc::default(),
    ));
    let shared = group.clone();
    together(3, move |number| bring(&shared, number, false));
    let before = total.load(Ordering::SeqCst);
    bring(&group, 9, false);
    assert_eq!(total.load(Ordering::SeqCst), before + 1);
}

#[test]
fn whoever_waits_behind_a_stuck_batch_is_refused_and_the_next_is_served() {
    explore(stuck);
}

fn claim(live: &InProcessSessions, number: usize, policy: DuplicateLogin) -> Option<SessionKey> {
    let user: UserName = "ann".parse().unwrap();
    let connection = ConnectionId(number as u64);
    let claim = Claim { user: &user, connection, policy, takeovers: None, at: Duration::ZERO };
    match live.claim(&claim).unwrap() {
        ClaimResult::Granted(generation) => Some(SessionKey { user, generation }),
        _ => None,
    }
}

/// Runs a session from claim to release, and counts how many sessions live at once.
fn live_as_session(live: &InProcessSessions, session_key: &SessionKey, alive: &AtomicUsize) -> PredecessorWait {
    let waited = live.await_predecessors(&session_key.user, session_key.generation, Duration::MAX).unwrap();
    if waited == PredecessorWait::Alone {
        assert_eq!(alive.fetch_add(1, Ordering::SeqCst), 0, "two sessions of one user");
        live.evict_predecessors(session_key).unwrap();
        if let [EnterResult::Member { members, .. }] =
            live.enter(&entrant(session_key), &[RoomName::lobby()], 9).unwrap()[..]
        {
            assert_eq!(members, 1);
            live.leave(session_key, &[RoomName::lobby()]).unwrap();
        }
        alive.fetch_sub(1, Ordering::SeqCst);
    }
    live.release(&session_key.user, session_key.generation).unwrap();
    waited
}

fn takeovers() {
    let live = Arc::new(InProcessSessions::new(Arc::new(NoopSink)));
    let (alive, lived) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let (shared, count) = (live.clone(), lived.clone());
    together(3, move |number| {
        let session_key = claim(&shared, number, DuplicateLogin::Takeover).unwrap();
        if live_as_session(&shared, &session_key, &alive) == PredecessorWait::Alone {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    assert!(lived.load(Ordering::SeqCst) >= 1, "the last claimant must not be displaced");
    assert!(!live.is_online(&"ann".parse().unwrap()).unwrap());
    assert!(live.members(&RoomName::lobby(), &person("nobody")).unwrap().is_empty());
}

#[test]
fn of_those_who_take_over_from_each_other_one_lives_at_a_time_and_the_last_does() {
    explore(takeovers);
}

fn rejections() {
    let live = Arc::new(InProcessSessions::new(Arc::new(NoopSink)));
    let (alive, granted) = (AtomicUsize::new(0), Arc::new(AtomicUsize::new(0)));
    let (shared, count) = (live.clone(), granted.clone());
    together(3, move |number| {
        if let Some(session_key) = claim(&shared, number, DuplicateLogin::Reject) {
            count.fetch_add(1, Ordering::SeqCst);
            assert_eq!(live_as_session(&shared, &session_key, &alive), PredecessorWait::Alone);
        }
    });
    assert!(granted.load(Ordering::SeqCst) >= 1);
    assert!(claim(&live, 9, DuplicateLogin::Reject).is_some());
}

#[test]
fn of_those_who_are_rejected_one_lives_at_a_time() {
    explore(rejections);
}
