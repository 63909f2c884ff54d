//! `parlor room` and `parlor user suspend`, as operators run them while servers run and while none does, with a database and
//! with a Redis.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use parlor_redis_testkit::RedisServer;

use crate::harness::{Client, Options, Server, command, eventually, number, outcome, without_notice};

/// An installation with a server, or with two that share a Redis.
struct Place {
    servers: Vec<Server>,
    redis: Option<RedisServer>,
}

impl Place {
    fn embedded() -> Self {
        Self { servers: vec![Server::start()], redis: None }
    }

    fn shared() -> Self {
        let redis = RedisServer::start();
        let start = || Options::default().env("PARLOR_REDIS", &redis.url()).start();
        Self { servers: vec![start(), start()], redis: Some(redis) }
    }

    fn both() -> [Self; 2] {
        [Self::embedded(), Self::shared()]
    }

    fn one(&self) -> &Server {
        &self.servers[0]
    }

    /// The other server, if there are two.
    fn other(&self) -> &Server {
        self.servers.last().unwrap()
    }

    /// Runs the program on this installation. Returns its exit code, its output and its complaint.
    fn run(&self, words: &[&str]) -> (Option<i32>, String, String) {
        let data = self.one().data();
        let mut command = command(data, words);
        if let Some(redis) = &self.redis {
            command.env("PARLOR_REDIS", redis.url());
        }
        without_notice(outcome(data, command.output().unwrap()))
    }

    /// Runs the program and returns what it says. Fails unless it succeeds.
    fn says(&self, words: &[&str]) -> String {
        let (code, said, complaint) = self.run(words);
        assert_eq!((code, complaint.as_str()), (Some(0), ""), "{words:?}: {said}");
        said
    }

    /// Runs the program and returns its complaint. Fails unless it fails.
    fn complains(&self, words: &[&str]) -> String {
        let (code, said, complaint) = self.run(words);
        assert_eq!((code, said.as_str()), (Some(1), ""), "{words:?}");
        complaint
    }

    /// The row of a room in the list, as words.
    fn row(&self, room: &str) -> Option<Vec<String>> {
        let list = self.says(&["room", "list"]);
        let row = list.lines().find(|line| line.split_whitespace().next() == Some(room))?;
        Some(row.split_whitespace().map(str::to_owned).collect())
    }

    /// The values that `parlor room show` has under a key.
    fn shown(&self, room: &str, key: &str) -> Vec<String> {
        let shown = self.says(&["room", "show", room]);
        let values = shown.lines().filter_map(|line| line.strip_prefix(key));
        values.map(|value| value.trim().to_owned()).collect()
    }

    /// Ann, who owns the garden, and Bob, who is inside on the other server.
    fn garden(&self) -> (Client, Client) {
        let (mut ann, mut bob) = (self.one().register("ann"), self.other().register("bob"));
        ann.send("/join garden\nhello\n/ping said");
        ann.until("PONG said");
        bob.send("/join garden");
        bob.until("OK join garden 2");
        ann.until("JOIN garden bob");
        (ann, bob)
    }
}

/// Sends a command and returns its answer; skips what was heard before.
fn answer(client: &mut Client, command: &str) -> String {
    client.send(&format!("/ping before\n{command}"));
    client.until("PONG before");
    // What others did may be heard in between.
    loop {
        let line = client.line();
        if line.starts_with("OK ") || line.starts_with("ERR ") {
            return line;
        }
    }
}

