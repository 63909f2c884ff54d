//! `parlor connect` in a pseudo-terminal. It must not check anything but the screen.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use expectrl::process::unix::WaitStatus;
use expectrl::session::OsSession;
use expectrl::{Eof, Expect, Regex, Session};

use super::Server;

/// A terminal of 24 lines and 100 columns with `parlor connect` in it.
pub(crate) struct Terminal {
    session: OsSession,
}

impl Terminal {
    /// Runs the command with the addresses of these servers, which have one authority, and with the home directory
    /// `home`.
    pub(crate) fn open(servers: &[&Server], home: &Path, args: &[&str]) -> Self {
        Self::run(Command::new(env!("CARGO_BIN_EXE_parlor")), servers, home, args)
    }

    /// The same by way of another address.
    pub(crate) fn open_by_way_of(address: SocketAddr, server: &Server, home: &Path, args: &[&str]) -> Self {
        Self::run_at(Command::new(env!("CARGO_BIN_EXE_parlor")), &[address], server, home, args)
    }

    /// The same in a shell that gets the terminal back when the client is stopped; then it says `stopped` and lets it go
    /// on.
    pub(crate) fn open_in_shell(servers: &[&Server], home: &Path, args: &[&str]) -> Self {
        let mut shell = Command::new("bash");
        shell.args(["-mc", "\"$@\"; echo stopped; fg", "bash", env!("CARGO_BIN_EXE_parlor")]);
        Self::run(shell, servers, home, args)
    }

    fn run(command: Command, servers: &[&Server], home: &Path, args: &[&str]) -> Self {
        let addresses: Vec<_> = servers.iter().map(|server| server.address()).collect();
        Self::run_at(command, &addresses, servers[0], home, args)
    }

    fn run_at(mut command: Command, addresses: &[SocketAddr], server: &Server, home: &Path, args: &[&str]) -> Self {
        let addresses = addresses.iter().map(SocketAddr::to_string);
        command.arg("connect").args(addresses).arg("--ca").arg(server.ca()).args(args);
        command.env_clear().env("HOME", home).env("TERM", "xterm").env("NO_COLOR", "1").env("TZ", "UTC");
        let mut session = Session::spawn(command).unwrap();
        session.set_expect_timeout(Some(Duration::from_secs(20)));
        session.get_process_mut().set_window_size(100, 24).unwrap();
        Self { session }
    }

    /// Returns the terminal of a new user, logged in.
    pub(crate) fn enter(servers: &[&Server], home: &Path, user: &str) -> Self {
        Self::enter_with(servers, home, user, &[])
    }

    /// The same with further arguments.
    pub(crate) fn enter_with(servers: &[&Server], home: &Path, user: &str, args: &[&str]) -> Self {
        let mut terminal = Self::open(servers, home, &[&["--user", user, "--register"], args].concat());
        terminal.registers(user);
        terminal
    }

    /// Answers the questions for the password of a new account, and waits for the prompt.
    pub(crate) fn registers(&mut self, user: &str) {
        let terminal = self;
        terminal.sees(&format!("Password of {user}: "));
        terminal.types("secret\r");
        terminal.sees("The same again: ");
        terminal.types("secret\r");
        terminal.sees(&format!("as {user}, in lobby"));
        terminal.sees("> ");
    }

    /// Presses keys; `\r` is Enter.
    pub(crate) fn types(&mut self, keys: &str) {
        self.session.send(keys).unwrap();
    }

    /// The same with bytes that may be no text.
    pub(crate) fn types_bytes(&mut self, keys: &[u8]) {
        self.session.send(keys).unwrap();
    }

    /// Makes the window as large as that.
    pub(crate) fn resizes(&mut self, columns: u16, rows: u16) {
        self.session.get_process_mut().set_window_size(columns, rows).unwrap();
    }

    /// Waits until this appears, and returns what came before it.
    pub(crate) fn sees(&mut self, text: &str) -> String {
        match self.session.expect(text) {
            Ok(found) => String::from_utf8_lossy(found.before()).into_owned(),
            Err(error) => panic!("{text:?} does not appear ({error}) in: {}", self.rest()),
        }
    }

    /// What was shown and is not looked at yet.
    fn rest(&mut self) -> String {
        let found = self.session.check(Regex("(?s).+"));
        found.map_or_else(|error| error.to_string(), |rest| String::from_utf8_lossy(rest.as_bytes()).into_owned())
    }

    /// Waits for the end of the program, and returns its exit code.
    pub(crate) fn ends(mut self) -> i32 {
        self.session.expect(Eof).unwrap();
        match self.session.get_process().wait().unwrap() {
            WaitStatus::Exited(_, code) => code,
            other => panic!("{other:?}"),
        }
    }
}
