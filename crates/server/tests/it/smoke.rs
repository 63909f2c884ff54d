//! The first chat: two people see each other.

use crate::harness::Server;

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
