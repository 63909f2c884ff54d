//! Accounts.

use parlor_core::ports::{Account, PasswordHash, Role, Suspension};
use parlor_proto::Timestamp;

use crate::harness::{Bench, account, name, text};

pub(crate) fn are_made_once(bench: &Bench) {
    let accounts = &bench.store.accounts;
    assert!(accounts.find(&name("ann")).unwrap().is_none());
    assert!(accounts.create(&account("ann")).unwrap());
    let other = Account { hash: PasswordHash::new("other".to_owned()), ..account("ann") };
    assert!(!accounts.create(&other).unwrap());
    assert_eq!(accounts.find(&name("ann")).unwrap(), Some(account("ann")));
}

pub(crate) fn the_names_of_deleted_ones_are_known(bench: &Bench) {
    let accounts = &bench.store.accounts;
    bench.create(&["ann", "bob"]);
    assert!(!accounts.was_deleted(&name("ann")).unwrap());
    for _ in 0..2 {
        assert!(accounts.delete(&name("ann")).unwrap());
        assert!(accounts.was_deleted(&name("ann")).unwrap());
        bench.create(&["ann"]);
    }
    assert!(!accounts.was_deleted(&name("bob")).unwrap());
}

pub(crate) fn are_changed_and_listed(bench: &Bench) {
    let accounts = &bench.store.accounts;
    for user in ["cyd", "ann", "bob"] {
        accounts.create(&account(user)).unwrap();
    }
    assert!(accounts.set_role(&name("bob"), Role::Operator).unwrap());
    let hash = PasswordHash::new("new".to_owned());
    assert!(accounts.set_password(&name("ann"), &hash).unwrap());
    assert!(!accounts.set_role(&name("dan"), Role::Operator).unwrap());
    assert!(!accounts.set_password(&name("dan"), &hash).unwrap());
    let expected =
        [Account { hash, ..account("ann") }, Account { role: Role::Operator, ..account("bob") }, account("cyd")];
    assert_eq!(accounts.accounts().unwrap(), expected);
}

pub(crate) fn a_renewed_hash_never_brings_an_old_password_back(bench: &Bench) {
    let accounts = &bench.store.accounts;
    let first = account("ann").hash;
    let [second, third] = ["second", "third"].map(|hash| PasswordHash::new(hash.to_owned()));
    accounts.create(&account("ann")).unwrap();
    assert!(accounts.renew_hash(&name("ann"), &first, &second).unwrap());
    assert!(!accounts.renew_hash(&name("ann"), &first, &third).unwrap());
    assert!(!accounts.renew_hash(&name("dan"), &first, &third).unwrap());
    assert_eq!(accounts.find(&name("ann")).unwrap().unwrap().hash, second);
}

pub(crate) fn deleted_ones_are_gone_and_told(bench: &Bench) {
    let accounts = &bench.store.accounts;
    let ann = account("ann");
    accounts.create(&ann).unwrap();
    assert!(accounts.delete(&ann.user).unwrap());
    bench.look();
    bench.look();
    bench.settle();
    // The deletion may be reported twice, but nothing else.
    let mut deleted = bench.sink.deleted();
    deleted.dedup();
    assert_eq!(deleted, [("ann".to_owned(), ann.created)]);
    assert!(accounts.find(&ann.user).unwrap().is_none());
    assert!(!accounts.delete(&ann.user).unwrap());
    assert!(accounts.create(&ann).unwrap());
    assert_eq!(accounts.accounts().unwrap(), [ann]);
}

pub(crate) fn kicked_ones_stay_and_are_told_with_their_count(bench: &Bench) {
    let accounts = &bench.store.accounts;
    let ann = account("ann");
    accounts.create(&ann).unwrap();
    assert!(!accounts.kick(&name("dan")).unwrap());
    for kicks in 1..=2 {
        assert!(accounts.kick(&ann.user).unwrap());
        let found = accounts.find(&ann.user).unwrap().unwrap();
        assert_eq!(found, Account { kicks, ..ann.clone() });
    }
    bench.look();
    bench.settle();
    assert_eq!(bench.sink.kicked(), [("ann".to_owned(), 1), ("ann".to_owned(), 2)]);
    assert!(accounts.delete(&ann.user).unwrap() && accounts.create(&ann).unwrap());
    assert_eq!(accounts.find(&ann.user).unwrap(), Some(ann));
}

pub(crate) fn a_later_suspension_is_the_one_that_counts(bench: &Bench) {
    let (accounts, ann) = (&bench.store.accounts, name("ann"));
    let suspension = |until: Option<i64>, reason: &str| Suspension {
        until: until.map(Timestamp::from_millis),
        reason: text(reason).into(),
    };
    assert!(!accounts.suspend(&ann, Some(&suspension(None, "spam"))).unwrap());
    bench.create(&["ann"]);
    let found = || accounts.find(&ann).unwrap().unwrap();
    for later in [suspension(Some(9), "spam"), suspension(None, "more spam"), suspension(Some(7), "less")] {
        assert!(accounts.suspend(&ann, Some(&later)).unwrap());
        assert_eq!(found().suspension, Some(later));
    }
    assert!(accounts.suspend(&ann, None).unwrap());
    // Its end is no kick.
    assert_eq!(found(), Account { kicks: 3, ..account("ann") });
}

pub(crate) fn made_by_many_at_once_one_is(bench: &Bench) {
    let hashed = |number| Account { hash: PasswordHash::new(format!("hash {number}")), ..account("ann") };
    let made = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..20).map(|number| scope.spawn(move || bench.store.accounts.create(&hashed(number)).unwrap())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).filter(|made| *made).count()
    });
    assert_eq!(made, 1);
}
