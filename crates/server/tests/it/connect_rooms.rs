//! `parlor connect` on a terminal in several rooms, with direct messages and feeds: what is shown after a login and
//! after a cut, and that what is typed is said exactly once.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Client, DatabaseLock, Server, Terminal};

/// A way to the server that can lose what the server says, and be cut.
pub(crate) struct BadWay {
    pub(crate) address: SocketAddr,
    is_mute: Arc<AtomicBool>,
    sockets: Arc<Mutex<Vec<TcpStream>>>,
}

impl BadWay {
    pub(crate) fn to(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, far) = (listener.local_addr().unwrap(), server.address());
        let (is_mute, sockets) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let way = Self { address, is_mute: is_mute.clone(), sockets: sockets.clone() };
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(far) else { continue };
                sockets.lock().unwrap().extend([near.try_clone().unwrap(), far.try_clone().unwrap()]);
                carry(near.try_clone().unwrap(), far.try_clone().unwrap(), Arc::default());
                carry(far, near, is_mute.clone());
            }
        });
        way
    }

    /// Loses what the server says from now on.
    pub(crate) fn lose_answers(&self) {
        self.is_mute.store(true, Ordering::SeqCst);
    }

    /// Ends all connections. The next ones lose nothing.
    pub(crate) fn cut(&self) {
        for socket in self.sockets.lock().unwrap().drain(..) {
            // The other side may have closed it already.
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.is_mute.store(false, Ordering::SeqCst);
    }
}

/// Carries bytes one way until the end, in a thread of its own.
fn carry(mut from: TcpStream, mut to: TcpStream, is_mute: Arc<AtomicBool>) {
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            if !is_mute.load(Ordering::SeqCst) && to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
    });
}

/// The terminal of a user who exists, logged in.
fn log_in(server: &Server, home: &std::path::Path, user: &str) -> Terminal {
    let mut terminal = Terminal::open(&[server], home, &["--user", user]);
    terminal.sees(&format!("Password of {user}: "));
    terminal.types("secret\r");
    terminal.sees(&format!("as {user}, in lobby"));
    terminal
}

/// Presses keys, and waits for what they bring.
fn types(terminal: &mut Terminal, line: &str, answer: &str) {
    terminal.types(&format!("{line}\r"));
    terminal.sees(answer);
}

/// What somebody else says meanwhile.
pub(crate) fn say_all(client: &mut Client, lines: &[&str]) {
    for line in lines {
        client.send(line);
        assert_eq!(client.event_of("ok")["type"], "ok");
    }
}

/// The entries of a conversation, as another user reads them.
pub(crate) fn entries(client: &mut Client, target: &str) -> Vec<Value> {
    client.send(&format!("/backlog {target} 500"));
    client.event_of("backlog")["entries"].as_array().unwrap().clone()
}

/// The texts of a room, as another user reads them.
pub(crate) fn texts(client: &mut Client, target: &str) -> Vec<String> {
    let is_said = |entry: &&Value| entry["type"] == "message" || entry["type"] == "direct";
    let entries = entries(client, target);
    entries.iter().filter(is_said).map(|entry| entry["text"].as_str().unwrap().to_owned()).collect()
}

