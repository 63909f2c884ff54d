//! `/switch`: makes an open room the current one.

use parlor_proto::RoomName;

use super::{ActionResult, SessionContext};
use crate::connection::effects::Effect;

pub(super) fn run(context: &mut SessionContext<'_>, room: RoomName) -> ActionResult {
    context.require_open(&room)?;
    context.add(Effect::Switch(room));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn plain_lines_go_to_the_current_room() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("/open red");
        bob.read();
        ann.send("/open red");
        ann.read();
        assert_eq!(ann.ask("/switch Red"), ["OK switch red"]);
        ann.send("here");
        assert_eq!(bob.read(), ["JOIN red ann", "MSG red ann here"]);
        assert_eq!(ann.ask("/history"), ["OLD red 1 ann here", "OK history red 1"]);
        assert_eq!(ann.ask("/switch blue"), ["ERR not-in-room You are not in blue; /open blue enters it"]);
    }

    #[test]
    fn what_was_said_before_it_stays_in_its_room() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send_raw(b"/open red\none\n/switch red\ntwo\n/switch lobby\nthree\n");
        assert_eq!(bob.read(), ["MSG lobby ann one", "MSG lobby ann three"]);
    }
}
