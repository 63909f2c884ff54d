//! The order of steps of a session, seen by its client and by others.

mod failures;
mod login;
mod marks;

use parlor_testkit::{Connection, World, login_line};

fn nothing() -> Vec<String> {
    Vec::new()
}

fn read_all(people: &[Connection]) {
    for person in people {
        person.read();
    }
}

/// Ann in the lobby with cyd, bob in red; nothing unread.
fn three(world: &World) -> [Connection; 3] {
    let people = ["ann", "bob", "cyd"].map(|user| world.login(user));
    people[1].send("/join red");
    read_all(&people);
    people
}

#[test]
fn what_is_said_while_one_enters_comes_right_after_the_answer() {
    for call in ["follow", "enter", "leave"] {
        let world = World::new();
        let [ann, bob, _cyd] = three(&world);
        bob.send("before");
        let speaker = bob.clone();
        world.after(call, move || speaker.send("meanwhile"));
        assert_eq!(ann.ask("/join red"), ["OK join red 2", "MSG red bob meanwhile"], "after {call}");
        bob.send("after");
        assert_eq!(ann.read(), ["MSG red bob after"]);
    }
}

#[test]
fn the_answer_tells_the_number_before_the_first_message() {
    for (call, last) in [("follow", 2), ("enter", 2), ("leave", 2)] {
        let world = World::new();
        let [ann, bob, _cyd] = three(&world);
        ann.send("/format json");
        ann.read();
        bob.send_raw(b"one\ntwo\n");
        let speaker = bob.clone();
        world.after(call, move || speaker.send_raw(b"three\nfour\n"));
        let answer = ann.ask("/join red");
        assert!(answer[0].ends_with(&format!(r#""epoch":"0000000000000001","last":{last}}}"#)), "{answer:?}");
        assert!(answer[1].contains(r#""id":3,"#) && answer[2].contains(r#""id":4,"#), "{answer:?}");
    }
}

#[test]
fn the_room_left_behind_is_heard_until_the_answer_and_not_after_it() {
    let world = World::new();
    let [ann, bob, cyd] = three(&world);
    let speaker = cyd.clone();
    world.after("enter", move || speaker.send("late"));
    assert_eq!(ann.ask("/join red"), ["MSG lobby cyd late", "OK join red 2"]);
    cyd.send("too late");
    assert_eq!((ann.read(), bob.read()), (nothing(), vec!["JOIN red ann".to_owned()]));
}

#[test]
fn whoever_entered_before_is_counted_and_whoever_enters_after_is_announced() {
    let world = World::new();
    let [ann, _bob, cyd] = three(&world);
    let earlier = cyd.clone();
    world.after("follow", move || earlier.send("/join red"));
    assert_eq!(ann.ask("/join red"), ["PART lobby cyd", "OK join red 3"]);

    let world = World::new();
    let [ann, bob, cyd] = three(&world);
    let later = cyd.clone();
    world.after("enter", move || later.send("/join red"));
    assert_eq!(ann.ask("/join red"), ["PART lobby cyd", "OK join red 2", "JOIN red cyd"]);
    assert_eq!(bob.read(), ["JOIN red ann", "JOIN red cyd"]);
}

#[test]
fn whoever_left_meanwhile_is_announced_once() {
    let world = World::new();
    let [ann, bob, _cyd] = three(&world);
    world.after("enter", move || bob.disconnect());
    assert_eq!(ann.ask("/join red"), ["OK join red 2", "PART red bob"]);
    assert_eq!(ann.ask("/who"), ["USER ann", "OK who red 1"]);
}

#[test]
fn what_is_said_during_a_login_comes_after_its_answer() {
    let world = World::new();
    let [ann, _bob, cyd] = three(&world);
    ann.disconnect();
    cyd.read();
    let speaker = cyd.clone();
    world.after("enter", move || speaker.send("meanwhile"));
    assert_eq!(world.connect().ask(&login_line("ann")), ["OK login ann lobby", "MSG lobby cyd meanwhile"]);
    assert_eq!(cyd.read(), ["JOIN lobby ann", "PART lobby ann"]);
}

#[test]
fn a_takeover_ends_the_earlier_session_with_one_part() {
    let world = World::new();
    let [_ann, bob, cyd] = three(&world);
    let new = world.connect();
    assert_eq!(new.ask(&login_line("bob")), ["OK login bob lobby"]);
    assert_eq!(bob.read(), ["BYE logged-in-elsewhere This user logged in elsewhere, which ends this session"]);
    assert!(!bob.is_open());
    assert_eq!(cyd.read(), ["JOIN lobby bob"]);
    assert_eq!(new.ask("/who red"), ["ERR no-such-room There is nobody in a room red"]);
    assert_eq!(world.reports()[3..], ["ended bob logged-in-elsewhere", "began bob from 127.0.0.1"]);
}

#[test]
fn a_kick_ends_the_session_and_the_account_stays() {
    let world = World::new();
    let [ann, bob, cyd] = three(&world);
    world.kick("ann");
    assert_eq!(ann.read(), ["BYE kicked An operator ended this session"]);
    assert!(!ann.is_open());
    assert_eq!((bob.read(), cyd.read()), (nothing(), vec!["PART lobby ann".to_owned()]));
    let again = world.login("ann");
    assert!(again.is_open());
}

#[test]
fn who_was_kicked_hears_so_though_the_news_did_not_come() {
    let world = World::new();
    let [ann, bob, _cyd] = three(&world);
    world.lose_displacements();
    world.kick("ann");
    // The store takes nothing of the earlier sessions any more.
    let _later = ["ann", "bob"].map(|user| world.login(user));
    drop([ann.read(), bob.read()]);
    assert_eq!(ann.ask("hello"), ["BYE kicked An operator ended this session"]);
    let displaced = "BYE logged-in-elsewhere This user logged in elsewhere, which ends this session";
    assert_eq!(bob.ask("/open green"), [displaced]);
}

#[test]
fn a_login_that_was_verified_before_a_kick_begins_no_session() {
    for call in ["find", "claim", "follow", "enter"] {
        let world = World::new();
        world.account("ann");
        let (ann, doing) = (world.connect(), world.clone());
        world.after(call, move || doing.kick("ann"));
        assert_eq!(ann.ask(&login_line("ann")), ["BYE kicked An operator ended this session"], "{call}");
        assert!(!ann.is_open());
        world.login("ann");
    }
}

#[test]
fn a_kick_after_the_last_look_at_the_account_ends_the_session_all_the_same() {
    let world = World::new();
    world.account("ann");
    let (ann, doing) = (world.connect(), world.clone());
    // The account is read at the begin of the login and at its end.
    world.after("find", || ());
    world.after("find", move || doing.kick("ann"));
    ann.send(&login_line("ann"));
    assert_eq!(ann.read().pop().as_deref(), Some("BYE kicked An operator ended this session"));
    assert!(!ann.is_open());
    world.login("ann");
}

#[test]
fn a_takeover_leaves_all_open_rooms_with_one_part_each() {
    let world = World::new();
    let [_ann, bob, cyd] = three(&world);
    let rooms: Vec<String> = (0..62).map(|number| format!("room-{number}")).collect();
    for room in &rooms {
        cyd.send(&format!("/open {room}"));
        bob.send(&format!("/open {room}"));
    }
    bob.read();
    assert_eq!(bob.ask("/open one-more"), ["OK open one-more 1"]);
    assert!(bob.ask("/open too-many")[0].starts_with("ERR limit-reached "));
    cyd.read();
    let again = world.connect();
    assert_eq!(again.ask(&login_line("bob")), ["OK login bob lobby"]);
    let mut parts: Vec<String> = rooms.iter().map(|room| format!("PART {room} bob")).collect();
    parts.push("JOIN lobby bob".to_owned());
    let mut heard = cyd.read();
    heard.sort();
    parts.sort();
    assert_eq!(heard, parts);
    assert_eq!(again.ask("/sync").last().unwrap(), "OK sync 64 0");
}

#[test]
fn every_open_room_is_left_at_the_end() {
    let world = World::new();
    let [ann, bob, cyd] = three(&world);
    cyd.send_raw(b"/open red\n/open blue\n");
    bob.send("/open blue");
    read_all(&[ann.clone(), bob.clone(), cyd.clone()]);
    bob.disconnect();
    let mut heard = cyd.read();
    heard.sort();
    assert_eq!(heard, ["PART blue bob", "PART red bob"]);
    assert_eq!(cyd.ask("/rooms"), ["ROOM blue 1", "ROOM lobby 2", "ROOM red 1", "OK rooms 3"]);
}

#[test]
fn in_one_room_a_takeover_is_one_part_and_one_join() {
    let world = World::new();
    let [_ann, _bob, cyd] = three(&world);
    let _new = world.login("ann");
    assert_eq!(cyd.read(), ["PART lobby ann", "JOIN lobby ann"]);
}

const DEEDS: [&str; 16] = [
    "hello",
    "/publish hello",
    "/join blue",
    "/open blue",
    "/sync",
    "/close red",
    "/say red hello",
    "/once key hello",
    "/read #red 0",
    "/block ann",
    "/unblock ann",
    "/msg cyd hello",
    "/broadcast hello",
    "/subscribe ann",
    "/unsubscribe ann",
    r#"/passwd "secret of bob" new"#,
];

#[test]
fn a_session_that_hangs_is_fenced_off_and_ends_at_its_next_word() {
    // Each run waits for the whole takeover patience, so all run at the same time.
    std::thread::scope(|scope| {
        for line in DEEDS {
            scope.spawn(move || hang_and_say(line));
        }
    });
}

fn hang_and_say(line: &str) {
    let world = World::new();
    world.operator("bob");
    let [ann, bob, cyd] = three(&world);
    cyd.send("/subscribe bob");
    ann.send("/join red");
    read_all(&[ann.clone(), bob.clone(), cyd.clone()]);
    world.lose_displacements();
    let new = world.connect();
    assert_eq!(new.ask(&login_line("bob")), ["OK login bob lobby"]);
    assert_eq!(ann.read(), ["PART red bob"]);
    assert_eq!(cyd.read(), ["JOIN lobby bob"]);
    assert!(bob.ask(line)[0].starts_with("BYE logged-in-elsewhere "), "{line}");
    assert!(!bob.is_open());
    assert_eq!((ann.read(), cyd.read()), (nothing(), nothing()));
    assert_eq!(new.ask("/who"), ["USER bob", "USER cyd", "OK who lobby 2"]);
    ann.send("/msg bob hi");
    assert_eq!(new.read(), ["DM ann hi"]);
    // Two rooms, three inboxes and a feed: nothing is left that only the earlier session heard.
    assert_eq!(world.topics(), 6);
}

#[test]
fn a_session_that_hangs_forgets_no_room_of_its_successor() {
    let world = World::new();
    let [_ann, bob, _cyd] = three(&world);
    bob.send("/open blue");
    bob.read();
    world.lose_displacements();
    let new = world.connect();
    assert_eq!(new.ask(&login_line("bob")), ["OK login bob lobby"]);
    assert!(bob.ask("/close blue")[0].starts_with("BYE logged-in-elsewhere "));
    assert_eq!(new.ask("/sync").last().unwrap(), "OK sync 2 0");
}

#[test]
fn every_end_is_one_part_and_leaves_nothing_behind() {
    type End = fn(&World, &Connection);
    let ends: [(usize, End); 5] = [
        (1, |_, ann| ann.disconnect()),
        (1, |_, ann| ann.send("/quit")),
        (1, |_, ann| ann.idle_out()),
        (1, |world, _| world.delete_account("ann")),
        (2, |_, ann| ann.send_raw(b"/join blue\n/leave\n/quit\n/join green\n")),
    ];
    for (parts, end) in ends {
        let world = World::new();
        let [ann, bob, cyd] = three(&world);
        ann.send("/subscribe bob");
        end(&world, &ann);
        assert_eq!(cyd.read().iter().filter(|line| *line == "PART lobby ann").count(), parts);
        assert_eq!((ann.is_open(), world.connections()), (false, 2));
        assert_eq!(cyd.ask("/who"), ["USER cyd", "OK who lobby 1"]);
        bob.disconnect();
        cyd.disconnect();
        assert_eq!((world.connections(), world.topics()), (0, 0));
    }
}

#[test]
fn what_was_read_stays_read_when_the_room_is_closed() {
    let world = World::new();
    let [ann, bob, _cyd] = three(&world);
    ann.send("/format json");
    ann.send("/open red");
    ann.send("/say red one");
    bob.send("two");
    ann.send("/read #red 2");
    ann.send("/close red");
    ann.read();
    ann.send("/open red");
    ann.read();
    let sync = ann.ask("/sync");
    let red = sync[0].split(r#""room":"red""#).nth(1).unwrap_or_default();
    assert!(red.contains(r#""last":2,"read":2,"unread":0"#), "{sync:?}");
}
