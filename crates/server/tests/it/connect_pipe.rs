//! `parlor connect` in a pipe whose server, store or way there fails: everything is said exactly once, and the exit code
//! tells what has no answer.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::thread;
use std::time::Duration;

use crate::connect_rooms::{BadWay, hold, say_all, texts};
use crate::harness::{DatabaseLock, Server, command, outcome};

/// A running `parlor connect` in a pipe, as bot.
struct Pipe {
    child: Child,
    lines: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Pipe {
    /// Makes the account, and connects to this address.
    fn start(server: &Server, address: SocketAddr, args: &[&str]) -> Self {
        let ca = server.ca();
        let address = address.to_string();
        let fixed = ["connect", &address, "--ca", ca.to_str().unwrap(), "--user", "bot", "--register"];
        let mut command = command(server.data(), &[&fixed, args].concat());
        command.env("PARLOR_PASSWORD", "secret").stdin(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (lines, output) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, lines, output }
    }

    fn says(&mut self, lines: &[&str]) {
        let input = self.lines.as_mut().unwrap();
        lines.iter().for_each(|line| writeln!(input, "{line}").unwrap());
    }

    /// Waits for a line of the output that begins like this.
    fn shows(&mut self, prefix: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "{prefix:?} does not come");
            if line.starts_with(prefix) {
                return line;
            }
        }
    }

    /// Ends the input. Returns the exit code and what was said on standard error.
    fn ends(mut self, server: &Server) -> (Option<i32>, String) {
        drop(self.lines.take());
        let (code, _, complaint) = outcome(server.data(), self.child.wait_with_output().unwrap());
        (code, complaint)
    }
}

#[test]
fn what_was_stored_without_an_answer_is_not_said_twice() {
    let server = Server::start();
    let mut bob = server.register_json("bob").0;
    say_all(&mut bob, &["/open ops", "/open garden"]);
    let way = BadWay::to(&server);
    let mut bot = Pipe::start(&server, way.address, &["--room", "ops"]);
    bot.says(&["/open garden"]);
    bot.shows("OK open garden");
    way.lose_answers();
    bot.says(&["one", "/say garden two", "/msg bob three"]);
    hold(&mut bob, "#ops", &["one"]);
    hold(&mut bob, "@bot", &["three"]);
    way.cut();
    bot.says(&["four", "/who"]);
    bot.shows("OK who ops 2");
    assert_eq!(texts(&mut bob, "#ops"), ["one", "four"]);
    assert_eq!((texts(&mut bob, "#garden"), texts(&mut bob, "@bot")), (vec!["two".into()], vec!["three".into()]));
    let (code, complaint) = bot.ends(&server);
    assert_eq!((code, complaint.contains("connected again")), (Some(0), true), "{complaint}");
}

#[test]
fn what_is_said_while_the_server_dies_and_comes_back_is_said_once() {
    let server = Server::start();
    let mut bot = Pipe::start(&server, server.address(), &[]);
    bot.says(&["/join ops", "before"]);
    bot.shows("OK join ops");
    // A server that stands still takes lines and answers none.
    server.freeze();
    bot.says(&["one", "/switch ops", "two"]);
    thread::sleep(Duration::from_millis(300));
    let server = server.restart_on_same_port();
    // The end of the input is the end of nothing that has no answer.
    let (code, complaint) = bot.ends(&server);
    assert_eq!(code, Some(0), "{complaint}");
    let mut bob = server.register_json("bob").0;
    say_all(&mut bob, &["/open ops"]);
    assert_eq!(texts(&mut bob, "#ops"), ["before", "one", "two"]);
}

#[test]
fn what_the_store_does_not_take_is_said_once_it_does() {
    let server = Server::start();
    let mut bob = server.register_json("bob").0;
    let mut bot = Pipe::start(&server, server.address(), &[]);
    bot.says(&["/who"]);
    bot.shows("OK who lobby 2");
    let lock = DatabaseLock::take(server.data());
    bot.says(&["in spite of it", "/msg bob and this"]);
    thread::sleep(Duration::from_secs(5));
    drop(lock);
    let (code, complaint) = bot.ends(&server);
    assert_eq!(code, Some(0), "{complaint}");
    assert!(complaint.contains("sent again until it is answered") && !complaint.contains("ERR"), "{complaint}");
    assert_eq!(texts(&mut bob, "#lobby"), ["in spite of it"]);
    assert_eq!(texts(&mut bob, "@bot"), ["and this"]);
}

#[test]
fn in_json_what_has_no_key_is_not_said_again_and_the_exit_code_tells() {
    let server = Server::start();
    let mut bob = server.register_json("bob").0;
    let way = BadWay::to(&server);
    let mut bot = Pipe::start(&server, way.address, &["--json"]);
    bot.says(&["/ping begun"]);
    bot.shows(r#"{"type":"pong""#);
    way.lose_answers();
    bot.says(&["plain", "/once k-1 with a key"]);
    hold(&mut bob, "#lobby", &["plain", "with a key"]);
    way.cut();
    let again = bot.shows(r#"{"type":"ok","command":"message""#);
    assert!(again.contains(r#""repeated":true"#), "{again}");
    let (code, complaint) = bot.ends(&server);
    assert_eq!(code, Some(1), "{complaint}");
    assert!(complaint.contains("it is not certain whether this was carried out: plain\n"), "{complaint}");
    assert_eq!(texts(&mut bob, "#lobby"), ["plain", "with a key"]);
}

#[test]
fn a_password_that_the_input_changes_is_used_for_the_next_login() {
    let server = Server::start();
    let mut bob = server.register_json("bob").0;
    let way = BadWay::to(&server);
    let mut bot = Pipe::start(&server, way.address, &[]);
    bot.says(&["/passwd secret another"]);
    bot.shows("OK passwd");
    way.cut();
    bot.says(&["after it"]);
    let (code, complaint) = bot.ends(&server);
    assert_eq!(code, Some(0), "{complaint}");
    assert_eq!(texts(&mut bob, "#lobby"), ["after it"]);
}

#[test]
fn it_goes_on_at_the_next_server() {
    let server = Server::start();
    let (first, second) = (BadWay::to(&server), BadWay::to(&server));
    let mut bot = Pipe::start(&server, first.address, &[&second.address.to_string()]);
    bot.says(&["/who"]);
    bot.shows("OK who lobby 1");
    first.cut();
    bot.says(&["after it"]);
    let (code, complaint) = bot.ends(&server);
    assert_eq!(code, Some(0), "{complaint}");
    assert!(complaint.ends_with(&format!("{}: connected again\n", second.address)), "{complaint}");
    assert_eq!(texts(&mut server.register_json("bob").0, "#lobby"), ["after it"]);
}
