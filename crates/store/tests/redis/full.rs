//! A Redis that takes nothing more: its memory is full, its disk fails, or it was made a replica. What it refuses, it
//! refuses as a whole and in words; what it has goes on.

use parlor_core::ports::StoreError;
use parlor_redis_testkit::{RedisServer, wait_until};
use parlor_store::redis::Note;

use crate::harness::{Server, log_of, name};

/// Milliseconds until the lease of the only server expires.
fn lease_left(redis: &RedisServer) -> u64 {
    let lease = redis.cli(&["KEYS", "parlor:server:*"]);
    let lease = lease.lines().find(|key| !key.contains("sessions")).expect("there is a lease");
    redis.cli(&["PTTL", lease]).trim().parse().unwrap_or(0)
}

/// Waits for two renewals of the lease.
fn waits_for_renewals(redis: &RedisServer) {
    for _ in 0..2 {
        let mut least = lease_left(redis);
        wait_until("a renewal of the lease", || {
            let left = lease_left(redis);
            let is_renewed = left > least;
            least = least.min(left);
            is_renewed
        });
    }
}

fn refused(said: Result<impl std::fmt::Debug, StoreError>) -> StoreError {
    said.expect_err("Redis takes nothing")
}

#[test]
fn a_full_redis_refuses_messages_whole_and_keeps_sessions_and_leases() {
    let redis = RedisServer::start();
    let one = Server::open(&redis.url());
    let (ann, red) = (one.member("ann", "red"), log_of("red"));
    one.say(&ann, &red, "before");
    // It has far more than that.
    redis.cli(&["CONFIG", "SET", "maxmemory", "1mb"]);
    let error = refused(one.try_say(&ann, &red, "lost"));
    assert!(error.is_full() && error.to_string().contains("maxmemory"), "{error}");
    assert!(one.store.follows.subscribe(&name("bob"), &name("ann")).is_err());
    waits_for_renewals(&redis);
    // A server can start, too. Logins and joins go on, and what is there can be read.
    let two = Server::open(&redis.url());
    let bob = two.member("bob", "red");
    one.member("cyd", "blue");
    two.leave(&bob, "red").unwrap();
    two.release(&bob).unwrap();
    assert_eq!(one.newest(&red, 10).unwrap().len(), 1);
    redis.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    one.say(&ann, &red, "after");
    // The refused message took no number.
    let texts: Vec<_> = one.newest(&red, 10).unwrap().iter().map(|it| (it.id.0, it.said().to_string())).collect();
    assert_eq!(texts, [(1, "before".to_owned()), (2, "after".to_owned())]);
    assert!(!one.notes().iter().any(|note| matches!(note, Note::LeaseLapsed { .. })), "{:?}", one.notes());
}

#[test]
fn a_redis_whose_disk_fails_and_one_that_is_a_replica_say_so() {
    let redis = RedisServer::start();
    let one = Server::open(&redis.url());
    let (ann, red) = (one.member("ann", "red"), log_of("red"));
    redis.cli(&["CONFIG", "SET", "save", "3600 1000000"]);
    let directory = redis.cli(&["CONFIG", "GET", "dir"]).lines().nth(1).unwrap().to_owned();
    std::fs::create_dir(format!("{directory}/dump.rdb")).unwrap();
    redis.cli(&["BGSAVE"]);
    wait_until("the snapshot to fail", || redis.cli(&["INFO", "persistence"]).contains("rdb_last_bgsave_status:err"));
    let error = refused(one.try_say(&ann, &red, "lost"));
    assert!(!error.is_full() && error.to_string().contains("cannot write to its disk"), "{error}");
    std::fs::remove_dir(format!("{directory}/dump.rdb")).unwrap();
    redis.cli(&["BGSAVE"]);
    wait_until("the snapshot to succeed", || redis.cli(&["INFO", "persistence"]).contains("rdb_last_bgsave_status:ok"));
    one.say(&ann, &red, "after");
    redis.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    let error = refused(one.try_say(&ann, &red, "lost"));
    assert!(error.to_string().to_lowercase().contains("replica"), "{error}");
    redis.cli(&["REPLICAOF", "NO", "ONE"]);
    wait_until("a master that takes messages", || one.try_say(&ann, &red, "as a master").is_ok());
    redis.cli(&["SCRIPT", "FLUSH"]);
    one.say(&ann, &red, "after the scripts were lost");
    assert_eq!(one.newest(&red, 10).unwrap().len(), 3);
}
