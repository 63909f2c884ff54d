//! Tickets.

use std::thread;
use std::time::Duration;

use parlor_core::ports::{Account, MAX_TICKETS, PasswordHash, SecretHash, Suspension, Ticket};
use parlor_proto::{Generation, Note, TicketId, Tickets as Which, Timestamp};

use crate::harness::{Bench, account, name, text};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A ticket that was made at a time, which also makes its secret.
fn ticket(made: i64) -> Ticket {
    Ticket {
        hash: SecretHash::of(&format!("secret {made}")),
        label: text("my laptop").into(),
        made: at(made),
        used: None,
        address: Some("2001:db8::1".to_owned()),
        lifetime: Some(Duration::from_secs(1000)),
        is_revoked: false,
    }
}

fn add(bench: &Bench, user: &str, ticket: &Ticket) {
    let account = bench.store.accounts.find(&name(user)).unwrap().unwrap();
    assert!(bench.store.tickets.add(&account, ticket).unwrap());
}

fn kept(bench: &Bench, user: &str) -> Vec<i64> {
    bench.store.tickets.tickets(&name(user)).unwrap().iter().map(|ticket| ticket.made.as_millis()).collect()
}

fn revoke(bench: &Bench, which: Which, by: Option<Generation>) -> usize {
    bench.store.tickets.revoke(&name("ann"), which, by).unwrap()
}

/// What the sink heard of the revocations, without repetitions.
fn revoked(bench: &Bench) -> Vec<(String, TicketId, Option<Generation>)> {
    bench.look();
    bench.settle();
    let mut revoked = bench.sink.revoked();
    revoked.sort();
    revoked.dedup();
    revoked
}

pub(crate) fn are_kept_as_they_were_made_and_used(bench: &Bench) {
    bench.create(&["ann", "bob"]);
    let bare = Ticket { label: Note::default(), address: None, lifetime: None, ..ticket(2) };
    add(bench, "ann", &bare);
    add(bench, "ann", &ticket(1));
    let tickets = &bench.store.tickets;
    assert_eq!(tickets.tickets(&name("ann")).unwrap(), [ticket(1), bare.clone()]);
    assert_eq!(tickets.tickets(&name("bob")).unwrap(), []);
    assert!(tickets.note_use(&name("ann"), &bare, at(77), "192.0.2.7").unwrap());
    assert!(!tickets.note_use(&name("bob"), &bare, at(77), "192.0.2.7").unwrap());
    let used = Ticket { used: Some(at(77)), address: Some("192.0.2.7".to_owned()), ..bare };
    assert_eq!(tickets.find(&name("ann"), used.id()).unwrap(), Some(used.clone()));
    assert_eq!(tickets.find(&name("bob"), used.id()).unwrap(), None);
    assert_eq!(tickets.find(&name("ann"), ticket(3).id()).unwrap(), None);
}

pub(crate) fn one_or_all_are_revoked_and_told(bench: &Bench) {
    bench.create(&["ann", "bob"]);
    for made in 1..=3 {
        add(bench, "ann", &ticket(made));
    }
    add(bench, "bob", &ticket(1));
    assert_eq!(revoke(bench, Which::One(ticket(2).id()), Some(Generation(9))), 1);
    assert_eq!(revoke(bench, Which::One(ticket(2).id()), Some(Generation(9))), 0);
    assert_eq!(kept(bench, "ann"), [1, 3]);
    assert!(!bench.store.tickets.note_use(&name("ann"), &ticket(2), at(9), "192.0.2.7").unwrap());
    assert_eq!(kept(bench, "ann"), [1, 3], "a use brings nothing back");
    assert_eq!(revoke(bench, Which::All, None), 2);
    assert_eq!(revoke(bench, Which::All, None), 0);
    assert_eq!((kept(bench, "ann"), kept(bench, "bob")), (vec![], vec![1]));
    let told = |made, by| ("ann".to_owned(), ticket(made).id(), by);
    let mut expected = [told(1, None), told(2, Some(Generation(9))), told(3, None)];
    expected.sort();
    assert_eq!(revoked(bench), expected);
}

pub(crate) fn only_so_many_are_kept(bench: &Bench) {
    bench.create(&["ann"]);
    let most = i64::try_from(MAX_TICKETS).unwrap();
    for made in 1..=most {
        add(bench, "ann", &ticket(made));
    }
    assert!(bench.store.tickets.note_use(&name("ann"), &ticket(1), at(9), "192.0.2.7").unwrap());
    add(bench, "ann", &ticket(most + 1));
    let expected: Vec<i64> = (1..=most + 1).filter(|made| *made != 2).collect();
    assert_eq!(kept(bench, "ann"), expected);
    // Those whose time is over go first, however many.
    let late = ticket(1_000_000 + 9);
    add(bench, "ann", &late);
    assert_eq!(kept(bench, "ann"), (10..=most + 1).chain([late.made.as_millis()]).collect::<Vec<_>>());
}

