//! The connection of the news (Pub/Sub) while Redis freezes, closes it or limits it: it is kept where it can be, and opened
//! again at a bounded rate. It must not depend on how fast that is.

use std::thread;
use std::time::{Duration, Instant};

use parlor_core::DuplicateLogin::Takeover;
use parlor_redis_testkit::{FaultProxy, RedisServer, wait_until};
use parlor_store::redis::Note;

use crate::harness::{Server, log_of, numbered};

/// How often Redis accepted a connection until now.
fn connections(redis: &RedisServer) -> u64 {
    redis.info("total_connections_received").unwrap().parse().unwrap()
}

fn lost_news(server: &Server) -> usize {
    let is_lost = |note: &&Note| matches!(note, Note::LinkLost { node, .. } if node.starts_with("news of"));
    server.notes().iter().filter(is_lost).count()
}

#[test]
fn a_redis_that_freezes_for_a_moment_loses_no_news() {
    let redis = RedisServer::start();
    let [one, two] = [0; 2].map(|_| Server::open(&redis.url()));
    one.member("ann", "red");
    wait_until("the enter event", || one.sink.changes("red") == ["+ann"]);
    redis.pause();
    thread::sleep(Duration::from_secs(2));
    redis.resume();
    wait_until("the links", || two.claim("bob", 9, Takeover).is_ok());
    two.member("bob", "red");
    wait_until("the enter event", || one.sink.changes("red") == ["+ann", "+bob"]);
    assert_eq!([lost_news(&one), lost_news(&two)], [0, 0]);
}

#[test]
fn a_small_limit_of_pubsub_output_is_caught_up_with_in_smaller_pages() {
    let redis = RedisServer::options().config("client-output-buffer-limit", "pubsub 32kb 0 0").start();
    let proxy = FaultProxy::start(redis.port());
    let (one, two) = (Server::open(&redis.url()), Server::open(&redis.url_by(&proxy)));
    let (ann, red) = (one.session_key("ann"), log_of("red"));
    one.enter(&ann, "red");
    two.follow(&red);
    proxy.down();
    // Ten times as much as Redis keeps for a reader.
    let texts = numbered(&"x".repeat(300), 1000);
    one.say_many(&ann, &red, &texts);
    let before = connections(&redis);
    proxy.pass();
    two.hears(&red, &texts);
    let opened = connections(&redis) - before;
    assert!(opened < 30, "{opened} connections to catch up");
}

#[test]
fn a_connection_for_news_that_is_closed_again_and_again_is_opened_less_and_less_often() {
    let redis = RedisServer::start();
    let one = Server::open(&redis.url());
    one.member("ann", "red");
    let (began, before, mut asked) = (Instant::now(), connections(&redis), 0);
    while began.elapsed() < Duration::from_secs(5) {
        redis.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        asked += 1;
    }
    let opened = connections(&redis) - before - asked;
    assert!(opened < 15, "{opened} connections in some seconds");
    one.follow(&log_of("red"));
    wait_until("the news", || lost_news(&one) > 0 && matches!(one.notes().last(), Some(Note::LinkRestored { .. })));
}
