//! What a server knows of its sessions, and of what it has left to do for them.

use std::sync::Arc;
use std::thread;

use parlor_redis_testkit::wait_until;

use super::*;

fn session_key(user: &str, generation: u64) -> SessionKey {
    SessionKey { user: user.parse().unwrap(), generation: Generation(generation) }
}

fn claim(number: u64) -> ClaimId {
    ClaimId { connection: ConnectionId(5), number }
}

fn room(room: &str) -> RoomName {
    room.parse().unwrap()
}

fn first_enter(seq: u64) -> FirstEnter {
    FirstEnter { seq, deadline: 99 }
}

/// The first session of ann, whose claim had this number.
fn add(local: &LocalSessions, generation: u64, number: u64) -> SessionKey {
    let ann = session_key("ann", generation);
    local.add(ann.clone(), claim(number), generation == 1, first_enter(number));
    ann
}

fn rooms(local: &LocalSessions, session_key: &SessionKey) -> Vec<String> {
    local.find(session_key).unwrap().rooms.iter().map(ToString::to_string).collect()
}

fn membership(session_key: &SessionKey, of: &str, seq: u64) -> DeferredCleanup {
    DeferredCleanup::Membership { session_key: session_key.clone(), room: room(of), seq }
}

#[test]
fn two_sessions_of_a_user_are_two() {
    let local = LocalSessions::default();
    let (one, two) = (add(&local, 1, 7), add(&local, 2, 8));
    local.entered(&one, &room("red"), true);
    assert_eq!((rooms(&local, &one), rooms(&local, &two)), (vec!["red".to_owned()], vec![]));
    assert_eq!((local.len(), local.memberships().len()), (2, 2));
    assert_eq!(local.remove(&one).map(|session| session.ticket), Some(claim(7)));
    assert!(local.find(&one).is_none() && local.remove(&one).is_none() && local.find(&two).is_some());
}

#[test]
fn a_room_is_noted_once_and_the_role_of_the_last_enter_counts() {
    let local = LocalSessions::default();
    let ann = add(&local, 1, 7);
    for (of, is_operator) in [("red", true), ("blue", true), ("red", false)] {
        local.entered(&ann, &room(of), is_operator);
    }
    assert_eq!(
        (rooms(&local, &ann), local.find(&ann).unwrap().is_operator),
        (vec!["red".into(), "blue".into()], false)
    );
    local.left(&ann, &room("red"));
    local.left(&ann, &room("green"));
    assert_eq!(rooms(&local, &ann), ["blue"]);
    assert!(local.is_in(&ann, &room("blue")) && !local.is_in(&ann, &room("red")));
    // A session that is over, or never was, is in no room.
    let other = session_key("ann", 9);
    local.entered(&other, &room("red"), false);
    assert!(!local.is_in(&other, &room("red")) && local.find(&other).is_none());
}

#[test]
fn the_first_enter_is_told_once() {
    let local = LocalSessions::default();
    let (one, two) = (add(&local, 1, 7), add(&local, 2, 8));
    assert_eq!(local.take_first_enter(&one), Some(first_enter(7)));
    assert_eq!(local.take_first_enter(&one), None);
    local.forget_first_enter(&two);
    assert_eq!((local.take_first_enter(&two), local.take_first_enter(&session_key("bob", 1))), (None, None));
}

#[test]
fn only_the_first_question_for_earlier_sessions_is_answered_by_the_claim() {
    let local = LocalSessions::default();
    let (one, two) = (add(&local, 1, 7), add(&local, 2, 8));
    assert!(local.is_first(&one) && !local.is_first(&two) && !local.is_first(&session_key("ann", 3)));
    assert!(local.is_known_alone(&one));
    assert!(!local.is_known_alone(&one), "another one may have come since");
    assert!(!local.is_known_alone(&two) && !local.is_known_alone(&session_key("ann", 3)));
    assert!(local.is_first(&one), "that does not change");
}

#[test]
fn sessions_are_in_doubt_until_they_are_checked_or_over() {
    let local = LocalSessions::default();
    let (one, two) = (add(&local, 1, 7), add(&local, 2, 8));
    assert!(local.doubts() == 0 && !local.is_doubtful(&one.user));
    local.doubt_all();
    let later = add(&local, 3, 9);
    assert_eq!(local.doubts(), 2, "whatever begins later is in no doubt");
    local.checked(&[local.find(&one).unwrap(), local.find(&later).unwrap()]);
    assert!(local.doubts() == 1 && local.is_doubtful(&one.user) && !local.is_doubtful(&"bob".parse().unwrap()));
    local.remove(&two);
    assert!(local.doubts() == 0 && !local.is_doubtful(&one.user));
    local.doubt_all();
    assert_eq!(local.doubts(), 2);
}

