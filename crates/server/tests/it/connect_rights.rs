//! `parlor connect` on a terminal where moderators do something: who is removed knows where they are, each edit and each
//! removal is shown once, and the tab key offers what one may do.

use crate::connect_rooms::{BadWay, entries, hold, say_all};
use crate::harness::{Client, Server, Terminal, parlor_with_input};

/// Alice in a terminal of her own by a way that can be cut, and bob, who owns the rooms red and garden; alice is in them.
struct Scene {
    alice: Terminal,
    bob: Client,
    way: BadWay,
    server: Server,
    home: tempfile::TempDir,
}

fn scene() -> Scene {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut bob = server.register_json("bob").0;
    say_all(&mut bob, &["/open red", "/open garden"]);
    let way = BadWay::to(&server);
    let args = ["--user", "alice", "--register", "--room", "red"];
    let mut alice = Terminal::open_by_way_of(way.address, &server, home.path(), &args);
    alice.sees("Password of alice: ");
    alice.types("secret\r");
    alice.sees("The same again: ");
    alice.types("secret\r");
    alice.sees("red> ");
    alice.types("/open garden\r");
    alice.sees("you are in garden too");
    Scene { alice, bob, way, server, home }
}

#[test]
fn who_is_kicked_sees_what_happened_and_where_they_are() {
    let Scene { mut alice, mut bob, way, server: _server, home: _home } = scene();
    alice.types("a secret of r");
    alice.sees("a secret of r");
    say_all(&mut bob, &["/kick red alice too loud"]);
    alice.sees("* bob removed alice from red: too loud\r\n");
    alice.sees("* you are in lobby now, members: 2\r\n");
    // The line was begun for red, so it is not said in the lobby.
    alice.types("ed\r");
    alice.sees("! not sent: you are in lobby, and not in red");
    alice.sees("lobby> ");
    alice.types("hello lobby\r");
    hold(&mut bob, "#lobby", &["hello lobby"]);
    // Out of a room that is not the current one.
    say_all(&mut bob, &["/kick garden alice"]);
    alice.sees("* bob removed alice from garden\r\n");
    // A new session does not bring her back.
    way.cut();
    alice.sees("as alice, in lobby");
    say_all(&mut bob, &["/say lobby welcome back"]);
    alice.sees("[lobby] bob: welcome back");
    for room in ["red", "garden"] {
        bob.send(&format!("/who {room}"));
        assert_eq!(bob.event_of("users")["users"], serde_json::json!(["bob"]), "{room}");
    }
    alice.types("/join red\r");
    alice.sees("you are in red, members: 2");
}

#[test]
fn who_is_kicked_during_a_cut_is_told_and_stays_out() {
    let Scene { mut alice, mut bob, way, server: _server, home: _home } = scene();
    // Her old session is still there when she is kicked, and she does not hear of it.
    way.lose_answers();
    say_all(&mut bob, &["/kick red alice too loud", "/say red without her", "/kick garden alice"]);
    way.cut();
    let mut seen = alice.sees("! you are in lobby: red could not be entered");
    for room in ["red", "garden"] {
        bob.send(&format!("/who {room}"));
        assert_eq!(bob.event_of("users")["users"], serde_json::json!(["bob"]), "{room}");
    }
    alice.types("hello\r");
    seen += &alice.sees("! not sent: you are in lobby, and not in red");
    say_all(&mut bob, &["/say lobby welcome back"]);
    seen += &alice.sees("[lobby] bob: welcome back");
    for line in ["! bob removed you from red while there was no connection: too loud", "! bob removed you from garden"]
    {
        assert_eq!(seen.matches(line).count(), 1, "{line}: {seen}");
    }
    assert!(!seen.contains("without her"), "{seen}");
    alice.types("/join red\r");
    alice.sees("you are in red, members: 2");
}

#[test]
fn who_is_banned_during_a_cut_is_told_once_and_stays_in_the_lobby() {
    let Scene { mut alice, mut bob, way, server: _server, home: _home } = scene();
    // Her old session is still there when she is banned, and she does not hear of it.
    way.lose_answers();
    say_all(&mut bob, &["/ban red alice 7d spam", "/access garden private", "/kick garden alice"]);
    way.cut();
    let seen = alice.sees("! you are in lobby: red could not be entered");
    assert_eq!(seen.matches("(banned)").count(), 1, "{seen}");
    alice.types("hello\r");
    alice.sees("! not sent: you are in lobby, and not in red");
    way.cut();
    let seen = alice.sees("as alice, in lobby");
    say_all(&mut bob, &["/say lobby welcome back"]);
    let seen = seen + &alice.sees("[lobby] bob: welcome back");
    assert!(!seen.contains("(banned)") && !seen.contains("could not be entered"), "{seen}");
}