pub(crate) fn none_is_added_to_an_account_that_changed(bench: &Bench) {
    bench.create(&["ann"]);
    let known = account("ann");
    let add = |account: &Account| bench.store.tickets.add(account, &ticket(1)).unwrap();
    assert!(!add(&account("nobody")));
    assert!(!add(&Account { hash: PasswordHash::new("other".to_owned()), ..known.clone() }));
    assert!(!add(&Account { created: at(5), ..known.clone() }));
    assert!(bench.store.accounts.kick(&name("ann")).unwrap());
    assert!(!add(&known));
    assert_eq!(kept(bench, "ann"), [0; 0]);
    assert!(add(&Account { kicks: 1, ..known }));
}

pub(crate) fn one_with_the_id_of_another_is_not_added(bench: &Bench) {
    bench.create(&["ann"]);
    // Two hashes that begin with the same bytes, which are the id.
    let hash = |end| SecretHash::stored([[7; 31].as_slice(), &[end]].concat().try_into().unwrap());
    let with_end = |end| Ticket { hash: hash(end), ..ticket(1) };
    let (first, second) = (with_end(1), with_end(2));
    add(bench, "ann", &first);
    assert!(!bench.store.tickets.add(&account("ann"), &second).unwrap());
    assert_eq!(bench.store.tickets.tickets(&name("ann")).unwrap(), [first]);
}

pub(crate) fn a_new_password_revokes_all(bench: &Bench) {
    bench.create(&["ann"]);
    let old = account("ann").hash;
    let new = PasswordHash::new("new".to_owned());
    let accounts = &bench.store.accounts;
    add(bench, "ann", &ticket(1));
    assert!(accounts.renew_hash(&name("ann"), &old, &new).unwrap());
    assert_eq!(kept(bench, "ann"), [1], "another hash is not another password");
    let other = PasswordHash::new("other".to_owned());
    assert!(!accounts.change_password(&name("ann"), &old, &other, Generation(9)).unwrap());
    assert_eq!((kept(bench, "ann"), revoked(bench)), (vec![1], vec![]));
    assert!(accounts.change_password(&name("ann"), &new, &old, Generation(9)).unwrap());
    assert_eq!(kept(bench, "ann"), [0; 0]);
    assert_eq!(revoked(bench), [("ann".to_owned(), ticket(1).id(), Some(Generation(9)))]);
    assert_eq!(accounts.find(&name("ann")).unwrap().unwrap().hash, old);
    add(bench, "ann", &ticket(2));
    assert!(accounts.set_password(&name("ann"), &new).unwrap());
    assert_eq!(kept(bench, "ann"), [0; 0]);
    assert!(!accounts.change_password(&name("nobody"), &new, &old, Generation(9)).unwrap());
}

pub(crate) fn a_suspension_marks_all_and_a_kick_none(bench: &Bench) {
    bench.create(&["ann"]);
    add(bench, "ann", &ticket(1));
    let accounts = &bench.store.accounts;
    assert!(accounts.kick(&name("ann")).unwrap());
    assert_eq!(bench.store.tickets.tickets(&name("ann")).unwrap(), [ticket(1)]);
    let suspension = Suspension { until: None, reason: Note::default() };
    for _ in 0..2 {
        assert!(accounts.suspend(&name("ann"), Some(&suspension)).unwrap());
    }
    assert!(accounts.suspend(&name("ann"), None).unwrap());
    let marked = Ticket { is_revoked: true, ..ticket(1) };
    assert_eq!(bench.store.tickets.tickets(&name("ann")).unwrap(), [marked]);
    add(bench, "ann", &ticket(2));
    assert_eq!(kept(bench, "ann"), [2]);
}

pub(crate) fn they_end_with_the_account(bench: &Bench) {
    bench.create(&["ann"]);
    add(bench, "ann", &ticket(1));
    assert!(bench.store.accounts.delete(&name("ann")).unwrap());
    assert_eq!(kept(bench, "ann"), [0; 0]);
    assert!(!bench.store.tickets.add(&account("ann"), &ticket(2)).unwrap());
    bench.create(&["ann"]);
    assert_eq!(kept(bench, "ann"), [0; 0]);
}

pub(crate) fn under_many_threads_there_are_never_too_many(bench: &Bench) {
    bench.create(&["ann"]);
    thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || (0..10).for_each(|number| add(bench, "ann", &ticket(10 * thread + number))));
        }
    });
    assert_eq!(kept(bench, "ann").len(), MAX_TICKETS);
}
