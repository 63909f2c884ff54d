//! What an outgoing hook posts next: everything that was said, in order, as it reads now.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod common;

use std::sync::Arc;

use parlor_core::ports::{OuthookTurn, Outhooks, StoreResult};
use parlor_core::rights::Outhook;
use parlor_core::{DuePost, HookError, NextPost};
use parlor_proto::{HookId, HookSecret, MessageId, RoomName, Text};
use parlor_testkit::{Connection, World};

use common::changed;

fn red() -> RoomName {
    "red".parse().unwrap()
}

/// A world in which ann has a hook of the room red, whose log has one entry.
fn hooked(history: usize) -> (World, Connection, HookId) {
    let world = World::builder().with_endpoints("bot.example").history(history).build();
    let ann = world.login("ann");
    ann.send("/join red");
    ann.send("before");
    ann.send("/outhook red https://bot.example/");
    ann.read();
    let id = ann.ask("/hooks red")[0].split(' ').nth(1).unwrap().parse().unwrap();
    (world, ann, id)
}

fn due(world: &World, id: HookId) -> DuePost {
    match world.services().next_post(&red(), id).unwrap() {
        NextPost::Post(due) => *due,
        other => panic!("{other:?}"),
    }
}

fn note(world: &World, id: HookId, up_to: u64) {
    assert!(world.services().store.outhooks.note_posted(&red(), id, MessageId(up_to)).unwrap());
}

#[test]
fn messages_are_posted_in_order_from_where_the_hook_was_made() {
    let (world, ann, id) = hooked(100);
    assert_eq!(world.services().next_post(&red(), id), Ok(NextPost::Nothing));
    ann.send("one");
    ann.send("two");
    let first = due(&world, id);
    assert_eq!((first.id.0, first.missed), (2, 0));
    assert!(first.body.contains(r#""from":"ann","text":"one"}"#), "{}", first.body);
    assert_eq!(due(&world, id), first, "it was not noted");
    note(&world, id, 2);
    assert_eq!(due(&world, id).id.0, 3);
    note(&world, id, 3);
    assert_eq!(world.services().next_post(&red(), id), Ok(NextPost::Nothing));
    ann.send("three");
    ann.send(&format!("/unhook red {id}"));
    assert_eq!(world.services().next_post(&red(), id), Ok(NextPost::Ended));
}

#[test]
fn what_is_no_message_is_passed_over_and_noted() {
    let (world, ann, id) = hooked(100);
    for number in 0..20 {
        ann.send(&format!("/topic red {number}"));
    }
    assert_eq!(world.services().next_post(&red(), id), Ok(NextPost::Nothing));
    // Nothing is left to be looked through again.
    let rights = world.services().store.governance.rights(&[red()]).unwrap().remove(0).unwrap();
    let turn = world.services().store.outhooks.take_turn(&red(), rights.outhook(id).unwrap()).unwrap();
    assert_eq!(turn, OuthookTurn::Nothing);
    ann.send("hello");
    assert_eq!(due(&world, id).id.0, 22);
}

#[test]
fn a_text_that_was_removed_is_not_posted_and_one_that_was_edited_is_the_new_one() {
    let (world, ann, id) = hooked(100);
    ann.send("secret");
    ann.send("helo");
    ann.send("/remove red 2");
    ann.send("/edit red 3 hello");
    let post = due(&world, id);
    assert!(post.id.0 == 3 && post.missed == 0 && post.body.contains(r#""text":"hello""#), "{post:?}");
    note(&world, id, 3);
    assert_eq!(world.services().next_post(&red(), id), Ok(NextPost::Nothing));
}

#[test]
fn a_gap_is_told_by_the_next_message_and_until_then_the_position_stays() {
    let (world, ann, id) = hooked(3);
    (0..5).for_each(|number| ann.send(&format!("message {number}")));
    // Of the entries 2 to 6 the last three are kept.
    let post = due(&world, id);
    assert_eq!((post.id.0, post.missed), (4, 2));
    assert!(post.body.ends_with(r#""missed":2}"#), "{}", post.body);
    (0..5).for_each(|number| ann.send(&format!("/topic red {number}")));
    assert_eq!(world.services().next_post(&red(), id), Ok(NextPost::Nothing));
    ann.send("hello");
    let post = due(&world, id);
    // Those that are kept and are no messages are not missed.
    assert_eq!((post.id.0, post.missed), (12, 8));
}

#[test]
fn what_a_program_said_is_posted_as_such_and_what_is_said_elsewhere_is_not() {
    let (world, ann, id) = hooked(100);
    let told = ann.ask("/hook red ci").pop().unwrap();
    let secret = HookSecret::given(told.strip_prefix("OK hook https://test/hooks/red.").unwrap());
    let text = Text::sanitise("it is built").unwrap();
    ann.send_raw(b"/open blue\n/say blue elsewhere\n");
    let said: Result<(), HookError> = world.services().report(&red(), &secret, &[text]);
    assert_eq!(said, Ok(()));
    let post = due(&world, id);
    assert!(post.body.ends_with(r#""from":"ci","text":"it is built","bot":true}"#), "{}", post.body);
    assert_eq!(post.url.to_string(), "https://bot.example/");
    note(&world, id, post.id.0);
    assert_eq!(world.services().next_post(&red(), id), Ok(NextPost::Nothing));
}

#[test]
fn without_the_store_it_is_not_known_what_is_posted_next() {
    let (world, ann, id) = hooked(100);
    ann.send("one");
    world.fail_store(true);
    assert!(world.services().next_post(&red(), id).is_err());
    world.fail_store(false);
    assert_eq!(due(&world, id).id, MessageId(2));
    // A room that does not exist has no hook.
    assert_eq!(world.services().next_post(&"blue".parse().unwrap(), id), Ok(NextPost::Ended));
}

/// Positions that another server moves too.
struct Shared {
    turn: OuthookTurn,
    is_noted: bool,
}

impl Outhooks for Shared {
    fn rooms(&self) -> StoreResult<Vec<RoomName>> {
        Ok(vec![red()])
    }

    fn take_turn(&self, _room: &RoomName, _hook: &Outhook) -> StoreResult<OuthookTurn> {
        Ok(self.turn)
    }

    fn note_posted(&self, _room: &RoomName, _id: HookId, _up_to: MessageId) -> StoreResult<bool> {
        Ok(self.is_noted)
    }
}

#[test]
fn a_server_without_the_turn_or_that_lost_it_posts_nothing() {
    let (world, ann, id) = hooked(100);
    let next = |turn, is_noted| {
        let shared = Arc::new(Shared { turn, is_noted });
        changed(&world, |services| services.store.outhooks = shared).next_post(&red(), id).unwrap()
    };
    for number in 0..20 {
        ann.send(&format!("/topic red {number}"));
    }
    ann.send("hello");
    let turn = OuthookTurn::Mine(MessageId(1));
    assert_eq!(next(OuthookTurn::Elsewhere, true), NextPost::Elsewhere);
    assert_eq!(next(OuthookTurn::Nothing, true), NextPost::Nothing);
    // The topics are noted first.
    assert_eq!(next(turn, false), NextPost::Elsewhere);
    assert!(matches!(next(turn, true), NextPost::Post(due) if due.id == MessageId(22)));
}