/// Waits until a room, or the direct messages with a user, hold just these texts.
pub(crate) fn hold(client: &mut Client, target: &str, expected: &[&str]) {
    let begun = Instant::now();
    loop {
        let held = texts(client, target);
        if held == expected {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{target} holds {held:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn two_rooms_are_shown_and_the_prompt_names_the_current_one() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    types(&mut alice, "/open garden", "you are in garden too, members: 1");
    let mut bob = server.register("bob");
    bob.send("to the lobby");
    alice.sees("[lobby] bob: to the lobby");
    assert_eq!(bob.ask("/open garden"), "OK open garden 2");
    bob.send("/say garden to the garden");
    alice.sees("[garden] bob: to the garden");
    alice.sees("lobby> ");
    // The tab key offers the rooms that are open.
    types(&mut alice, "/switch gar\t", "what you say goes to garden");
    alice.sees("garden> ");
    alice.types("hello there\r");
    assert_eq!(bob.line(), "MSG garden alice hello there");
    alice.types("/say lobby hello lobby\r");
    assert_eq!(bob.line(), "MSG lobby alice hello lobby");
    types(&mut alice, "/close garden", "you left garden; what you say goes to lobby");
    alice.sees("lobby> ");
    assert_eq!(bob.line(), "PART garden alice");
}

#[test]
fn what_is_unread_is_told_at_login() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut before = server.register("alice");
    assert_eq!(before.ask("/open garden"), "OK open garden 1");
    let mut bob = server.register_json("bob").0;
    assert_eq!(before.ask("/quit"), "JOIN lobby bob");
    before.until("BYE");
    say_all(&mut bob, &["/open garden", "/say garden one", "/say garden two", "/msg alice psst"]);
    let mut alice = log_in(&server, home.path(), "alice");
    alice.sees("what you say goes to lobby; also open: garden; unread: #garden 2, @bob 1\r\n");
    bob.send("/say garden three");
    alice.sees("[garden] bob: three");
    // What was not shown stays unread.
    alice.types("/quit\r");
    assert_eq!(alice.ends(), 0);
    let mut alice = log_in(&server, home.path(), "alice");
    alice.sees("what you say goes to lobby; also open: garden; unread: #garden 3, @bob 1\r\n");
    types(&mut alice, "/inbox", "DM from bob: psst");
    types(&mut alice, "/backlog #garden", "OLD [garden 3] bob: three");
    alice.types("/quit\r");
    assert_eq!(alice.ends(), 0);
    let mut alice = log_in(&server, home.path(), "alice");
    alice.sees("* what you say goes to lobby; also open: garden\r\n");
}

#[test]
fn what_was_seen_is_read_though_the_session_has_no_clean_end() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    types(&mut alice, "/open garden", "you are in garden too, members: 1");
    let mut bob = server.register_json("bob").0;
    say_all(&mut bob, &["/open garden", "/say garden one", "/msg alice psst", "/say garden two"]);
    for seen in ["bob: one", "DM bob: psst", "bob: two"] {
        alice.sees(seen);
    }
    // She neither presses Enter nor leaves; the other session asks where everything stands.
    let (begun, mut unread) = (Instant::now(), vec![Value::Null]);
    while unread != [0, 0] {
        assert!(begun.elapsed() < Duration::from_secs(20), "{unread:?}");
        thread::sleep(Duration::from_secs(5));
        let mut elsewhere = server.log_in_json("alice").0;
        elsewhere.send("/sync");
        let sync = elsewhere.event_of("sync");
        let garden = sync["rooms"].as_array().unwrap().iter().find(|room| room["room"] == "garden").unwrap();
        unread = vec![garden["unread"].clone(), sync["directs"][0]["unread"].clone()];
    }
    alice.sees("logged-in-elsewhere");
}

#[test]
fn nothing_is_lost_or_shown_twice_where_the_server_is_killed() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut bob = server.register_json("bob").0;
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    types(&mut alice, "/join red", "you are in red, members: 1");
    types(&mut alice, "/open garden", "you are in garden too");
    types(&mut alice, "/subscribe bob", "you follow bob");
    say_all(
        &mut bob,
        &["/open garden", "/open red", "/say garden g-1", "/say red r-1", "/msg alice d-1", "/publish p-1"],
    );
    for seen in ["[garden] bob: g-1", "[red] bob: r-1", "DM bob: d-1", "PUB bob: p-1"] {
        alice.sees(seen);
    }
    alice.types("from alice\r");
    hold(&mut bob, "#red", &["r-1", "from alice"]);
    alice.types("half a li");
    let server = server.restart_on_same_port();
    let mut bob = server.log_in_json("bob").0;
    // The room red is left by its last member as the server dies, and alice comes back to it by herself.
    say_all(&mut bob, &["/open garden", "/open red"]);
    let meanwhile = ["/say garden g-2", "/say red r-2", "/msg alice d-2", "/publish p-2", "/say garden g-3"];
    say_all(&mut bob, &meanwhile);
    let mut seen = alice.sees("as alice, in lobby");
    say_all(&mut bob, &["/say garden g-4", "/say red r-4", "/msg alice d-4", "/publish p-4"]);
    // What comes last in each of them.
    let mut missing = vec!["bob: g-4", "bob: r-4", "bob: d-4", "bob: p-4"];
    while !missing.is_empty() {
        seen += &alice.sees("\r\n");
        missing.retain(|text| !seen.contains(text));
    }
    alice.types("ne\r");
    hold(&mut bob, "#red", &["r-1", "from alice", "r-2", "r-4", "half a line"]);
    bob.send("/say red the end");
    seen += &alice.sees("[red] bob: the end");
    for text in ["g-2", "g-3", "g-4", "r-2", "r-4", "d-2", "d-4", "p-2", "p-4"] {
        assert_eq!(seen.matches(&format!("bob: {text}")).count(), 1, "{text} in {seen}");
    }
    for text in ["g-1", "r-1", "d-1", "p-1", "alice: from alice"] {
        assert!(!seen.contains(text), "{text} in {seen}");
    }
}

