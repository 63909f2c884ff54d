//! The keys by which something is appended at most once, as they lie in Redis.

use parlor_core::ports::{Append, Content, Destination};
use parlor_proto::{Text, Timestamp};
use parlor_redis_testkit::RedisServer;

use crate::harness::{Server, room};

const HOUR: i64 = 60 * 60 * 1000;

#[test]
fn keys_are_forgotten_if_they_are_both_old_and_beyond_the_number_that_is_kept() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    let ann = server.member("ann", "red");
    let say = |from: u64, to: u64, millis| {
        let append = |number: u64| Append {
            to: Destination::Room(room("red")),
            author: ann.user.clone(),
            generation: ann.generation,
            time: Timestamp::from_millis(millis),
            content: Content::Said(Text::sanitise("x").unwrap()),
            once: Some(format!("k{number}").parse().unwrap()),
        };
        let outcomes = server.store.log.append((from..=to).map(append).collect()).outcomes;
        assert!(outcomes.iter().all(Result::is_ok));
    };
    let (ids, times) = ("parlor:once:room:{red}:ann", "parlor:once-times:room:{red}:ann");
    let counts = || [redis.cli(&["HLEN", ids]), redis.cli(&["ZCARD", times])];
    say(1, 1_200, 1_000);
    say(1_201, 1_250, HOUR);
    assert_eq!(counts(), ["1250", "1250"], "none is older than an hour");
    say(1_251, 1_300, 3 * HOUR);
    assert_eq!(counts(), ["1000", "1000"]);
    let is_there = |number: u64| redis.cli(&["HEXISTS", ids, &format!("k{number}")]) == "1";
    assert!((1_201..=1_300).all(is_there));
    for key in [ids, times] {
        let left: i64 = redis.cli(&["TTL", key]).parse().unwrap();
        assert!((1..=7 * 24 * 60 * 60).contains(&left), "{left} s");
    }
}
