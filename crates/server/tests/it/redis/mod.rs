//! Servers that share a Redis, from outside: two users on two servers see no difference to one server.

mod conversations;
mod deployments;
mod failures;
mod hooks;
mod invitations;
mod moderation;
mod open;
mod operate;
mod people;
mod reconnect;

use std::thread;
use std::time::Duration;

use parlor_redis_testkit::RedisServer;
use serde_json::Value;

use crate::harness::{Client, Known, Options, Server};

/// Returns options of a server that keeps its data in this Redis.
fn sharing(redis: &RedisServer) -> Options {
    at(&redis.url())
}

/// Returns options of a server that keeps its data in the Redis at this address.
fn at(url: &str) -> Options {
    Options::default().env("PARLOR_REDIS", url)
}

/// Starts two servers that share a Redis.
fn two() -> (RedisServer, Server, Server) {
    let redis = RedisServer::start();
    let (one, two) = (sharing(&redis).start(), sharing(&redis).start());
    (redis, one, two)
}

/// Retries a message until it is accepted, and returns its number. Refused attempts may have been stored as well.
fn insist(client: &mut Client, text: &str) -> u64 {
    insist_and_hear(client, text, |_| {})
}

/// The same; what others said arrives before the answer or after it.
fn insist_and_hear(client: &mut Client, text: &str, mut hear: impl FnMut(&Value)) -> u64 {
    loop {
        client.send(text);
        let answer = loop {
            let event = client.event();
            if event["type"] == "message" {
                hear(&event);
            }
            if event["type"] == "ok" || event["type"] == "error" {
                break event;
            }
        };
        if answer["type"] == "ok" {
            return answer["id"].as_u64().unwrap();
        }
        assert_eq!(answer["code"], "store-unavailable", "{answer}");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Receives messages in order up to number `last`. They may include one whose sender got an error.
fn hear_up_to(client: &mut Client, last: u64) {
    let mut heard = Known::default();
    while heard.last() != Some(last) {
        heard.hear(&client.event_of("message"));
    }
}
