//! `/say`: sends a message to an open room, current or not.

use parlor_proto::{OnceKey, RoomName, Text};

use super::{ActionResult, SessionContext};
use crate::connection::effects::Effect;
use crate::ports::{Content, Destination};

pub(super) fn run(context: &mut SessionContext<'_>, room: RoomName, text: Text, once: Option<OnceKey>) -> ActionResult {
    context.require_open(&room)?;
    context.add(Effect::Append { to: Destination::Room(room), content: Content::Said(text), once });
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn an_open_room_hears_it() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("/open red");
        ann.send_raw(b"/format json\n/open red\n");
        ann.read();
        bob.read();
        assert_eq!(ann.ask("/say red  hi"), [r#"{"type":"ok","command":"message","room":"red","id":1}"#]);
        assert_eq!(bob.read(), ["MSG red ann  hi"]);
        assert!(ann.ask("/say blue hi")[0].contains(r#""code":"not-in-room""#));
        assert!(ann.ask("/say blue hi")[0].ends_with(r#""command":"say"}"#));
    }

    #[test]
    fn in_text_an_accepted_one_has_no_answer() {
        let ann = World::new().login("ann");
        assert_eq!(ann.ask("/say lobby hi"), Vec::<String>::new());
    }

    #[test]
    fn the_same_key_says_it_once_in_each_log() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send_raw(b"/open red\n/subscribe ann\n");
        ann.send_raw(b"/format json\n/open red\n");
        ann.read();
        bob.read();
        for line in ["hi", "/say red hi", "/publish hi", "/msg bob hi"] {
            let once = format!("/once key {line}");
            let first = ann.ask(&once);
            assert!(first[0].contains(r#""type":"ok""#) && !first[0].contains("repeated"), "{first:?}");
            let again = ann.ask(&once);
            assert_eq!(again[0], first[0].replace('}', r#","repeated":true}"#));
        }
        assert_eq!(bob.read(), ["MSG lobby ann hi", "MSG red ann hi", "PUB ann hi", "DM ann hi"]);
        bob.send("/once key hi");
        assert_eq!(ann.read().len(), 1);
        // It holds for the next session, too.
        ann.disconnect();
        let ann = world.login("ann");
        ann.send("/once key hi");
        ann.send("/once other hi");
        let heard: Vec<_> = bob.read().into_iter().filter(|line| line.starts_with("MSG")).collect();
        assert_eq!(heard, ["MSG lobby ann hi"]);
    }
}
