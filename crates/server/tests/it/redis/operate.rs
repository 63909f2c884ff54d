//! What operators do with servers that share a Redis: manage accounts, show the state of all servers, stop one.

use std::fs;
use std::path::Path;
use std::process::Command;

use parlor_redis_testkit::{Fsync, RedisServer};
use serde_json::Value;

use super::{sharing, two};
use crate::harness::{Options, blocks, command, eventually, feed, outcome, without_notice};

type Outcome = (Option<i32>, String, String);

/// Runs the program against this Redis.
pub(super) fn run(redis: &RedisServer, words: &[&str], input: &str) -> Outcome {
    let data = tempfile::tempdir().unwrap();
    let mut command = command(data.path(), words);
    command.env("PARLOR_REDIS", redis.url()).env("PARLOR_BCRYPT_COST", "4").env("PARLOR_MIN_PASSWORD", "1");
    let told = without_notice(outcome(data.path(), feed(command, input)));
    assert!(!Path::new(data.path()).join("parlor.db").exists(), "the command made a database although it uses Redis");
    told
}

pub(super) fn user(redis: &RedisServer, words: &[&str]) -> Outcome {
    run(redis, &[&["user"], words].concat(), "secret\n")
}

fn told(code: i32, said: &str, complaint: &str) -> Outcome {
    (Some(code), said.to_owned(), complaint.to_owned())
}

/// Returns the output of `parlor status --json`.
fn status(redis: &RedisServer) -> Value {
    let (code, said, complaint) = run(redis, &["status", "--json"], "");
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    serde_json::from_str(&said).unwrap()
}

/// Returns the number of sessions of each server, by name.
fn sessions(redis: &RedisServer) -> Vec<(String, u64)> {
    let status = status(redis);
    let servers = status["servers"].as_array().unwrap().iter();
    let row = |server: &Value| (server["name"].as_str().unwrap().to_owned(), server["sessions"].as_u64().unwrap());
    let mut rows: Vec<_> = servers.map(row).collect();
    rows.sort();
    rows
}

#[test]
fn accounts_are_managed_while_servers_run() {
    let (redis, one, two) = two();
    assert_eq!(user(&redis, &["add", "Zoe", "--password-stdin"]), told(0, "zoe added\n", ""));
    let again = told(1, "", "parlor: there is a user zoe already\n");
    assert_eq!(user(&redis, &["add", "zoe", "--password-stdin"]), again);
    let mut zoe = one.log_in("zoe");
    let mut ann = two.register("ann");
    assert_eq!(zoe.line(), "JOIN lobby ann");
    assert!(zoe.ask("/broadcast hear me").starts_with("ERR forbidden "));
    assert_eq!(user(&redis, &["promote", "zoe"]), told(0, "zoe is an operator\n", ""));
    zoe.send("/broadcast hear me");
    zoe.until("OK broadcast");
    assert_eq!(ann.until("NOTICE"), "NOTICE zoe hear me");
    let (code, list, _) = user(&redis, &["list"]);
    let rows: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().take(2).collect()).collect();
    assert_eq!((code, rows), (Some(0), vec![vec!["ann", "member"], vec!["zoe", "operator"]]));
    assert_eq!(user(&redis, &["delete", "zoe"]), told(0, "zoe deleted\n", ""));
    assert!(zoe.until("BYE").starts_with("BYE kicked "));
    assert_eq!(ann.until("PART"), "PART lobby zoe");
    assert_eq!(user(&redis, &["delete", "zoe"]), told(1, "", "parlor: there is no user zoe\n"));
    assert!(two.connect().ask("LOGIN zoe secret").starts_with("ERR bad-credentials "));
}

#[test]
fn a_flag_names_the_redis_and_the_database_stays_as_it_is() {
    let redis = RedisServer::start();
    let data = tempfile::tempdir().unwrap();
    let url = redis.url();
    let words =
        ["user", "add", "ann", "--password-stdin", "--bcrypt-cost", "4", "--min-password", "1", "--redis", &url];
    let added = without_notice(outcome(data.path(), feed(command(data.path(), &words), "secret\n")));
    assert_eq!(added, told(0, "ann added\n", ""));
    assert!(!data.path().join("parlor.db").exists());
    let server = Options::default().args(&["--redis", &url]).start();
    server.log_in("ann").expect_quiet();
}

