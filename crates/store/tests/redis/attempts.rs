//! Failed logins while Redis does not count as it should.

use std::time::Duration;

use parlor_core::ports::{Admission, Attempt, StoreResult};
use parlor_proto::Timestamp;
use parlor_redis_testkit::RedisServer;

use crate::bench::{Server, name};

fn begin(server: &Server, address: &str) -> StoreResult<Admission> {
    let now = Timestamp::from_millis(1_795_392_000_123);
    let user = name("ann");
    server.store.attempts.begin(&Attempt { user: &user, address, is_address_limited: true, at: Duration::ZERO, now })
}

#[test]
fn an_attempt_that_cannot_be_counted_for_its_address_takes_no_place_at_the_account() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    // Nothing can be counted there, as if its node were away.
    redis.cli(&["SET", "parlor:attempts:address:{192.0.2.1}", "no hash"]);
    for _ in 0..20 {
        assert!(begin(&server, "192.0.2.1").is_err());
    }
    let elsewhere = begin(&server, "192.0.2.2");
    assert!(matches!(elsewhere, Ok(Admission::Now(_))), "{elsewhere:?}");
}
