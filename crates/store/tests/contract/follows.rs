//! Follows.

use parlor_core::ports::{Account, PasswordHash};
use parlor_proto::UserName;

use crate::harness::{Bench, account, name};

fn names(users: Vec<UserName>) -> Vec<String> {
    users.into_iter().map(String::from).collect()
}

pub(crate) fn are_kept_sorted_both_ways(bench: &Bench) {
    let follows = &bench.store.follows;
    for (follower, publisher) in [("ann", "cyd"), ("ann", "bob"), ("dan", "bob")] {
        assert!(follows.subscribe(&name(follower), &name(publisher)).unwrap());
        assert!(!follows.subscribe(&name(follower), &name(publisher)).unwrap());
    }
    assert_eq!(names(follows.subscriptions(&name("ann")).unwrap()), ["bob", "cyd"]);
    assert_eq!(names(follows.subscribers(&name("bob")).unwrap()), ["ann", "dan"]);
    assert!(follows.unsubscribe(&name("ann"), &name("bob")).unwrap());
    assert!(!follows.unsubscribe(&name("ann"), &name("bob")).unwrap());
    assert_eq!(names(follows.subscribers(&name("bob")).unwrap()), ["dan"]);
    assert_eq!(names(follows.subscriptions(&name("bob")).unwrap()), Vec::<String>::new());
}

pub(crate) fn those_made_while_the_account_ends_are_not_the_next_owners(bench: &Bench) {
    let (accounts, follows) = (&bench.store.accounts, &bench.store.follows);
    for user in ["ann", "bob"] {
        accounts.create(&account(user)).unwrap();
    }
    accounts.delete(&name("ann")).unwrap();
    follows.subscribe(&name("ann"), &name("bob")).unwrap();
    assert!(accounts.create(&account("ann")).unwrap());
    assert_eq!(names(follows.subscriptions(&name("ann")).unwrap()), Vec::<String>::new());
    assert_eq!(names(follows.subscribers(&name("bob")).unwrap()), Vec::<String>::new());
    follows.subscribe(&name("ann"), &name("bob")).unwrap();
    assert!(!accounts.create(&Account { hash: PasswordHash::new("other".to_owned()), ..account("ann") }).unwrap());
    assert_eq!(names(follows.subscriptions(&name("ann")).unwrap()), ["bob"]);
}

pub(crate) fn end_with_the_account(bench: &Bench) {
    let follows = &bench.store.follows;
    for user in ["ann", "bob", "cyd"] {
        bench.store.accounts.create(&account(user)).unwrap();
    }
    follows.subscribe(&name("ann"), &name("bob")).unwrap();
    follows.subscribe(&name("bob"), &name("cyd")).unwrap();
    bench.store.accounts.delete(&name("bob")).unwrap();
    assert_eq!(names(follows.subscriptions(&name("ann")).unwrap()), Vec::<String>::new());
    assert_eq!(names(follows.subscribers(&name("cyd")).unwrap()), Vec::<String>::new());
}
