//! Data of earlier versions: databases and Redis contents that their programs filled, before there were several rooms and
//! inboxes, and before there were rights in rooms, tickets and archives. Nothing is lost, and what is new works on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parlor_redis_testkit::RedisServer;
use rusqlite::Connection;

use crate::harness::{Options, Server, command, ends, parlor, without_notice};

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

/// The same with conversations, of which one is unread in part. Whatever is new works on it.
fn no_conversation_is_lost(one: &Server, two: &Server) {
    let mut bob = two.log_in("bob");
    assert_eq!(bob.line(), "UNREAD @alice 1");
    let news = bob.list("/sync", "OK sync");
    let expected = ["OPEN garden 1 1", "OPEN lobby 1 0", "UNREAD @alice 1", "UNREAD +alice 2", "OK sync 2 1"];
    assert_eq!(news, expected);
    let letters = ["LOG @alice 1 alice are you there", "LOG @alice 2 alice come back", "OK backlog @alice 2"];
    assert_eq!(bob.list("/backlog @alice", "OK backlog"), letters);
    let mut alice = one.log_in("alice");
    bob.until("JOIN lobby alice");
    assert_eq!(alice.list("/blocks", "OK"), ["BLOCKED carol", "OK blocks 1"]);
    alice.ask("/sync");
    alice.until("OK sync");
    bob.until("JOIN garden alice");
    // The room is older than rights, so it belongs to the operators.
    assert!(alice.ask("/topic garden roses").starts_with("ERR not-allowed"));
    alice.send("/say garden they are red");
    assert_eq!(bob.line(), "MSG garden alice they are red");
}

/// A server on a database of an earlier version.
fn on_the_database(name: &str) -> Server {
    let data = Arc::new(tempfile::tempdir().unwrap());
    fs::copy(fixture(name), data.path().join("parlor.db")).unwrap();
    Options::default().start_in(data)
}

/// Two servers on a Redis of an earlier version.
fn on_the_redis(redis: &RedisServer, name: &str) -> (Server, Server) {
    for command in fs::read_to_string(fixture(name)).unwrap().lines() {
        redis.cli(&command.split('\t').collect::<Vec<_>>());
    }
    let start = || Options::default().env("PARLOR_REDIS", &redis.url()).start();
    (start(), start())
}

#[test]
fn a_database_from_before_inboxes_loses_nothing() {
    let server = on_the_database("before-inboxes.db");
    nothing_is_lost(&server, &server);
}

#[test]
fn a_redis_from_before_inboxes_loses_nothing() {
    let redis = RedisServer::start();
    let (one, two) = on_the_redis(&redis, "before-inboxes.redis");
    nothing_is_lost(&one, &two);
}

#[test]
fn a_database_from_before_rights_loses_nothing() {
    let server = on_the_database("before-rights.db");
    no_conversation_is_lost(&server, &server);
    let backup = server.data().join("upgraded.backup");
    let made = parlor(server.data(), &["backup", backup.to_str().unwrap()]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn a_redis_from_before_rights_loses_nothing() {
    let redis = RedisServer::start();
    let (one, two) = on_the_redis(&redis, "before-rights.redis");
    no_conversation_is_lost(&one, &two);
}

#[test]
fn a_database_of_a_later_version_is_refused_in_one_line() {
    let server = on_the_database("before-rights.db");
    let data = server.shared_data();
    drop(server);
    let database = Connection::open(data.path().join("parlor.db")).unwrap();
    let version: i64 = database.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    database.pragma_update(None, "user_version", version + 1).unwrap();
    drop(database);
    let (code, _, complaint) =
        without_notice(ends(data.path(), command(data.path(), &["serve", "--listen", "127.0.0.1:0"])));
    let complaint = complaint.trim_end();
    let expected = format!("is of version {}, newer than version {version} of this program", version + 1);
    assert!(code == Some(1) && complaint.contains(&expected) && complaint.lines().count() == 1, "{complaint}");
}
