//! Sessions.

use std::collections::BTreeSet;
use std::sync::Barrier;
use std::time::Duration;

use parlor_core::DuplicateLogin::{self, Reject, Takeover};
use parlor_core::ports::{ClaimResult, EnterResult, PredecessorWait, SessionKey, TakeoverLimit};

use crate::harness::{Bench, generation};

const LONG: Duration = Duration::from_secs(20);

fn waited(bench: &Bench, session_key: &SessionKey, patience: Duration) -> PredecessorWait {
    bench.store.sessions.await_predecessors(&session_key.user, session_key.generation, patience).unwrap()
}

pub(crate) fn the_first_claim_is_granted(bench: &Bench) {
    assert!(!bench.is_online("ann"));
    let ann = bench.session_key("ann");
    assert!(bench.is_online("ann") && !bench.is_online("bob"));
    assert_eq!(waited(bench, &ann, LONG), PredecessorWait::Alone);
    bench.release(&ann);
    assert!(!bench.is_online("ann"));
    assert!(bench.sink.displacements().is_empty());
}

pub(crate) fn one_takes_over_from_the_other(bench: &Bench) {
    let first = generation(bench.claim("ann", 7, Takeover)).unwrap();
    let second = generation(bench.claim("ann", 8, Takeover)).unwrap();
    assert!(first < second);
    assert_eq!(bench.sink.displaced(), [7]);
    let old = SessionKey { user: "ann".parse().unwrap(), generation: first };
    assert_eq!(bench.enter(&old, "red"), EnterResult::Fenced);
    let is_current = |generation| bench.store.sessions.is_current(&old.user, generation).unwrap();
    assert!(!is_current(first) && is_current(second));
}

pub(crate) fn one_is_rejected(bench: &Bench) {
    let first =
        SessionKey { user: "ann".parse().unwrap(), generation: generation(bench.claim("ann", 7, Reject)).unwrap() };
    assert_eq!(bench.claim("ann", 8, Reject), ClaimResult::AlreadyLoggedIn);
    assert!(bench.sink.displacements().is_empty());
    assert!(matches!(bench.enter(&first, "red"), EnterResult::Member { .. }));
    bench.release(&first);
    let second = generation(bench.claim("ann", 8, Reject)).unwrap();
    assert!(first.generation < second);
}

/// Fifty claims of one user by fifty threads concurrently.
fn fifty(bench: &Bench, policy: DuplicateLogin) -> Vec<ClaimResult> {
    let start = Barrier::new(50);
    std::thread::scope(|scope| {
        let claim = |number| {
            start.wait();
            bench.claim("ann", number, policy)
        };
        let threads: Vec<_> = (0..50).map(|number| scope.spawn(move || claim(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

pub(crate) fn fifty_at_once_take_over_from_each_other(bench: &Bench) {
    let generations: BTreeSet<_> =
        fifty(bench, Takeover).into_iter().map(|claimed| generation(claimed).unwrap()).collect();
    assert_eq!(generations.len(), 50);
    let seats: Vec<_> =
        generations.into_iter().map(|generation| SessionKey { user: "ann".parse().unwrap(), generation }).collect();
    let (last, earlier) = seats.split_last().unwrap();
    assert!(earlier.iter().all(|session_key| bench.enter(session_key, "red") == EnterResult::Fenced));
    assert!(matches!(bench.enter(last, "red"), EnterResult::Member { members: 1, .. }));
    assert_eq!(bench.sink.displaced().len(), 49);
    for session_key in earlier {
        assert_eq!(waited(bench, last, Duration::ZERO), PredecessorWait::StillThere);
        bench.release(session_key);
    }
    assert_eq!(waited(bench, last, LONG), PredecessorWait::Alone);
}

pub(crate) fn fifty_at_once_are_rejected_but_one(bench: &Bench) {
    let claims = fifty(bench, Reject);
    assert_eq!(claims.iter().filter(|claimed| generation(**claimed).is_some()).count(), 1);
    assert_eq!(claims.iter().filter(|claimed| **claimed == ClaimResult::AlreadyLoggedIn).count(), 49);
    assert!(bench.sink.displacements().is_empty());
}

pub(crate) fn whoever_waits_hears_of_the_release(bench: &Bench) {
    let first = bench.session_key("ann");
    let second = bench.session_key("ann");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| waited(bench, &second, LONG));
        bench.release(&first);
        assert_eq!(waiting.join().unwrap(), PredecessorWait::Alone);
    });
}

pub(crate) fn waiting_ends_in_time_and_at_once_for_the_displaced(bench: &Bench) {
    let _first = bench.session_key("ann");
    let second = bench.session_key("ann");
    assert_eq!(waited(bench, &second, Duration::from_millis(10)), PredecessorWait::StillThere);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| waited(bench, &second, LONG));
        let third = bench.session_key("ann");
        assert_eq!(waiting.join().unwrap(), PredecessorWait::Displaced);
        assert_eq!(waited(bench, &third, Duration::ZERO), PredecessorWait::StillThere);
    });
}

pub(crate) fn a_release_touches_no_successor(bench: &Bench) {
    let first = bench.session_key("ann");
    let second = bench.session_key("ann");
    bench.release(&first);
    bench.release(&first);
    assert!(bench.is_online("ann"));
    assert!(matches!(bench.enter(&second, "red"), EnterResult::Member { .. }));
    assert_eq!(bench.claim("ann", 9, Reject), ClaimResult::AlreadyLoggedIn);
}

pub(crate) fn takeovers_are_limited(bench: &Bench) {
    let within = Duration::from_secs(5);
    let limit = Some(TakeoverLimit { max: 2, within });
    let claim = |limit| bench.claim_limited("ann", 1, Takeover, limit);
    for _ in 0..3 {
        assert!(generation(claim(limit)).is_some());
    }
    let ClaimResult::TakeoverLoop(left) = claim(limit) else { panic!("no takeover is rejected") };
    assert!(!left.is_zero() && left <= within);
    assert!(generation(claim(None)).is_some());
    let ClaimResult::TakeoverLoop(left) = claim(limit) else { panic!("an unlimited claim resets the count") };
    std::thread::sleep(left + Duration::from_millis(10));
    assert!(generation(claim(limit)).is_some());
}
