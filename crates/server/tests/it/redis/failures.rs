//! What users notice if Redis is emptied, fails over or is a Cluster, and if servers freeze or restart.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use parlor_redis_testkit::{Direction, FaultProxy, Fsync, RedisCluster, RedisSentinel, RedisServer};

use super::{at, insist, insist_and_hear, sharing, two};
use crate::harness::{Client, Known, Polled, Server, eventually};

/// Reads events up to a message with this text.
fn hears(client: &mut Client, text: &str) {
    while client.event_of("message")["text"] != text {}
}

fn log_lines(server: &Server, what: &str) -> usize {
    server.log().lines().filter(|line| line.contains(what)).count()
}

#[test]
fn whoever_is_connected_stays_when_redis_comes_back_empty() {
    let redis = RedisServer::start();
    let (one, two) = (sharing(&redis).start(), sharing(&redis).start());
    let (mut alice, joined) = one.member_json("alice", "garden");
    let (mut bob, _) = two.member_json("bob", "garden");
    assert_eq!([alice.say("one"), alice.say("two")], [1, 2]);
    hears(&mut bob, "two");
    redis.cli(&["FLUSHALL"]);
    // The numbers restart, with a new epoch.
    assert_eq!(insist(&mut alice, "three"), 1);
    hears(&mut bob, "three");
    eventually("both servers log it", || [&one, &two].iter().all(|server| log_lines(server, "came back empty") == 1));
    bob.send("/who");
    assert_eq!(bob.event_of("users")["users"], serde_json::json!(["alice", "bob"]));
    let (_carol, entered) = one.member_json("carol", "garden");
    assert_ne!(entered["epoch"], joined["epoch"]);
    assert_eq!(entered["members"], 3);
    assert_eq!(insist(&mut bob, "four"), 2);
    hears(&mut alice, "four");
}

#[test]
fn a_server_that_was_frozen_does_nothing_for_those_who_were_displaced() {
    let redis = RedisServer::start();
    let (one, two) = (sharing(&redis).start(), sharing(&redis).start());
    let mut old = one.register("alice");
    let mut stayer = one.register("dora");
    assert_eq!(old.line(), "JOIN lobby dora");
    let mut bob = two.register("bob");
    assert_eq!(stayer.line(), "JOIN lobby bob");
    one.freeze();
    // Both send while their server is frozen: it finds the lines when it resumes.
    old.send("from the grave");
    stayer.send("still here");
    let mut new = two.log_in("alice");
    assert_eq!([bob.line(), bob.line()], ["PART lobby alice", "JOIN lobby alice"]);
    let Polled::Line(line) = bob.poll(Duration::from_secs(60)) else { panic!("dora was not reaped; {}", two.log()) };
    assert_eq!((line, new.line()), ("PART lobby dora".to_owned(), "PART lobby dora".to_owned()));
    bob.send("while it was frozen");
    assert_eq!(new.line(), "MSG lobby bob while it was frozen");
    one.thaw();
    let (lines, end) = old.rest();
    let told = lines.iter().filter(|line| line.starts_with("BYE ")).collect::<Vec<_>>();
    assert_eq!((told.len(), end), (1, Polled::End), "{lines:?}");
    assert!(told[0].starts_with("BYE logged-in-elsewhere "), "{lines:?}");
    assert!(!lines.iter().any(|line| line.contains("while it was frozen")), "it was received: {lines:?}");
    // Nobody took dora's name: her session continues, and the messages sent meanwhile arrive.
    assert_eq!(stayer.until("MSG lobby bob"), "MSG lobby bob while it was frozen");
    bob.until("JOIN lobby dora");
    let mut heard = BTreeSet::new();
    stayer.send("back again");
    loop {
        let line = bob.line();
        assert!(!line.contains("from the grave"), "{line}");
        if line == "MSG lobby dora back again" {
            break;
        }
        assert!(heard.insert(line.clone()), "received twice: {line}");
    }
    bob.send("/who");
    assert_eq!(bob.until("OK who"), "OK who lobby 3");
}

#[test]
fn a_server_that_is_frozen_for_a_moment_keeps_its_news() {
    let (_redis, one, two) = two();
    let mut alice = one.register("alice");
    for user in ["bob", "cyd", "dora"] {
        one.freeze();
        // Enters are announced once: who has no connection for news then never hears of them.
        drop(two.register(user));
        one.thaw();
        assert_eq!(alice.line(), format!("JOIN lobby {user}"));
        assert_eq!(alice.line(), format!("PART lobby {user}"));
    }
    assert_eq!(log_lines(&one, "news of"), 0, "{}", one.log());
}