#[test]
fn the_status_shows_servers_and_rooms() {
    let redis = RedisServer::start();
    let named = |name: &str| sharing(&redis).unnamed().args(&["--server-name", name]).start();
    let nothing = status(&redis);
    assert_eq!((&nothing["servers"], &nothing["redis"][0]["role"]), (&Value::Array(vec![]), &"master".into()));
    let (one, two) = (named("one"), named("two"));
    let greeted = |server: &crate::harness::Server, user: &str| {
        let mut client = crate::harness::Client::open(server.address(), &server.ca());
        client.send(&format!("REGISTER {user} secret\n/join garden"));
        client.until("OK join");
        client
    };
    let mut people = [greeted(&one, "ann"), greeted(&one, "bob"), greeted(&two, "zoe")];
    people[0].send("hello");
    eventually("both servers show their sessions", || {
        sessions(&redis) == [("one".to_owned(), 2), ("two".to_owned(), 1)]
    });
    let status = status(&redis);
    let rooms = status["rooms"].as_array().unwrap();
    assert!(rooms.contains(&serde_json::json!({ "room": "garden", "members": 3 })), "{rooms:?}");
    let is_well = |server: &Value| {
        let lease = server["lease_ms"].as_u64() > Some(0);
        let follows = server["logs_followed"].as_u64() > Some(0) && server["lag"] == 0 && server["pulse_ms"].is_u64();
        let runs = server["scripts"].as_array().unwrap().iter().any(|script| script["name"] == "enter");
        lease && follows && runs
    };
    eventually("both servers are healthy and report it", || {
        self::status(&redis)["servers"].as_array().unwrap().iter().all(is_well)
    });
    let (code, text, _) = run(&redis, &["status"], "");
    assert_eq!(code, Some(0));
    let words = ["Servers: 2, sessions: 3", "one", "two", "  garden", "SCRIPT", "ms ago", "7.0"];
    assert!(words.iter().all(|word| text.contains(word)), "{text}");
}

#[test]
fn a_server_that_is_stopped_leaves_nothing_behind() {
    let redis = RedisServer::start();
    let start = || sharing(&redis).args(&["--duplicate-login", "reject"]).start();
    let (mut one, two) = (start(), start());
    let mut alice = one.register("alice");
    let mut bob = two.register("bob");
    assert_eq!(alice.line(), "JOIN lobby bob");
    one.signal("TERM");
    assert!(alice.until("BYE").starts_with("BYE server-shutdown "));
    assert_eq!(bob.line(), "PART lobby alice");
    assert_eq!(one.wait().code(), Some(0));
    assert_eq!(sessions(&redis), [("test".to_owned(), 1)]);
    two.log_in("alice").expect_quiet();
}

#[test]
fn the_health_check_tells_that_redis_takes_no_messages() {
    let redis = RedisServer::start();
    let server = sharing(&redis).start();
    let check = |url: &str| {
        let mut command = command(server.data(), &["check", &server.address().to_string()]);
        if !url.is_empty() {
            command.env("PARLOR_REDIS", url);
        }
        without_notice(outcome(server.data(), command.output().unwrap()))
    };
    let answers = format!("test answers on {}", server.address());
    let (code, said, complaint) = check("");
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    assert!(
        said.starts_with(&format!("{answers}\nits store was not looked at: ")) && said.contains("--redis"),
        "{said}"
    );
    assert_eq!(check(&redis.url()), told(0, &format!("{answers}\n"), ""));
    // It has far more than that.
    redis.cli(&["CONFIG", "SET", "maxmemory", "1mb"]);
    let (code, said, complaint) = check(&redis.url());
    assert_eq!((code, said.as_str()), (Some(1), ""), "{complaint}");
    let words = format!("parlor: {answers}, but messages are refused: 127.0.0.1:{}: Redis is full", redis.port());
    assert!(complaint.starts_with(&words) && complaint.contains("maxmemory"), "{complaint}");
    assert_eq!(complaint.lines().count(), 1, "{complaint}");
    redis.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    assert_eq!(check(&redis.url()).0, Some(0));
    // A restart of the server would not help, and its clients stay.
    redis.kill();
    let (code, said, complaint) = check(&redis.url());
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    assert!(said.starts_with(&format!("{answers}\nits Redis was not looked at: cannot reach Redis: ")), "{said}");
}

/// Copies a directory with the files in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

#[test]
fn logs_of_a_redis_that_was_restored_by_the_handbook_begin_a_new_epoch() {
    let [step] = blocks("deployment.md", "### Copies of Redis").try_into().unwrap();
    let redis = RedisServer::options().append_only(Fsync::Always).start();
    let dir = redis.cli(&["CONFIG", "GET", "dir"]).lines().last().unwrap().to_owned();
    let (files, backups) = (Path::new(&dir).join("appendonlydir"), tempfile::tempdir().unwrap());
    let backup = backups.path().join("appendonlydir");
    let mut server = sharing(&redis).start();
    let (mut alice, begun) = server.register_json("alice");
    assert_eq!(alice.say("one"), 1);
    copy(&files, &backup);
    assert_eq!(alice.say("two"), 2);
    server.signal("TERM");
    server.wait();
    redis.kill();
    fs::remove_dir_all(&files).unwrap();
    copy(&backup, &files);
    redis.restart();
    let step = step.replace("redis-cli", &format!("redis-cli -p {}", redis.port()));
    assert!(Command::new("sh").args(["-euc", &step]).status().unwrap().success());
    let server = sharing(&redis).start();
    let (mut alice, begun_again) = server.log_in_json("alice");
    assert_ne!(begun_again["epoch"], begun["epoch"]);
    assert_eq!(alice.history().entries().collect::<Vec<_>>(), [(1, "one")]);
    assert_eq!(alice.say("another two"), 2);
    let server = server.restart();
    assert_eq!(server.log_in_json("alice").1["epoch"], begun_again["epoch"]);
}
