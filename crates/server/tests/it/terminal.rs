//! `parlor connect` on a terminal, as a user types and sees it, in a pseudo-terminal.

use crate::harness::{Options, Server, Terminal};

#[test]
fn a_half_typed_line_is_whole_when_a_message_arrives() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    let mut bob = server.register("bob");
    alice.sees("* bob entered lobby");
    alice.sees("> ");
    alice.types("half a li");
    alice.sees("half a li");
    bob.send("in between");
    alice.sees("[lobby] bob: in between\r\n");
    // The text typed so far appears again, below the message, after the prompt.
    alice.sees("> half a li");
    alice.types("ne\r");
    assert_eq!(bob.line(), "MSG lobby alice half a line");
    bob.expect_quiet();
}

#[test]
fn the_first_prompt_names_the_room() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let opens = |user: &str, args: &[&str]| {
        let mut terminal = Terminal::open(&[&server], home.path(), &[&["--user", user, "--register"], args].concat());
        terminal.sees(&format!("Password of {user}: "));
        terminal.types("secret\r");
        terminal.sees("The same again: ");
        terminal.types("secret\r");
        terminal
    };
    opens("alice", &[]).sees("lobby> ");
    opens("bob", &["--room", "red"]).sees("red> ");
}

#[test]
fn a_password_is_not_shown() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::open(&[&server], home.path(), &["--user", "alice", "--register"]);
    alice.sees("Password of alice: ");
    alice.types("hunter2\r");
    let meanwhile = alice.sees("The same again: ");
    alice.types("hunter2\r");
    let afterwards = alice.sees("as alice, in lobby");
    assert!(!meanwhile.contains("hunter2") && !afterwards.contains("hunter2"), "{meanwhile}{afterwards}");
}

#[test]
fn two_passwords_that_differ_make_no_account() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::open(&[&server], home.path(), &["--user", "alice", "--register"]);
    alice.sees("Password of alice: ");
    alice.types("one\r");
    alice.sees("The same again: ");
    alice.types("two\r");
    alice.sees("parlor: the two passwords differ");
    assert_eq!(alice.ends(), 2);
    server.register("alice");
}

#[test]
fn tab_completes_commands_users_and_rooms() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    let mut barnaby = server.register("barnaby");
    alice.sees("* barnaby entered lobby");
    alice.types("/publ\tnews\r");
    alice.sees("published");
    alice.types("/msg bar\t hello\r");
    assert_eq!(barnaby.line(), "DM alice hello");
    assert_eq!(barnaby.ask("/join greenhouse"), "OK join greenhouse 1");
    alice.sees("* barnaby left lobby");
    alice.types("/rooms\r");
    alice.sees("greenhouse");
    alice.types("/join gre\t\r");
    assert_eq!(barnaby.line(), "JOIN greenhouse alice");
}

#[test]
fn control_c_clears_the_line_and_control_d_leaves() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut bob = server.register("bob");
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    assert_eq!(bob.line(), "JOIN lobby alice");
    alice.types("never said");
    alice.sees("never said");
    alice.types("\x03");
    alice.sees("> ");
    alice.types("said\r");
    assert_eq!(bob.line(), "MSG lobby alice said");
    bob.send("heard");
    alice.sees("[lobby] bob: heard");
    alice.sees("> ");
    alice.types("\x04");
    assert_eq!(alice.ends(), 0);
    assert_eq!(bob.line(), "PART lobby alice");
}

#[test]
fn quit_leaves_and_lines_are_remembered_but_no_password() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut bob = server.register("bob");
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    assert_eq!(bob.line(), "JOIN lobby alice");
    alice.types("/passwd secret hunter2\r");
    alice.sees("password");
    alice.types("to be repeated\r");
    assert_eq!(bob.line(), "MSG lobby alice to be repeated");
    bob.send("heard");
    alice.sees("[lobby] bob: heard");
    alice.sees("> ");
    alice.types("/quit\r");
    assert_eq!(alice.ends(), 0);
    assert_eq!(bob.line(), "PART lobby alice");

    let mut alice = Terminal::open(&[&server], home.path(), &["--user", "alice"]);
    alice.sees("Password of alice: ");
    alice.types("hunter2\r");
    alice.sees("as alice, in lobby");
    alice.sees("> ");
    assert_eq!(bob.line(), "JOIN lobby alice");
    // Arrow up, twice: past /quit.
    alice.types("\x1b[A\x1b[A\r");
    assert_eq!(bob.line(), "MSG lobby alice to be repeated");
    let mut files = vec![home.path().to_owned()];
    while let Some(path) = files.pop() {
        match std::fs::read_dir(&path) {
            Ok(entries) => files.extend(entries.map(|entry| entry.unwrap().path())),
            Err(_) => assert!(!std::fs::read_to_string(&path).unwrap().contains("hunter2"), "{}", path.display()),
        }
    }
}

#[test]
fn lines_that_are_typed_ahead_are_all_said() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut bob = server.register("bob");
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    assert_eq!(bob.line(), "JOIN lobby alice");
    // All lines arrive before the client has handled the first one.
    let numbers = 0..50;
    alice.types(&numbers.clone().map(|number| format!("line {number}\r")).collect::<String>());
    for number in numbers {
        assert_eq!(bob.line(), format!("MSG lobby alice line {number}"));
    }
}

#[test]
fn a_lost_server_is_found_again_and_the_room_entered_again() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    alice.types("/join red\r");
    alice.sees("you are in red, members: 1");
    alice.sees("> ");
    alice.types("typed befo");
    alice.sees("typed befo");
    let server = server.restart_on_same_port();
    alice.sees("connecting again in");
    alice.sees("as alice, in lobby");
    alice.sees("you are in red, members: 1");
    let mut bob = server.register("bob");
    bob.send("/join red");
    assert_eq!(bob.line(), "OK join red 2");
    alice.sees("* bob entered red");
    alice.sees("> typed befo");
    alice.types("re\r");
    assert_eq!(bob.line(), "MSG red alice typed before");
}

#[test]
fn what_is_typed_for_a_room_that_cannot_be_entered_is_not_said_in_the_lobby() {
    let (server, home) = (Options::default().args(&["--max-rooms", "1"]).start(), tempfile::tempdir().unwrap());
    let mut bob = server.register("bob");
    assert_eq!(bob.ask("/join blue"), "OK join blue 1");
    let mut carol = server.register("carol");
    let mut alice = Terminal::open(&[&server], home.path(), &["--user", "alice", "--register", "--room", "red"]);
    alice.sees("Password of alice: ");
    alice.types("secret\r");
    alice.sees("The same again: ");
    alice.types("secret\r");
    assert_eq!(carol.line(), "JOIN lobby alice");
    alice.sees("(limit-reached)");
    alice.sees("! you are in lobby: red could not be entered");
    alice.types("the secret plan of red\r");
    alice.sees("! not sent: you are in lobby");
    carol.expect_quiet();
    // Arrow up restores the line.
    alice.types("\x1b[A\r");
    assert_eq!(carol.line(), "MSG lobby alice the secret plan of red");
}

#[test]
fn who_is_logged_in_elsewhere_stays_out() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    let mut elsewhere = server.log_in("alice");
    alice.sees("logged-in-elsewhere");
    alice.sees("press Enter to leave");
    alice.types("\r");
    assert_eq!(alice.ends(), 1);
    elsewhere.expect_quiet();
}
