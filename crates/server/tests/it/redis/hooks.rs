//! Hooks on two servers.

use std::time::Instant;

use parlor_core::ports::OUTHOOK_TURN;
use parlor_redis_testkit::RedisServer;

use super::two;
use crate::harness::{Http, Options, Receiver, eventually};
use crate::outhooks::{garden, log_has, posting, say};

#[test]
fn a_hook_speaks_through_every_server_until_it_is_ended() {
    let (_redis, one, two) = two();
    let mut ann = one.register("ann");
    assert_eq!(ann.ask("/open garden"), "OK open garden 1");
    let reply = ann.ask("/hook garden ci");
    let path = format!("/hooks/{}", reply.rsplit_once('/').unwrap().1);
    let post = |text: &str| Http::open(two.address(), &two.ca()).ask("POST", &path, "", text).status;
    assert_eq!(post("built"), 200);
    assert_eq!(ann.line(), "MSG garden ci built");
    let id = ann.list("/hooks garden", "OK hooks")[0].split(' ').nth(1).unwrap().to_owned();
    assert_eq!(ann.ask(&format!("/unhook garden {id}")), format!("OK unhook garden {id}"));
    assert_eq!(post("late"), 404);
}

#[test]
fn if_the_server_that_posts_is_killed_another_one_goes_on() {
    let redis = RedisServer::start();
    let receiver = Receiver::start();
    let options = posting().env("PARLOR_REDIS", &redis.url());
    let mut one = options.clone().start();
    let (mut ann, secret) = garden(&one, &receiver.url());
    // What takes long comes before the post that is held, which has 10 s.
    drop(one.register("bob"));
    say(&mut ann, 1..=2);
    assert_eq!(receiver.ids_up_to(2), [1, 2]);
    // The only server until now has the turn, and keeps it while it waits for the answer.
    receiver.hold();
    say(&mut ann, 3..=20);
    assert_eq!(receiver.next().id(), 3);
    let two = options.start();
    let mut bob = two.log_in("bob");
    assert_eq!(bob.ask("/join garden"), "OK join garden 2");
    say(&mut bob, 21..=21);
    assert!(receiver.stays_quiet(), "the other server posts out of turn");
    one.kill();
    receiver.answer(200);
    // Nobody knows whether the third one arrived: it comes again.
    assert_eq!(receiver.ids_up_to(21), (3..=21).collect::<Vec<_>>());
    say(&mut bob, 22..=22);
    let last = receiver.next();
    assert_eq!(last.id(), 22);
    last.expect_signed_by(&secret);
}

#[test]
fn two_servers_post_each_message_once() {
    let redis = RedisServer::start();
    let receiver = Receiver::start();
    let options = posting().env("PARLOR_REDIS", &redis.url());
    let (one, two) = (options.clone().start(), options.start());
    let (mut ann, _) = garden(&one, &receiver.url());
    let mut bob = two.register("bob");
    assert_eq!(bob.ask("/join garden"), "OK join garden 2");
    for round in 0..10 {
        say(&mut ann, 10 * round + 1..=10 * round + 5);
        bob.until("MSG garden ann message ");
        // All of them are in the log before.
        (2..=5).for_each(|_| drop(bob.until("MSG garden ann message ")));
        say(&mut bob, 10 * round + 6..=10 * round + 10);
        (6..=10).for_each(|_| drop(ann.until("MSG garden bob message ")));
    }
    assert_eq!(receiver.ids_up_to(100), (1..=100).collect::<Vec<_>>());
    assert!(receiver.stays_quiet(), "something is posted again");
}

#[test]
fn a_server_that_may_not_post_leaves_it_to_another_one() {
    let redis = RedisServer::start();
    let receiver = Receiver::start();
    let options =
        |allowed: &str| Options::default().args(&["--outhook-allow", allowed]).env("PARLOR_REDIS", &redis.url());
    let mut two = options("127.0.0.1").start();
    let _ann = garden(&two, &receiver.url());
    two.kill();
    // As a server in a network from which the receiver cannot be reached.
    let one = options("192.0.2.1").start();
    let mut bob = one.register("bob");
    bob.send("/join garden");
    bob.until("OK join garden ");
    say(&mut bob, 1..=1);
    log_has(&one, "does not allow the address");
    let _two = two.restart();
    let begun = Instant::now();
    assert_eq!(receiver.next().id(), 1);
    assert!(begun.elapsed() < OUTHOOK_TURN, "{:?}", begun.elapsed());
}

#[test]
fn a_room_without_hooks_is_soon_forgotten() {
    let redis = RedisServer::start();
    let server = posting().env("PARLOR_REDIS", &redis.url()).start();
    let _ann = garden(&server, "http://127.0.0.1:9/");
    let rooms = || redis.cli(&["SMEMBERS", "parlor:outhook-rooms"]);
    redis.cli(&["SADD", "parlor:outhook-rooms", "gone"]);
    eventually("a room without hooks is forgotten", || !rooms().contains("gone"));
    assert!(rooms().contains("garden"));
}
