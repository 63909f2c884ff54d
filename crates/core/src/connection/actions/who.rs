//! `/who`: lists the members of a room. A room without members does not exist, except for the lobby.

use parlor_proto::{Event, Refusal, RoomName};

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};

pub(super) fn run(context: &mut SessionContext<'_>, room: Option<RoomName>) -> ActionResult {
    let room = room.unwrap_or_else(|| context.room.clone());
    let users = context.store().rooms.members(&room, &(context.person)()).during("listing members")?;
    if users.is_empty() && !room.is_lobby() {
        return Err(Refusal::NoSuchRoom(room).into());
    }
    context.add(Effect::Reply(Event::Users { room, users }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn members_are_listed_sorted_of_this_room_or_another() {
        let world = World::new();
        let (bob, _ann, cyd) = (world.login("bob"), world.login("ann"), world.login("cyd"));
        cyd.send("/join red");
        bob.read();
        assert_eq!(bob.ask("/who"), ["USER ann", "USER bob", "OK who lobby 2"]);
        assert_eq!(bob.ask("/who Red"), ["USER cyd", "OK who red 1"]);
    }

    #[test]
    fn a_room_without_members_does_not_exist_but_the_lobby_does() {
        let world = World::new();
        let ann = world.login("ann");
        ann.send("/join red");
        ann.read();
        assert_eq!(ann.ask("/who blue"), ["ERR no-such-room There is nobody in a room blue"]);
        assert_eq!(ann.ask("/who lobby"), ["OK who lobby 0"]);
        assert!(ann.ask("/who #")[0].starts_with("ERR bad-name "));
    }

    #[test]
    fn a_store_that_fails_says_so() {
        let world = World::new();
        let ann = world.login("ann");
        world.fail_store(true);
        assert!(ann.ask("/who")[0].starts_with("ERR store-unavailable "));
    }
}
