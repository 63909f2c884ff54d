//! Limits of what strangers can make the server keep: the server refuses clients above a limit, and no other client
//! notices.

use std::net::TcpStream;
use std::time::Duration;

use crate::harness::{Client, Options, Polled, Server, eventually, heavy};

/// Whether the server closes a new connection without a line.
fn is_turned_away(server: &Server) -> bool {
    match Client::open(server.address(), &server.ca()).poll(Duration::from_secs(20)) {
        Polled::Line(line) => {
            assert!(line.starts_with("HELLO "), "{line}");
            false
        }
        Polled::Broken => true,
        other => panic!("{other:?}"),
    }
}

/// Fails unless each client receives the message of the other.
fn expect_chat(one: &mut Client, other: &mut Client) {
    one.send("ping");
    assert!(other.until("MSG ").ends_with(" ping"));
    other.send("pong");
    assert!(one.until("MSG ").ends_with(" pong"));
}

#[test]
fn there_are_only_so_many_connections() {
    let server = Options::default().args(&["--max-connections", "3"]).start();
    let (mut alice, mut bob) = (server.register("alice"), server.register("bob"));
    let stranger = server.connect();
    for _ in 0..5 {
        assert!(is_turned_away(&server));
    }
    expect_chat(&mut alice, &mut bob);
    drop(stranger);
    eventually("the place is free again", || !is_turned_away(&server));
}

#[test]
fn there_are_only_so_many_connections_from_one_address() {
    let args = ["--max-connections-per-address", "2", "--limit-loopback"];
    let server = Options::default().args(&args).start();
    let (mut alice, mut bob) = (server.register("alice"), server.register("bob"));
    assert!(is_turned_away(&server));
    expect_chat(&mut alice, &mut bob);
    alice.send("/quit");
    alice.until("BYE quit");
    alice.expect_end();
    drop(alice);
    eventually("the place is free again", || !is_turned_away(&server));
    let spared = Options::default().args(&args[..2]).start();
    let clients: Vec<_> = (0..5).map(|_| spared.connect()).collect();
    drop(clients);
}

#[test]
fn without_descriptors_nobody_new_comes_in_and_those_inside_go_on() {
    let _heavy = heavy();
    let server = Options::default().max_descriptors(64).start();
    let (mut alice, mut bob) = (server.register("alice"), server.register("bob"));
    let strangers: Vec<_> = (0..100).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    eventually("it runs out", || server.log().contains("cannot accept connections at the moment"));
    assert!(server.descriptors() >= 60);
    for _ in 0..20 {
        expect_chat(&mut alice, &mut bob);
    }
    let refusals = server.log().matches("cannot accept").count();
    assert!(refusals < 500, "it does not back off: {refusals} refusals");
    drop(strangers);
    let mut carol = server.register("carol");
    expect_chat(&mut alice, &mut carol);
    eventually("the descriptors are free", || server.descriptors() < 40);
}

#[test]
fn who_comes_and_goes_is_not_told_in_large_rooms() {
    let server = Options::default().args(&["--presence-limit", "3"]).start();
    let mut observer = server.register("observer");
    let _second = server.register("second");
    let third = server.register("third");
    let fourth = server.register("fourth");
    assert_eq!(observer.line(), "JOIN lobby second");
    assert_eq!(observer.line(), "JOIN lobby third");
    observer.expect_quiet();
    drop(fourth);
    // Three members remain, which is not above the limit.
    assert_eq!(observer.line(), "PART lobby fourth");
    let fourth = server.log_in("fourth");
    let mut fifth = server.register("fifth");
    fifth.send("to all");
    assert_eq!(observer.line(), "MSG lobby fifth to all");
    drop(third);
    let mut asker = server.connect();
    eventually("the third is gone", || server.log().matches("session ended").count() >= 2);
    drop(fourth);
    assert_eq!(observer.line(), "PART lobby fourth");
    asker.send("QUIT");
    observer.expect_quiet();
}
