//! The files of the embedded store, as an operator handles them: what is left after a stop, and what a restored copy does.

use std::fs;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;

use crate::damage::overwrite;
use crate::harness::{Machine, Server, blocks, eventually, installation, parlor, parlor_with_input};

/// Where operators read about backups.
const PAGE: &str = "deployment.md";

/// Names of the database's files, sorted.
fn files(data: &Path) -> Vec<String> {
    let names = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with("parlor.db")).collect();
    names.sort();
    names
}

/// Ends a server as the service manager does.
fn stop(server: &mut Server) {
    server.signal("TERM");
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
}

#[test]
fn after_a_stop_the_database_is_one_file_with_everything_in_it() {
    let mut server = Server::start();
    let (mut alice, _) = server.register_json("alice");
    let (mut bob, _) = server.register_json("bob");
    assert_eq!((alice.say("one"), bob.say("two")), (1, 2));
    assert_eq!(alice.history().len(), 2);
    stop(&mut server);
    assert_eq!(files(server.data()), ["parlor.db", "parlor.db.stamp"]);
    let copy = tempfile::tempdir().unwrap();
    fs::copy(server.data().join("parlor.db"), copy.path().join("parlor.db")).unwrap();
    let listed = parlor(copy.path(), &["user", "list"]);
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains("alice") && listed.contains("bob"), "{listed}");
}

#[test]
fn a_command_beside_no_server_leaves_one_file_too() {
    let data = installation();
    let before = files(data.path());
    let added = parlor_with_input(data.path(), &["user", "add", "alice", "--password-stdin"], "long secret\n");
    assert!(added.status.success());
    assert_eq!(files(data.path()), before);
    assert!(parlor(data.path(), &["user", "list"]).status.success());
    assert_eq!(files(data.path()), before);
}

#[test]
fn a_stop_while_another_program_reads_says_what_belongs_together() {
    let mut server = Server::start();
    let (mut alice, _) = server.register_json("alice");
    let other = Connection::open(server.data().join("parlor.db")).unwrap();
    other.execute_batch("BEGIN; SELECT count(*) FROM entry").unwrap();
    assert_eq!(alice.say("one"), 1);
    stop(&mut server);
    let log = server.log();
    assert!(log.contains("parlor.db-wal belongs to it: copy both, or neither"), "{log}");
    drop(other);
    let server = server.restart();
    let (mut alice, begun) = server.log_in_json("alice");
    assert_eq!((begun["last"].as_u64(), alice.say("two")), (Some(1), 2));
}

