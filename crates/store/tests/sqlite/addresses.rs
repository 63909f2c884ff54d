//! The addresses of a user, and accounts that are unlocked beside the server.

use super::*;

/// An attempt of ann from `address`, `days` days after the start.
fn attempt<'a>(user: &'a UserName, address: &'a str, days: i64) -> Attempt<'a> {
    let now = Timestamp::from_millis(1_795_392_000_123 + days * 24 * 60 * 60 * 1000);
    Attempt { user, address, is_address_limited: false, at: Duration::from_secs(1000), now }
}

/// Whether an attempt counts as one from a usual address.
fn is_known(sqlite: &Sqlite, attempt: &Attempt<'_>) -> bool {
    let attempts = &sqlite.store().attempts;
    let LoginDecision::Allowed(permit) = attempts.acquire(attempt).unwrap() else { panic!("nothing failed") };
    attempts.release(attempt, permit, AttemptOutcome::Unknown).unwrap();
    permit.is_known
}

#[test]
fn an_address_is_usual_across_restarts_and_for_as_long_as_it_is_used() {
    let data = tempfile::tempdir().unwrap();
    let (ann, home) = (name("ann"), "192.0.2.1");
    let store = open(data.path()).unwrap();
    store.store().attempts.note_known_address(&attempt(&ann, home, 0)).unwrap();
    drop(store);
    let store = open(data.path()).unwrap();
    assert!(is_known(&store, &attempt(&ann, home, 90)) && !is_known(&store, &attempt(&ann, home, 91)));
    assert!(!is_known(&store, &attempt(&name("bob"), home, 1)));
    store.store().attempts.note_known_address(&attempt(&ann, home, 60)).unwrap();
    assert!(is_known(&store, &attempt(&ann, home, 150)) && !is_known(&store, &attempt(&ann, home, 151)));
}

#[test]
fn an_address_that_is_not_usual_any_more_is_forgotten_with_the_next_login() {
    let data = tempfile::tempdir().unwrap();
    let store = open(data.path()).unwrap();
    let count =
        || -> i64 { raw(data.path()).query_row("SELECT count(*) FROM usual_address", [], |row| row.get(0)).unwrap() };
    for (address, days, kept) in [("192.0.2.1", 0, 1), ("192.0.2.2", 90, 2), ("192.0.2.3", 91, 2)] {
        store.store().attempts.note_known_address(&attempt(&name("ann"), address, days)).unwrap();
        assert_eq!(count(), kept, "after {days} days");
    }
}

#[test]
fn accounts_are_unlocked_beside_the_server_and_orders_from_before_it_count_for_nothing() {
    let data = tempfile::tempdir().unwrap();
    let beside = open_accounts(data.path()).unwrap();
    beside.create(&account("bob")).unwrap();
    let now = Timestamp::from_millis(7);
    assert!(beside.unlock(&name("bob"), None, now).unwrap());
    let server = Server::open(data.path(), 10);
    let (bob, attempts) = (name("bob"), server.sqlite.store().attempts.clone());
    let attempt = attempt(&bob, "192.0.2.1", 0);
    let fail = || match attempts.acquire(&attempt).unwrap() {
        LoginDecision::Allowed(permit) => attempts.release(&attempt, permit, AttemptOutcome::Wrong).unwrap(),
        other => panic!("{other:?}"),
    };
    (0..6).for_each(|_| fail());
    server.sqlite.notice_changes().unwrap();
    assert!(matches!(attempts.acquire(&attempt).unwrap(), LoginDecision::RetryAfter(_)));
    assert!(beside.unlock(&name("bob"), None, now).unwrap());
    server.sqlite.notice_changes().unwrap();
    (0..6).for_each(|_| fail());
    // It counts once.
    server.sqlite.notice_changes().unwrap();
    assert!(matches!(attempts.acquire(&attempt).unwrap(), LoginDecision::RetryAfter(_)));
}
