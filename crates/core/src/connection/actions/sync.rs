//! `/sync`: opens the remembered rooms again, and tells where everything stands.

use super::{ActionResult, SessionContext};
use crate::connection::effects::Effect;

pub(super) fn run(context: &mut SessionContext<'_>) -> ActionResult {
    if context.may_act()? {
        context.add(Effect::Sync);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn remembered_rooms_are_opened_again_and_everything_is_told() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send_raw(b"/open red\n/open blue\n/join green\n");
        ann.send_raw(b"/open red\n/open blue\n/close blue\n/subscribe bob\n");
        ann.disconnect();
        bob.send_raw(b"/say red one\n/say red two\n/publish news\n/msg ann psst\n");
        bob.read();
        let ann = world.login("ann");
        ann.read();
        assert_eq!(
            ann.ask("/sync"),
            ["OPEN lobby 1 0", "OPEN red 2 2", "UNREAD @bob 1", "UNREAD +bob 1", "OK sync 2 1"]
        );
        assert_eq!(bob.read(), ["JOIN red ann"]);
        bob.send("/say red three");
        assert_eq!(ann.read(), ["MSG red bob three"]);
        // Nothing is entered twice.
        assert_eq!(
            ann.ask("/sync"),
            ["OPEN lobby 1 0", "OPEN red 2 3", "UNREAD @bob 1", "UNREAD +bob 1", "OK sync 2 1"]
        );
        assert_eq!(bob.read(), Vec::<String>::new());
    }

    #[test]
    fn a_room_from_which_the_user_is_removed_meanwhile_is_not_in_the_answer() {
        for (order, news) in [("/kick red ann", "kick"), ("/ban red ann", "ban")] {
            let world = World::new();
            let (ann, bob) = (world.login("ann"), world.login("bob"));
            bob.send("/open red");
            ann.send_raw(b"/open blue\n/open red\n/switch red\n");
            ann.read();
            let owner = bob.clone();
            world.after("heads", move || owner.send(order));
            let news = format!("MODERATED red ann {news} bob");
            let answer = [&news, "OPEN blue 1 0", "OPEN lobby 2 0", "OK sync 2 0", "MOVED lobby"];
            assert_eq!(ann.ask("/sync"), answer);
            assert_eq!(ann.ask("/sync"), ["OPEN blue 1 0", "OPEN lobby 2 0", "OK sync 2 0"], "after {news}");
        }
    }

    #[test]
    fn json_tells_where_every_log_stands() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send_raw(b"/format json\n/open red\n/subscribe bob\n");
        bob.send_raw(b"/msg ann one\n/msg ann two\n/publish news\n");
        ann.read();
        ann.send("/say red mine");
        ann.read();
        let expected = concat!(
            r#"{"type":"sync","current":"lobby","rooms":["#,
            r#"{"room":"lobby","members":2,"topic":"","role":"member","epoch":"0000000000000001","last":0,"read":0,"unread":0},"#,
            r#"{"room":"red","members":1,"topic":"","role":"owner","epoch":"0000000000000001","last":1,"read":1,"unread":0}],"#,
            r#""directs":[{"user":"bob","last":2,"read":0,"unread":2}],"#,
            r#""feeds":[{"user":"bob","epoch":"0000000000000001","last":1,"read":0,"unread":1}],"#,
            r#""inbox":{"epoch":"0000000000000001","last":2},"lost":[]}"#
        );
        assert_eq!(ann.ask("/sync"), [expected]);
    }

    #[test]
    fn what_is_said_meanwhile_comes_after_the_answer() {
        for call in ["follow", "enter"] {
            let world = World::new();
            let (ann, bob) = (world.login("ann"), world.login("bob"));
            ann.send("/open red");
            ann.disconnect();
            bob.send("/join red");
            bob.send("before");
            let ann = world.login("ann");
            ann.read();
            let speaker = bob.clone();
            world.after(call, move || speaker.send("meanwhile"));
            let answer = ann.ask("/sync");
            assert_eq!(
                answer,
                ["OPEN lobby 1 0", "OPEN red 2 1", "OK sync 2 0", "MSG red bob meanwhile"],
                "after {call}"
            );
        }
    }

    #[test]
    fn the_feed_of_a_deleted_account_is_not_among_those_of_the_next_owner() {
        let world = World::new();
        let (_ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("/subscribe ann");
        world.delete_account("ann");
        world.advance(1);
        world.login("ann").send("/publish to my own followers");
        bob.read();
        assert_eq!(bob.ask("/sync").last().unwrap(), "OK sync 1 0");
        assert!(!bob.ask("/sync").iter().any(|line| line.contains("+ann")));
    }

    #[test]
    fn the_first_one_sets_the_mark_of_a_room_without_one() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("before");
        ann.disconnect();
        let ann = world.login("ann");
        ann.read();
        assert_eq!(ann.ask("/sync")[0], "OPEN lobby 2 0");
        ann.disconnect();
        bob.send("while ann is away");
        let ann = world.login("ann");
        ann.read();
        assert_eq!(ann.ask("/sync")[0], "OPEN lobby 2 1");
    }

    #[test]
    fn what_was_written_in_a_lost_numbering_marks_nothing_as_read() {
        let world = World::new();
        let ann = world.login("ann");
        ann.send("one");
        ann.disconnect();
        let ann = world.login("ann");
        ann.read();
        assert_eq!(ann.ask("/sync")[0], "OPEN lobby 1 0");
        ann.send_raw(b"two\nthree\n");
        world.restart_numbering("lobby");
        ann.disconnect();
        let ann = world.login("ann");
        ann.read();
        assert_eq!(ann.ask("/sync")[0], "OPEN lobby 1 2");
    }

    #[test]
    fn rooms_beyond_the_limit_are_told_and_stay_closed() {
        let world = World::builder().max_open_rooms(2).build();
        let ann = world.login("ann");
        ann.send("/open red");
        ann.disconnect();
        let ann = world.login("ann");
        ann.send("/open blue");
        ann.disconnect();
        let ann = world.login("ann");
        ann.send_raw(b"/format json\n/join green\n");
        ann.read();
        let answer = ann.ask("/sync");
        assert!(answer[0].ends_with(r#""lost":[{"room":"red","code":"limit-reached"}]}"#), "{answer:?}");
        assert!(ann.ask("/say red hi")[0].contains("not-in-room"));
    }

    #[test]
    fn the_lobby_takes_the_place_of_no_remembered_room() {
        let world = World::builder().max_open_rooms(2).build();
        let ann = world.login("ann");
        ann.send_raw(b"/open red\n/switch red\n/close lobby\n/open blue\n");
        ann.disconnect();
        let ann = world.login("ann");
        assert_eq!(ann.ask("/sync"), ["OPEN blue 1 0", "OPEN lobby 1 0", "OPEN red 1 0", "OK sync 3 0"]);
    }

    #[test]
    fn open_rooms_do_not_grow_beyond_the_limit() {
        let world = World::builder().max_open_rooms(2).build();
        let ann = world.login("ann");
        ann.send("/open home");
        ann.read();
        for round in 0..9 {
            ann.send_raw(format!("/switch home\n/join other-{round}\n").as_bytes());
            ann.read();
            let rooms = ann.ask("/sync").iter().filter(|line| line.starts_with("OPEN ")).count();
            assert!(rooms <= 3, "{rooms} rooms are open");
        }
    }

    #[test]
    fn a_room_for_which_there_is_no_capacity_is_told() {
        let world = World::builder().max_rooms(1).build();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send("/open red");
        ann.disconnect();
        bob.send("/join blue");
        let ann = world.login("ann");
        ann.send("/format json");
        ann.read();
        assert!(ann.ask("/sync")[0].ends_with(r#""lost":[{"room":"red","code":"limit-reached"}]}"#));
        bob.send("/leave");
        ann.read();
        assert!(ann.ask("/sync")[0].ends_with(r#""lost":[]}"#));
    }

    #[test]
    fn a_store_that_fails_half_way_leaves_nothing_half_done() {
        for call in ["follow", "enter"] {
            let world = World::new();
            let (ann, bob) = (world.login("ann"), world.login("bob"));
            ann.send("/open red");
            ann.disconnect();
            let ann = world.login("ann");
            let broken = world.clone();
            world.after(call, move || broken.fail_store(true));
            assert!(ann.ask("/sync").last().unwrap().starts_with("ERR store-unavailable "), "after {call}");
            world.fail_store(false);
            assert!(ann.ask("/say red hi")[0].starts_with("ERR not-in-room "));
            ann.send("/sync");
            bob.read();
            assert_eq!(bob.ask("/who red"), ["USER ann", "OK who red 1"]);
        }
    }

    #[test]
    fn of_many_conversations_the_newest_thousand_are_told() {
        let world = World::new();
        let ann = world.login("ann");
        (0..1001).for_each(|number| world.account(&format!("user{number}")));
        let lines: String = (0..1001).map(|number| format!("/msg user{number} hi\n")).collect();
        ann.send_raw(lines.as_bytes());
        ann.send("/format json");
        ann.read();
        let sync = &ann.ask("/sync")[0];
        let directs = sync.split(r#""directs":["#).nth(1).unwrap().split(']').next().unwrap();
        assert_eq!(directs.matches(r#""user":"#).count(), 1000);
        assert!(directs.starts_with(r#"{"user":"user1000","#) && !directs.contains(r#""user":"user0","#), "{directs}");
    }
}
