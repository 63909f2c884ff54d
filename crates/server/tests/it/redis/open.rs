//! Error messages for an unusable Redis, and the wait for an unreachable one.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::Arc;
use std::thread;

use parlor_redis_testkit::{Port, RedisServer};

use super::sharing;
use crate::harness::{Client, Options, command, ends, outcome, parlor};

/// Returns the error of each command that uses Redis, with these arguments. Each must fail.
fn complaints(url: &str, args: &[&str]) -> Vec<String> {
    let data = tempfile::tempdir().unwrap();
    let commands: [&[&str]; 3] =
        [&["serve", "--listen", "127.0.0.1:0", "--log", "off"], &["user", "list"], &["status"]];
    commands.iter().map(|words| complaint(data.path(), url, &[words, args].concat())).collect()
}

fn complaint(data: &Path, url: &str, words: &[&str]) -> String {
    let mut command = command(data, words);
    command.env("PARLOR_REDIS", url);
    let (code, said, complaint) = ends(data, command);
    assert_eq!((code, said.as_str()), (Some(1), ""), "{words:?}: {complaint}");
    assert!(complaint.starts_with("parlor: ") && complaint.lines().count() == 1, "{words:?}: {complaint}");
    assert!(!complaint.contains("hunter2"), "{words:?} shows the password: {complaint}");
    complaint
}

#[test]
fn a_redis_that_wants_a_password_is_one_line() {
    let redis = RedisServer::options().password("right").start();
    for url in [format!("redis://127.0.0.1:{}", redis.port()), format!("redis://:hunter2@127.0.0.1:{}", redis.port())] {
        for complaint in complaints(&url, &[]) {
            assert!(complaint.contains("password"), "{url}: {complaint}");
        }
    }
    let server = sharing(&redis).start();
    server.register("alice").expect_quiet();
}

#[test]
fn a_redis_that_evicts_keys_is_refused() {
    let redis = RedisServer::options().max_memory("64mb", "allkeys-lru").start();
    let data = tempfile::tempdir().unwrap();
    let complaint = complaint(data.path(), &redis.url(), &["serve", "--listen", "127.0.0.1:0", "--log", "off"]);
    assert!(complaint.contains("maxmemory-policy"), "{complaint}");
    redis.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    sharing(&redis).start().register("alice").expect_quiet();
}

#[test]
fn a_certificate_of_redis_is_verified() {
    let redis = RedisServer::options().tls().start();
    for complaint in complaints(&redis.tls_url(), &[]) {
        assert!(complaint.contains("certificate"), "{complaint}");
    }
    let (stranger, none) = (RedisServer::options().tls().start(), Path::new("/nonexistent.pem"));
    for complaint in complaints(&redis.tls_url(), &["--redis-ca", stranger.ca().to_str().unwrap()]) {
        assert!(complaint.contains("certificate"), "{complaint}");
    }
    for complaint in complaints(&redis.tls_url(), &["--redis-ca", none.to_str().unwrap()]) {
        assert!(complaint.contains("cannot read /nonexistent.pem"), "{complaint}");
    }
    let verified = Options::default().env("PARLOR_REDIS", &redis.tls_url());
    let server = verified.env("PARLOR_REDIS_CA", redis.ca().to_str().unwrap()).start();
    server.register("alice").expect_quiet();
}

#[test]
fn a_url_that_is_none_is_a_usage_error_without_the_password() {
    let data = tempfile::tempdir().unwrap();
    for url in ["http://:hunter2@127.0.0.1", "hunter2", "redis://:hunter2@", "redis+sentinel://:hunter2@127.0.0.1"] {
        for words in [&["serve"][..], &["user", "list"], &["status"]] {
            let (code, said, complaint) =
                outcome(data.path(), parlor(data.path(), &[words, &["--redis", url]].concat()));
            assert_eq!((code, said.as_str()), (Some(2), ""), "{words:?} {url}: {complaint}");
            assert!(complaint.contains("--redis <URL>") && !complaint.contains("hunter2"), "{words:?}: {complaint}");
        }
    }
}

/// A server that waits for the Redis at a port, and has logged so.
struct Waiting {
    child: Child,
    listen: Port,
}

impl Waiting {
    fn start(data: &Path, redis: u16) -> Self {
        let listen = Port::free();
        let mut command =
            command(data, &["serve", "--server-name", "test", "--bcrypt-cost", "4", "--min-password", "1"]);
        command.args(["--listen", &format!("127.0.0.1:{listen}"), "--redis", &format!("redis://127.0.0.1:{redis}")]);
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        assert!(log.any(|line| line.contains("WARN") && line.contains("waiting for Redis")), "it does not wait");
        thread::spawn(move || log.for_each(drop));
        Self { child, listen }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_redis_that_is_away_is_waited_for() {
    let redis = RedisServer::start();
    redis.kill();
    let data = tempfile::tempdir().unwrap();
    let mut server = Waiting::start(data.path(), redis.port());
    assert!(
        TcpStream::connect(("127.0.0.1", server.listen.number())).is_err(),
        "it accepts clients that it cannot serve"
    );
    redis.restart();
    let output = BufReader::new(server.child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let listening = format!("parlor listening on 127.0.0.1:{}", server.listen);
    assert!(output.take(1).any(|line| line == listening));
    let mut client = Client::open(([127, 0, 0, 1], server.listen.number()).into(), &data.path().join("tls/ca.pem"));
    assert_eq!(client.line(), "HELLO parlor/1 test");
    assert_eq!(client.ask("REGISTER alice secret"), "OK register alice lobby");
}

#[test]
fn who_waits_for_redis_can_be_stopped() {
    for signal in ["TERM", "INT"] {
        let data = tempfile::tempdir().unwrap();
        let nobody = Port::free();
        let mut server = Waiting::start(data.path(), nobody.number());
        let pid = server.child.id().to_string();
        let told = Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap();
        assert!(told.success());
        assert_eq!(server.child.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn commands_do_not_wait_for_redis() {
    let data = tempfile::tempdir().unwrap();
    let nobody = Port::free();
    let url = format!("redis://127.0.0.1:{nobody}");
    for words in [&["user", "list"][..], &["user", "delete", "ann"], &["status"], &["status", "--json"]] {
        assert!(complaint(data.path(), &url, words).contains("127.0.0.1"), "{words:?}");
    }
}

#[test]
fn two_servers_may_start_on_one_directory_at_the_same_moment() {
    let redis = RedisServer::start();
    let data = Arc::new(tempfile::tempdir().unwrap());
    let servers: Vec<_> = thread::scope(|scope| {
        let start = || sharing(&redis).start_in(data.clone());
        let threads: Vec<_> = (0..3).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    for (number, server) in servers.iter().enumerate() {
        server.register(&format!("user-{number}"));
    }
    assert!(!data.path().join("parlor.db").exists());
}

#[test]
fn a_busy_port_is_one_line_and_keeps_nobody_waiting() {
    let redis = RedisServer::start();
    let server = sharing(&redis).start();
    let data = tempfile::tempdir().unwrap();
    let busy = server.address().to_string();
    let complaint = complaint(data.path(), &redis.url(), &["serve", "--listen", &busy, "--log", "off"]);
    assert!(complaint.contains(&format!("cannot listen on {busy}")), "{complaint}");
}