#[test]
fn an_edit_and_a_removal_are_shown_once_also_after_a_cut() {
    let Scene { mut alice, mut bob, way, server: _server, home: _home } = scene();
    say_all(&mut bob, &["/say red one", "/say red two", "/say red three"]);
    alice.sees("bob: three");
    say_all(&mut bob, &["/edit red 1 eins", "/remove red 2 a slip"]);
    let mut seen = alice.sees("* bob removed message 2 in red: a slip\r\n");
    assert!(seen.contains("EDIT [red] bob: eins (message 1)\r\n"), "{seen}");
    // Her own edit is answered, and counts too.
    alice.types("mine\r/edit red 6 mine too\r");
    seen += &alice.sees("message 6 in red is changed");
    way.lose_answers();
    say_all(
        &mut bob,
        &[
            "/edit red 3 drei",
            "/say red four",
            "/edit red 9 vier",
            "/invite red alice",
            "/remove red 1",
            "/topic red roses",
            "/mute red alice 7d",
        ],
    );
    way.cut();
    seen += &alice.sees("* bob muted alice in red until ");
    seen += &alice.sees("OLD * bob invites you to red");
    say_all(&mut bob, &["/say red the end"]);
    seen += &alice.sees("[red] bob: the end");
    for line in [
        "EDIT [red] bob: eins (message 1)",
        "EDIT [red] bob: drei (message 3)",
        "OLD [red] bob: vier (edited)",
        "* bob removed message 1 in red",
        "* bob set the topic of red: roses",
        "OLD * bob invited alice to red",
    ] {
        assert_eq!(seen.matches(line).count(), 1, "{line} in {seen}");
    }
    assert!(!seen.contains("alice: mine") && !seen.contains("message 9"), "{seen}");
    alice.types("not allowed\r");
    alice.sees("You may not speak in red");
}

#[test]
fn an_edit_without_an_answer_is_made_once() {
    let Scene { mut alice, mut bob, way, server: _server, home: _home } = scene();
    alice.types("mine\r");
    hold(&mut bob, "#red", &["mine"]);
    way.lose_answers();
    alice.types("/edit red 1 ours\r");
    hold(&mut bob, "#red", &["ours"]);
    way.cut();
    let seen = alice.sees("said now: /edit red 1 ours");
    assert!(!seen.contains("EDIT"), "{seen}");
    assert_eq!(entries(&mut bob, "#red").iter().filter(|entry| entry["type"] == "edited").count(), 1);
}

/// Makes the account of an operator.
fn make_operator(server: &Server, user: &str) {
    let args = ["user", "add", "--operator", user, "--password-stdin", "--bcrypt-cost", "4", "--min-password", "1"];
    let made = parlor_with_input(server.data(), &args, "secret");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

#[test]
fn the_tab_key_offers_what_one_may_do() {
    let Scene { mut alice, mut bob, server, home, way: _ } = scene();
    // A command that she may not give is not completed: it is sent as it is.
    alice.types("/ki\t x\r");
    alice.sees("No such command");
    say_all(&mut bob, &["/moderator red alice"]);
    alice.sees("* bob made alice a moderator of red");
    alice.types("/ki\tre\t bo\t\r");
    alice.sees("(not-allowed)");
    alice.types("/acc\t x\r");
    alice.sees("No such command");
    say_all(&mut bob, &["/owner red alice"]);
    alice.sees("* bob made alice the owner of red");
    alice.types("/acc\tre\tpri\t\r");
    alice.sees("only the invited enter red");
    // Whoever makes a room owns it.
    alice.types("/join shed\r");
    alice.sees("you are in shed, members: 1");
    alice.types("/pos\tsh\tmod\t\r");
    alice.sees("only moderators speak in shed");
    alice.types("/susp\t x\r");
    alice.sees("No such command");

    make_operator(&server, "root");
    let mut root = Terminal::open(&[&server], home.path(), &["--user", "root"]);
    root.sees("Password of root: ");
    root.types("secret\r");
    root.sees("lobby> ");
    root.types("/join red\r");
    root.sees("you are in red");
    root.types("/who shed\r");
    root.sees("in shed: alice");
    root.types("/susp\tali\t\r");
    root.sees("alice is suspended");
    alice.sees("(suspended)");
    alice.sees("press Enter to leave");
    alice.types("\r");
    assert_eq!(alice.ends(), 1);
}

#[test]
fn an_invitation_is_shown_and_rings() {
    let (server, home) = (Server::start(), tempfile::tempdir().unwrap());
    let mut alice = Terminal::enter_with(&[&server], home.path(), "alice", &["--bell", "on"]);
    let mut bob = server.register_json("bob").0;
    say_all(&mut bob, &["/open red", "/access red private", "/invite red alice", "/topic red All about roses"]);
    alice.sees("\x07");
    alice.sees("* bob invites you to red; /open red enters it");
    alice.types("/open r\t\r");
    alice.sees("you are in red too");
    alice.types("/room red\r");
    alice.sees("about red:");
    let table = alice.sees("you are     member");
    for row in ["topic       All about roses", "may enter   the invited", "owner       bob"] {
        assert!(table.contains(row), "{row} in {table}");
    }
    alice.types("/quit\r");
    assert_eq!(alice.ends(), 0);
    let mut again = server.log_in_json("alice").0;
    again.send("/sync");
    assert_eq!(again.event_of("sync")["directs"][0]["unread"], 0);
}
