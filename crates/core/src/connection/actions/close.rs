//! `/close`: leaves an open room, and forgets it. The lobby can be closed only while another room is current.

use parlor_proto::{Refusal, RoomName};

use super::{ActionResult, SessionContext};
use crate::connection::effects::Effect;

pub(super) fn run(context: &mut SessionContext<'_>, room: RoomName) -> ActionResult {
    context.require_open(&room)?;
    if room.is_lobby() && *context.room == room {
        return Err(Refusal::InLobby.into());
    }
    if context.may_act()? {
        context.add(Effect::Close(room));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn a_closed_room_is_heard_no_more() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("/join red");
        ann.send("/open red");
        ann.read();
        assert_eq!(ann.ask("/close red"), ["OK close red"]);
        assert_eq!(bob.read().last().map(String::as_str), Some("PART red ann"));
        bob.send("hello");
        assert_eq!(ann.read(), Vec::<String>::new());
        assert_eq!(ann.ask("/close red"), ["ERR not-in-room You are not in red; /open red enters it"]);
    }

    #[test]
    fn after_the_current_room_the_lobby_is_current() {
        let world = World::new();
        let ann = world.login("ann");
        ann.send("/format json");
        ann.send("/join red");
        ann.read();
        assert_eq!(ann.ask("/close red"), [r#"{"type":"ok","command":"close","room":"red","current":"lobby"}"#]);
        ann.send_raw(b"/open red\n/switch red\n");
        ann.read();
        assert_eq!(ann.ask("/close red"), [r#"{"type":"ok","command":"close","room":"red","current":"lobby"}"#]);
        assert!(ann.ask("/who")[0].contains(r#""room":"lobby","users":["ann"]"#));
    }

    #[test]
    fn the_lobby_can_be_closed_while_another_room_is_current() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.read();
        assert_eq!(ann.ask("/close lobby"), ["ERR in-lobby You are in the lobby; /quit ends the session"]);
        ann.send_raw(b"/open red\n/switch red\n");
        ann.read();
        assert_eq!(ann.ask("/close lobby"), ["OK close lobby"]);
        assert_eq!(bob.read(), ["PART lobby ann"]);
        bob.send("anybody?");
        assert_eq!(ann.read(), Vec::<String>::new());
        assert_eq!(ann.ask("/leave"), ["OK leave red lobby"]);
    }

    #[test]
    fn a_store_that_fails_leaves_the_room_open() {
        let world = World::new();
        let ann = world.login("ann");
        ann.send("/open red");
        ann.read();
        world.fail_store(true);
        assert!(ann.ask("/close red")[0].starts_with("ERR store-unavailable "));
        world.fail_store(false);
        assert_eq!(ann.ask("/who red"), ["USER ann", "OK who red 1"]);
        assert_eq!(ann.ask("/close red"), ["OK close red"]);
    }
}
