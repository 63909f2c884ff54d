//! Steps of a session that are refused or fail: nothing is left of them.

use super::*;

const UNAVAILABLE: &str = "ERR store-unavailable The store cannot be reached; try again later";

#[test]
fn a_room_that_lets_nobody_in_is_not_listened_to() {
    let world = World::builder().max_rooms(1).build();
    let [ann, bob, _cyd] = three(&world);
    bob.send("/ban red ann");
    let topics = world.topics();
    for (room, code) in [("red", "banned"), ("blue", "limit-reached")] {
        for command in ["/join", "/open"] {
            let told = ann.ask(&format!("{command} {room}"));
            assert!(told[0].starts_with(&format!("ERR {code} ")), "{told:?}");
        }
    }
    assert_eq!(world.topics(), topics);
    // Bob was the only one who heard it.
    bob.send("/leave");
    assert_eq!(world.topics(), topics - 1);
}

#[test]
fn a_room_that_cannot_be_remembered_is_left_again() {
    let world = World::new();
    let [ann, bob, _cyd] = three(&world);
    world.fill_disk(true);
    assert_eq!(ann.ask("/open red"), [UNAVAILABLE]);
    world.fill_disk(false);
    assert_eq!(bob.read(), ["JOIN red ann", "PART red ann"]);
    bob.send("hello");
    assert_eq!(ann.ask("/say red hello"), ["ERR not-in-room You are not in red; /open red enters it"]);
    let topics = world.topics();
    bob.send("/leave");
    assert_eq!(world.topics(), topics - 1);
}

#[test]
fn a_room_is_opened_though_nobody_can_tell_what_it_is_about() {
    let world = World::new();
    let [ann, bob, _cyd] = three(&world);
    bob.send("/topic red roses");
    ann.send("/format json");
    ann.read();
    world.reports();
    let broken = world.clone();
    world.after("remember", move || broken.fail_store(true));
    let told = ann.ask("/open red").pop().unwrap();
    world.fail_store(false);
    assert!(told.contains(r#""command":"open""#) && told.ends_with(r#","topic":""}"#), "{told}");
    assert_eq!(world.reports(), ["store failed reading the topic of a room: failing on purpose"]);
}

#[test]
fn whoever_is_removed_and_cannot_be_moved_to_the_lobby_has_to_log_in_again() {
    let world = World::new();
    world.operator("op");
    let ([_ann, bob, _cyd], op) = (three(&world), world.login("op"));
    world.reports();
    // Its thread is elsewhere while the session is moved.
    bob.freeze();
    let broken = world.clone();
    // The next log that is followed is that of the lobby, for bob.
    world.after("follow", move || broken.fail_store(true));
    op.send("/kick red bob");
    world.fail_store(false);
    assert_eq!(bob.read(), ["MODERATED red bob kick op", "BYE kicked An operator ended this session"]);
    assert_eq!(world.reports(), ["audited op: kick red bob", "store failed entering a room: failing on purpose"]);
    bob.disconnect();
    world.login("bob");
}

#[test]
fn a_login_that_failed_keeps_no_name_where_duplicates_are_rejected() {
    let world = World::builder().reject_duplicates().build();
    world.account("ann");
    let (breaking, mending) = (world.clone(), world.clone());
    world.after("follow", move || breaking.fail_store(true));
    world.after("enter", move || mending.fail_store(false));
    let ann = world.connect();
    assert_eq!(ann.ask(&login_line("ann")), [UNAVAILABLE]);
    assert_eq!(world.topics(), 0);
    assert_eq!(ann.ask(&login_line("ann")), ["OK login ann lobby"]);
}

#[test]
fn marks_that_cannot_be_saved_keep_nobody_in_a_room() {
    let world = World::new();
    let [ann, bob, _cyd] = three(&world);
    ann.send_raw(b"/join red\nhello\n");
    read_all(&[ann.clone(), bob.clone()]);
    world.reports();
    world.fill_disk(true);
    assert_eq!(ann.ask("/join blue"), ["OK join blue 1"]);
    assert_eq!(bob.read(), ["PART red ann"]);
    assert_eq!(world.reports(), ["store failed moving marks: failing on purpose"]);
}
