//! The enter of the lobby that a claim notes: with the note's number, in time, and not after the session was restored.

use std::thread;
use std::time::Duration;

use parlor_core::ports::SessionKey;
use parlor_redis_testkit::{RedisServer, wait_until};

use crate::harness::Server;

/// The rooms that a session notes.
fn noted(redis: &RedisServer, session_key: &SessionKey) -> String {
    redis.cli(&["HGET", &format!("parlor:session:{{{}}}", session_key.user), "rooms"])
}

/// The number of the last enter of the lobby.
fn entered(redis: &RedisServer, session_key: &SessionKey) -> String {
    let seat = redis.cli(&["HGET", "parlor:room-gen:{lobby}", session_key.user.as_str()]);
    seat.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn the_lobby_is_entered_as_the_claim_noted_it() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    let ann = server.session_key("ann");
    let before = noted(&redis, &ann);
    assert!(before.starts_with("lobby:"), "{before}");
    server.enter(&ann, "lobby");
    assert_eq!(noted(&redis, &ann), before);
    assert_eq!(format!("lobby:{}", entered(&redis, &ann)), before);
    // The next one has a note of its own.
    server.leave(&ann, "lobby").unwrap();
    assert_eq!(noted(&redis, &ann), "");
    server.enter(&ann, "lobby");
    assert_eq!(format!("lobby:{}", entered(&redis, &ann)), noted(&redis, &ann));
    assert_ne!(noted(&redis, &ann), before);
}

#[test]
fn who_enters_another_room_first_or_late_notes_it() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    let (ann, bob) = (server.session_key("ann"), server.session_key("bob"));
    let before = [noted(&redis, &ann), noted(&redis, &bob)];
    server.enter(&ann, "red");
    server.enter(&ann, "lobby");
    assert!(noted(&redis, &ann).contains("red:"));
    // The deadline of the claim has less than 3 of its 5 s left.
    thread::sleep(Duration::from_millis(2100));
    server.enter(&bob, "lobby");
    for (session_key, before) in [&ann, &bob].into_iter().zip(before) {
        let note = format!("lobby:{}", entered(&redis, session_key));
        assert!(noted(&redis, session_key).contains(&note) && note != before, "{note} after {before}");
    }
}

#[test]
fn who_was_restored_before_the_first_enter_notes_it() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    let ann = server.session_key("ann");
    redis.cli(&["DEL", "parlor:session:{ann}"]);
    // Whoever may have missed news looks after its sessions.
    redis.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    wait_until("the session to be restored", || redis.cli(&["EXISTS", "parlor:session:{ann}"]) == "1");
    assert_eq!(noted(&redis, &ann), "");
    wait_until("the session to enter", || server.try_enter(&ann, "lobby").is_ok());
    assert_eq!(noted(&redis, &ann), format!("lobby:{}", entered(&redis, &ann)));
}

#[test]
fn the_lobby_is_in_no_index_of_rooms() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    let ann = server.session_key("ann");
    server.enter(&ann, "lobby");
    server.enter(&ann, "red");
    redis.cli(&["DEL", "parlor:room:{lobby}", "parlor:room-gen:{lobby}"]);
    redis.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    wait_until("the membership to be restored", || server.members("lobby") == ["ann"]);
    server.leave(&ann, "lobby").unwrap();
    assert_eq!(redis.cli(&["ZRANGE", "parlor:rooms", "0", "-1"]), "red");
    assert!(server.has_room("lobby"));
}
