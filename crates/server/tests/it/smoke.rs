//! The first chat: two users see each other.

use crate::harness::{Client, Server};

#[test]
fn two_people_chat() {
    let server = Server::start();
    let mut alice = server.register("alice");
    let mut bob = server.register("bob");
    assert_eq!(alice.line(), "JOIN lobby bob");
    alice.send("hello  bob ");
    assert_eq!(bob.line(), "MSG lobby alice hello  bob ");
    bob.send("/quit");
    assert!(bob.line().starts_with("BYE quit "));
    bob.expect_end();
    assert_eq!(alice.line(), "PART lobby bob");
    alice.expect_quiet();
}

#[test]
fn a_client_may_speak_before_it_is_greeted() {
    let server = Server::start();
    for round in 0..20 {
        let line = format!("REGISTER early-{round} secret\nhello\n/ping\n");
        let mut client = Client::open_speaking(server.address(), &server.ca(), line.as_bytes());
        assert_eq!(client.line(), "HELLO parlor/1 test");
        assert_eq!(client.line(), format!("OK register early-{round} lobby"));
        assert_eq!(client.until("PONG"), "PONG");
    }
}
