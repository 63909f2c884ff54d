//! What users see of moderation, on the memory store. It must not look into rooms.

mod accounts;

use parlor_testkit::{Connection, World};

/// A room `red` of ann, in which bob is too.
fn room(world: &World) -> (Connection, Connection) {
    let (ann, bob) = (world.login("ann"), world.login("bob"));
    ann.send("/join red");
    bob.send("/join red");
    ann.read();
    bob.read();
    (ann, bob)
}

#[test]
fn whoever_makes_a_room_owns_it() {
    let world = World::new();
    let (ann, bob) = room(&world);
    assert_eq!(
        bob.ask("/room red"),
        [
            "ROOM-INFO topic",
            "ROOM-INFO access public",
            "ROOM-INFO post everyone",
            "ROOM-INFO owner ann",
            "ROOM-INFO moderators",
            "ROOM-INFO role member",
            "ROOM-INFO created 2026-11-23T00:00:00.000Z",
            "OK room red"
        ]
    );
    ann.send("/format json");
    ann.read();
    let told = concat!(
        r#"{"type":"room","room":"lobby","topic":"","access":"public","post":"everyone","owner":null,"moderators":[],"#,
        r#""role":"member","created":null}"#
    );
    assert!(ann.ask("/room lobby")[0].starts_with(&told[..told.len() - 6]));
    assert!(ann.ask("/room blue")[0].contains(r#""code":"no-such-room""#));
}

#[test]
fn a_topic_is_set_by_moderators_and_shown_to_those_inside() {
    let world = World::new();
    let (ann, bob) = room(&world);
    assert_eq!(ann.ask("/topic red All about roses"), ["OK topic red All about roses"]);
    assert_eq!(bob.read(), ["TOPIC red ann All about roses"]);
    assert_eq!(bob.ask("/topic red"), ["OK topic red All about roses"]);
    assert_eq!(bob.ask("/topic red x"), ["ERR not-allowed Only moderators of the room may do that"]);
    assert_eq!(bob.ask("/topic lobby"), ["ERR not-in-room You are not in lobby; /open lobby enters it"]);
    let long = ann.ask(&format!("/topic red {}", "x".repeat(401)));
    assert_eq!(long, ["ERR bad-argument /topic <room> [text] (at most 400 bytes)"]);
    let cyd = world.login("cyd");
    cyd.send("/format json");
    cyd.read();
    assert!(cyd.ask("/open red")[0].ends_with(r#""topic":"All about roses"}"#));
    let sync = &cyd.ask("/sync")[0];
    assert!(sync.contains(r#""topic":"All about roses","role":"member""#), "{sync}");
}

#[test]
fn who_is_kicked_finds_themselves_in_the_lobby_and_may_come_back() {
    let world = World::new();
    let (ann, bob) = room(&world);
    assert_eq!(ann.ask("/kick red bob too loud"), ["PART red bob", "OK kick red bob"]);
    assert_eq!(bob.read(), ["MODERATED red bob kick ann too loud", "MOVED lobby too loud"]);
    ann.send("without bob");
    bob.send("in the lobby");
    assert_eq!((bob.read(), ann.read()), (vec![], vec![]));
    assert_eq!(bob.ask("/who"), ["USER bob", "OK who lobby 1"]);
    assert_eq!(bob.ask("/join red"), ["OK join red 2"]);
}

#[test]
fn who_is_kicked_from_another_open_room_stays_where_they_are() {
    let world = World::new();
    let (ann, bob) = room(&world);
    bob.send_raw(b"/open blue\n/switch blue\n");
    bob.read();
    ann.send("/kick red bob");
    assert_eq!(bob.read(), ["MODERATED red bob kick ann"]);
    assert_eq!(bob.ask("/say red hi"), ["ERR not-in-room You are not in red; /open red enters it"]);
    assert_eq!(bob.ask("/who"), ["USER bob", "OK who blue 1"]);
}

#[test]
fn json_tells_where_one_is_moved_to() {
    let world = World::new();
    let (ann, bob) = room(&world);
    bob.send("/format json");
    bob.read();
    ann.send("/kick red bob too loud");
    let heard = bob.read();
    let kicked = concat!(
        r#"{"type":"moderated","room":"red","id":1,"time":"2026-11-23T00:00:00.000Z","from":"ann","action":"kick","#,
        r#""user":"bob","until":null,"reason":"too loud"}"#
    );
    assert_eq!(heard[0], kicked);
    assert!(heard[1].starts_with(r#"{"type":"moved","room":"lobby","members":1,"epoch":""#), "{heard:?}");
    assert!(heard[1].ends_with(r#","last":0,"reason":"too loud"}"#), "{heard:?}");
}

#[test]
fn a_message_in_flight_is_refused_from_the_kick_on() {
    let world = World::new();
    let (ann, bob) = room(&world);
    let doing = ann.clone();
    // The kick comes between the reading of the line and its append.
    world.after("page", move || doing.send("/kick red bob"));
    bob.send_raw(b"/history\nlate\n");
    let heard = bob.read();
    assert!(heard.contains(&"ERR not-in-room You are not in red; /open red enters it".to_owned()), "{heard:?}");
    assert_eq!(heard.last().unwrap(), "MOVED lobby");
    assert!(!ann.read().iter().any(|line| line.contains("late")));
}

#[test]
fn a_banned_user_stays_out_until_the_ban_is_over() {
    let world = World::new();
    let (ann, bob) = room(&world);
    assert_eq!(ann.ask("/ban red bob 10m spam"), ["PART red bob", "OK ban red bob"]);
    assert_eq!(bob.read(), ["MODERATED red bob ban ann spam", "MOVED lobby spam"]);
    let banned = "ERR banned You are banned from red until 2026-11-23T00:10:00.000Z";
    for command in ["/join red", "/open red", "/room red"] {
        assert_eq!(bob.ask(command), [banned], "{command}");
    }
    world.advance(600);
    assert_eq!(bob.ask("/join red"), ["OK join red 2"]);
    ann.send("/ban red bob");
    bob.read();
    assert_eq!(bob.ask("/join red"), ["ERR banned You are banned from red"]);
    ann.send("/unban red bob");
    assert_eq!(bob.ask("/join red"), ["OK join red 2"]);
    assert_eq!(ann.ask("/unban red bob").last().unwrap(), "ERR bad-argument This user is not banned there");
}

#[test]
fn sync_does_not_bring_a_banned_user_back() {
    let world = World::new();
    let (ann, bob) = room(&world);
    bob.send_raw(b"/leave\n/open red\n");
    bob.disconnect();
    ann.send("/ban red bob");
    let bob = world.login("bob");
    bob.send("/format json");
    bob.read();
    let sync = &bob.ask("/sync")[0];
    assert!(sync.contains(r#""lost":[{"room":"red","code":"banned"}]"#), "{sync}");
    assert!(bob.ask("/sync")[0].contains(r#""lost":[]"#));
}

#[test]
fn a_muted_user_is_refused_until_the_mute_is_over() {
    let world = World::new();
    let (ann, bob) = room(&world);
    assert_eq!(ann.ask("/mute red bob 1m"), ["OK mute red bob"]);
    assert_eq!(bob.read(), ["MODERATED red bob mute ann"]);
    assert_eq!(bob.ask("hi"), ["ERR muted You may not speak in red until 2026-11-23T00:01:00.000Z"]);
    assert!(bob.ask("/edit red 1 hi")[0].starts_with("ERR muted "));
    world.advance(60);
    assert_eq!(bob.ask("hi"), Vec::<String>::new());
    ann.send("/mute red bob");
    bob.read();
    assert_eq!(bob.ask("hi"), ["ERR muted You may not speak in red"]);
    ann.send("/unmute red bob");
    bob.send("hello");
    let heard = ann.read();
    assert_eq!(heard.iter().filter(|line| line.starts_with("MSG ")).count(), 2, "{heard:?}");
}

#[test]
fn a_room_in_which_moderators_speak() {
    let world = World::new();
    let (ann, bob) = room(&world);
    assert_eq!(ann.ask("/post red moderators"), ["OK post red moderators"]);
    assert_eq!(bob.read(), ["MODERATED red * post ann moderators"]);
    assert_eq!(bob.ask("hi"), ["ERR muted You may not speak in red"]);
    assert_eq!(ann.ask("hi"), Vec::<String>::new());
    ann.send("/moderator red bob");
    bob.read();
    assert_eq!(bob.ask("hi"), Vec::<String>::new());
    ann.send_raw(b"/unmoderator red bob\n/post red everyone\n");
    bob.read();
    assert_eq!(bob.ask("hi"), Vec::<String>::new());
}

#[test]
fn a_private_room_does_not_exist_for_others() {
    let world = World::new();
    let (ann, bob) = room(&world);
    let cyd = world.login("cyd");
    assert_eq!(ann.ask("/access red private").last().unwrap(), "OK access red private");
    for command in ["/who red", "/room red"] {
        assert_eq!(cyd.ask(command).last().unwrap(), "ERR no-such-room There is nobody in a room red", "{command}");
    }
    assert_eq!(cyd.ask("/rooms"), ["ROOM lobby 1", "OK rooms 1"]);
    assert_eq!(cyd.ask("/join red"), ["ERR invite-only red is private; somebody inside has to invite you"]);
    // Those inside count as invited.
    bob.send("/leave");
    bob.read();
    assert_eq!(bob.ask("/who red"), ["USER ann", "OK who red 1"]);
    assert_eq!(bob.ask("/join red"), ["OK join red 2"]);
    assert_eq!(ann.ask("/invite red cyd").last().unwrap(), "OK invite red cyd");
    cyd.read();
    assert_eq!(cyd.ask("/rooms"), ["ROOM lobby 1", "ROOM red 2", "OK rooms 2"]);
    assert_eq!(cyd.ask("/join red"), ["OK join red 3"]);
}

#[test]
fn an_invitation_is_heard_or_waits_in_the_inbox() {
    let world = World::new();
    let (ann, bob) = room(&world);
    world.account("cyd");
    let dan = world.login("dan");
    dan.read();
    assert_eq!(bob.ask("/invite red dan"), ["OK invite red dan"]);
    assert_eq!(dan.read(), ["INVITED red bob"]);
    ann.read();
    assert_eq!(ann.ask("/invite red cyd"), ["OK invite red cyd"]);
    let cyd = world.login("cyd");
    assert_eq!(cyd.ask("/inbox"), ["LOG @ann 1 ann (invitation) red", "OK inbox 1"]);
    cyd.send("/format json");
    cyd.read();
    assert!(cyd.ask("/backlog @ann")[0].contains(r#"{"type":"invited","id":1,"#));
    assert_eq!(dan.ask("/invite red cyd")[1..], ["ERR not-allowed Only moderators of the room may do that"]);
    assert_eq!(ann.ask("/invite red nobody").last().unwrap(), "ERR no-such-user There is no user nobody");
}

#[test]
fn a_room_is_handed_over() {
    let world = World::new();
    let (ann, bob) = room(&world);
    assert_eq!(ann.ask("/owner red bob"), ["OK owner red bob"]);
    assert_eq!(bob.read(), ["MODERATED red bob owner ann"]);
    assert_eq!(ann.ask("/access red private"), ["ERR not-allowed Only the owner of the room may do that"]);
    assert_eq!(bob.ask("/access red private"), ["OK access red private"]);
}

#[test]
fn the_room_of_a_deleted_owner_goes_to_the_longest_moderator() {
    let world = World::new();
    let (ann, bob) = room(&world);
    let cyd = world.login("cyd");
    cyd.send("/join red");
    ann.send_raw(b"/moderator red cyd\n/moderator red bob\n");
    world.delete_account("ann");
    world.advance(1);
    let dan = world.login("dan");
    dan.send("/join red");
    bob.read();
    cyd.read();
    let info = dan.ask("/room red");
    assert!(info.contains(&"ROOM-INFO owner cyd".to_owned()) && info.contains(&"ROOM-INFO role member".to_owned()));
    assert_eq!(bob.read(), ["MODERATED red cyd owner ann succession"]);
    assert_eq!(cyd.read(), ["MODERATED red cyd owner ann succession"]);
    assert_eq!(cyd.ask("/access red private").last().unwrap(), "OK access red private");
}

#[test]
fn rights_live_as_long_as_the_room() {
    let world = World::new();
    let (ann, bob) = room(&world);
    ann.send("/leave");
    bob.send("/leave");
    bob.read();
    // Nothing was said or set, so the room is gone, and bob makes a new one.
    bob.send("/join red");
    bob.read();
    assert!(bob.ask("/room red").contains(&"ROOM-INFO owner bob".to_owned()));
    bob.send_raw(b"hello\n/leave\n");
    ann.send("/join red");
    ann.read();
    assert!(ann.ask("/room red").contains(&"ROOM-INFO owner bob".to_owned()));
}

#[test]
fn an_operator_moderates_everywhere() {
    let world = World::new();
    let (_ann, bob) = room(&world);
    world.operator("op");
    let op = world.login("op");
    assert_eq!(op.ask("/kick red bob"), ["OK kick red bob", "JOIN lobby bob"]);
    assert_eq!(bob.read().last().unwrap(), "MOVED lobby");
    assert_eq!(op.ask("/mute lobby bob").last().unwrap(), "OK mute lobby bob");
    assert!(bob.ask("hi").last().unwrap().starts_with("ERR muted "));
    assert!(op.ask("/kick lobby bob")[0].starts_with("ERR bad-argument "));
}

#[test]
fn usages() {
    let world = World::new();
    let (ann, _bob) = room(&world);
    for (line, usage) in [
        ("/kick red", "/kick <room> <user> [reason]"),
        ("/ban red", "/ban <room> <user> [duration] [reason]"),
        ("/mute red bob 5x", "/mute <room> <user> [duration]"),
        ("/access red open", "/access <room> public|private"),
        ("/post red all", "/post <room> everyone|moderators"),
        ("/invite red bob now", "/invite <room> <user>"),
    ] {
        assert_eq!(ann.ask(line), [format!("ERR bad-argument {usage}")], "{line}");
    }
    assert_eq!(ann.ask("/kick red cyd"), ["ERR no-such-user There is no user cyd"]);
    assert_eq!(ann.ask("/kick red ann"), ["ERR bad-argument Not yourself"]);
    assert_eq!(ann.ask("/kick blue bob"), ["ERR no-such-room There is nobody in a room blue"]);
}