#[test]
fn rooms_are_listed_and_shown_with_all_rights() {
    for place in Place::both() {
        let (mut ann, _bob) = place.garden();
        let cyd = place.one().register("cyd");
        for command in [
            "/topic garden Roses",
            "/moderator garden bob",
            "/mute garden cyd 2h",
            "/access garden private",
            "/invite garden cyd",
        ] {
            ann.send(command);
            ann.until(&format!("OK {}", command[1..].split(' ').next().unwrap()));
        }
        let inside = if place.redis.is_some() { "2" } else { "?" };
        let row = place.row("garden").unwrap();
        assert_eq!(row, ["garden", inside, "private", "everyone", "ann", "6", "6"]);
        assert_eq!(place.row("lobby").unwrap()[4], "operators");
        assert_eq!(place.shown("garden", "topic"), ["Roses"]);
        assert_eq!(place.shown("garden", "moderator"), ["bob"]);
        assert!(place.shown("garden", "invited").contains(&"cyd".to_owned()));
        let muted = place.shown("garden", "muted");
        assert!(muted.len() == 1 && muted[0].starts_with("cyd until 2"), "{muted:?}");
        let members = if place.redis.is_some() { "2 ann bob" } else { "? (only the server knows them)" };
        assert_eq!(place.shown("garden", "members"), [members]);
        assert_eq!(place.complains(&["room", "show", "nowhere"]), unknown("nowhere"));
        drop(cyd);
    }
}

fn unknown(room: &str) -> String {
    format!("parlor: there is no room {room}; parlor room list shows all\n")
}

#[test]
fn a_room_is_handed_over_while_people_are_inside() {
    for place in Place::both() {
        let (mut ann, mut bob) = place.garden();
        assert!(answer(&mut bob, "/post garden moderators").starts_with("ERR not-allowed "));
        assert_eq!(place.says(&["room", "transfer", "garden", "bob"]), "garden belongs to bob\n");
        for member in [&mut ann, &mut bob] {
            assert_eq!(member.until("MODERATED"), "MODERATED garden bob owner operator");
        }
        assert!(answer(&mut bob, "/post garden moderators").starts_with("OK post garden"));
        assert!(answer(&mut ann, "/post garden everyone").starts_with("ERR not-allowed "));
        ann.send("as a moderator I may speak");
        bob.until("MSG garden ann as a moderator");
        assert_eq!(place.row("garden").unwrap()[4], "bob");
        let given = place.says(&["room", "transfer", "garden", "--to-operators", "--as", "root"]);
        assert_eq!(given, "garden belongs to the operators\n");
        assert_eq!(ann.until("MODERATED garden * owner"), "MODERATED garden * owner root operators");
        assert!(answer(&mut bob, "/post garden everyone").starts_with("ERR not-allowed "));
        assert_eq!(place.row("garden").unwrap()[4], "operators");
    }
}

#[test]
fn a_room_is_not_handed_over_to_nobody_or_to_its_owner() {
    for place in Place::both() {
        let (_ann, mut bob) = place.garden();
        let transfer = |more: &[&str]| place.complains(&[&["room", "transfer"], more].concat());
        assert_eq!(transfer(&["garden", "zoe"]), "parlor: there is no user zoe\n");
        assert_eq!(transfer(&["nowhere", "bob"]), unknown("nowhere"));
        assert_eq!(transfer(&["garden", "ann"]), "parlor: this user owns the room garden already\n");
        assert!(transfer(&["lobby", "bob"]).starts_with("parlor: the lobby belongs to the operators"));
        bob.expect_quiet();
    }
}

#[test]
fn a_room_is_handed_over_and_deleted_where_no_server_runs() {
    let mut place = Place::embedded();
    let (mut ann, _) = place.garden();
    ann.send("/join cellar\nanybody here\n/ping said");
    ann.until("PONG said");
    let mut server = place.servers.remove(0);
    server.signal("TERM");
    server.wait();
    place.servers.push(server);
    assert_eq!(place.row("garden").unwrap()[1..], ["0", "public", "everyone", "ann", "1", "1"]);
    assert_eq!(place.says(&["room", "transfer", "garden", "bob"]), "garden belongs to bob\n");
    assert_eq!(place.says(&["room", "delete", "cellar", "--yes"]), "cellar deleted\n");
    assert_eq!(place.row("garden").unwrap()[4..], ["bob", "2", "2"]);
    assert_eq!(place.row("cellar"), None);
    let server = place.servers.remove(0).restart();
    let mut bob = server.log_in("bob");
    bob.send("/join garden");
    bob.until("OK join garden 1");
    assert!(answer(&mut bob, "/post garden moderators").starts_with("OK post garden"));
    let mut ann = server.log_in("ann");
    ann.send("/join garden\n/history");
    assert_eq!(ann.until("OLD garden 1"), "OLD garden 1 ann hello");
}