#[test]
fn what_the_store_does_not_take_is_said_once_as_soon_as_it_does() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut bob = server.register_json("bob").0;
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    let lock = DatabaseLock::take(server.data());
    types(&mut alice, "in spite of it", "sent again until it is answered");
    alice.types("/msg bob and this\r");
    thread::sleep(Duration::from_secs(2));
    drop(lock);
    alice.sees("said now: in spite of it");
    hold(&mut bob, "@alice", &["and this"]);
    assert_eq!(texts(&mut bob, "#lobby"), ["in spite of it"]);
}

#[test]
fn what_has_no_answer_when_the_server_dies_is_said_once_by_the_next_one() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::enter(&[&server], home.path(), "alice");
    types(&mut alice, "/open garden", "you are in garden too");
    types(&mut alice, "/switch garden", "what you say goes to garden");
    alice.sees("garden> ");
    // A server that stands still takes lines and answers none.
    server.freeze();
    alice.types("one\r/msg alice a note\rtwo\r");
    alice.sees("two");
    thread::sleep(Duration::from_millis(300));
    let server = server.restart_on_same_port();
    for line in ["one", "/msg alice a note", "two"] {
        alice.sees(&format!("said now: {line}"));
    }
    alice.types("three\r");
    let mut bob = server.register_json("bob").0;
    say_all(&mut bob, &["/open garden"]);
    hold(&mut bob, "#garden", &["one", "two", "three"]);
}

#[test]
fn what_was_stored_without_an_answer_is_not_said_twice_nor_shown_as_news() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let way = BadWay::to(&server);
    let mut alice = Terminal::open_by_way_of(way.address, &server, home.path(), &["--user", "alice", "--register"]);
    alice.registers("alice");
    types(&mut alice, "/open garden", "you are in garden too");
    types(&mut alice, "/switch garden", "what you say goes to garden");
    alice.sees("garden> ");
    let mut bob = server.register_json("bob").0;
    say_all(&mut bob, &["/open garden"]);
    way.lose_answers();
    alice.types("one\r/msg bob two\r");
    hold(&mut bob, "#garden", &["one"]);
    hold(&mut bob, "@alice", &["two"]);
    bob.send("/say garden three");
    bob.event_of("ok");
    way.cut();
    let mut seen = String::new();
    while !(seen.contains("said now: one") && seen.contains("said now: /msg bob two") && seen.contains("bob: three")) {
        seen += &alice.sees("\r\n");
    }
    assert!(!seen.contains("alice: one") && !seen.contains("alice: two"), "{seen}");
    alice.types("four\r");
    hold(&mut bob, "#garden", &["one", "three", "four"]);
    hold(&mut bob, "@alice", &["two"]);
}
