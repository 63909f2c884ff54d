//! One Redis: its options, its data after a death, its logins.

use std::env;
use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;

use parlor_redis_testkit::{Fsync, RedisServer, wait_until};

use crate::client::Client;

/// `redis-cli -u URL ARGS`, as a client of the test would connect.
fn by_url(url: &str, args: &[&str]) -> String {
    let output = Command::new("redis-cli").args(["--no-auth-warning", "-u", url]).args(args).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_reply_is_what_redis_cli_prints() {
    let redis = RedisServer::start();
    redis.cli(&["MSET", "text", "two\r\nlines\n", "empty", "", "number", "7"]);
    redis.cli(&["RPUSH", "list", "one", "", "three"]);
    let url = format!("redis://testkit:testkit@127.0.0.1:{}/", redis.port());
    let nested = "return {1, {'two', {'three', false}}, {}, {ok = 'done'}}";
    for command in [
        &["PING"][..],
        &["GET", "text"],
        &["GET", "empty"],
        &["GET", "missing"],
        &["INCR", "number"],
        &["LRANGE", "list", "0", "-1"],
        &["LRANGE", "missing", "0", "-1"],
        &["EVAL", nested, "0"],
    ] {
        let printed = by_url(&url, command);
        redis.cli(&["SET", "number", "7"]);
        assert_eq!(redis.cli(command).trim(), printed, "{command:?}");
    }
    assert_eq!(redis.try_cli(&["GET", "list"]), Err(by_url(&url, &["GET", "list"])));
    assert_eq!(redis.try_cli(&["GET"]), Err(by_url(&url, &["GET"])));
}

#[test]
fn what_was_answered_is_there_after_a_kill() {
    for fsync in [Fsync::Always, Fsync::EverySecond] {
        let redis = RedisServer::options().append_only(fsync).start();
        let port = redis.port();
        redis.cli(&["SET", "key", "value"]);
        redis.kill_when_written();
        assert!(redis.is_killed() && redis.try_cli(&["PING"]).is_err());
        redis.restart();
        assert_eq!((redis.port(), redis.cli(&["GET", "key"])), (port, "value".to_owned()));
        redis.restart_empty();
        assert_eq!(redis.cli(&["EXISTS", "key"]), "0");
    }
}

#[test]
fn without_the_file_nothing_is_there_after_a_restart() {
    let redis = RedisServer::start();
    redis.cli(&["SET", "key", "value"]);
    redis.restart();
    assert_eq!(redis.cli(&["EXISTS", "key"]), "0");
}

#[test]
fn a_frozen_server_is_silent_and_goes_on() {
    let redis = RedisServer::start();
    let mut client = Client::connect(redis.port());
    client.ping();
    redis.pause();
    client.send("PING");
    client.expect_silence();
    redis.resume();
    client.expect("+PONG\r\n");
}

#[test]
fn a_frozen_server_can_be_killed() {
    let redis = RedisServer::start();
    redis.pause();
    redis.restart();
    assert_eq!(redis.cli(&["PING"]), "PONG");
}

#[test]
fn a_password_is_needed_and_stands_in_the_url() {
    let redis = RedisServer::options().password("secret").start();
    assert_eq!(redis.url(), format!("redis://:secret@127.0.0.1:{}/", redis.port()));
    let mut client = Client::connect(redis.port());
    client.send("PING");
    client.expect("-NOAUTH Authentication required.\r\n");
    client.send("AUTH secret");
    client.expect("+OK\r\n");
    client.ping();
    assert_eq!(redis.cli(&["ACL", "WHOAMI"]), "testkit");
}

#[test]
fn a_user_may_do_what_its_rules_say() {
    let redis = RedisServer::options().user("parlor", "secret", "~parlor:* &* +@all").start();
    assert_eq!(by_url(&redis.url(), &["ACL", "WHOAMI"]), "parlor");
    assert_eq!(by_url(&redis.url(), &["SET", "parlor:key", "value"]), "OK");
    assert!(by_url(&redis.url(), &["SET", "other", "value"]).starts_with("NOPERM"));
    assert!(by_url(&format!("redis://127.0.0.1:{}/", redis.port()), &["PING"]).starts_with("NOAUTH"));
}

#[test]
fn tls_is_verified_by_the_authority() {
    let redis = RedisServer::options().tls().user("parlor", "secret", "+@all").start();
    let with_ca = |ca: &str| {
        let mut command = Command::new("redis-cli");
        command.args(["--no-auth-warning", "-u", &redis.tls_url(), "--cacert", ca, "PING"]);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert_eq!(with_ca(redis.ca().to_str().unwrap()), "PONG\n");
    let other = RedisServer::options().tls().start();
    assert_eq!(with_ca(other.ca().to_str().unwrap()), "");
}

#[test]
fn a_replica_gets_what_its_master_has() {
    let master = RedisServer::options().password("secret").start();
    master.cli(&["SET", "key", "value"]);
    let replica = RedisServer::options().replica_of(&master).start();
    replica.wait_for_link();
    assert_eq!(replica.cli(&["GET", "key"]), "value");
    assert_eq!(replica.info("role").as_deref(), Some("slave"));
    master.cli(&["SET", "key", "newer"]);
    wait_until("replication", || replica.cli(&["GET", "key"]) == "newer");
}

#[test]
fn keys_are_evicted_by_the_policy() {
    let redis = RedisServer::options().max_memory("3mb", "allkeys-lru").start();
    assert_eq!(redis.cli(&["CONFIG", "GET", "maxmemory-policy"]), "maxmemory-policy\nallkeys-lru");
    redis.cli(&["EVAL", "for n = 1, 4000 do redis.call('SET', n, ('x'):rep(1000)) end", "0"]);
    wait_until("evictions", || redis.info("evicted_keys").is_some_and(|keys| keys != "0"));
}

#[test]
fn an_error_is_one() {
    let redis = RedisServer::start();
    assert!(redis.try_cli(&["NONSENSE"]).unwrap_err().contains("ERR unknown command"));
    assert!(redis.log().contains("Ready to accept connections"));
}

#[test]
fn it_outlives_the_thread_that_started_it_and_ends_when_dropped() {
    let redis = thread::spawn(RedisServer::start).join().unwrap();
    // Once the next thread has run, the kernel has also ended the thread that started the server.
    thread::spawn(|| {}).join().unwrap();
    assert_eq!(redis.cli(&["PING"]), "PONG");
    let alive = |pid| std::path::Path::new(&format!("/proc/{pid}")).exists();
    let pid = redis.pid();
    assert!(alive(pid));
    drop(redis);
    assert!(!alive(pid));
}

#[test]
fn it_dies_with_the_test_process() {
    const CHILD: &str = "PARLOR_REDIS_TESTKIT_CHILD";
    if env::var_os(CHILD).is_some() {
        let redis = RedisServer::start();
        println!("port={}", redis.port());
        loop {
            thread::park();
        }
    }
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "server::it_dies_with_the_test_process", "--nocapture"]).env(CHILD, "1");
    let mut child = child.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let port: u16 = lines.find_map(|line| line.split_once("port=")?.1.parse().ok()).unwrap();
    Client::connect(port).ping();
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("the death of the server", || TcpStream::connect(("127.0.0.1", port)).is_err());
}
