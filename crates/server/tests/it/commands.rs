//! Commands that run next to the server, and signals to it, as an operator uses them while users are connected.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use parlor_redis_testkit::Port;

use crate::harness::{Client, Server, command, feed, installation, outcome, parlor, parlor_with_input, without_notice};

type Outcome = (Option<i32>, String, String);

fn told(code: i32, said: &str, complaint: &str) -> Outcome {
    (Some(code), said.to_owned(), complaint.to_owned())
}

fn user(data: &Path, args: &[&str]) -> Outcome {
    user_with_password(data, args, "")
}

/// Runs `parlor user` with a password on standard input.
fn user_with_password(data: &Path, args: &[&str], password: &str) -> Outcome {
    let mut all = vec!["user"];
    all.extend(args);
    if !password.is_empty() {
        all.extend(["--password-stdin", "--bcrypt-cost", "4", "--min-password", "1"]);
    }
    without_notice(outcome(data, parlor_with_input(data, &all, password)))
}

/// Returns name and role of each account, as `user list` shows them.
fn listed(data: &Path) -> Vec<(String, String)> {
    let (code, list, _) = user(data, &["list"]);
    assert_eq!(code, Some(0));
    let row = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        assert!(words.len() == 3 && words[2].ends_with('Z'), "{line}");
        // The columns are aligned.
        assert_eq!(line, format!("{:<32} {:<8} {}", words[0], words[1], words[2]));
        (words[0].to_owned(), words[1].to_owned())
    };
    list.lines().map(row).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, role)| ((*name).to_owned(), (*role).to_owned())).collect()
}

#[test]
fn accounts_are_made_changed_and_deleted() {
    let data = installation();
    let data = data.path();
    assert_eq!(user(data, &["list"]), told(0, "", ""));
    assert_eq!(user_with_password(data, &["add", "Zoe"], "secret\n"), told(0, "zoe added\n", ""));
    assert_eq!(user_with_password(data, &["add", "--operator", "root"], "secret"), told(0, "root added\n", ""));
    assert_eq!(listed(data), pairs(&[("root", "operator"), ("zoe", "member")]));
    assert_eq!(user(data, &["promote", "zoe"]), told(0, "zoe is an operator\n", ""));
    assert_eq!(user(data, &["demote", "ROOT"]), told(0, "root is no operator\n", ""));
    assert_eq!(listed(data), pairs(&[("root", "member"), ("zoe", "operator")]));
    assert_eq!(user_with_password(data, &["passwd", "zoe"], "other\r\n"), told(0, "zoe has a new password\n", ""));
    assert_eq!(user(data, &["delete", "root"]), told(0, "root deleted\n", ""));
    assert_eq!(listed(data), pairs(&[("zoe", "operator")]));
    let warned = "an account root was deleted: what it said in rooms stands there under the same name\n";
    assert_eq!(user_with_password(data, &["add", "root"], "secret"), told(0, "root added\n", warned));
    // Whoever is invited has to take another name.
    assert_eq!(user(data, &["delete", "root"]), told(0, "root deleted\n", ""));
    let file = data.join("people.csv");
    std::fs::write(&file, "root\n").unwrap();
    let (code, _, warned) =
        user(data, &["add", "--file", file.to_str().unwrap(), "--invite", "--address", "chat.example.org"]);
    assert_eq!(code, Some(0));
    assert!(warned.starts_with("line 1: an account root was deleted, "), "{warned}");
}

#[test]
fn a_password_can_be_made_up() {
    let server = Server::start();
    let mut passwords = Vec::new();
    for name in ["ann", "ben"] {
        let (code, said, complaint) = user(server.data(), &["add", name, "--random-password", "--bcrypt-cost", "4"]);
        assert_eq!((code, complaint.as_str()), (Some(0), ""));
        let password = said.strip_prefix(&format!("{name} added, password: ")).unwrap().trim_end();
        assert!(password.len() == 23 && password.split('-').all(|group| group.len() == 5), "{said}");
        let mut client = server.connect();
        client.send(&format!("LOGIN {name} {password}"));
        assert_eq!(client.line(), format!("OK login {name} lobby"));
        passwords.push(password.to_owned());
    }
    assert_ne!(passwords[0], passwords[1]);
    let taken = told(1, "", "parlor: there is a user ann already\n");
    assert_eq!(user(server.data(), &["add", "ann", "--random-password"]), taken);
}

