//! Invitations: each makes so many accounts, until its end, however many come at the same time.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use parlor_core::ports::{Account, Invitation, InvitationTerms, InvitedResult, Role, SecretHash};
use parlor_proto::{InvitationId, Timestamp};

use crate::harness::{Bench, account, name, room};

const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The time of a server. A store with a clock of its own has another.
fn now() -> Timestamp {
    Timestamp::from_millis(1_795_392_000_000)
}

fn hash(code: &str) -> SecretHash {
    SecretHash::of(code)
}

fn terms(code: &str, uses: u32) -> InvitationTerms {
    let rooms = vec![room("blue"), room("red")];
    InvitationTerms { hash: hash(code), by: name("root"), role: Role::Member, rooms, uses }
}

fn add(bench: &Bench, code: &str, uses: u32) -> Invitation {
    bench.store.invitations.add(&terms(code, uses), WEEK, now()).unwrap().unwrap()
}

fn register(bench: &Bench, user: &str, code: &str) -> InvitedResult {
    bench.store.invitations.register(&account(user), &hash(code), now()).unwrap()
}

fn is_valid(bench: &Bench, code: &str) -> bool {
    bench.store.invitations.find_valid(&hash(code), now()).unwrap().is_some()
}

fn exists(bench: &Bench, user: &str) -> bool {
    bench.store.accounts.find(&name(user)).unwrap().is_some()
}

fn used(bench: &Bench) -> Vec<BTreeSet<String>> {
    let kept = bench.store.invitations.invitations(now()).unwrap();
    kept.into_iter().map(|invitation| invitation.used.iter().map(ToString::to_string).collect()).collect()
}

pub(crate) fn are_kept_as_they_were_made(bench: &Bench) {
    let (one, two) = (add(bench, "one", 1), add(bench, "two", 5));
    assert_eq!((&one.terms, &two.terms), (&terms("one", 1), &terms("two", 5)));
    assert_eq!(one.made.after(WEEK), one.expires);
    assert_eq!(bench.store.invitations.find_valid(&hash("two"), now()).unwrap(), Some(two.clone()));
    let mut kept = bench.store.invitations.invitations(now()).unwrap();
    kept.sort_by_key(|invitation| invitation.terms.uses);
    assert_eq!(kept, [one, two]);
}

pub(crate) fn one_with_the_id_of_another_is_not_kept(bench: &Bench) {
    // Two hashes that begin with the same bytes, which are the id.
    let with_end = |end| SecretHash::stored([[7; 31].as_slice(), &[end]].concat().try_into().unwrap());
    let terms = |end| InvitationTerms { hash: with_end(end), ..terms("code", 5) };
    let invitations = &bench.store.invitations;
    let first = invitations.add(&terms(1), WEEK, now()).unwrap().unwrap();
    assert_eq!(invitations.add(&terms(2), WEEK, now()).unwrap(), None);
    assert_eq!(invitations.find_valid(&with_end(2), now()).unwrap(), None);
    assert_eq!(invitations.register(&account("ann"), &with_end(2), now()).unwrap(), InvitedResult::Void);
    assert_eq!(invitations.invitations(now()).unwrap(), [first]);
}

pub(crate) fn one_makes_so_many_accounts_and_no_more(bench: &Bench) {
    add(bench, "code", 2);
    assert_eq!(register(bench, "ann", "code"), InvitedResult::Made);
    assert!(is_valid(bench, "code"));
    assert_eq!(register(bench, "bob", "code"), InvitedResult::Made);
    assert!(!is_valid(bench, "code"));
    assert_eq!(register(bench, "cyd", "code"), InvitedResult::Void);
    assert_eq!(["ann", "bob", "cyd"].map(|user| exists(bench, user)), [true, true, false]);
    assert_eq!(used(bench), [BTreeSet::from(["ann".to_owned(), "bob".to_owned()])]);
    assert_eq!(bench.store.accounts.find(&name("ann")).unwrap(), Some(account("ann")));
}

pub(crate) fn a_taken_name_takes_no_use(bench: &Bench) {
    bench.create(&["ann"]);
    add(bench, "code", 1);
    assert_eq!(register(bench, "ann", "code"), InvitedResult::NameTaken);
    assert!(is_valid(bench, "code"));
    assert_eq!(register(bench, "bob", "code"), InvitedResult::Made);
}

