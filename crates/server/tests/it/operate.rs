//! What operators do with a running server on its machine: list sessions, kick, change what is logged, read the audit
//! trail.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::harness::{Options, Server, command, ends, eventually, installation, without_notice};

type Outcome = (Option<i32>, String, String);

fn run(data: &Path, words: &[&str]) -> Outcome {
    without_notice(ends(data, command(data, words)))
}

#[test]
fn sessions_are_listed_with_their_addresses() {
    let server = Server::start();
    let mut bob = server.register("bob");
    let ann = server.register("ann");
    let (code, said, _) = run(server.data(), &["sessions", "--json"]);
    let sessions: Value = serde_json::from_str(&said).unwrap();
    let users: Vec<&str> = sessions.as_array().unwrap().iter().map(|one| one["user"].as_str().unwrap()).collect();
    assert_eq!((code, users), (Some(0), vec!["ann", "bob"]));
    assert_eq!(sessions[0]["address"], "127.0.0.1");
    let (_, table, _) = run(server.data(), &["sessions"]);
    let rows: Vec<&str> = table.lines().map(str::trim).collect();
    assert!(rows[0].starts_with("USER  ADDRESS") && rows[1].starts_with("ann   127.0.0.1"), "{table}");
    bob.send("/quit");
    drop(ann);
    eventually("all sessions to end", || run(server.data(), &["sessions", "--json"]).1 == "[]\n");
}

#[test]
fn a_kick_ends_a_session_and_nothing_else() {
    let server = Server::start();
    let mut bob = server.register("bob");
    assert_eq!(run(server.data(), &["kick", "bob"]).1, "bob is kicked\n");
    bob.until("BYE kicked");
    server.log_in("bob");
    let (code, _, complaint) = run(server.data(), &["kick", "nobody"]);
    assert_eq!((code, complaint.as_str()), (Some(1), "parlor: there is no user nobody\n"));
}

#[test]
fn what_is_logged_changes_while_the_server_runs() {
    let server = Server::start();
    drop(server.connect());
    assert!(!server.log().contains("somebody connected"));
    let (code, _, complaint) = run(server.data(), &["log-level", "loud=very"]);
    assert!(code == Some(2) && complaint.contains("invalid"), "{complaint}");
    // A slip would silence everything.
    let (code, _, complaint) = run(server.data(), &["log-level", "loud"]);
    assert!(code == Some(2) && complaint.contains("loud is no level"), "{complaint}");
    assert_eq!(run(server.data(), &["log-level", "debug"]).0, Some(0));
    drop(server.connect());
    eventually("a line of the new level", || server.log().contains("somebody connected"));
}

#[test]
fn commands_for_a_running_server_say_so_where_none_runs() {
    let data = installation();
    for words in [&["sessions"][..], &["log-level", "debug"], &["drain"]] {
        let (code, said, complaint) = run(data.path(), words);
        assert_eq!((code, said.as_str()), (Some(1), ""), "{words:?}");
        assert!(complaint.starts_with("parlor: no server runs in "), "{complaint}");
    }
    let nowhere = tempfile::tempdir().unwrap();
    let (code, _, complaint) = run(nowhere.path(), &["sessions"]);
    assert!(code == Some(1) && complaint.contains("there is no Parlor installation"), "{complaint}");
}

#[test]
fn the_socket_is_for_the_servers_user_and_a_second_server_does_not_take_it() {
    let server = Server::start();
    let socket = server.data().join("control.sock");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    // One that was killed leaves its socket, and the next start replaces it.
    let server = server.restart();
    assert_eq!(run(server.data(), &["sessions", "--json"]), (Some(0), "[]\n".to_owned(), String::new()));
}

/// The lines of a trail, without their times: event and facts.
fn trail(path: &Path) -> Vec<Value> {
    let lines = fs::read_to_string(path).unwrap();
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_audit_trail_says_who_did_what_and_holds_no_text() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.jsonl");
    let file = path.to_str().unwrap();
    let server = Options::default().args(&["--audit-log", file]).start();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut ann = server.register("ann");
    let mut bob = server.register("bob");
    ann.until("JOIN lobby bob");
    ann.ask("/join red");
    bob.send("/join red");
    ann.until("JOIN red bob");
    ann.send("a secret of ours");
    ann.send("/mute red bob 10m");
    ann.until("OK mute");
    ann.send("/kick red bob for a secret reason");
    ann.until("OK kick");
    ann.send("/topic red a secret topic");
    ann.until("OK topic");
    // Refused, so it was not done.
    bob.send("/ban red ann");
    bob.until("ERR ");
    let mut stranger = server.connect();
    stranger.send("LOGIN ann wrong-secret");
    stranger.until("ERR bad-credentials");
    let (code, _, complaint) = run(server.data(), &["user", "kick", "bob", "--audit-log", file]);
    assert_eq!(code, Some(0), "{complaint}");
    bob.until("BYE kicked");
    eventually("all lines", || trail(&path).iter().filter(|line| line["event"] == "logout").count() == 1);
    let lines = trail(&path);
    let said: Vec<String> = lines
        .iter()
        .map(|line| {
            let word = |key: &str| line[key].as_str().map(|word| format!(" {word}")).unwrap_or_default();
            let words = ["user", "command", "room", "target", "about", "why"].map(word).concat();
            format!("{}{words}", line["event"].as_str().unwrap())
        })
        .collect();
    let expected = [
        "login ann",
        "login bob",
        "command ann mute red bob",
        "command ann kick red bob",
        "command ann topic red",
        "login-failed ann",
        "admin user kick bob",
        "logout bob kicked",
    ];
    assert_eq!(said, expected);
    assert!(lines.iter().all(|line| line["time"].as_str().unwrap().ends_with('Z')));
    let text = fs::read_to_string(&path).unwrap();
    assert!(!text.contains("secret"), "{text}");
    // A rotation: the file is renamed, and the server told.
    let old = dir.path().join("audit.jsonl.1");
    fs::rename(&path, &old).unwrap();
    server.signal("HUP");
    eventually("a new file", || path.exists());
    // Until the server has taken the new file, lines still go into the old one. None is lost.
    let mut topics = 0;
    while trail(&path).is_empty() {
        topics += 1;
        assert!(topics < 300, "no line comes into the new file");
        ann.send(&format!("/topic red {topics}"));
        ann.until("OK topic");
        thread::sleep(Duration::from_millis(100));
    }
    ann.send("/quit");
    let count = || trail(&old).len() + trail(&path).len();
    eventually("all lines in both files", || count() == expected.len() + topics + 1);
}

#[test]
fn an_audit_trail_that_cannot_be_written_is_refused_at_the_start() {
    let data = installation();
    let (code, _, complaint) = run(data.path(), &["serve", "--listen", "127.0.0.1:0", "--audit-log", "/proc/nothing"]);
    assert!(code == Some(1) && complaint.contains("cannot write to /proc/nothing"), "{complaint}");
}
