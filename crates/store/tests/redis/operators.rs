//! What operators are told of a Redis and of the servers that share it: sessions, status, and whether messages get through.

use std::time::Duration;

use parlor_redis_testkit::{Fsync, Port, RedisServer, wait_until};
use parlor_store::redis::{Config, Lease, Probe, Pulse, Status, probe, sessions, status};

use crate::harness::{Server, config, log_of, pair};

fn named(redis: &RedisServer, name: &str) -> Server {
    Server::try_open(&Config { server_name: name.to_owned(), ..config(&redis.url()) }).unwrap()
}

/// The sessions of all servers, as `user at server`.
fn listed(redis: &RedisServer) -> Vec<String> {
    let listed = sessions(&config(&redis.url())).unwrap();
    listed.iter().map(|session| format!("{} at {}", session.user, session.server)).collect()
}

#[test]
fn the_sessions_of_all_servers_are_listed_by_user() {
    let redis = RedisServer::start();
    let (den, attic) = (named(&redis, "den"), named(&redis, "attic"));
    assert_eq!(listed(&redis), [""; 0]);
    let (bob, _ann, _cyd) = (den.session_key("bob"), den.session_key("ann"), attic.session_key("cyd"));
    assert_eq!(listed(&redis), ["ann at den", "bob at den", "cyd at attic"]);
    den.release(&bob).unwrap();
    attic.session_key("bob");
    assert_eq!(listed(&redis), ["ann at den", "bob at attic", "cyd at attic"]);
    // A server without a lease has none: the others end them.
    drop(attic);
    let id = redis.cli(&["HGET", "parlor:session:{cyd}", "server"]);
    redis.cli(&["DEL", &format!("parlor:server:{{{id}}}")]);
    assert_eq!(listed(&redis), ["ann at den"]);
}

fn look(redis: &RedisServer) -> Status {
    status(&config(&redis.url())).unwrap()
}

#[test]
fn the_status_tells_of_the_node_its_servers_and_the_rooms() {
    let redis = RedisServer::start();
    let (den, _attic) = (named(&redis, "den"), named(&redis, "attic"));
    let ann = den.member("ann", "red");
    den.enter(&ann, "blue");
    den.leave(&ann, "blue").unwrap();
    den.member("bob", "red");
    let seen = look(&redis);
    assert_eq!(seen.problems, [""; 0]);
    let [node] = &seen.redis[..] else { panic!("{seen:?}") };
    let facts = node.facts.as_ref().unwrap();
    assert_eq!(node.address, format!("127.0.0.1:{}", redis.port()));
    assert_eq!((facts.role.as_str(), facts.persistence.as_str()), ("master", "no append-only file"));
    assert!(facts.version.starts_with(|first: char| first.is_ascii_digit()), "{facts:?}");
    let servers = seen.servers.unwrap();
    let about = servers.iter().map(|server| (server.name.as_str(), server.sessions)).collect::<Vec<_>>();
    assert_eq!(about, [("attic", Some(0)), ("den", Some(2))]);
    assert!(servers[0].boot != servers[1].boot && servers.iter().all(|server| server.boot.len() == 16));
    for server in &servers {
        assert!(matches!(server.lease, Lease::Holds(left) if left <= Duration::from_secs(9)), "{server:?}");
    }
    let rooms: Vec<_> = seen.rooms.unwrap().iter().map(|room| (room.room.to_string(), room.members)).collect();
    assert_eq!(rooms, [("lobby".to_owned(), Some(0)), ("red".to_owned(), Some(2))]);
    // What a server tells of itself comes with the next renewal of its lease.
    wait_until("a report", || {
        let servers = look(&redis).servers.unwrap();
        let is_there = matches!(servers[1].pulse, Some(Pulse::Ago(_))) && servers[1].logs_followed == Some(1);
        is_there && servers[1].lag == Some(0) && servers[1].scripts.iter().any(|script| script.name == "claim")
    });
}

#[test]
fn a_server_whose_lease_ran_out_is_told_until_its_sessions_are_ended() {
    let redis = RedisServer::start();
    let den = named(&redis, "den");
    den.session_key("ann");
    let id = redis.cli(&["HGET", "parlor:session:{ann}", "server"]);
    drop(den);
    redis.cli(&["DEL", &format!("parlor:server:{{{id}}}")]);
    let servers = look(&redis).servers.unwrap();
    let [gone] = &servers[..] else { panic!("{servers:?}") };
    assert_eq!(
        (gone.boot.as_str(), gone.name.as_str(), gone.lease, gone.sessions),
        (&*id, "?", Lease::RunOut, Some(1))
    );
}

#[test]
fn how_a_node_keeps_its_data_is_told() {
    let redis = RedisServer::options().append_only(Fsync::EverySecond).start();
    let node = look(&redis).redis.remove(0);
    assert_eq!(node.facts.unwrap().persistence, "append-only file");
    let limited = RedisServer::options().user("ann", "secret", "~parlor:* &* +@all -info").start();
    let node = look(&limited).redis.remove(0);
    assert!(node.facts.unwrap().persistence.starts_with("unknown ("));
}

#[test]
fn whether_messages_are_taken_is_found_out_without_sending_one() {
    let redis = RedisServer::start();
    let config = config(&redis.url());
    let refusal = || match probe(&config) {
        Probe::Refuses(why) => why,
        other => panic!("{other:?}"),
    };
    assert!(matches!(probe(&config), Probe::Takes));
    redis.cli(&["CONFIG", "SET", "maxmemory", "1mb"]);
    let full = refusal();
    assert!(full.starts_with(&format!("127.0.0.1:{}: ", redis.port())) && full.contains("maxmemory"), "{full}");
    redis.cli(&["CONFIG", "SET", "maxmemory", "0"]);
    redis.cli(&["REPLICAOF", "127.0.0.1", "1"]);
    let replica = refusal().to_lowercase();
    assert!(replica.contains("replica"), "{replica}");
    redis.cli(&["REPLICAOF", "NO", "ONE"]);
    assert!(matches!(probe(&config), Probe::Takes));
    assert_eq!(redis.cli(&["DBSIZE"]), "0");
    let nobody = crate::harness::config(&format!("redis://127.0.0.1:{}/", Port::free()));
    assert!(matches!(probe(&nobody), Probe::Unknown(_)));
}

#[test]
fn a_canary_goes_to_redis_and_is_forgotten_there() {
    let (redis, one, _two) = pair();
    one.follow(&log_of("red"));
    wait_until("the first heartbeat", || one.send_canary().is_ok());
    let key = redis.cli(&["KEYS", "parlor:canary:*"]);
    let left: i64 = redis.cli(&["TTL", &key]).parse().unwrap();
    assert!((1..=60).contains(&left), "{left}");
    let facts = one.link_facts();
    assert!(facts.has_lease && facts.pulse_age.is_some() && facts.logs == 1, "{facts:?}");
    let renewals = facts.scripts.iter().find(|(name, ..)| *name == "renew");
    assert!(renewals.is_some_and(|(_, calls, time)| *calls >= 1 && !time.is_zero()), "{facts:?}");
    assert!(!facts.scripts.iter().any(|(name, ..)| *name == "claim"), "nobody has logged in");
    redis.cli(&["CONFIG", "SET", "maxmemory", "1mb"]);
    assert!(one.send_canary().unwrap_err().is_full());
}
