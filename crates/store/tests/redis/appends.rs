//! Appends during faults of Redis or the network: the answers are correct, and no message is stored twice.

use std::thread;
use std::time::Duration;

use parlor_core::ports::LogId;
use parlor_redis_testkit::{Direction, FaultProxy, RedisServer, wait_until};
use parlor_store::redis::Config;

use crate::append_under_faults::speak_while;
use crate::harness::{Server, config, log_of, name, numbered, pair, pair_by_proxy, stored};

#[test]
fn an_append_whose_reply_is_lost_is_stored_once() {
    let (_redis, one, two, proxy) = pair_by_proxy();
    let (bob, red) = (two.session_key("bob"), log_of("red"));
    one.follow(&red);
    two.enter(&bob, "red");
    let texts = numbered("bob", 40);
    for (text, number) in texts.iter().zip(1..) {
        proxy.cut_after_bytes(Direction::ToClient, number % 6);
        assert_eq!(two.say(&bob, &red, text), number);
    }
    one.hears(&red, &texts);
}

#[test]
fn a_batch_of_which_half_the_replies_are_lost_is_stored_once_and_in_order() {
    let (_redis, one, two, proxy) = pair_by_proxy();
    let (bob, red, feed) = (two.session_key("bob"), log_of("red"), LogId::Feed(name("bob")));
    two.enter(&bob, "red");
    for log in [&red, &feed] {
        one.follow(log);
        let texts = numbered("bob", 400);
        for (batch, cut) in texts.chunks(40).zip((0..).step_by(23)) {
            proxy.cut_after_bytes(Direction::ToClient, cut);
            for outcome in two.say_all(&bob, log, batch) {
                stored(outcome).unwrap();
            }
        }
        one.hears(log, &texts);
    }
}

#[test]
fn what_a_replica_does_not_have_is_not_accepted_even_if_the_link_breaks() {
    let redis = RedisServer::start();
    let replica = RedisServer::options().replica_of(&redis).start();
    replica.wait_for_link();
    redis.wait_for_replica();
    let proxy = FaultProxy::start(redis.port());
    let server = Server::try_open(&Config { replicas: 1, ..config(&redis.url_by(&proxy)) }).unwrap();
    let (bob, red) = (server.member("bob", "red"), log_of("red"));
    let cuts = [8, 12, 16, 20, 24, 12];
    let mut accepted = 0;
    for cut in cuts {
        let first = server.say(&bob, &red, "all have it") + 1;
        // Some replies of a batch arrive, and others do not: each answer belongs to its own message.
        proxy.cut_after_bytes(Direction::ToClient, cut);
        let outcomes = server.say_all(&bob, &red, &numbered("bob", 8));
        for (outcome, number) in outcomes.into_iter().zip(first..) {
            if let Ok(stored) = stored(outcome) {
                assert_eq!(stored, number);
                accepted += 1;
            }
        }
    }
    assert_ne!(accepted, 0);
    replica.pause();
    for cut in cuts {
        proxy.cut_after_bytes(Direction::ToClient, cut);
        let outcomes = server.say_all(&bob, &red, &numbered("bob", 8));
        assert_eq!(outcomes.len(), 8);
        assert!(outcomes.iter().all(Result::is_err), "{outcomes:?}");
    }
    replica.resume();
    wait_until("it to be accepted", || server.try_say(&bob, &red, "again").is_ok());
}

#[test]
fn requests_that_break_off_are_carried_out_once() {
    let (_redis, one, two, proxy) = pair_by_proxy();
    let (bob, red) = (two.session_key("bob"), log_of("red"));
    one.follow(&red);
    two.enter(&bob, "red");
    let texts = numbered("bob", 400);
    for (batch, cut) in texts.chunks(40).zip((1..).step_by(700)) {
        proxy.cut_after_bytes(Direction::ToServer, cut);
        two.say_many(&bob, &red, batch);
    }
    one.hears(&red, &texts);
}

#[test]
fn scripts_that_redis_forgot_are_loaded_again() {
    let (redis, one, two) = pair();
    let (ann, bob, red) = (one.member("ann", "red"), two.member("bob", "red"), log_of("red"));
    let speech = speak_while(&one, &ann, &red, || {
        for number in 0..30 {
            redis.cli(&["SCRIPT", "FLUSH"]);
            two.say(&bob, &red, &number.to_string());
            two.leave(&bob, "red").unwrap();
            two.enter(&bob, "red");
        }
    });
    speech.check(&red, &[&one, &two]);
    assert_eq!(speech.unknown(), 0, "Redis was up all the time");
}

#[test]
fn in_a_black_hole_an_error_comes_and_after_it_all_goes_on() {
    let (_redis, one, two, proxy) = pair_by_proxy();
    let (bob, cat, red) = (two.member("bob", "red"), two.member("cat", "red"), log_of("red"));
    one.follow(&red);
    let speech = speak_while(&two, &bob, &red, || {
        proxy.black_hole();
        assert!(two.try_say(&cat, &red, "lost").is_err());
        proxy.pass();
    });
    speech.check(&red, &[&one, &two]);
    assert!(speech.unknown() > 0);
    assert!(one.sink.texts(&red).iter().filter(|text| *text == "lost").count() <= 1);
}

#[test]
fn replies_that_do_not_come_lead_to_errors_and_nothing_twice() {
    let (_redis, one, two, proxy) = pair_by_proxy();
    let (bob, cat, red) = (two.member("bob", "red"), two.member("cat", "red"), log_of("red"));
    one.follow(&red);
    let speech = speak_while(&two, &bob, &red, || {
        proxy.hold(Direction::ToClient);
        assert!(two.try_say(&cat, &red, "unanswered").is_err());
        proxy.pass_without_held();
    });
    speech.check(&red, &[&one, &two]);
    assert!(speech.unknown() > 0);
    assert!(one.sink.texts(&red).iter().filter(|text| *text == "unanswered").count() <= 1);
}

#[test]
fn while_the_link_is_cut_again_and_again_all_is_accepted_in_order() {
    let (_redis, one, two, proxy) = pair_by_proxy();
    let (bob, red) = (two.member("bob", "red"), log_of("red"));
    one.follow(&red);
    let speech = speak_while(&two, &bob, &red, || {
        for _ in 0..20 {
            let accepted = proxy.accepted();
            proxy.cut();
            wait_until("a new link and follower", || proxy.accepted() >= accepted + 2 && proxy.connections() >= 2);
        }
    });
    speech.check(&red, &[&one, &two]);
    assert_eq!(speech.unknown(), 0, "Redis was up all the time");
}

#[test]
fn what_is_said_while_redis_stands_still_for_a_moment_is_accepted() {
    let (redis, one, two) = pair();
    let (ann, cid, red) = (one.member("ann", "red"), one.member("cid", "red"), log_of("red"));
    let bob = two.member("bob", "red");
    redis.pause();
    thread::scope(|scope| {
        let said = [
            scope.spawn(|| one.try_say(&ann, &red, "a")),
            scope.spawn(|| one.try_say(&cid, &red, "b")),
            scope.spawn(|| two.try_say(&bob, &red, "c")),
        ];
        thread::sleep(Duration::from_millis(700));
        redis.resume();
        let mut numbers: Vec<u64> = said.into_iter().map(|said| stored(said.join().unwrap()).unwrap()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2, 3]);
    });
    for server in [&one, &two] {
        wait_until("all", || server.sink.ids(&red) == [1, 2, 3]);
    }
}
