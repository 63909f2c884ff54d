//! Data of the version before several rooms and inboxes: a database and a Redis that its program filled. Nothing of it is
//! lost, and what is new works on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parlor_redis_testkit::RedisServer;

use crate::harness::{Options, Server};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Whatever server the two users are on.
fn nothing_is_lost(one: &Server, two: &Server) {
    let mut bob = two.log_in("bob");
    assert_eq!(bob.list("/subscriptions", "OK"), ["SUBSCRIPTION alice", "OK subscriptions 1"]);
    let mut alice = one.log_in("alice");
    assert_eq!(bob.line(), "JOIN lobby alice");
    let lobby = ["OLD lobby 1 alice hello in the lobby", "OK history lobby 1"];
    assert_eq!(alice.list("/history", "OK history"), lobby);
    assert_eq!(alice.ask("/open garden"), "OK open garden 1");
    let garden = [
        "LOG #garden 1 alice the roses are out",
        "LOG #garden 2 alice the tulips too",
        "LOG #garden 3 bob I come",
        "OK backlog #garden 3",
    ];
    assert_eq!(alice.list("/backlog #garden", "OK backlog"), garden);
    let news = ["LOG +alice 1 alice first news", "LOG +alice 2 alice second news", "OK backlog +alice 2"];
    assert_eq!(bob.list("/backlog +alice", "OK backlog"), news);
    assert_eq!(alice.ask("/publish third news"), "OK publish 3");
    assert_eq!(bob.line(), "PUB alice third news");
    assert_eq!(alice.ask("/once key /msg bob hello"), "OK msg bob");
    assert_eq!(bob.line(), "DM alice hello");
    assert_eq!(bob.list("/sync", "OK sync"), ["OPEN lobby 2 0", "UNREAD @alice 1", "UNREAD +alice 1", "OK sync 1 1"]);
}

#[test]
fn a_database_of_the_version_before_is_migrated_and_loses_nothing() {
    let data = Arc::new(tempfile::tempdir().unwrap());
    fs::copy(fixture("before-inboxes.db"), data.path().join("parlor.db")).unwrap();
    let server = Options::default().start_in(data);
    nothing_is_lost(&server, &server);
}

#[test]
fn a_redis_of_the_version_before_loses_nothing() {
    let redis = RedisServer::start();
    let commands = fs::read_to_string(fixture("before-inboxes.redis")).unwrap();
    for command in commands.lines() {
        redis.cli(&command.split('\t').collect::<Vec<_>>());
    }
    let start = || Options::default().env("PARLOR_REDIS", &redis.url()).start();
    let (one, two) = (start(), start());
    nothing_is_lost(&one, &two);
}
