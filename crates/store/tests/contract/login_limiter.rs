//! Failed logins.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parlor_core::LoginBackoff;
use parlor_core::ports::AttemptOutcome::{Right, Unknown, Wrong};
use parlor_core::ports::{Attempt, AttemptOutcome, AttemptPermit, LoginDecision, MAX_KNOWN_ADDRESSES};
use parlor_proto::{Timestamp, UserName};

use crate::harness::{Bench, account, name};

/// Number of failed attempts at an account before there is a delay.
const FREE: u32 = LoginBackoff::ACCOUNT.free;

/// A client that tries passwords.
struct Guesser<'a> {
    bench: &'a Bench,
    user: UserName,
    address: &'a str,
    is_address_limited: bool,
}

impl Guesser<'_> {
    fn attempt(&self) -> Attempt<'_> {
        Attempt {
            user: &self.user,
            address: self.address,
            is_address_limited: self.is_address_limited,
            at: self.bench.elapsed(),
            now: Timestamp::from_millis(1_795_392_000_123),
        }
    }

    fn begin(&self) -> LoginDecision {
        self.bench.store.attempts.acquire(&self.attempt()).unwrap()
    }

    /// Takes a place, which must be free.
    fn place(&self) -> AttemptPermit {
        match self.begin() {
            LoginDecision::Allowed(permit) => permit,
            other => panic!("{other:?}"),
        }
    }

    fn end(&self, permit: AttemptPermit, outcome: AttemptOutcome) {
        self.bench.store.attempts.release(&self.attempt(), permit, outcome).unwrap();
    }

    fn try_once(&self, outcome: AttemptOutcome) {
        self.end(self.place(), outcome);
    }

    /// Uses up the free failures, and fails once more.
    fn use_up(&self) {
        (0..=FREE).for_each(|_| self.try_once(Wrong));
    }

    fn is_delayed(&self) -> bool {
        matches!(self.begin(), LoginDecision::RetryAfter(_))
    }
}

/// A client at an address that has no limit of its own.
fn guesser<'a>(bench: &'a Bench, user: &str, address: &'a str) -> Guesser<'a> {
    Guesser { bench, user: name(user), address, is_address_limited: false }
}

fn limited<'a>(bench: &'a Bench, user: &str, address: &'a str) -> Guesser<'a> {
    Guesser { is_address_limited: true, ..guesser(bench, user, address) }
}

pub(crate) fn are_delayed_after_some_failures_and_free_again_in_time(bench: &Bench) {
    let ann = guesser(bench, "ann", "192.0.2.1");
    (0..FREE).for_each(|_| ann.try_once(Wrong));
    ann.try_once(Unknown);
    ann.try_once(Wrong);
    let LoginDecision::RetryAfter(left) = ann.begin() else { panic!("there is no delay") };
    assert!(left <= LoginBackoff::ACCOUNT.first_delay, "{left:?}");
    assert!(guesser(bench, "ann", "192.0.2.2").is_delayed(), "another address avoids the delay");
    guesser(bench, "bob", "192.0.2.1").try_once(Wrong);
    bench.wait(left + Duration::from_millis(1));
    ann.try_once(Wrong);
    let LoginDecision::RetryAfter(left) = ann.begin() else { panic!("there is no delay") };
    assert!(left > LoginBackoff::ACCOUNT.first_delay, "the delay does not grow: {left:?}");
}

pub(crate) fn however_many_begin_at_once_no_more_are_made_than_one_after_the_other(bench: &Bench) {
    let ann = guesser(bench, "ann", "192.0.2.1");
    let places: Vec<AttemptPermit> = (0..=FREE).map(|_| ann.place()).collect();
    assert_eq!(ann.begin(), LoginDecision::Queued);
    let mut places = places.into_iter();
    ann.end(places.next().unwrap(), Unknown);
    let again = ann.place();
    assert_eq!(ann.begin(), LoginDecision::Queued);
    places.chain([again]).for_each(|place| ann.end(place, Wrong));
    let LoginDecision::RetryAfter(left) = ann.begin() else { panic!("there is no delay") };
    bench.wait(left + Duration::from_millis(1));
    let one = ann.place();
    assert_eq!(ann.begin(), LoginDecision::Queued, "two at once after a delay");
    ann.end(one, Wrong);
    assert!(ann.is_delayed());
}

pub(crate) fn a_right_one_forgives_the_account_and_not_the_address(bench: &Bench) {
    for number in 0..4 {
        let ann = limited(bench, &format!("ann{number}"), "192.0.2.1");
        (0..FREE).for_each(|_| ann.try_once(Wrong));
    }
    let ann = limited(bench, "ann0", "192.0.2.1");
    ann.try_once(Right);
    // From another address, the account has all its free failures again. The first address has not.
    limited(bench, "ann0", "192.0.2.2").use_up();
    let zoe = limited(bench, "zoe", "192.0.2.1");
    zoe.try_once(Wrong);
    assert!(zoe.is_delayed());
}

pub(crate) fn what_could_not_be_looked_at_counts_nothing(bench: &Bench) {
    let ann = limited(bench, "ann", "192.0.2.1");
    (0..50).for_each(|_| ann.try_once(Unknown));
    ann.use_up();
}