/// Somebody says `one` before the backup and `two` after it, and another `two` after it was restored.
fn restored(prepare: impl Fn(&mut Server), lose: impl Fn(&mut Server)) {
    let [backup, restore] = blocks(PAGE, "## Backups").try_into().unwrap();
    let mut place = Machine::of(Server::start());
    let (mut alice, begun) = place.server().register_json("alice");
    assert_eq!(alice.say("one"), 1);
    prepare(place.server());
    let said = place.follow(&backup);
    assert!(said.contains(" was rehearsed: ") && said.contains("1 accounts"), "{said}");
    if place.server().has_ended() {
        place.follow("systemctl start parlor");
        let again = place.server().log_in_json("alice");
        assert_eq!(again.1["epoch"], begun["epoch"]);
        alice = again.0;
    }
    assert_eq!(alice.say("two"), 2);
    place.server().register("bob");
    lose(place.server());
    let said = place.follow(&restore);
    assert!(said.contains("what was there before is now "), "{said}");
    let (mut alice, begun_again) = place.server().log_in_json("alice");
    assert_ne!(begun_again["epoch"], begun["epoch"]);
    assert_eq!(alice.history().entries().collect::<Vec<_>>(), [(1, "one")]);
    assert_eq!(alice.say("another two"), 2);
    assert!(place.server().connect().ask("LOGIN bob secret").starts_with("ERR bad-credentials"));
    let check = Connection::open(place.server().data().join("parlor.db")).unwrap();
    let sound: String = check.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn the_handbook_backs_up_and_restores_a_server_that_runs() {
    restored(|_| {}, |_| {});
}

#[test]
fn the_handbook_backs_up_and_restores_a_server_that_was_stopped() {
    restored(stop, stop);
}

#[test]
fn the_handbook_backs_up_and_restores_a_server_that_was_killed() {
    restored(Server::kill, Server::kill);
}

#[test]
fn the_handbook_saves_what_can_be_read_of_a_damaged_database() {
    let [restore] = blocks(PAGE, "### Other copies of the embedded database").try_into().unwrap();
    let [recover] = blocks(PAGE, "### A damaged database").try_into().unwrap();
    let mut place = Machine::of(Server::start());
    let (mut alice, _) = place.server().register_json("alice");
    assert_eq!((alice.say("one"), alice.say("two")), (1, 2));
    stop(place.server());
    overwrite(place.server().data(), "usual_address");
    place.follow(&recover);
    place.follow(&restore);
    let (mut alice, _) = place.server().log_in_json("alice");
    assert_eq!(alice.history().entries().collect::<Vec<_>>(), [(1, "one"), (2, "two")]);
    assert_eq!(alice.say("three"), 3);
}

/// What the log says of a database that went back.
const WENT_BACK: &str = "all logs begin a new epoch";

/// A copy of the database is put beside what is left of a server, without a word of the handbook.
fn put_back(copy: &Path, data: &Path) {
    for file in files(data).iter().filter(|file| !file.ends_with(".stamp")) {
        fs::remove_file(data.join(file)).unwrap();
    }
    fs::copy(copy, data.join("parlor.db")).unwrap();
}

#[test]
fn a_database_that_went_back_begins_a_new_epoch_though_the_handbook_was_not_followed() {
    for end in [stop, Server::kill] {
        let copies = tempfile::tempdir().unwrap();
        let copy = copies.path().join("copy.db");
        let server = Server::start();
        let (mut alice, begun) = server.register_json("alice");
        assert_eq!(alice.say("one"), 1);
        let backup = format!(".backup {}", copy.display());
        assert!(Command::new("sqlite3").arg(server.data().join("parlor.db")).arg(backup).status().unwrap().success());
        let stamp = || fs::read(server.data().join("parlor.db.stamp")).unwrap();
        // The server notes from time to time that something was said. The first note may be of what was said before.
        for (text, number) in [("two", 2), ("three", 3)] {
            let before = stamp();
            assert_eq!(alice.say(text), number);
            eventually("it is noted that something was said", || stamp() != before);
        }
        let mut server = server;
        end(&mut server);
        put_back(&copy, server.data());
        let server = server.restart();
        let (mut alice, begun_again) = server.log_in_json("alice");
        assert_ne!(begun_again["epoch"], begun["epoch"]);
        assert!(server.log().contains(WENT_BACK), "{}", server.log());
        assert_eq!((alice.history().len(), alice.say("another two")), (1, 2));
        let server = server.restart();
        assert_eq!(server.log_in_json("alice").1["epoch"], begun_again["epoch"]);
        assert!(!server.log().contains(WENT_BACK), "{}", server.log());
    }
}

#[test]
fn a_database_that_is_only_stopped_or_killed_keeps_its_epoch() {
    let server = Server::start();
    let (mut alice, begun) = server.register_json("alice");
    assert_eq!(alice.say("one"), 1);
    let mut server = server;
    for (end, number) in [(stop as fn(&mut Server), 2), (Server::kill, 3), (stop, 4)] {
        end(&mut server);
        server = server.restart();
        let (mut alice, begun_again) = server.log_in_json("alice");
        assert_eq!((&begun_again["epoch"], alice.say("more")), (&begun["epoch"], number));
        assert!(!server.log().contains(WENT_BACK), "{}", server.log());
    }
}
