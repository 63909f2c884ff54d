//! Failed logins, and takeovers, while counting in Redis is impaired: some keys are unavailable, or its clock is set
//! back.

use std::thread;
use std::time::Duration;

use parlor_core::ports::{Attempt, Claim, ClaimResult, LoginDecision, StoreResult, TakeoverLimit};
use parlor_core::{ConnectionId, DuplicateLogin, LoginBackoff};
use parlor_proto::Timestamp;
use parlor_redis_testkit::RedisServer;

use crate::harness::{Server, name};

fn begin(server: &Server, address: &str) -> StoreResult<LoginDecision> {
    let now = Timestamp::from_millis(1_795_392_000_123);
    let user = name("ann");
    server.store.attempts.acquire(&Attempt { user: &user, address, is_address_limited: true, at: Duration::ZERO, now })
}

/// One hour after the present time, in milliseconds.
fn ahead(redis: &RedisServer) -> String {
    let seconds: u64 = redis.cli(&["TIME"]).lines().next().unwrap().parse().unwrap();
    ((seconds + 3600) * 1000).to_string()
}

#[test]
fn an_attempt_that_cannot_be_counted_for_its_address_takes_no_place_at_the_account() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    // This key cannot be used for counting, as if its node were unreachable.
    redis.cli(&["SET", "parlor:attempts:address:{192.0.2.1}", "no hash"]);
    for _ in 0..20 {
        assert!(begin(&server, "192.0.2.1").is_err());
    }
    let elsewhere = begin(&server, "192.0.2.2");
    assert!(matches!(elsewhere, Ok(LoginDecision::Allowed(_))), "{elsewhere:?}");
}

#[test]
fn after_failures_nobody_waits_for_longer_because_a_clock_was_set_back() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    let key = "parlor:attempts:account:{ann}";
    redis.cli(&["HSET", key, "count", "50", "last", &ahead(&redis)]);
    let left = || match begin(&server, "192.0.2.1") {
        Ok(LoginDecision::RetryAfter(left)) => left,
        other => panic!("{other:?}"),
    };
    let first = left();
    assert!(first <= LoginBackoff::ACCOUNT.longest_delay, "{first:?}");
    thread::sleep(Duration::from_millis(20));
    assert!(left() < first, "the delay does not shrink");
    // The same holds for open attempts whose servers died.
    redis.cli(&["DEL", key]);
    redis.cli(&["HSET", key, "open", "50", "began", &ahead(&redis)]);
    assert_eq!(begin(&server, "192.0.2.1"), Ok(LoginDecision::Queued));
    assert!(redis.cli(&["HGET", key, "began"]) < ahead(&redis));
}

#[test]
fn after_takeovers_nobody_waits_for_longer_because_a_clock_was_set_back() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    server.session_key("ann");
    redis.cli(&["ZADD", "parlor:takeovers:{ann}", &ahead(&redis), "one", &ahead(&redis), "two"]);
    let within = Duration::from_secs(60);
    let left = || {
        let (user, connection, takeovers) = (name("ann"), ConnectionId(9), Some(TakeoverLimit { max: 2, within }));
        let policy = DuplicateLogin::Takeover;
        let claim = Claim { user: &user, connection, policy, takeovers, at: Duration::ZERO };
        match server.store.sessions.claim(&claim) {
            Ok(ClaimResult::TakeoverLoop(left)) => left,
            other => panic!("{other:?}"),
        }
    };
    let first = left();
    assert!(first <= within, "{first:?}");
    thread::sleep(Duration::from_millis(20));
    assert!(left() < first, "the delay does not shrink");
}