#[test]
fn what_cannot_be_done_with_accounts_is_one_line() {
    let data = installation();
    let data = data.path();
    assert_eq!(user_with_password(data, &["add", "zoe"], "secret\n").0, Some(0));
    let taken = told(1, "", "parlor: there is a user zoe already\n");
    assert_eq!(user_with_password(data, &["add", "zoe"], "other\n"), taken);
    for action in ["delete", "promote", "demote", "unlock"] {
        assert_eq!(user(data, &[action, "bob"]), told(1, "", "parlor: there is no user bob\n"), "{action}");
    }
    assert_eq!(user_with_password(data, &["passwd", "bob"], "x\n"), told(1, "", "parlor: there is no user bob\n"));
    let too_long = told(1, "", "parlor: a password has at most 72 bytes\n");
    assert_eq!(user_with_password(data, &["add", "bob"], &"x".repeat(73)), too_long);
    let empty = told(1, "", "parlor: a password cannot be empty\n");
    assert_eq!(user_with_password(data, &["add", "bob"], "\n"), empty);
    let control = told(1, "", "parlor: a password holds no control characters\n");
    assert_eq!(user_with_password(data, &["add", "bob"], "a\u{7}b\n"), control);
    let (code, said, complaint) = user(data, &["add", "bob"]);
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(complaint.starts_with("parlor: there is no terminal to ask for the password on"), "{complaint}");
    for args in [&["add", "b.b"][..], &["add"], &["add", "bob", "secret"], &["frob"], &[]] {
        let (code, said, complaint) = user(data, args);
        assert_eq!((code, said.as_str()), (Some(2), ""), "{args:?}");
        assert!(!complaint.is_empty() && !complaint.contains("panicked"), "{args:?}: {complaint}");
    }
    assert_eq!(listed(data), pairs(&[("zoe", "member")]));
}

#[test]
fn a_password_from_standard_input_is_its_first_line_with_its_spaces() {
    let server = Server::start();
    let added = user_with_password(server.data(), &["add", "zoe"], " two  words \nanother line\n");
    assert_eq!(added.0, Some(0));
    assert_eq!(server.connect().ask("LOGIN zoe  two  words "), "OK login zoe lobby");
}

#[test]
fn short_passwords_are_refused_with_the_length_that_is_wanted() {
    let server = Server::start();
    let run = |args: &[&str], input| {
        let all = [&["user"], args, &["--password-stdin", "--bcrypt-cost", "4"]].concat();
        without_notice(outcome(server.data(), parlor_with_input(server.data(), &all, input)))
    };
    let refused = |min| {
        let told = format!("parlor: the password is too short: {min} characters at least (--min-password)\n");
        (Some(1), String::new(), told)
    };
    assert_eq!(run(&["add", "zoe"], "1234567\n"), refused(8));
    assert_eq!(run(&["add", "zoe"], "äöüäöüä\n"), refused(8));
    assert_eq!(listed(server.data()), pairs(&[]));
    assert_eq!(run(&["add", "zoe", "--min-password", "1"], "x\n").0, Some(0));
    assert_eq!(server.connect().ask("LOGIN zoe x"), "OK login zoe lobby");
    assert_eq!(run(&["passwd", "zoe"], "1234567\n"), refused(8));
    assert_eq!(run(&["passwd", "zoe", "--min-password", "20"], "twelve chars\n"), refused(20));
    assert_eq!(server.connect().ask("LOGIN zoe x"), "OK login zoe lobby");
    assert_eq!(run(&["passwd", "zoe"], "12345678\n").0, Some(0));
    assert_eq!(server.connect().ask("LOGIN zoe 12345678"), "OK login zoe lobby");
}

#[test]
fn nobody_is_kicked_who_has_no_account() {
    let server = Server::start();
    let (code, said, complaint) = user(server.data(), &["kick", "zoe"]);
    assert_eq!((code, said.as_str(), complaint.as_str()), (Some(1), "", "parlor: there is no user zoe\n"));
}

