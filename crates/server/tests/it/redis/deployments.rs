//! Redis as operators deploy it: a cluster, a group with Sentinels, a master with replicas.

use parlor_redis_testkit::{Fsync, Reach, RedisCluster, RedisOptions, RedisSentinel, RedisServer};
use serde_json::Value;

use super::{at, hear_up_to, insist, sharing};
use crate::harness::{command, outcome};

/// Number of rooms: enough that their keys are in slots of all masters.
const ROOMS: usize = 9;

#[test]
fn a_cluster_is_as_good_as_one_redis() {
    let cluster = RedisCluster::start();
    let start = |node: usize| at(&cluster.urls()[node]).start();
    let (one, two) = (start(0), start(1));
    let mut alice = one.register("alice");
    let mut bob = two.register("bob");
    assert_eq!(alice.line(), "JOIN lobby bob");
    assert_eq!(bob.ask("/subscribe alice"), "OK subscribe alice");
    for number in 0..ROOMS {
        let room = format!("room-{number}");
        assert_eq!(alice.ask(&format!("/join {room}")), format!("OK join {room} 1"));
        assert!(bob.line().starts_with("PART "));
        assert_eq!(bob.ask(&format!("/join {room}")), format!("OK join {room} 2"));
        assert_eq!(alice.line(), format!("JOIN {room} bob"));
        alice.send("hello");
        assert_eq!(bob.line(), format!("MSG {room} alice hello"));
        assert_eq!(bob.list("/history", "OK").len(), 2);
    }
    assert_eq!(alice.ask("/publish news"), "OK publish 1");
    assert_eq!(bob.line(), "PUB alice news");
    assert_eq!(bob.list("/rooms", "OK"), ["ROOM lobby 0", "ROOM room-8 2", "OK rooms 2"]);
    let mut again = two.log_in("alice");
    assert!(alice.until("BYE").starts_with("BYE logged-in-elsewhere "));
    assert_eq!(bob.line(), "PART room-8 alice");
    again.expect_quiet();

    let data = tempfile::tempdir().unwrap();
    let mut status = command(data.path(), &["status", "--json"]);
    let (code, said, _) = outcome(data.path(), status.env("PARLOR_REDIS", &cluster.urls()[2]).output().unwrap());
    let status: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((code, status["redis"].as_array().unwrap().len()), (Some(0), 3), "{status}");
}

#[test]
fn a_failover_by_sentinels_loses_nothing_that_was_accepted() {
    let options = RedisServer::options().append_only(Fsync::Always);
    let group = RedisSentinel::start_with(options, Reach::Direct);
    let start = || at(&group.url()).args(&["--redis-replicas", "1"]).start();
    let (one, two) = (start(), start());
    let (mut alice, _) = one.member_json("alice", "garden");
    let (mut bob, _) = two.member_json("bob", "garden");
    assert_eq!(alice.say("before"), 1);
    assert_eq!(bob.event_of("message")["text"], "before");
    let old = group.kill_master();
    group.wait_for_failover(old);
    old.restart();
    let accepted = insist(&mut alice, "after");
    hear_up_to(&mut bob, accepted);
    let known = bob.history();
    assert_eq!(known.entries().next(), Some((1, "before")));
    known.expect_gapless(1..=accepted);
}

#[test]
fn what_too_few_replicas_have_is_not_accepted() {
    let redis = RedisServer::start();
    let server = sharing(&redis).args(&["--redis-replicas", "1"]).start();
    let (mut alice, _) = server.member_json("alice", "garden");
    alice.send("hello");
    assert_eq!(alice.event_of("error")["code"], "store-unavailable");
    let replica = RedisOptions::default().replica_of(&redis).start();
    replica.wait_for_link();
    insist(&mut alice, "hello again");
}
