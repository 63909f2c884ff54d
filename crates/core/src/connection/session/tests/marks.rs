//! What counts as read without `/read`: what was there before the own words.

use super::*;

#[test]
fn what_is_said_again_by_its_key_makes_nothing_unread() {
    let world = World::new();
    let [ann, _bob, cyd] = three(&world);
    ann.send("/once key one");
    cyd.send("two");
    ann.send("three");
    ann.send("/once key one");
    ann.read();
    assert_eq!(ann.ask("/sync")[0], "OPEN lobby 2 0");
}

#[test]
fn who_edits_has_read_what_came_before() {
    let world = World::new();
    let [ann, _bob, cyd] = three(&world);
    ann.send("one");
    cyd.send("two");
    ann.send("/edit lobby 1 one, of course");
    cyd.send("three");
    ann.read();
    assert_eq!(ann.ask("/sync")[0], "OPEN lobby 2 1");
}

#[test]
fn the_own_words_mark_a_room_that_is_closed() {
    let world = World::new();
    let [ann, bob, _cyd] = three(&world);
    ann.send("/open red");
    bob.send("one");
    ann.send_raw(b"/say red two\n/close red\n");
    bob.send("three");
    ann.send("/open red");
    ann.read();
    assert_eq!(ann.ask("/sync")[1], "OPEN red 2 1");
}

#[test]
fn publications_and_direct_messages_mark_no_room() {
    let world = World::new();
    let [ann, _bob, cyd] = three(&world);
    ann.send("/publish news");
    cyd.send_raw(b"one\ntwo\n");
    ann.send_raw(b"/publish more\n/msg cyd hello\n");
    ann.read();
    assert_eq!(ann.ask("/sync"), ["OPEN lobby 2 2", "OK sync 1 1"]);
}