#[test]
fn the_certificate_is_changed_while_clients_stay() {
    let server = Server::start();
    let mut alice = server.register("alice");
    let serial = |server: &Server| {
        let mut command = std::process::Command::new("sh");
        let address = server.address();
        command.args(["-c", &format!("openssl s_client -connect {address} </dev/null | openssl x509 -noout -serial")]);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let before = serial(&server);
    assert!(before.starts_with("serial="), "{before}");
    assert!(parlor(server.data(), &["cert", "init", "--force"]).status.success());
    assert_eq!(serial(&server), before, "the server uses a new certificate only after SIGHUP");
    server.signal("HUP");
    let mut tries = 0;
    while serial(&server) == before {
        tries += 1;
        assert!(tries < 200, "the certificate is still the old one; the log:\n{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    let _bob = server.register("bob");
    assert_eq!(alice.line(), "JOIN lobby bob");
    alice.expect_quiet();
}

#[test]
fn a_certificate_that_cannot_be_read_changes_nothing() {
    let server = Server::start();
    let mut alice = server.register("alice");
    std::fs::write(server.data().join("tls/server.pem"), "junk").unwrap();
    server.signal("HUP");
    let mut tries = 0;
    while !server.log().contains("server.pem") {
        tries += 1;
        assert!(tries < 400, "nothing was logged:\n{}", server.log());
        std::thread::sleep(Duration::from_millis(25));
    }
    let _bob = server.register("bob");
    assert_eq!(alice.line(), "JOIN lobby bob");
}

/// Returns what a server sends to a client that does not speak TLS.
fn said_in_the_clear(server: &Server, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket.write_all(bytes).unwrap();
    let mut said = String::new();
    socket.read_to_string(&mut said).unwrap();
    said
}

#[test]
fn a_connection_without_tls_gets_one_line_and_nothing_of_it_is_interpreted() {
    let server = Server::start();
    let mut alice = server.register("alice");
    for bytes in [&b"REGISTER bob secret\nhello\n"[..], b"GET / HTTP/1.1\r\n\r\n", b"\n", b"\0", &[b'x'; 100_000]] {
        assert_eq!(said_in_the_clear(&server, bytes), "ERR tls-required This port speaks TLS only\n");
    }
    alice.expect_quiet();
    assert_eq!(listed(server.data()), pairs(&[("alice", "member")]));
}

#[test]
fn a_connection_that_ends_before_it_begins_harms_nobody() {
    let server = Server::start();
    for bytes in [&b""[..], b"\x16", b"\x16\x03\x01\x00\x05junk!"] {
        let mut socket = TcpStream::connect(server.address()).unwrap();
        socket.write_all(bytes).unwrap();
        socket.shutdown(Shutdown::Write).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // An alert may come, or a reset; only the end of the connection matters.
        let _ = socket.read_to_end(&mut Vec::new()).inspect_err(|error| {
            assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
        });
    }
    server.register("alice").expect_quiet();
}

/// Runs `parlor connect` to the server in a pipe, with the password `secret` in the environment.
fn connect(server: &Server, args: &[&str], input: &str) -> Outcome {
    let address = server.address().to_string();
    let mut all = vec!["connect", &address];
    all.extend(args);
    let mut command = command(server.data(), &all);
    command.env("PARLOR_PASSWORD", "secret");
    outcome(server.data(), feed(command, input))
}

#[test]
fn scripts_say_something_and_hear_what_came_meanwhile() {
    let server = Server::start();
    assert_eq!(user_with_password(server.data(), &["add", "bot"], "secret").0, Some(0));
    let mut alice = server.register("alice");
    assert_eq!(connect(&server, &["--user", "bot"], "hello  there \n//slash\n"), told(0, "", ""));
    for line in ["JOIN lobby bot", "MSG lobby bot hello  there ", "MSG lobby bot /slash", "PART lobby bot"] {
        assert_eq!(alice.line(), line);
    }
    let members = "USER alice\nUSER bot\nOK who lobby 2\n";
    assert_eq!(connect(&server, &["--user", "bot"], "/who"), told(0, members, ""));
    let (code, said, complaint) = connect(&server, &["--user", "bot", "--room", "red", "--json"], "in red\n");
    assert_eq!((code, complaint.as_str()), (Some(0), ""));
    assert!(said.contains(r#""command":"join","room":"red""#) && said.contains(r#""command":"message""#), "{said}");
    assert!(said.lines().all(|line| line.starts_with('{') && line.ends_with('}')), "{said}");
}

#[test]
fn the_exit_code_tells_scripts_what_went_wrong() {
    let server = Server::start();
    let register = ["--user", "bot", "--register"];
    assert_eq!(connect(&server, &register, "/who\n"), told(0, "USER bot\nOK who lobby 1\n", ""));

    let (code, _, complaint) = connect(&server, &["--user", "bot"], "/join #red\nhello\n");
    assert_eq!(code, Some(4), "a line was refused");
    assert!(complaint.contains("bad-name"), "{complaint}");

    let (code, said, complaint) = connect(&server, &register, "hello\n");
    assert_eq!((code, said.as_str()), (Some(3), ""), "the login was refused");
    assert!(complaint.starts_with("parlor: ") && complaint.lines().count() == 1, "{complaint}");

    for (args, expected) in [(&["--user", "b.b"][..], 2), (&["--frob"], 2), (&[], 2), (&["--pin", "sha256:x"], 2)] {
        let (code, said, complaint) = connect(&server, args, "");
        assert_eq!((code, said.as_str()), (Some(expected), ""), "{args:?}: {complaint}");
        assert!(!complaint.is_empty() && !complaint.contains("panicked"), "{args:?}: {complaint}");
    }

    let address = server.address().to_string();
    let mut dead = command(server.data(), &["connect", &address, "--user", "bot"]);
    dead.env("PARLOR_PASSWORD", "secret");
    drop(server);
    let data = tempfile::tempdir().unwrap();
    let (code, said, complaint) = outcome(data.path(), feed(dead, "hello\n"));
    assert_eq!((code, said.as_str()), (Some(1), ""));
    assert!(complaint.starts_with("parlor: ") && complaint.lines().count() == 1, "{complaint}");
}

#[test]
fn a_server_that_cannot_prove_itself_gets_no_password() {
    let (server, stranger) = (Server::start(), Server::start());
    let address = stranger.address().to_string();
    let pin = "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let ca = server.ca();
    for trust in [["--ca", ca.to_str().unwrap()], ["--pin", pin]] {
        let mut command = command(server.data(), &["connect", &address, "--user", "bot", "--register"]);
        command.args(trust).env("PARLOR_PASSWORD", "secret");
        let (code, said, complaint) = outcome(server.data(), feed(command, "hello\n"));
        assert_eq!((code, said.as_str()), (Some(1), ""), "{trust:?}");
        assert!(complaint.starts_with("parlor: ") && complaint.lines().count() == 1, "{trust:?}: {complaint}");
    }
    assert_eq!(listed(stranger.data()), pairs(&[]));
}

#[test]
fn a_pin_as_it_is_shown_is_believed() {
    let server = Server::start();
    let shown = outcome(server.data(), parlor(server.data(), &["cert", "show"])).1;
    let pin = shown.lines().find_map(|line| line.strip_prefix("pin:")).unwrap().trim().to_owned();
    let answer = connect(&server, &["--user", "bot", "--register", "--pin", &pin], "/who\n");
    assert_eq!(answer, told(0, "USER bot\nOK who lobby 1\n", ""));
}

#[test]
fn the_command_that_the_server_prints_for_its_own_client_works() {
    let server = Server::start();
    let printed = loop {
        let line = server.output_line();
        if line.contains(" --ca ") {
            break line.trim().to_owned();
        }
    };
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("{printed} --user bot --register")]).env("PARLOR_PASSWORD", "secret");
    shell.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    assert_eq!(outcome(server.data(), feed(shell, "/who\n")), told(0, "USER bot\nOK who lobby 1\n", ""));
}

#[test]
fn signals_end_it_with_a_goodbye_and_exit_code_0() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::start();
        let mut alice = server.register("alice");
        server.signal(signal);
        assert!(alice.line().starts_with("BYE server-shutdown "));
        alice.expect_end();
        assert_eq!(server.wait().code(), Some(0), "{signal}");
        let log = server.log();
        assert!(!log.contains("panicked") && !log.contains("a defect"), "{log}");
    }
}

#[test]
fn a_server_goes_on_when_nobody_reads_its_output() {
    let data = tempfile::tempdir().unwrap();
    let port = Port::free();
    let address: SocketAddr = ([127, 0, 0, 1], port.number()).into();
    let mut command = command(data.path(), &["serve", "--server-name", "test", "--listen", &address.to_string()]);
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(log.any(|line| line.contains("cannot write to standard output")), "the log has no such warning");
    let mut client = Client::open(address, &data.path().join("tls/ca.pem"));
    assert_eq!(client.line(), "HELLO parlor/1 test");
    assert_eq!(client.ask("PING"), "PONG");
    child.kill().unwrap();
    child.wait().unwrap();
}
