//! `parlor connect` on a terminal, as a person uses it: what is typed and what is seen, in a pseudo-terminal.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use expectrl::process::unix::WaitStatus;
use expectrl::session::OsSession;
use expectrl::{ControlCode, Eof, Expect, Session};

use crate::harness::Server;

/// A terminal of 24 lines and 100 columns with `parlor connect` in it.
struct Terminal {
    session: OsSession,
}

impl Terminal {
    /// Types the command; the home directory of whoever does so is `home`.
    fn open(server: &Server, home: &Path, args: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlor"));
        command.args(["connect", &server.address().to_string(), "--ca"]).arg(server.ca()).args(args);
        command.env_clear().env("HOME", home).env("TERM", "xterm").env("NO_COLOR", "1").env("TZ", "UTC");
        let mut session = Session::spawn(command).unwrap();
        session.set_expect_timeout(Some(Duration::from_secs(20)));
        session.get_process_mut().set_window_size(100, 24).unwrap();
        Self { session }
    }

    /// The terminal of somebody new, who has logged in.
    fn enter(server: &Server, home: &Path, user: &str) -> Self {
        let mut terminal = Self::open(server, home, &["--user", user, "--register"]);
        terminal.sees(&format!("Password of {user}: "));
        terminal.types("secret\r");
        terminal.sees("The same again: ");
        terminal.types("secret\r");
        terminal.sees(&format!("as {user}, in lobby"));
        terminal.sees("> ");
        terminal
    }

    /// Presses keys; `\r` is Enter.
    fn types(&mut self, keys: &str) {
        self.session.send(keys).unwrap();
    }

    /// Waits until this appears, and returns what came before it.
    fn sees(&mut self, text: &str) -> String {
        let found = self.session.expect(text).unwrap_or_else(|error| panic!("{text:?} does not appear: {error}"));
        String::from_utf8_lossy(found.before()).into_owned()
    }

    /// Waits for the end of the program, and returns its exit code.
    fn ends(mut self) -> i32 {
        self.session.expect(Eof).unwrap();
        match self.session.get_process().wait().unwrap() {
            WaitStatus::Exited(_, code) => code,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_half_typed_line_is_whole_when_a_message_arrives() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::enter(&server, home.path(), "alice");
    let mut bob = server.register("bob");
    alice.sees("* bob entered lobby");
    alice.sees("> ");
    alice.types("half a li");
    alice.sees("half a li");
    bob.send("in between");
    alice.sees("[lobby] bob: in between\r\n");
    // What was typed so far stands there again, below the message, behind the prompt.
    alice.sees("> half a li");
    alice.types("ne\r");
    assert_eq!(bob.line(), "MSG lobby alice half a line");
    bob.expect_quiet();
}

#[test]
fn a_password_is_not_shown() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::open(&server, home.path(), &["--user", "alice", "--register"]);
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
    let mut alice = Terminal::open(&server, home.path(), &["--user", "alice", "--register"]);
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
    let mut alice = Terminal::enter(&server, home.path(), "alice");
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
    let mut alice = Terminal::enter(&server, home.path(), "alice");
    assert_eq!(bob.line(), "JOIN lobby alice");
    alice.types("never said");
    alice.sees("never said");
    alice.session.send(ControlCode::EndOfText).unwrap();
    alice.sees("> ");
    alice.types("said\r");
    assert_eq!(bob.line(), "MSG lobby alice said");
    bob.send("heard");
    alice.sees("[lobby] bob: heard");
    alice.sees("> ");
    alice.session.send(ControlCode::EndOfTransmission).unwrap();
    assert_eq!(alice.ends(), 0);
    assert_eq!(bob.line(), "PART lobby alice");
}

#[test]
fn quit_leaves_and_lines_are_remembered_but_no_password() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut bob = server.register("bob");
    let mut alice = Terminal::enter(&server, home.path(), "alice");
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

    let mut alice = Terminal::open(&server, home.path(), &["--user", "alice"]);
    alice.sees("Password of alice: ");
    alice.types("hunter2\r");
    alice.sees("as alice, in lobby");
    alice.sees("> ");
    assert_eq!(bob.line(), "JOIN lobby alice");
    // The arrow up, past /quit.
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
fn a_lost_server_is_found_again_and_the_room_entered_again() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::enter(&server, home.path(), "alice");
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
fn who_is_logged_in_elsewhere_stays_out() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::enter(&server, home.path(), "alice");
    let mut elsewhere = server.log_in("alice");
    alice.sees("logged-in-elsewhere");
    alice.sees("press Enter to leave");
    alice.types("\r");
    assert_eq!(alice.ends(), 1);
    elsewhere.expect_quiet();
}