#[test]
fn a_session_is_worked_on_by_one_thread_at_a_time() {
    let local = Arc::new(LocalSessions::default());
    let (one, two) = (add(&local, 1, 7), add(&local, 2, 8));
    let reserved = local.reserve(&one);
    assert!(local.try_reserve(&one).is_none());
    // Others are not affected, and a refusal leaves nothing behind.
    drop(local.try_reserve(&two).unwrap());
    let waiting = {
        let (local, one) = (local.clone(), one.clone());
        thread::spawn(move || local.reserve(&one).session_key().clone())
    };
    assert!(local.try_reserve(&one).is_none() && !waiting.is_finished());
    drop(reserved);
    wait_until("the other thread", || waiting.is_finished());
    assert_eq!(waiting.join().unwrap(), one);
    assert_eq!(local.try_reserve(&one).unwrap().session_key(), &one);
}

#[test]
fn a_cleanup_is_kept_once_until_it_is_done() {
    let local = LocalSessions::default();
    let ann = session_key("ann", 1);
    let all = [
        membership(&ann, "red", 3),
        membership(&ann, "red", 4),
        membership(&ann, "blue", 3),
        DeferredCleanup::Session { session_key: ann.clone(), ticket: claim(7) },
        DeferredCleanup::Deliveries { user: ann.user.clone() },
        DeferredCleanup::Claim { server: ServerId::read("den"), user: ann.user.clone(), ticket: claim(8) },
    ];
    for cleanup in all.iter().chain(&all) {
        local.defer(cleanup.clone());
    }
    assert_eq!(local.cleanups(), all);
    local.settle(&all[1]);
    local.settle(&membership(&ann, "red", 5));
    assert_eq!(local.cleanups(), [&all[..1], &all[2..]].concat());
}

#[test]
fn a_session_is_not_released_before_its_memberships_and_nothing_else_holds_it_back() {
    let local = LocalSessions::default();
    let (one, two) = (session_key("ann", 1), session_key("ann", 2));
    for other in [
        DeferredCleanup::Session { session_key: one.clone(), ticket: claim(7) },
        DeferredCleanup::Deliveries { user: one.user.clone() },
        DeferredCleanup::Claim { server: ServerId::read("den"), user: one.user.clone(), ticket: claim(7) },
    ] {
        local.defer(other);
    }
    assert!(!local.is_leaving(&one));
    local.defer(membership(&one, "red", 3));
    assert!(local.is_leaving(&one) && !local.is_leaving(&two));
    local.settle(&membership(&one, "red", 3));
    assert!(!local.is_leaving(&one));
}

#[test]
fn a_claim_is_given_up_by_its_own_number_and_copies_are_missing_for_their_sender() {
    let local = LocalSessions::default();
    let ann = add(&local, 1, 7);
    local.defer(DeferredCleanup::Session { session_key: ann.clone(), ticket: claim(7) });
    assert!(!local.has_given_up(claim(7)) && !local.has_deliveries(&ann.user));
    local.defer(DeferredCleanup::Claim { server: ServerId::read("den"), user: ann.user.clone(), ticket: claim(8) });
    assert!(local.has_given_up(claim(8)) && !local.has_given_up(claim(7)) && !local.has_deliveries(&ann.user));
    local.defer(DeferredCleanup::Deliveries { user: ann.user.clone() });
    assert!(local.has_deliveries(&ann.user) && !local.has_deliveries(&"bob".parse().unwrap()));
}

#[test]
fn what_is_still_to_be_released_counts_as_known_at_the_server() {
    let local = LocalSessions::default();
    let ann = add(&local, 1, 7);
    let bob = session_key("bob", 1);
    local.defer(DeferredCleanup::Session { session_key: bob.clone(), ticket: claim(8) });
    local.defer(DeferredCleanup::Claim { server: ServerId::read("den"), user: bob.user.clone(), ticket: claim(9) });
    local.defer(DeferredCleanup::Deliveries { user: "cyd".parse().unwrap() });
    local.defer(membership(&bob, "red", 3));
    assert_eq!(local.entries().into_iter().collect::<Vec<_>>(), ["ann 5.7", "bob 5.8", "bob 5.9"]);
    local.remove(&ann);
    assert_eq!(local.entries().len(), 2);
}
