//! What a user of `parlor connect` notices if a server dies and there is another one.

use std::sync::Arc;

use parlor_redis_testkit::RedisServer;

use super::sharing;
use crate::harness::{Server, Terminal, command, feed, outcome};

/// Starts two servers with one Redis and one authority.
fn two() -> (RedisServer, Server, Server) {
    let redis = RedisServer::start();
    let data = Arc::new(tempfile::tempdir().unwrap());
    let start = || sharing(&redis).start_in(data.clone());
    let (one, two) = (start(), start());
    (redis, one, two)
}

#[test]
fn what_was_said_while_a_server_died_is_shown_once_and_in_order() {
    let ((_redis, mut one, two), home) = (two(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::enter(&[&one, &two], home.path(), "alice");
    alice.types("/join red\r");
    alice.sees("you are in red, members: 1");
    let mut bob = two.register("bob");
    bob.send("/join red");
    assert_eq!(bob.line(), "OK join red 2");
    alice.sees("* bob entered red");
    bob.send("before");
    alice.sees("[red] bob: before");
    alice.sees("> ");
    // A line that is not sent yet survives the server's death. The server is frozen first, so that it delivers nothing
    // of what follows.
    alice.types("half a li");
    alice.sees("half a li");
    one.freeze();
    for number in 1..=3 {
        bob.send(&format!("while away {number}"));
    }
    bob.expect_quiet();
    one.kill();

    alice.sees(&format!("connecting to {}", two.address()));
    alice.sees(&format!("({}) as alice, in lobby", two.address()));
    let mut screen = alice.sees("OLD [red] bob: while away 3");
    for number in 1..=2 {
        let line = format!("OLD [red] bob: while away {number}");
        let (_, rest) = screen.split_once(&line).unwrap_or_else(|| panic!("no {line:?} in {screen:?}"));
        screen = rest.to_owned();
    }
    bob.send("and now");
    let afterwards = alice.sees("[red] bob: and now");
    assert!(!screen.contains("while away") && !afterwards.contains("while away"), "{screen}{afterwards}");
    alice.sees("> half a li");
    alice.types("ne\r");
    bob.until("MSG red alice half a line");
    bob.send("heard");
    let afterwards = alice.sees("[red] bob: heard");
    assert!(!afterwards.contains("while away"), "{afterwards}");
}

#[test]
fn a_pipe_takes_the_first_server_that_answers_but_none_that_is_not_trusted() {
    let (_redis, mut one, two) = two();
    let mut bob = two.register("bob");
    let stranger = Server::start();
    one.kill();
    let said = |servers: [&Server; 2]| {
        let addresses = servers.map(|server| server.address().to_string());
        let mut command = command(two.data(), &["connect", &addresses[0], &addresses[1], "--user", "bob"]);
        command.env("PARLOR_PASSWORD", "secret");
        outcome(two.data(), feed(command, "/who\n"))
    };
    let (code, nothing, complaint) = said([&one, &stranger]);
    assert_eq!((code, nothing.as_str()), (Some(1), ""));
    let untrusted = format!("parlor: the certificate of {} is not trusted", stranger.address());
    assert!(complaint.starts_with(&untrusted), "{complaint}");
    let (code, nothing, complaint) = said([&stranger, &two]);
    assert!((code, nothing.as_str()) == (Some(1), "") && complaint.starts_with(&untrusted), "{complaint}");
    bob.expect_quiet();
    assert_eq!(said([&one, &two]), (Some(0), "USER bob\nOK who lobby 1\n".to_owned(), String::new()));
    assert!(bob.line().starts_with("BYE logged-in-elsewhere "));
}
