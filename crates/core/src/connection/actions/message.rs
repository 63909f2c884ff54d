//! A line without a slash: sends a message to the current room. It must not touch other rooms.

use parlor_proto::{OnceKey, Text};

use super::{ActionResult, SessionContext};
use crate::connection::effects::Effect;
use crate::planted::{Bug, planted};
use crate::ports::{Content, Destination};

pub(super) fn run(context: &mut SessionContext<'_>, text: Text, once: Option<OnceKey>) -> ActionResult {
    if planted(Bug::LeakMemory) {
        vec![1u8; 512 * 1024].leak();
    }
    context.add(Effect::Append { to: Destination::Room(context.room.clone()), content: Content::Said(text), once });
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn the_others_in_the_room_hear_it_and_nobody_else() {
        let world = World::new();
        let (ann, bob, cyd) = (world.login("ann"), world.login("bob"), world.login("cyd"));
        cyd.send("/join red");
        for connection in [&ann, &bob, &cyd] {
            connection.read();
        }
        assert_eq!(ann.ask("  hello  there "), Vec::<String>::new());
        assert_eq!(bob.read(), ["MSG lobby ann   hello  there "]);
        assert_eq!(cyd.read(), Vec::<String>::new());
    }

    #[test]
    fn two_slashes_say_one() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send("//join red");
        assert_eq!(bob.read(), ["MSG lobby ann /join red"]);
    }

    #[test]
    fn control_characters_go_and_blank_lines_are_nothing() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.read();
        ann.send("a\u{1b}[31m\tb\u{202e}");
        for blank in ["", "   ", "\t", "\u{7}\u{200e}", "//".trim_start_matches('/')] {
            ann.send(blank);
        }
        assert_eq!(bob.read(), ["MSG lobby ann a[31m\tb"]);
        assert_eq!((ann.read(), world.appends()), (vec![], 1));
    }

    #[test]
    fn json_acknowledges_with_the_number() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send("one");
        ann.send("/format json");
        ann.read();
        assert_eq!(ann.ask("two"), [r#"{"type":"ok","command":"message","room":"lobby","id":2}"#]);
        bob.read();
        bob.send("/format json");
        bob.read();
        world.advance(61);
        ann.send("three");
        let expected =
            r#"{"type":"message","room":"lobby","id":3,"time":"2026-11-23T00:01:01.000Z","from":"ann","text":"three"}"#;
        assert_eq!(bob.read(), [expected]);
    }

    #[test]
    fn a_store_that_fails_is_told_to_the_speaker_and_recovers() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.read();
        world.reports();
        world.fail_store(true);
        ann.send_raw(b"one\ntwo\n");
        let told = "ERR store-unavailable The store cannot be reached; try again later";
        assert_eq!(ann.read(), [told, told]);
        assert_eq!(world.reports(), ["store failed appending to a log: failing on purpose"; 2]);
        world.fail_store(false);
        ann.send("three");
        assert_eq!((ann.read(), bob.read()), (vec![], vec!["MSG lobby ann three".to_owned()]));
        assert_eq!(ann.ask("/history"), ["OLD lobby 1 ann three", "OK history lobby 1"]);
    }
}
