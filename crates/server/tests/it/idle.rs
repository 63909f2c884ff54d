//! Clients that are silent for 3 s: an idle thread replaces their worker, and no client notices.

use crate::harness::{Client, Options, Server, eventually};

/// Waits until `count` clients have an idle thread and none has a worker.
fn await_quiet(server: &Server, count: usize) {
    eventually("the clients are quiet", || server.threads("idle-") == count && server.threads("client-") == 0);
}

/// Returns ann and bob in the lobby, with everything read.
fn two(server: &Server) -> (Client, Client) {
    let mut ann = server.register("ann");
    let bob = server.register("bob");
    assert_eq!(ann.line(), "JOIN lobby bob");
    (ann, bob)
}

#[test]
fn whoever_was_quiet_speaks_and_hears_as_before() {
    let server = Server::start();
    let (mut ann, mut bob) = two(&server);
    for text in ["one", "two"] {
        await_quiet(&server, 2);
        ann.send(text);
        assert_eq!(bob.line(), format!("MSG lobby ann {text}"));
        // A client that only receives keeps its idle thread. A thread that handed its client over may end a little
        // later.
        eventually("ann has a worker thread", || (server.threads("client-"), server.threads("idle-")) == (1, 1));
    }
}

#[test]
fn whoever_is_quiet_ends_like_any_other() {
    let mut server = Server::start();
    let (mut ann, mut bob) = two(&server);
    await_quiet(&server, 2);
    let mut second = server.log_in("bob");
    assert!(bob.rest().0.last().unwrap().starts_with("BYE logged-in-elsewhere "));
    assert_eq!((ann.line(), ann.line()), ("PART lobby bob".to_owned(), "JOIN lobby bob".to_owned()));
    await_quiet(&server, 2);
    drop(ann);
    assert_eq!(second.line(), "PART lobby ann");
    await_quiet(&server, 1);
    server.signal("TERM");
    assert!(second.rest().0.last().unwrap().starts_with("BYE server-shutdown "));
    assert!(server.wait().success());
}

#[test]
fn quiet_time_counts_towards_the_idle_timeout_once() {
    let server = Options::default().args(&["--idle-timeout", "5s"]).start();
    let (mut ann, mut bob) = two(&server);
    await_quiet(&server, 2);
    ann.send("/ping");
    assert_eq!(ann.line(), "PONG");
    assert!(bob.rest().0.last().unwrap().starts_with("BYE idle-timeout "));
    // Ann spoke later than bob, so her timeout passes later.
    assert_eq!(ann.line(), "PART lobby bob");
    assert!(ann.rest().0.last().unwrap().starts_with("BYE idle-timeout "));
}