#[test]
fn a_rolling_restart_loses_nothing_that_was_accepted() {
    let redis = RedisServer::options().append_only(Fsync::EverySecond).start();
    let start = || sharing(&redis).start();
    let mut servers = [start(), start(), start()];
    let (mut listener, _) = servers[2].member_json("listener", "garden");
    let _speaker = servers[0].register("speaker");
    let mut accepted = Known::default();
    let mut count = 0;
    for turn in [0, 1] {
        let (mut speaker, _) = servers[turn].log_in_json("speaker");
        speaker.send("/join garden");
        speaker.event_of("ok");
        for _ in 0..50 {
            count += 1;
            let text = format!("line {count}");
            accepted.note(insist(&mut speaker, &text), &text);
        }
        servers[turn].signal("TERM");
        let (_, end) = speaker.rest();
        assert_eq!(end, Polled::End);
        servers[turn].wait();
        servers[turn] = start();
    }
    accepted.expect_gapless(1..=100);
    let mut heard = Known::default();
    while heard.len() < 100 {
        heard.hear(&listener.event_of("message"));
    }
    heard.agree(&accepted);
    let (mut reader, _) = servers[1].member_json("reader", "garden");
    let kept = reader.history();
    accepted.agree(&kept);
    assert_eq!(kept.len(), 100);
}

#[test]
fn a_silent_link_is_found_and_what_was_missed_arrives() {
    let redis = RedisServer::start();
    let proxy = FaultProxy::start(redis.port());
    let (near, far) = (sharing(&redis).start(), at(&redis.url_by(&proxy)).start());
    let (mut alice, _) = near.member_json("alice", "garden");
    let (mut bob, _) = far.member_json("bob", "garden");
    assert_eq!(alice.say("before"), 1);
    hears(&mut bob, "before");
    // Nothing comes from Redis any more, without an error.
    proxy.hold(Direction::ToClient);
    assert_eq!([alice.say("two"), alice.say("three")], [2, 3]);
    bob.send("lost");
    assert_eq!(bob.event_of("error")["code"], "store-unavailable");
    proxy.pass_without_held();
    let mut heard = Known::default();
    let end = insist_and_hear(&mut bob, "healed", |event| heard.hear(event));
    while heard.last().is_none_or(|last| last < 3) {
        let event = bob.event();
        if event["type"] == "message" {
            heard.hear(&event);
        }
    }
    heard.expect_gapless(2..=3);
    // An attempt that was refused at first may have been stored.
    assert!((4..=5).contains(&end), "{end}");
    hears(&mut alice, "healed");
}

/// Two users on two servers talk before and after `between`.
fn talk(one: &Server, two: &Server, between: impl FnOnce()) {
    let (mut alice, _) = one.member_json("alice", "garden");
    let (mut bob, _) = two.member_json("bob", "garden");
    bob.send("/subscribe alice");
    assert_eq!(bob.event_of("ok")["command"], "subscribe");
    assert_eq!(alice.say("one"), 1);
    hears(&mut bob, "one");
    between();
    let id = insist(&mut alice, "two");
    assert!(id >= 2, "{id}");
    hears(&mut bob, "two");
    alice.send("/publish news");
    assert_eq!(bob.event_of("publication")["text"], "news");
    let mut again = two.connect();
    // Each server finds the remaining Redis on its own, one later than the other.
    while again.ask("LOGIN alice secret") != "OK login alice lobby" {
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(alice.event_of("bye")["code"], "logged-in-elsewhere");
    again.send("/msg bob hi");
    assert_eq!(again.line(), "OK msg bob");
    assert_eq!(bob.event_of("direct")["text"], "hi");
}

#[test]
fn a_failover_by_sentinels_is_survived() {
    let group = RedisSentinel::start();
    let start = || at(&group.url()).start();
    talk(&start(), &start(), || {
        // Data that the replica lacks is lost with the master, as docs/redis.md says.
        eventually("the replica has it", || group.replica().cli(&["XLEN", "parlor:log:{garden}"]) == "1");
        let old = group.kill_master();
        group.wait_for_failover(old);
    });
}

#[test]
fn a_cluster_serves_as_well() {
    let cluster = RedisCluster::start();
    let url = cluster.urls().remove(0);
    let start = || at(&url).start();
    talk(&start(), &start(), || {
        let key = "parlor:log:{garden}";
        let from = cluster.master_of(key).port();
        let to = cluster.nodes().find(|node| node.port() != from).unwrap();
        cluster.migrate_slot(key, to);
    });
}
