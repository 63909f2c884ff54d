//! `/open`: enters one more room, which is remembered until it is closed. The current room stays.

use parlor_proto::{Refusal, RoomName};

use super::{ActionResult, SessionContext};
use crate::connection::effects::Effect;

pub(super) fn run(context: &mut SessionContext<'_>, room: RoomName) -> ActionResult {
    if (context.is_open)(&room) {
        return Err(Refusal::AlreadyInRoom(room).into());
    }
    if (context.open_rooms)() >= context.connection.services.policy.max_open_rooms {
        return Err(Refusal::LimitReached("open rooms of one user").into());
    }
    context.add(Effect::Open(room));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn one_is_in_both_rooms_and_the_current_one_stays() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("/join red");
        ann.read();
        assert_eq!(ann.ask("/open Red"), ["OK open red 2"]);
        assert_eq!(bob.read().last().map(String::as_str), Some("JOIN red ann"));
        bob.send("hello");
        assert_eq!(ann.read(), ["MSG red bob hello"]);
        ann.send("to the lobby");
        assert_eq!(bob.read(), Vec::<String>::new());
        assert_eq!(ann.ask("/who"), ["USER ann", "OK who lobby 1"]);
        assert_eq!(ann.ask("/who red"), ["USER ann", "USER bob", "OK who red 2"]);
    }

    #[test]
    fn json_tells_the_place_in_the_log() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send_raw(b"/join red\none\ntwo\n");
        ann.send("/format json");
        ann.read();
        let expected =
            r#"{"type":"ok","command":"open","room":"red","members":2,"epoch":"0000000000000001","last":2,"topic":""}"#;
        assert_eq!(ann.ask("/open red"), [expected]);
    }

    #[test]
    fn what_cannot_be_opened() {
        let world = World::builder().max_open_rooms(2).build();
        let ann = world.login("ann");
        assert_eq!(ann.ask("/open lobby"), ["ERR already-in-room You are in lobby already"]);
        assert_eq!(ann.ask("/open red"), ["OK open red 1"]);
        assert_eq!(ann.ask("/open red"), ["ERR already-in-room You are in red already"]);
        assert_eq!(ann.ask("/open blue"), ["ERR limit-reached This server keeps no more open rooms of one user"]);
        // What is left by /join is remembered all the same, and counts.
        ann.send_raw(b"/switch red\n/join green\n/close lobby\n/open blue\n/switch blue\n/join pink\n");
        ann.read();
        assert_eq!(ann.ask("/open grey"), ["ERR limit-reached This server keeps no more open rooms of one user"]);
        assert_eq!(ann.ask("/who grey"), ["ERR no-such-room There is nobody in a room grey"]);
    }

    #[test]
    fn what_is_said_meanwhile_comes_right_after_the_answer() {
        for call in ["follow", "enter", "remember"] {
            let world = World::new();
            let (ann, bob) = (world.login("ann"), world.login("bob"));
            bob.send("/join red");
            ann.read();
            let speaker = bob.clone();
            world.after(call, move || speaker.send("meanwhile"));
            assert_eq!(ann.ask("/open red"), ["OK open red 2", "MSG red bob meanwhile"], "after {call}");
        }
    }

    #[test]
    fn a_store_that_fails_half_way_leaves_nothing_half_done() {
        for call in ["follow", "enter"] {
            let world = World::new();
            let ann = world.login("ann");
            let broken = world.clone();
            world.after(call, move || broken.fail_store(true));
            assert!(ann.ask("/open red")[0].starts_with("ERR store-unavailable "), "after {call}");
            world.fail_store(false);
            assert_eq!(ann.ask("/say red hi"), ["ERR not-in-room You are not in red; /open red enters it"]);
            assert_eq!(ann.ask("/open red"), ["OK open red 1"]);
        }
    }
}
