//! The steps of a login: who is displaced, deleted or refused meanwhile.

use super::*;

#[test]
fn who_is_displaced_while_logging_in_never_has_a_session() {
    let world = World::new();
    world.account("ann");
    let last = world.clone();
    let (send, receive) = std::sync::mpsc::channel();
    world.after("claim", move || send.send(last.login("ann")).unwrap());
    let first = world.connect();
    assert_eq!(
        first.ask(&login_line("ann")),
        ["BYE logged-in-elsewhere This user logged in elsewhere, which ends this session"]
    );
    let last = receive.recv().unwrap();
    assert_eq!(last.ask("/who"), ["USER ann", "OK who lobby 1"]);
    assert_eq!(world.reports(), ["began ann from 127.0.0.1"]);
}

#[test]
fn who_is_deleted_while_logging_in_never_has_a_session() {
    for call in ["claim", "follow", "enter"] {
        for is_made_anew in [false, true] {
            let world = World::new();
            let [ann, bob, cyd] = three(&world);
            bob.disconnect();
            let doing = world.clone();
            world.after(call, move || {
                doing.delete_account("bob");
                doing.advance(1);
                if is_made_anew {
                    doing.account("bob");
                }
            });
            let bob = world.connect();
            assert_eq!(bob.ask(&login_line("bob")), ["BYE kicked An operator ended this session"], "after {call}");
            assert!(!bob.is_open());
            assert_eq!(ann.read(), ["JOIN lobby bob", "PART lobby bob"]);
            assert_eq!(cyd.ask("/who")[2..], ["USER ann", "USER cyd", "OK who lobby 2"]);
        }
    }
}

#[test]
fn who_logs_in_while_a_publisher_is_deleted_does_not_hear_the_next_owner_of_the_name() {
    let world = World::new();
    let [_ann, bob, _cyd] = three(&world);
    bob.send("/subscribe ann");
    bob.send("/subscribe cyd");
    bob.disconnect();
    let doing = world.clone();
    world.after("enter", move || doing.delete_account("ann"));
    let bob = world.login("bob");
    bob.read();
    let (next, cyd) = (world.login("ann"), world.login("cyd"));
    next.send("/publish to my own followers");
    cyd.send("/publish news");
    let heard: Vec<_> = bob.read().into_iter().filter(|line| line.starts_with("PUB ")).collect();
    assert_eq!(heard, ["PUB cyd news"]);
}

#[test]
fn what_the_session_before_followed_last_is_heard() {
    let world = World::new();
    let [_ann, bob, cyd] = three(&world);
    bob.disconnect();
    let doing = world.clone();
    // The follows of the user were read with the claim.
    world.after("follow", move || doing.make_follow("bob", "cyd"));
    let bob = world.login("bob");
    cyd.send("/publish news");
    assert_eq!(bob.read(), ["PUB cyd news"]);
}

#[test]
fn where_duplicates_are_rejected_the_earlier_session_notices_nothing() {
    let world = World::builder().reject_duplicates().build();
    let ann = world.login("ann");
    let refused = "ERR already-logged-in This user is logged in elsewhere, and that session is kept";
    assert_eq!(world.connect().ask(&login_line("ann")), [refused]);
    assert_eq!(ann.ask("/who"), ["USER ann", "OK who lobby 1"]);
    ann.disconnect();
    world.login("ann");
}

#[test]
fn two_clients_cannot_throw_each_other_out_for_ever() {
    let world = World::builder().max_takeovers(2).build();
    world.account("ann");
    let enter = || {
        let connection = world.from_address("192.0.2.1");
        (connection.ask(&login_line("ann")), connection)
    };
    let (_, _first) = enter();
    let (_, _second) = enter();
    world.advance(20);
    let (_, third) = enter();
    world.advance(1);
    let (refused, newcomer) = enter();
    assert_eq!(refused, ["ERR takeover-loop 39 seconds to wait: two clients throw each other out"]);
    assert!(third.is_open() && newcomer.is_open());
    world.advance(39);
    assert_eq!(newcomer.ask(&login_line("ann")), ["OK login ann lobby"]);
    assert!(!third.is_open());
}

#[test]
fn takeovers_from_this_machine_are_not_limited_unless_told_so() {
    let world = World::builder().max_takeovers(1).build();
    let _sessions: Vec<_> = (0..9).map(|_| world.login("ann")).collect();
    world.from_address("192.0.2.1").ask(&login_line("ann"));
    let world = World::builder().max_takeovers(1).limit_loopback().build();
    let _sessions: Vec<_> = (0..2).map(|_| world.login("ann")).collect();
    assert!(world.connect().ask(&login_line("ann"))[0].starts_with("ERR takeover-loop 60 "));
}

#[test]
fn a_login_that_the_store_does_not_finish_can_be_tried_again() {
    for call in ["claim", "follow", "enter"] {
        let world = World::new();
        let [_ann, bob, cyd] = three(&world);
        bob.send("/subscribe cyd");
        bob.disconnect();
        let topics = world.topics();
        let broken = world.clone();
        world.after(call, move || broken.fail_store(true));
        let bob = world.connect();
        assert!(bob.ask(&login_line("bob"))[0].starts_with("ERR store-unavailable "), "after {call}");
        assert!(!bob.is_logged_in());
        assert_eq!(world.topics(), topics, "after {call}");
        world.fail_store(false);
        bob.disconnect();
        let bob = world.login("bob");
        cyd.send("/publish news");
        assert_eq!(bob.read(), ["PUB cyd news"]);
        assert_eq!(bob.ask("/who"), ["USER ann", "USER bob", "USER cyd", "OK who lobby 3"]);
    }
}

#[test]
fn a_login_that_fails_receives_nothing_any_more() {
    for call in ["claim", "follow", "enter"] {
        let world = World::new();
        world.account("bob");
        let broken = world.clone();
        world.after(call, move || broken.fail_store(true));
        let bob = world.connect();
        assert!(bob.ask(&login_line("bob"))[0].starts_with("ERR store-unavailable "), "after {call}");
        assert_eq!(world.topics(), 0, "after {call}");
    }
}
