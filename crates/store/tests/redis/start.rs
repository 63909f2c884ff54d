//! The messages to an operator at the start, in one line each.

use parlor_redis_testkit::{Fsync, Port, RedisOptions, RedisServer};
use parlor_store::redis::{Config, Note, OpenError};

use crate::harness::{Server, config};

/// The error of a server that does not start.
fn refusal(url: &str) -> String {
    let error = Server::try_open(&config(url)).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string().lines().count(), 1, "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
    match error {
        OpenError::Unreachable(why) => format!("unreachable: {why}"),
        OpenError::Unsuitable(why) => format!("unfit: {why}"),
    }
}

fn node(redis: &RedisServer) -> String {
    format!("127.0.0.1:{}", redis.port())
}

#[test]
fn a_wrong_password_or_none_is_told() {
    let redis = RedisServer::options().password("right").start();
    let node = node(&redis);
    assert_eq!(refusal(&format!("redis://{node}/")), format!("unfit: {node} needs a password: redis://:PASSWORD@HOST"));
    for login in [":hunter2", "ann:hunter2"] {
        let told = refusal(&format!("redis://{login}@{node}/"));
        assert!(told.starts_with(&format!("unfit: {node} refuses the ")), "{told}");
    }
    assert!(Server::try_open(&config(&redis.url())).is_ok());
}

#[test]
fn a_redis_that_throws_keys_away_is_refused() {
    let redis = RedisServer::options().max_memory("100mb", "allkeys-lru").start();
    let (node, url) = (node(&redis), redis.url());
    let why = "throws keys away when its memory is full; set maxmemory-policy noeviction (it is allkeys-lru)";
    assert_eq!(refusal(&url), format!("unfit: {node} {why}"));
    redis.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    assert!(Server::try_open(&config(&url)).is_ok());
}

#[test]
fn a_redis_that_comes_to_throw_keys_away_is_told_of() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    redis.cli(&["CONFIG", "SET", "maxmemory", "200mb", "maxmemory-policy", "allkeys-lru"]);
    redis.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
    let is_it = |note: &Note| matches!(note, Note::Warning(warning) if warning.contains("allkeys-lru"));
    server.tells("the warning", is_it);
}

#[test]
fn nobody_there_is_told_and_so_is_who_does_not_answer() {
    let port = Port::free();
    let told = refusal(&format!("redis://127.0.0.1:{port}/"));
    assert!(told.starts_with(&format!("unreachable: 127.0.0.1:{port}")), "{told}");
    let redis = RedisServer::start();
    redis.pause();
    let told = refusal(&redis.url());
    redis.resume();
    assert!(told.starts_with(&format!("unreachable: {}", node(&redis))), "{told}");
}

#[test]
fn a_replica_is_no_place_for_a_server() {
    let master = RedisServer::start();
    let replica = RedisServer::options().replica_of(&master).start();
    replica.wait_for_link();
    let told = refusal(&replica.url());
    assert_eq!(told, format!("unreachable: {} is a replica", node(&replica)));
}

#[test]
fn a_user_who_may_not_do_what_is_needed_is_told() {
    for rules in ["~other:* &* +@all", "~parlor:* resetchannels +@all", "~parlor:* &* +@all -script"] {
        let redis = RedisServer::options().user("ann", "hunter2", rules).start();
        let told = refusal(&redis.url());
        assert!(told.starts_with(&format!("unfit: {} does not permit what Parlor needs: ", node(&redis))), "{told}");
    }
}

#[test]
fn an_authority_without_tls_is_a_mistake() {
    let redis = RedisServer::start();
    let config = Config { ca: Some(b"anything".to_vec()), ..config(&redis.url()) };
    let error = Server::try_open(&config).map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with("cannot use Redis: --redis-ca "), "{error}");
}

#[test]
fn what_an_operator_should_know_is_told_at_the_start() {
    let warnings = |options: RedisOptions| {
        let redis = options.start();
        let server = Server::open(&redis.url());
        let warnings = server.notes().into_iter().filter_map(|note| match note {
            Note::Warning(warning) => Some(warning.replace(&node(&redis), "NODE")),
            _ => None,
        });
        warnings.collect::<Vec<_>>()
    };
    let forgetful = "NODE keeps no append-only file: a restart loses messages (set appendonly yes)";
    assert_eq!(warnings(RedisServer::options()), [forgetful]);
    assert!(warnings(RedisServer::options().append_only(Fsync::EverySecond)).is_empty());
}

#[test]
fn a_server_that_closes_leaves_nothing_and_one_that_dies_its_lease() {
    let redis = RedisServer::start();
    let (one, two) = (Server::open(&redis.url()), Server::open(&redis.url()));
    assert_eq!(redis.cli(&["SCARD", "parlor:servers"]), "2");
    let ann = one.session_key("ann");
    one.release(&ann).unwrap();
    one.close();
    one.close();
    assert_eq!(redis.cli(&["SCARD", "parlor:servers"]), "1");
    assert_eq!(redis.cli(&["KEYS", "parlor:server:*"]).lines().count(), 1);
    drop(two);
    assert_eq!(redis.cli(&["SCARD", "parlor:servers"]), "1");
}
