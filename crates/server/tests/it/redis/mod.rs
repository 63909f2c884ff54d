//! Servers that share a Redis, from outside: two people on two servers cannot tell that there are two.

mod failures;
mod open;
mod operate;
mod people;

use parlor_redis_testkit::RedisServer;

use crate::harness::{Options, Server};

/// A server that keeps its data in this Redis.
fn sharing(redis: &RedisServer) -> Options {
    at(&redis.url())
}

/// A server that keeps its data in the Redis at this address.
fn at(url: &str) -> Options {
    Options::default().env("PARLOR_REDIS", url)
}

/// Two servers that share a Redis.
fn two() -> (RedisServer, Server, Server) {
    let redis = RedisServer::start();
    let (one, two) = (sharing(&redis).start(), sharing(&redis).start());
    (redis, one, two)
}
