//! What the reference store knows of addresses, at times that the tests set.

use super::*;

fn name(user: &str) -> UserName {
    user.parse().unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

#[test]
fn an_address_is_known_for_a_time_after_the_last_login_from_there() {
    let (addresses, ann) = (MemoryAddresses::default(), name("ann"));
    addresses.note(&ann, "home", at(1000)).unwrap();
    let is_known = |address: &str, now| addresses.is_known(&ann, address, now).unwrap();
    let last = at(1000).after(KNOWN_FOR);
    assert!(is_known("home", at(1000)) && is_known("home", last) && !is_known("elsewhere", at(1000)));
    assert!(!is_known("home", at(last.as_millis() + 1)));
    // A clock that went back makes nobody a stranger.
    assert!(is_known("home", at(0)));
    assert!(!addresses.is_known(&name("bob"), "home", at(1000)).unwrap());
}

#[test]
fn the_address_that_was_unused_for_the_longest_time_makes_room() {
    let (addresses, ann) = (MemoryAddresses::default(), name("ann"));
    let note = |number: usize| addresses.note(&ann, &number.to_string(), at(1)).unwrap();
    (0..MAX_KNOWN_ADDRESSES).for_each(note);
    // The first one is used again, so the second one goes.
    note(0);
    note(MAX_KNOWN_ADDRESSES);
    let known = |number: &usize| addresses.is_known(&ann, &number.to_string(), at(1)).unwrap();
    let kept: Vec<usize> = (0..=MAX_KNOWN_ADDRESSES).filter(known).collect();
    assert_eq!(kept, (0..=MAX_KNOWN_ADDRESSES).filter(|number| *number != 1).collect::<Vec<_>>());
}
