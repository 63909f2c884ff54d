//! What programs say by hooks, as a web door lets them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use parlor_core::HookError;
use parlor_proto::{HookSecret, Refusal, RoomName, Text};
use parlor_testkit::{Connection, World};

/// A world in which ann has a hook of the room red, and its secret.
fn hooked() -> (World, Connection, HookSecret) {
    let world = World::new();
    let ann = world.login("ann");
    ann.send("/join red");
    ann.read();
    let made = ann.ask("/hook red ci").pop().unwrap();
    let secret = HookSecret::given(made.strip_prefix("OK hook https://test/hooks/red.").unwrap());
    (world, ann, secret)
}

fn report(world: &World, room: &str, secret: &HookSecret, lines: &[&str]) -> Result<(), HookError> {
    let room: RoomName = room.parse().unwrap();
    let texts: Vec<Text> = lines.iter().map(|line| Text::sanitise(line).unwrap()).collect();
    world.services().report(&room, secret, &texts)
}

#[test]
fn everybody_inside_hears_each_line_in_the_name_of_the_hook() {
    let (world, ann, secret) = hooked();
    let bob = world.login("bob");
    bob.send("/join red");
    bob.read();
    ann.read();
    assert_eq!(report(&world, "red", &secret, &["one", "two"]), Ok(()));
    for client in [&ann, &bob] {
        assert_eq!(client.read(), ["MSG red ci one", "MSG red ci two"]);
    }
    bob.send("/format json");
    bob.read();
    let history = &bob.ask("/history")[0];
    assert_eq!(history.matches(r#""from":"ci","text":"#).count(), 2);
    assert_eq!(history.matches(r#""bot":true}"#).count(), 2);
}

#[test]
fn whoever_has_the_name_of_a_hook_hears_it_too() {
    let (world, ann, secret) = hooked();
    let namesake = world.login("ci");
    namesake.send("/join red");
    namesake.read();
    assert_eq!(report(&world, "red", &secret, &["one", "two"]), Ok(()));
    assert_eq!(namesake.read(), ["MSG red ci one", "MSG red ci two"]);
    // What was said by the hook is not the text of the user.
    assert!(namesake.ask("/edit red 1 mine")[0].starts_with("ERR "));
    assert_eq!(ann.ask("/history").last().unwrap(), "OK history red 2");
}

#[test]
fn a_secret_opens_no_other_room_and_nothing_once_the_hook_is_ended() {
    let (world, ann, secret) = hooked();
    ann.send("/open blue");
    ann.read();
    assert_eq!(report(&world, "blue", &secret, &["one"]), Err(HookError::Unknown));
    assert_eq!(report(&world, "green", &secret, &["one"]), Err(HookError::Unknown));
    assert_eq!(report(&world, "red", &HookSecret::given("plh_00"), &["one"]), Err(HookError::Unknown));
    let id = ann.ask("/hooks red")[0].split(' ').nth(1).unwrap().to_owned();
    ann.ask(&format!("/unhook red {id}"));
    assert_eq!(report(&world, "red", &secret, &["one"]), Err(HookError::Unknown));
    assert_eq!(ann.read(), Vec::<String>::new());
}

#[test]
fn a_store_that_fails_says_so_and_operators_hear_it() {
    let (world, ann, secret) = hooked();
    world.reports();
    world.fail_store(true);
    assert_eq!(report(&world, "red", &secret, &["one"]), Err(HookError::Failed(Refusal::StoreUnavailable)));
    world.fail_store(false);
    assert_eq!(world.reports(), ["store failed looking a hook up: failing on purpose"]);
    world.fill_disk(true);
    assert_eq!(report(&world, "red", &secret, &["one"]), Err(HookError::Failed(Refusal::StoreUnavailable)));
    world.fill_disk(false);
    assert_eq!(ann.read(), Vec::<String>::new());
    assert_eq!(report(&world, "red", &secret, &["one"]), Ok(()));
}
