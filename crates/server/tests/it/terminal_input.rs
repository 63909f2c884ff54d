//! `parlor connect` on a terminal that sends what nobody typed, or that goes away for a while; and the comforts for
//! those who read.

use crate::client::{impatient_server, let_idle_timeout_pass};
use crate::harness::{Server, Terminal};

#[test]
fn who_only_reads_is_not_sent_away_again_and_again() {
    let (server, home) = (impatient_server(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    // The first time it learns how long it may be silent.
    alice.sees("(idle-timeout)");
    alice.sees("as alice, in lobby");
    let mut bob = server.register("bob");
    alice.sees("bob entered");
    for quiet in ["carol", "dave"] {
        let heard = let_idle_timeout_pass(&server, quiet, &mut bob);
        assert!(heard.iter().all(|line| !line.contains("lobby alice")), "she comes and goes: {heard:?}");
    }
}

#[test]
fn bytes_that_are_no_text_neither_end_it_nor_cost_what_was_typed() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut bob = server.register("bob");
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    assert_eq!(bob.line(), "JOIN lobby alice");
    alice.types("half a ");
    alice.sees("half a ");
    // As a paste, with and without the marks that terminals put around it.
    for bytes in [&b"\xff"[..], b"b\xffad\ryes\r", b"\x1b[200~ba\xe9d\rnever\r\x1b[201~", b"\xe9\r"] {
        alice.types_bytes(bytes);
        alice.sees("not UTF-8");
        alice.sees("> half a ");
    }
    // The first letter of the second one came before the byte that is no text.
    alice.types("\x7fline\r");
    assert_eq!(bob.line(), "MSG lobby alice half a line");
    bob.expect_quiet();
}

#[test]
fn a_paste_of_a_megabyte_is_refused_as_a_whole() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut bob = server.register("bob");
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    assert_eq!(bob.line(), "JOIN lobby alice");
    let line = format!("{}\r", "x".repeat(1000));
    alice.types(&format!("\x1b[200~{}\x1b[201~\r", line.repeat(1000)));
    alice.sees("not sent: 1001000 bytes at once");
    alice.sees("> ");
    alice.types("said\r");
    assert_eq!(bob.line(), "MSG lobby alice said");
    bob.expect_quiet();
}

#[test]
fn a_line_that_is_given_up_does_not_look_as_if_it_had_been_sent() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut bob = server.register("bob");
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    assert_eq!(bob.line(), "JOIN lobby alice");
    alice.types("half a li");
    alice.sees("half a li");
    alice.types("\x03");
    alice.sees("* not sent");
    alice.sees("> ");
    alice.types("said\r");
    assert_eq!(bob.line(), "MSG lobby alice said");
}

#[test]
fn a_client_that_is_stopped_and_goes_on_has_its_line_and_what_was_said_meanwhile() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut bob = server.register("bob");
    let mut alice = Terminal::open_in_shell(&[&server], home.path(), &["--user", "alice", "--register"]);
    alice.registers("alice");
    assert_eq!(bob.line(), "JOIN lobby alice");
    alice.types("half a li");
    alice.sees("half a li");
    alice.resizes(60, 20);
    alice.types("\x1a");
    alice.sees("stopped");
    alice.sees("> half a li");
    bob.send("meanwhile");
    alice.sees("[lobby] bob: meanwhile");
    alice.sees("> half a li");
    alice.types("ne\r");
    assert_eq!(bob.line(), "MSG lobby alice half a line");
}

#[test]
fn enter_ends_the_pause_before_the_next_attempt() {
    let (mut server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    server.kill();
    // All of these pauses together last for more than a minute.
    for _ in 0..9 {
        alice.sees("connecting again in");
        alice.types("\r");
    }
    let server = server.restart_on_same_port();
    alice.types("\r");
    alice.sees("as alice, in lobby");
    drop(server);
    // After a success the pause is short again.
    alice.sees("connecting again in 1 s");
}

#[test]
fn the_last_messages_from_before_one_came_are_shown_once() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut bob = server.register("bob");
    (1..=12).for_each(|number| bob.send(&format!("number {number}.")));
    bob.expect_quiet();
    let mut alice = Terminal::open(&[&server], home.path(), &["--user", "alice", "--register"]);
    alice.sees("Password of alice: ");
    alice.types("secret\r");
    alice.sees("The same again: ");
    alice.types("secret\r");
    assert_eq!(bob.line(), "JOIN lobby alice");
    bob.send("number 13.");
    let shown = alice.sees("number 13.");
    let numbers: Vec<_> = shown.split("bob: number ").skip(1).map(|rest| rest.split('.').next().unwrap()).collect();
    let expected: Vec<_> = (3..=12).map(|number| number.to_string()).collect();
    // What was said now comes last; its own beginning stands before what was waited for.
    assert_eq!(numbers[..10], expected, "{shown}");
    alice.types("/quit\r");
    assert_eq!(alice.ends(), 0);

    let mut none = Terminal::enter_with(&[&server], home.path(), "carol", &["--recent", "0"]);
    assert_eq!(bob.until("JOIN lobby carol"), "JOIN lobby carol");
    bob.send("hi carol");
    assert!(!none.sees("hi carol").contains("OLD"));
}

#[test]
fn a_mention_rings_the_bell_for_those_who_want_that() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut bob = server.register("bob");
    let mut alice = Terminal::enter_with(&[&server], home.path(), "alice", &["--bell", "on"]);
    bob.send("to everybody");
    assert!(!alice.sees("to everybody").contains('\x07'));
    bob.send("to Alice.");
    assert!(alice.sees("to Alice").contains('\x07'));
}
