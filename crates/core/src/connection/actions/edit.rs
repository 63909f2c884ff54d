//! `/edit`: gives a message of mine another text. It must not look at the message; the store does.

use parlor_proto::{MessageId, OnceKey, RoomName, Text};

use super::{ActionResult, SessionContext};
use crate::connection::effects::Effect;
use crate::ports::{Content, Destination};

pub(super) fn run(
    context: &mut SessionContext<'_>,
    room: RoomName,
    of: MessageId,
    text: Text,
    once: Option<OnceKey>,
) -> ActionResult {
    context.require_open(&room)?;
    let window = context.connection.services.policy.edit_window;
    let content = Content::Edit { of, text: text.into() };
    context.add(Effect::Append { to: Destination::Edit { room, window }, content, once });
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn everybody_hears_it_and_the_history_has_the_new_text() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send("helo");
        bob.read();
        world.advance(60);
        assert_eq!(ann.ask("/edit lobby 1 hello").last().unwrap(), "OK edit lobby 1");
        assert_eq!(bob.read(), ["EDIT lobby 1 ann hello"]);
        assert_eq!(bob.ask("/history"), ["OLD lobby 1 ann hello", "OK history lobby 1"]);
        ann.send("/edit lobby 1 hello there");
        bob.send("/format json");
        bob.read();
        let page = &bob.ask("/backlog #lobby")[0];
        assert!(page.contains(r#""text":"hello there","edited":"2026-11-23T00:01:00.000Z"}"#), "{page}");
        // An edit that was edited again has no text.
        assert!(page.contains(r#""of":1,"text":""}"#) && page.contains(r#""of":1,"text":"hello there"}"#), "{page}");
        assert!(!page.contains("helo"));
    }

    #[test]
    fn who_edits_what_and_until_when() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send("hello");
        bob.read();
        assert_eq!(bob.ask("/edit lobby 1 hi"), ["ERR not-allowed Only the author of the message may do that"]);
        assert_eq!(ann.ask("/edit lobby 9 hi").last().unwrap(), "ERR no-such-message There is no message 9 here");
        assert_eq!(ann.ask("/edit red 1 hi"), ["ERR not-in-room You are not in red; /open red enters it"]);
        assert_eq!(ann.ask("/edit lobby 1"), ["ERR bad-argument /edit <room> <id> <text>"]);
        world.advance(15 * 60);
        assert_eq!(ann.ask("/edit lobby 1 yes"), ["OK edit lobby 1"]);
        assert_eq!(ann.ask("/edit lobby 2 yes"), ["ERR no-such-message There is no message 2 here"]);
        world.advance(1);
        assert_eq!(ann.ask("/edit lobby 1 no"), ["ERR too-late 900 seconds is how long a message can be edited"]);
    }

    #[test]
    fn a_removed_message_is_not_edited_and_its_edits_are_gone() {
        let world = World::new();
        let ann = world.login("ann");
        ann.send_raw(b"helo\n/edit lobby 1 hello\n/remove lobby 1\n/format json\n");
        ann.read();
        assert!(ann.ask("/edit lobby 1 hi")[0].contains(r#""code":"no-such-message""#));
        let page = &ann.ask("/backlog #lobby")[0];
        assert!(!page.contains("hel"), "{page}");
    }

    #[test]
    fn a_key_edits_once() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send_raw(b"helo\n/format json\n");
        ann.read();
        let first = ann.ask("/once key /edit lobby 1 hello");
        assert_eq!(first, [r#"{"type":"ok","command":"edit","room":"lobby","id":2,"of":1}"#]);
        let again = ann.ask("/once key /edit lobby 1 hello");
        assert_eq!(again, [r#"{"type":"ok","command":"edit","room":"lobby","id":2,"of":1,"repeated":true}"#]);
        assert_eq!(bob.read(), ["MSG lobby ann helo", "EDIT lobby 1 ann hello"]);
    }

    #[test]
    fn an_edit_is_not_unread() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send_raw(b"/format json\n/open red\n");
        ann.send("/open red");
        bob.send("/read #red 0");
        ann.send_raw(b"/say red one\n/edit red 1 two\n/say red three\n/remove red 3\n");
        bob.read();
        let sync = &bob.ask("/sync")[0];
        assert!(sync.contains(r#""last":4,"read":0,"unread":2}"#), "{sync}");
    }
}
