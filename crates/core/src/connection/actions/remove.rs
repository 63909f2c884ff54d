//! `/remove`: removes the text of a message. It must not judge who may do that; the store does.

use parlor_proto::{MessageId, Note, RoomName};

use super::{ActionResult, SessionContext, moderate};
use crate::connection::effects::Effect;
use crate::ports::Deed;

pub(super) fn run(context: &mut SessionContext<'_>, room: RoomName, of: MessageId, reason: Note) -> ActionResult {
    let actor = moderate::find_own(context)?;
    if !context.may_act()? {
        return Ok(());
    }
    let act = context.act(&room, moderate::person(&actor), Deed::Removal { of, reason });
    context.add(Effect::Act { act, invited: None });
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn the_text_is_gone_for_everybody() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send_raw(b"one\nsecret\n");
        bob.read();
        assert_eq!(ann.ask("/remove lobby 2 a slip").last().unwrap(), "OK remove lobby 2");
        assert_eq!(bob.read(), ["REMOVE lobby 2 ann"]);
        assert_eq!(bob.ask("/history"), ["OLD lobby 1 ann one", "OLD lobby 2 ann (removed)", "OK history lobby 2"]);
        bob.send("/format json");
        bob.read();
        let page = &bob.ask("/backlog #lobby")[0];
        assert!(page.contains(r#""text":"","removed":true}"#), "{page}");
        assert!(
            page.contains(r#"{"type":"removed","id":3,"#) && page.contains(r#""of":2,"reason":"a slip"}"#),
            "{page}"
        );
        assert!(!page.contains("secret"));
    }

    #[test]
    fn others_need_to_be_moderators() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send_raw(b"/join red\nhello\n");
        bob.send("/join red");
        bob.read();
        assert_eq!(bob.ask("/remove red 1"), ["ERR not-allowed Only moderators of the room may do that"]);
        bob.send("hi");
        assert_eq!(ann.ask("/remove red 2").last().unwrap(), "OK remove red 2");
    }

    #[test]
    fn what_is_no_message_stays() {
        let world = World::new();
        let ann = world.login("ann");
        ann.send_raw(b"/join red\nhello\n/remove red 1\n");
        ann.read();
        for id in [1, 2, 3] {
            assert_eq!(
                ann.ask(&format!("/remove red {id}")),
                [format!("ERR no-such-message There is no message {id} here")]
            );
        }
        assert_eq!(ann.ask("/remove blue 1"), ["ERR no-such-room There is nobody in a room blue"]);
        assert_eq!(ann.ask("/remove red"), ["ERR bad-argument /remove <room> <id> [reason]"]);
    }
}
