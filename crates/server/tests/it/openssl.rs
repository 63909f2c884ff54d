//! A user with `openssl s_client`: the command that the server prints, and the TLS versions that the server accepts.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use crate::harness::Server;

/// A running `openssl s_client`. Dropping it kills the process.
struct Person {
    child: Child,
    keyboard: Option<ChildStdin>,
    screen: Receiver<String>,
}

impl Person {
    /// Types a command into a shell.
    fn types_into_shell(command: &str) -> Self {
        let mut child = Command::new("sh")
            .args(["-c", &format!("exec {command}")])
            .env_remove("SSL_CERT_FILE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, screen) = channel();
        let output = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let keyboard = child.stdin.take();
        Self { child, keyboard, screen }
    }

    fn types(&mut self, line: &str) {
        writeln!(self.keyboard.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Returns the next line on the screen; `None` after the program has ended.
    fn sees(&self) -> Option<String> {
        match self.screen.recv_timeout(Duration::from_secs(20)) {
            Ok(line) => Some(line),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => None,
            Err(timeout) => panic!("{timeout}"),
        }
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Returns the openssl command that the server printed.
fn printed_command(server: &Server) -> String {
    loop {
        let line = server.output_line();
        if line.trim_start().starts_with("openssl ") {
            return line.trim().to_owned();
        }
    }
}

#[test]
fn two_people_chat_by_the_command_that_the_server_prints() {
    let server = Server::start();
    let command = printed_command(&server);
    let expected = "openssl s_client -quiet -verify_return_error -CAfile ";
    assert!(command.starts_with(expected), "{command}");
    let (mut ann, mut bob) = (Person::types_into_shell(&command), Person::types_into_shell(&command));
    for (person, name) in [(&mut ann, "ann"), (&mut bob, "bob")] {
        assert_eq!(person.sees().unwrap(), "HELLO parlor/1 test");
        person.types(&format!("REGISTER {name} secret"));
        assert_eq!(person.sees().unwrap(), format!("OK register {name} lobby"));
    }
    assert_eq!(ann.sees().unwrap(), "JOIN lobby bob");
    bob.types("Quite plain: R and Q at the start of a line are text");
    assert_eq!(ann.sees().unwrap(), "MSG lobby bob Quite plain: R and Q at the start of a line are text");
    ann.types("/quit");
    assert!(ann.sees().unwrap().starts_with("BYE quit "));
    assert_eq!(ann.sees(), None, "openssl does not end with the connection");
    assert_eq!(bob.sees().unwrap(), "PART lobby ann");
    drop(bob.keyboard.take());
    let mut cyd = Person::types_into_shell(&command);
    assert_eq!(cyd.sees().unwrap(), "HELLO parlor/1 test");
    cyd.types("REGISTER cyd secret");
    assert_eq!(cyd.sees().unwrap(), "OK register cyd lobby");
}

#[test]
fn a_stranger_s_server_is_not_believed() {
    let (server, stranger) = (Server::start(), Server::start());
    let command = printed_command(&server);
    let command = command.replace(&server.address().to_string(), &stranger.address().to_string());
    assert_eq!(Person::types_into_shell(&command).sees(), None);
}

/// Returns the first line that a client of this TLS version sees. The client itself allows old versions.
fn greeting_by(server: &Server, version: &str) -> Option<String> {
    let command = printed_command(server);
    Person::types_into_shell(&format!("{command} {version} -cipher DEFAULT@SECLEVEL=0")).sees()
}

#[test]
fn tls_1_2_and_1_3_are_taken() {
    for version in ["-tls1_2", "-tls1_3"] {
        assert_eq!(greeting_by(&Server::start(), version).as_deref(), Some("HELLO parlor/1 test"), "{version}");
    }
}

#[test]
fn tls_1_1_and_older_are_refused_by_an_alert() {
    let server = Server::start();
    let address = server.address().to_string();
    for version in ["-tls1_1", "-tls1"] {
        let output = Command::new("openssl")
            .args(["s_client", version, "-cipher", "DEFAULT@SECLEVEL=0", "-connect", &address])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let (shown, said) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success() && !shown.contains("HELLO"), "{shown}");
        assert!(said.contains("SSL alert number"), "{version}: {said}");
    }
}
