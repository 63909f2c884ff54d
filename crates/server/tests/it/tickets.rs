//! Tickets of programs and of `parlor connect`, from outside.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::harness::{Server, command, eventually, outcome, parlor};

/// Runs `parlor user` with these arguments. Returns what it says, if it succeeds.
fn user(data: &Path, args: &[&str]) -> Result<String, String> {
    let output = parlor(data, &[&["user"], args].concat());
    let said = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap().trim_end().to_owned();
    if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
}

/// Starts `parlor connect` in a pipe as ann, who has an account.
fn connect_as_ann(server: &Server) -> Child {
    let (ca, address) = (server.ca(), server.address().to_string());
    let args = ["connect", &address, "--ca", ca.to_str().unwrap(), "--user", "ann"];
    let mut command = command(server.data(), &args);
    command.env("PARLOR_PASSWORD", "secret").stdin(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn a_ticket_of_the_operator_logs_a_program_in_until_it_is_revoked() {
    let server = Server::start();
    drop(server.register("bot"));
    let ticket = |args: &[&str]| user(server.data(), &[&["ticket", "bot", "--label", "ci"], args].concat());
    let secret = ticket(&[]).unwrap();
    assert!(secret.starts_with("plt_") && secret.len() == 44, "{secret}");
    let endless = ticket(&["--lifetime", "never"]).unwrap();
    let mut bot = server.connect();
    assert_eq!(bot.ask(&format!("RESUME bot {secret}")), "OK login bot lobby");
    bot.send("/format json");
    bot.event();
    bot.send("/tickets");
    let tickets = bot.event();
    let ends: Vec<bool> = tickets["tickets"].as_array().unwrap().iter().map(|it| it["expires"].is_null()).collect();
    assert_eq!(ends.iter().filter(|is_endless| **is_endless).count(), 1, "{tickets}");
    let unused = tickets["tickets"].as_array().unwrap().iter().find(|it| it["used"].is_null()).unwrap();
    assert_eq!((&unused["address"], &unused["label"]), (&Value::Null, &Value::from("ci")));
    assert_eq!(user(server.data(), &["revoke", "bot", "all"]).unwrap(), "bot has 2 tickets fewer");
    assert_eq!(bot.event_of("bye")["code"], "logged-out");
    for secret in [secret, endless] {
        assert!(server.connect().ask(&format!("RESUME bot {secret}")).starts_with("ERR bad-credentials "));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let server = Server::start();
    drop(server.register("bot"));
    let refused = |args: &[&str]| user(server.data(), args).unwrap_err();
    assert!(refused(&["ticket", "nobody", "--label", "ci"]).contains("there is no user nobody"));
    assert!(refused(&["ticket", "bot"]).contains("--label"));
    assert!(refused(&["ticket", "bot", "--label", "ci", "--lifetime", "soon"]).contains("or never"));
    assert!(refused(&["revoke", "bot", "0000000a"]).contains("bot has no ticket 0000000a"));
    assert!(refused(&["revoke", "nobody", "all"]).contains("there is no user nobody"));
}

#[test]
fn no_ticket_is_in_the_data_directory_or_in_the_log() {
    let server = Server::start();
    let mut ann = server.register("ann");
    let reply = ann.ask("/ticket");
    let secret = reply.strip_prefix("OK ticket ").unwrap();
    assert_eq!(server.connect().ask(&format!("RESUME ann {secret}")), "OK login ann lobby");
    let digits = secret.strip_prefix("plt_").unwrap();
    for entry in fs::read_dir(server.data()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = if path.is_file() { fs::read(&path).unwrap() } else { continue };
        assert!(!bytes.windows(digits.len()).any(|window| window == digits.as_bytes()), "{}", path.display());
    }
    assert!(!server.log().contains(digits));
}

#[test]
fn parlor_connect_comes_back_by_a_ticket_and_takes_it_along() {
    let mut server = Server::start();
    drop(server.register("ann"));
    let mut client = connect_as_ann(&server);
    let mut input = client.stdin.take().unwrap();
    writeln!(input, "before").unwrap();
    let database = rusqlite::Connection::open(server.data().join("parlor.db")).unwrap();
    let count = || database.query_row("SELECT count(*) FROM ticket", [], |row| row.get::<_, usize>(0)).unwrap();
    eventually("the ticket of the client", || count() == 1);
    eventually("its first line", || {
        database.query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, usize>(0)).unwrap() > 0
    });
    server.kill();
    // From now on the password helps nobody.
    database.execute("UPDATE account SET hash = 'x'", []).unwrap();
    let server = server.restart_on_same_port();
    writeln!(input, "behind").unwrap();
    drop(input);
    let (code, _, complaint) = outcome(server.data(), client.wait_with_output().unwrap());
    assert_eq!((code, complaint.contains("connected again")), (Some(0), true), "{complaint}");
    assert_eq!(count(), 0, "a client that is gone leaves no ticket");
    let mut bob = server.register("bob");
    let history = bob.list("/history", "OK history");
    assert!(history.iter().any(|line| line.ends_with(" ann behind")), "{history:?}");
}