#[test]
fn a_room_is_deleted_and_everybody_inside_is_in_the_lobby() {
    for place in Place::both() {
        let (mut ann, mut bob) = place.garden();
        ann.send("/open garden\n/topic garden Roses\n/mute garden bob");
        ann.until("OK mute");
        assert_eq!(place.says(&["room", "delete", "garden", "--yes", "--as", "root"]), "garden deleted\n");
        for member in [&mut ann, &mut bob] {
            assert_eq!(member.until("MOVED"), "MOVED lobby the room was deleted");
        }
        assert_eq!(place.row("garden"), None);
        assert_eq!(place.complains(&["room", "show", "garden"]), unknown("garden"));
        ann.send("in the lobby");
        assert_eq!(bob.until("MSG"), "MSG lobby ann in the lobby");
        // Nothing of it is left in the room that Bob makes.
        assert_eq!(answer(&mut bob, "/join garden"), "OK join garden 1");
        assert_eq!(bob.list("/history", "OK"), ["OK history garden 0"]);
        assert!(answer(&mut bob, "/topic garden Tulips").starts_with("OK topic"));
        bob.send("mine now\n/ping said");
        bob.until("PONG said");
        assert_eq!(place.row("garden").unwrap()[4], "bob");
        assert!(answer(&mut ann, "/topic garden Roses").starts_with("ERR not-"));
    }
}

/// Epoch and newest number of the garden, for somebody who enters it.
fn head(client: &mut Client) -> (String, u64) {
    client.send("/join garden");
    let joined = client.event_of("ok");
    (joined["epoch"].as_str().unwrap().to_owned(), number(&joined["last"]))
}

#[test]
fn no_number_of_a_deleted_room_is_used_again_and_the_next_owner_is_kept() {
    for mut place in Place::both() {
        let (mut ann, _) = place.one().register_json("ann");
        let (epoch, _) = head(&mut ann);
        assert_eq!((0..3).map(|_| ann.say("hello")).last(), Some(3));
        place.says(&["room", "delete", "garden", "--yes"]);
        assert_eq!(ann.event_of("moved")["reason"], "the room was deleted");
        let (again, last) = head(&mut ann);
        let id = ann.say("hello again");
        assert!(again != epoch || (last > 3 && id > last), "{epoch} {again} {last} {id}");
        let redis = place.redis.take();
        let restarted = place.servers.drain(..).map(Server::restart).collect();
        place = Place { servers: restarted, redis };
        assert_eq!(place.row("garden").unwrap()[4], "ann");
        let (mut bob, _) = place.other().register_json("bob");
        assert_eq!(head(&mut bob), (again, id));
        assert_eq!(bob.history().len(), 1);
    }
}

#[test]
fn a_deleted_room_is_remembered_by_nobody() {
    for place in Place::both() {
        let (mut ann, _) = place.one().register_json("ann");
        ann.send("/open garden");
        ann.event_of("ok");
        ann.send("/say garden hello");
        ann.event_of("ok");
        ann.send("/quit");
        ann.event_of("bye");
        place.says(&["room", "delete", "garden", "--yes"]);
        let (mut ann, _) = place.other().log_in_json("ann");
        ann.send("/sync");
        let sync = ann.event_of("sync");
        let rooms = sync["rooms"].as_array().unwrap();
        assert!(rooms.iter().all(|room| room["room"] == "lobby"), "{sync}");
        assert_eq!(place.row("garden"), None);
    }
}

#[test]
fn a_room_goes_only_if_that_is_confirmed_and_the_lobby_never() {
    for place in Place::both() {
        let (_ann, _bob) = place.garden();
        let told = place.complains(&["room", "delete", "garden"]);
        assert!(told.ends_with("give --yes\n"), "{told}");
        assert_eq!(place.row("garden").unwrap()[4], "ann");
        let told = place.complains(&["room", "delete", "lobby", "--yes"]);
        assert_eq!(told, "parlor: the lobby cannot be deleted: everybody begins there\n");
        assert_eq!(place.complains(&["room", "delete", "nowhere", "--yes"]), unknown("nowhere"));
    }
}