pub(crate) fn a_name_uses_it_once(bench: &Bench) {
    add(bench, "code", 5);
    assert_eq!(register(bench, "ann", "code"), InvitedResult::Made);
    assert!(bench.store.accounts.delete(&name("ann")).unwrap());
    assert_eq!(register(bench, "ann", "code"), InvitedResult::Void);
    assert!(!exists(bench, "ann"));
    assert_eq!(register(bench, "bob", "code"), InvitedResult::Made);
}

pub(crate) fn only_the_right_code_in_time_is_valid(bench: &Bench) {
    let short = Duration::from_millis(200);
    let kept = bench.store.invitations.add(&terms("code", 5), short, now()).unwrap().unwrap();
    assert!(is_valid(bench, "code") && !is_valid(bench, "other"));
    assert_eq!(register(bench, "ann", "other"), InvitedResult::Void);
    let after = now().after(short);
    bench.wait(short);
    assert_eq!(bench.store.invitations.find_valid(&hash("code"), after).unwrap(), None);
    let registered = bench.store.invitations.register(&account("ann"), &hash("code"), after).unwrap();
    assert_eq!((registered, exists(bench, "ann")), (InvitedResult::Void, false));
    // It is still listed.
    assert_eq!(bench.store.invitations.invitations(after).unwrap(), [kept]);
}

pub(crate) fn a_revoked_one_makes_no_account(bench: &Bench) {
    let invitation = add(bench, "code", 5);
    assert_eq!(register(bench, "ann", "code"), InvitedResult::Made);
    assert!(bench.store.invitations.revoke(invitation.terms.id()).unwrap());
    assert_eq!(register(bench, "bob", "code"), InvitedResult::Void);
    assert_eq!((exists(bench, "ann"), exists(bench, "bob"), is_valid(bench, "code")), (true, false, false));
    assert!(!bench.store.invitations.revoke(invitation.terms.id()).unwrap());
    assert!(!bench.store.invitations.revoke(InvitationId(7)).unwrap());
    assert_eq!(used(bench), [] as [BTreeSet<String>; 0]);
}

pub(crate) fn accounts_have_their_role(bench: &Bench) {
    let operators = InvitationTerms { role: Role::Operator, rooms: Vec::new(), ..terms("code", 1) };
    bench.store.invitations.add(&operators, WEEK, now()).unwrap().unwrap();
    let found = bench.store.invitations.find_valid(&hash("code"), now()).unwrap().unwrap();
    assert_eq!(found.terms, operators);
    let ann = Account { role: found.terms.role, ..account("ann") };
    assert_eq!(bench.store.invitations.register(&ann, &hash("code"), now()).unwrap(), InvitedResult::Made);
    assert_eq!(bench.store.accounts.find(&name("ann")).unwrap().unwrap().role, Role::Operator);
}

pub(crate) fn under_many_threads_one_gets_the_last_use(bench: &Bench) {
    add(bench, "code", 3);
    let made: usize = thread::scope(|scope| {
        let come =
            |number| scope.spawn(move || register(bench, &format!("user{number}"), "code") == InvitedResult::Made);
        let threads: Vec<_> = (0..12).map(come).collect();
        threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
    });
    assert_eq!((made, bench.store.accounts.accounts().unwrap().len()), (3, 3));
    assert_eq!(used(bench)[0].len(), 3);
}

pub(crate) fn under_many_threads_a_name_is_made_once(bench: &Bench) {
    add(bench, "code", 2);
    let made: usize = thread::scope(|scope| {
        let come = |number: i64| {
            let mine = Account { created: Timestamp::from_millis(number), ..account("ann") };
            let mine = Account { hash: parlor_core::ports::PasswordHash::new(format!("hash {number}")), ..mine };
            let register = move || bench.store.invitations.register(&mine, &hash("code"), now()).unwrap();
            scope.spawn(move || register() == InvitedResult::Made)
        };
        let threads: Vec<_> = (0..8).map(come).collect();
        threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum()
    });
    assert_eq!((made, used(bench)[0].len()), (1, 1));
    assert_eq!(register(bench, "bob", "code"), InvitedResult::Made);
    assert_eq!(register(bench, "cyd", "code"), InvitedResult::Void);
}
