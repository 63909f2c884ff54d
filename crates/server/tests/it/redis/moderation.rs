//! Moderation over two servers: the order in the log decides, whatever is on its way on the other server.

use std::thread;
use std::time::Duration;

use super::operate::{run, user};
use super::two;
use crate::harness::Client;

/// Alice on one server and bob on another, in a room of alice.
fn inside(one: &crate::harness::Server, two: &crate::harness::Server) -> (Client, Client) {
    let (mut alice, mut bob) = (one.register("alice"), two.register("bob"));
    alice.send("/join red");
    alice.until("OK join red");
    bob.send("/join red");
    bob.until("OK join red");
    (alice, bob)
}

/// The entries of the room, oldest first, each as who wrote it and what it says.
fn entries(client: &mut Client) -> Vec<String> {
    let page = client.list("/backlog #red 500", "OK backlog");
    let entry = |line: &String| line.splitn(4, ' ').nth(3).map(str::to_owned);
    page.iter().filter(|line| line.starts_with("LOG ")).filter_map(entry).collect()
}

#[test]
fn nothing_that_is_on_its_way_on_another_server_comes_after_the_kick() {
    const ROUNDS: usize = 4;
    let (_redis, one, two) = two();
    let (mut alice, mut bob) = inside(&one, &two);
    for round in 0..ROUNDS {
        let say = |bob: &mut Client, number| bob.send(&format!("/say red round {round} number {number}"));
        (0..20).for_each(|number| say(&mut bob, number));
        alice.until(&format!("MSG red bob round {round} "));
        // What is sent from now on arrives after the kick.
        two.freeze();
        (20..40).for_each(|number| say(&mut bob, number));
        alice.send("/kick red bob");
        alice.until("OK kick red bob");
        two.thaw();
        bob.until("MOVED lobby");
        bob.send("/join red");
        bob.until("OK join red");
    }
    bob.send("/say red the end");
    alice.until("MSG red bob the end");
    let entries = entries(&mut alice);
    let kicks: Vec<usize> = (0..entries.len()).filter(|&at| entries[at] == "alice (kick bob)").collect();
    assert_eq!(kicks.len(), ROUNDS, "{entries:?}");
    for (round, kick) in kicks.into_iter().enumerate() {
        let late = entries[kick..].iter().find(|entry| entry.starts_with(&format!("bob round {round} ")));
        assert_eq!(late, None, "round {round}");
    }
}

#[test]
fn a_ban_holds_on_a_server_that_was_frozen_while_it_was_made() {
    let (_redis, one, two) = two();
    let (mut alice, mut bob) = inside(&one, &two);
    two.freeze();
    bob.send_bytes(b"hello\n/join red\n/open red\n");
    alice.send("/ban red bob 1h");
    assert_eq!(alice.until("OK ban"), "OK ban red bob");
    thread::sleep(Duration::from_secs(1));
    two.thaw();
    // It may have been answered before its server heard of the ban.
    bob.until("MOVED lobby");
    bob.send("/join red");
    assert!(bob.until("ERR banned ").starts_with("ERR banned You are banned from red until "));
    alice.send("/who red");
    assert_eq!(alice.until("OK who"), "OK who red 1");
    assert!(!entries(&mut alice).contains(&"bob hello".to_owned()));
}

#[test]
fn a_suspension_holds_while_the_server_of_the_session_hangs() {
    let (redis, one, two) = two();
    let (mut alice, mut bob) = inside(&one, &two);
    drop(user(&redis, &["promote", "alice"]));
    two.freeze();
    bob.send("hello");
    alice.send("/suspend bob 1h spam");
    assert_eq!(alice.until("OK suspend"), "OK suspend bob");
    let mut again = one.connect();
    assert!(again.ask("LOGIN bob secret").starts_with("ERR suspended "));
    two.thaw();
    bob.until("BYE ");
    assert!(!entries(&mut alice).contains(&"bob hello".to_owned()));
}

#[test]
fn the_note_of_who_was_removed_ends_after_its_room_unless_another_one_begins() {
    let (redis, one, two) = two();
    let (mut alice, mut bob) = inside(&one, &two);
    alice.send("/kick red bob");
    alice.until("OK kick red bob");
    let (code, said, complaint) = run(&redis, &["room", "delete", "red", "--yes"], "");
    assert_eq!((code, said.as_str()), (Some(0), "red deleted\n"), "{complaint}");
    alice.until("MOVED lobby");
    let time_left = || redis.cli(&["PTTL", "parlor:room-gen:{red}"]).trim().parse::<i64>().unwrap();
    assert!((1..=3_600_000).contains(&time_left()), "{}", time_left());
    bob.send("/join red");
    bob.until("OK join red");
    assert_eq!(time_left(), -1, "the seats of the new room would end");
}