#[test]
fn a_server_without_a_history_hands_over_and_deletes_too() {
    let server = Options::default().args(&["--history", "0"]).start();
    let place = Place { servers: vec![server], redis: None };
    let (mut ann, mut bob) = place.garden();
    assert_eq!(place.says(&["room", "transfer", "garden", "bob"]), "garden belongs to bob\n");
    assert_eq!(ann.until("MODERATED"), "MODERATED garden bob owner operator");
    assert!(answer(&mut bob, "/post garden moderators").starts_with("OK post garden"));
    assert_eq!(place.row("garden").unwrap()[4], "bob");
    assert_eq!(place.says(&["room", "delete", "garden", "--yes"]), "garden deleted\n");
    assert_eq!(ann.until("MOVED"), "MOVED lobby the room was deleted");
    assert_eq!(place.row("garden"), None);
    assert_eq!(answer(&mut ann, "/join garden"), "OK join garden 1");
    assert!(answer(&mut ann, "/post garden moderators").starts_with("OK post garden"));
}

#[test]
fn what_a_server_does_not_answer_is_not_done() {
    let place = Place::embedded();
    let (mut ann, _bob) = place.garden();
    place.one().freeze();
    let told = place.complains(&["room", "transfer", "garden", "bob"]);
    place.one().thaw();
    assert!(told.contains("the server does not answer for 10 s, and nothing has changed"), "{told}");
    std::thread::sleep(Duration::from_millis(1500));
    assert!(answer(&mut ann, "/post garden moderators").starts_with("OK post garden"));
}

#[test]
fn a_suspended_user_is_out_until_the_suspension_ends() {
    for place in Place::both() {
        let mut ann = place.other().register("ann");
        let told = place.says(&["user", "suspend", "ann", "--for", "7d", "--reason", "spam in the garden"]);
        assert!(told.starts_with("ann is suspended until 2"), "{told}");
        assert!(ann.until("BYE").starts_with("BYE suspended "));
        let list = place.says(&["user", "list"]);
        assert!(list.contains("  suspended until 2") && list.ends_with(": spam in the garden\n"), "{list}");
        for server in [place.one(), place.other()] {
            let refused = server.connect().ask("LOGIN ann secret");
            assert!(refused.starts_with("ERR suspended ") && refused.ends_with(": spam in the garden"), "{refused}");
        }
        assert_eq!(place.says(&["user", "unsuspend", "ann"]), "ann is not suspended any more\n");
        assert!(!place.says(&["user", "list"]).contains("suspended"));
        eventually("Ann gets in again", || place.one().connect().ask("LOGIN ann secret").starts_with("OK login"));
    }
}

#[test]
fn a_suspension_may_hold_for_ever_and_needs_an_account_and_a_duration() {
    for place in Place::both() {
        let _ann = place.one().register("ann");
        assert_eq!(place.says(&["user", "suspend", "ann"]), "ann is suspended for ever\n");
        assert!(place.says(&["user", "list"]).ends_with("  suspended for ever\n"));
        for action in ["suspend", "unsuspend"] {
            assert_eq!(place.complains(&["user", action, "zoe"]), "parlor: there is no user zoe\n");
        }
        for wrong in ["7", "0d", "d", "7y", "9000w"] {
            let (code, _, complaint) = place.run(&["user", "suspend", "ann", "--for", wrong]);
            assert!(code == Some(2) && complaint.contains("expected a duration such as"), "{wrong}: {complaint}");
        }
    }
}

#[test]
fn the_program_makes_no_lock_that_the_server_could_not_take() {
    let data = Arc::new(tempfile::tempdir().unwrap());
    crate::harness::install(&data);
    fs::remove_file(data.path().join("server.lock")).unwrap();
    let listed = command(data.path(), &["room", "list"]).output().unwrap();
    assert!(listed.status.success());
    assert!(!data.path().join("server.lock").exists());
}