pub(crate) fn an_address_is_delayed_whatever_accounts_it_tries(bench: &Bench) {
    for number in 0..=LoginBackoff::ADDRESS.free {
        limited(bench, &format!("user{number}"), "192.0.2.1").try_once(Wrong);
    }
    let other = limited(bench, "other", "192.0.2.1");
    // An attempt that is rejected for its address takes no place at the account.
    (0..10).for_each(|_| assert!(other.is_delayed()));
    limited(bench, "other", "192.0.2.2").use_up();
    guesser(bench, "another", "192.0.2.1").try_once(Wrong);
}

pub(crate) fn failures_elsewhere_do_not_delay_a_usual_address(bench: &Bench) {
    let home = limited(bench, "ann", "192.0.2.1");
    home.try_once(Right);
    let away = limited(bench, "ann", "198.51.100.1");
    away.use_up();
    assert!(away.is_delayed());
    home.try_once(Right);
    // A login from a usual address does not clear the failures of other addresses.
    assert!(away.is_delayed());
    // Failures of other accounts from this address do not matter either.
    for number in 0..=LoginBackoff::ADDRESS.free {
        limited(bench, &format!("user{number}"), "192.0.2.1").try_once(Wrong);
    }
    assert!(limited(bench, "other", "192.0.2.1").is_delayed());
    home.try_once(Right);
}

pub(crate) fn failures_at_a_usual_address_delay_only_there(bench: &Bench) {
    let home = limited(bench, "ann", "192.0.2.1");
    bench.store.attempts.note_known_address(&home.attempt()).unwrap();
    home.use_up();
    assert!(home.is_delayed());
    let away = limited(bench, "ann", "198.51.100.1");
    away.try_once(Right);
    assert!(home.is_delayed(), "a login elsewhere clears nothing");
    // They still count for the address.
    for number in 0..LoginBackoff::ADDRESS.free - FREE {
        limited(bench, &format!("user{number}"), "192.0.2.1").try_once(Wrong);
    }
    assert!(limited(bench, "other", "192.0.2.1").is_delayed());
}

pub(crate) fn only_so_many_addresses_are_usual(bench: &Bench) {
    let addresses: Vec<String> = (0..=MAX_KNOWN_ADDRESSES).map(|number| format!("192.0.2.{number}")).collect();
    for (number, address) in addresses.iter().enumerate() {
        let ann = guesser(bench, "ann", address);
        let now = Timestamp::from_millis(1_795_392_000_123 + i64::try_from(number).unwrap());
        bench.store.attempts.note_known_address(&Attempt { now, ..ann.attempt() }).unwrap();
        // The clock counts milliseconds.
        bench.wait(Duration::from_millis(2));
    }
    let is_known = |address: &String| {
        let ann = guesser(bench, "ann", address);
        let permit = ann.place();
        ann.end(permit, Unknown);
        permit.is_known
    };
    let usual: Vec<&String> = addresses.iter().filter(|address| is_known(address)).collect();
    assert_eq!(usual, addresses[1..].iter().collect::<Vec<_>>());
}

pub(crate) fn an_account_is_unlocked(bench: &Bench) {
    let accounts = &bench.store.accounts;
    accounts.create(&account("ann")).unwrap();
    let home = guesser(bench, "ann", "192.0.2.1");
    bench.store.attempts.note_known_address(&home.attempt()).unwrap();
    let away = guesser(bench, "ann", "198.51.100.1");
    home.use_up();
    away.use_up();
    assert!(home.is_delayed() && away.is_delayed());
    let now = away.attempt().now;
    assert!(accounts.unlock(&name("ann"), None, now).unwrap());
    bench.look();
    home.use_up();
    away.use_up();
    assert!(away.is_delayed(), "new failures delay it again");
    assert!(!accounts.unlock(&name("nobody"), Some("192.0.2.1"), now).unwrap());
}

pub(crate) fn an_address_is_named_for_an_account(bench: &Bench) {
    let accounts = &bench.store.accounts;
    accounts.create(&account("ann")).unwrap();
    let hotel = guesser(bench, "ann", "203.0.113.1");
    let now = hotel.attempt().now;
    assert!(accounts.unlock(&name("ann"), Some("203.0.113.1"), now).unwrap());
    bench.look();
    guesser(bench, "ann", "198.51.100.1").use_up();
    let permit = hotel.place();
    assert!(permit.is_known);
    hotel.end(permit, Right);
}

pub(crate) fn a_deleted_account_has_no_usual_address(bench: &Bench) {
    let accounts = &bench.store.accounts;
    accounts.create(&account("ann")).unwrap();
    let ann = guesser(bench, "ann", "192.0.2.1");
    ann.try_once(Right);
    let permit = ann.place();
    assert!(permit.is_known);
    ann.end(permit, Unknown);
    accounts.delete(&name("ann")).unwrap();
    accounts.create(&account("ann")).unwrap();
    assert!(!ann.place().is_known);
}

pub(crate) fn under_many_threads_places_are_given_once(bench: &Bench) {
    const THREADS: usize = 24;
    let (start, begun) = (Barrier::new(THREADS), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                let ann = limited(bench, "ann", "192.0.2.1");
                start.wait();
                if let LoginDecision::Allowed(_) = ann.begin() {
                    begun.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(begun.into_inner(), FREE as usize + 1);
}
