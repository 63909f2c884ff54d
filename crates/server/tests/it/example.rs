//! The example client in Python: the protocol is enough to write a client.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::harness::{Server, feed};

/// A Python program in which two clients chat, with the class of the example.
const CHAT: &str = r#"
import sys
from parlor_client import Client, Refused

host, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]

def wanted(client, kind):
    return next(event for event in client.events() if event["type"] == kind)

with Client(host, port, ca) as ann, Client(host, port, ca) as bob:
    ann.register("ann", "two  words ")
    bob.register("bob", "secret")
    assert wanted(ann, "joined")["user"] == "bob"
    try:
        bob.command("/join lobby")
    except Refused as refused:
        assert refused.code == "already-in-room", refused
    else:
        raise AssertionError("nothing was refused")
    assert ann.say("grüße  bob ") == 1
    assert bob.say("/join is a command") == 2
    heard = wanted(bob, "message")
    assert (heard["from"], heard["text"], heard["id"]) == ("ann", "grüße  bob ", 1), heard
    assert wanted(ann, "message")["text"] == "/join is a command"
    ann.command("/join red")
    assert wanted(bob, "left")["user"] == "ann"
    assert ann.command("/rooms")["rooms"] == [{"room": "lobby", "members": 1}, {"room": "red", "members": 1}]
    bob.command("/subscribe ann")
    ann.command("/publish news")
    assert wanted(bob, "publication")["text"] == "news"
    assert ann.command("/quit")["type"] == "bye"
    assert ann.receive() is None

try:
    Client(host, port).log_in("ann", "two  words ")
except OSError:
    print("done")
"#;

fn python() -> Command {
    let examples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut python = Command::new("python3");
    python.current_dir(examples).env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUTF8", "1");
    python.env("PARLOR_PASSWORD", "secret").env_remove("SSL_CERT_FILE").env_remove("SSL_CERT_DIR");
    python.stdout(Stdio::piped()).stderr(Stdio::piped());
    python
}

/// Returns the output of a program. Fails unless it succeeded.
fn printed(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn two_people_chat_by_the_example_s_class() {
    let server = Server::start();
    let mut python = python();
    python.args(["-c", CHAT, "localhost", &server.address().port().to_string()]).arg(server.ca());
    assert_eq!(printed(python.output().unwrap()), "done\n");
}

#[test]
fn the_example_chats_with_somebody_else() {
    let server = Server::start();
    let mut ann = server.register("ann");
    ann.send("/join red");
    assert_eq!(ann.line(), "OK join red 1");
    let mut python = python();
    python.args(["parlor_client.py", "--port", &server.address().port().to_string(), "--ca"]).arg(server.ca());
    python.args(["--register", "--room", "red", "bob"]);
    let events = printed(feed(python, "hello  ann\n/who\n"));
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[0], json!({"type": "ok", "command": "message", "room": "red", "id": 1}));
    assert_eq!(events[1], json!({"type": "users", "room": "red", "users": ["ann", "bob"]}));
    assert_eq!((events[2]["type"].as_str(), events.len()), (Some("bye"), 3));
    assert_eq!(ann.line(), "JOIN red bob");
    assert_eq!(ann.line(), "MSG red bob hello  ann");
    assert_eq!(ann.line(), "PART red bob");
}

#[test]
fn a_wrong_password_is_one_line() {
    let server = Server::start();
    let mut python = python();
    python.args(["parlor_client.py", "--port", &server.address().port().to_string(), "--ca"]).arg(server.ca());
    let output = python.arg("ann").output().unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said, "parlor_client.py: bad-credentials: Unknown user or wrong password\n");
}
