//! `/rooms`: lists all rooms that have members, and the lobby.

use parlor_proto::Event;

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};

pub(super) fn run(context: &mut SessionContext<'_>) -> ActionResult {
    let rooms = context.store().rooms.rooms(&(context.person)()).during("listing rooms")?;
    context.add(Effect::Reply(Event::Rooms { rooms }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn rooms_with_members_are_listed_and_the_lobby_always() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("/join red");
        bob.read();
        assert_eq!(bob.ask("/rooms"), ["ROOM lobby 1", "ROOM red 1", "OK rooms 2"]);
        ann.send("/join red");
        bob.read();
        assert_eq!(bob.ask("/rooms"), ["ROOM lobby 0", "ROOM red 2", "OK rooms 2"]);
        bob.send("/leave");
        ann.disconnect();
        bob.read();
        assert_eq!(bob.ask("/rooms"), ["ROOM lobby 1", "OK rooms 1"]);
    }

    #[test]
    fn a_store_that_fails_says_so() {
        let world = World::new();
        let ann = world.login("ann");
        world.fail_store(true);
        assert!(ann.ask("/rooms")[0].starts_with("ERR store-unavailable "));
        assert_eq!(ann.ask("/rooms x"), ["ERR bad-argument /rooms"]);
    }
}
