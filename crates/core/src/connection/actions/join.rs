//! `/join`: leaves the current room and enters another, which is created on demand.

use parlor_proto::{Refusal, RoomName, Verb};

use super::{ActionResult, SessionContext};
use crate::connection::effects::Effect;

pub(super) fn run(context: &mut SessionContext<'_>, room: RoomName) -> ActionResult {
    if *context.room == room {
        return Err(Refusal::AlreadyInRoom(room).into());
    }
    // It leaves one room and may enter another, so the number stays, unless more are open than may be.
    let max = context.connection.services.policy.max_open_rooms;
    if !(context.is_open)(&room) && (context.open_rooms)() > max {
        return Err(Refusal::LimitReached("open rooms of one user").into());
    }
    context.add(Effect::Move { to: room, verb: Verb::Join });
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn members_of_both_rooms_see_it_and_nobody_hears_the_room_left_behind() {
        let world = World::new();
        let (ann, bob, cyd) = (world.login("ann"), world.login("bob"), world.login("cyd"));
        cyd.send("/join red");
        ann.read();
        bob.read();
        cyd.read();
        assert_eq!(ann.ask("/join Red"), ["OK join red 2"]);
        assert_eq!(bob.read(), ["PART lobby ann"]);
        assert_eq!(cyd.read(), ["JOIN red ann"]);
        bob.send("to the lobby");
        cyd.send("to red");
        assert_eq!(ann.read(), ["MSG red cyd to red"]);
    }

    #[test]
    fn the_lobby_can_be_joined_like_any_room() {
        let ann = World::new().login("ann");
        ann.send("/join red");
        ann.read();
        assert_eq!(ann.ask("/join lobby"), ["OK join lobby 1"]);
    }

    #[test]
    fn the_room_one_is_in_is_refused() {
        let ann = World::new().login("ann");
        assert_eq!(ann.ask("/join LOBBY"), ["ERR already-in-room You are in lobby already"]);
        ann.send("/join red");
        ann.read();
        assert_eq!(ann.ask("/join red"), ["ERR already-in-room You are in red already"]);
    }

    #[test]
    fn what_is_no_name_of_a_room_is_refused() {
        let ann = World::new().login("ann");
        assert!(ann.ask("/join #red")[0].starts_with("ERR bad-name "));
        assert_eq!(ann.ask("/join"), ["ERR bad-argument /join <room>"]);
        assert_eq!(ann.ask("/join a b"), ["ERR bad-argument /join <room>"]);
    }

    #[test]
    fn there_are_only_so_many_rooms_besides_the_lobby() {
        let world = World::builder().max_rooms(2).build();
        let (ann, bob, cyd) = (world.login("ann"), world.login("bob"), world.login("cyd"));
        ann.read();
        assert_eq!(ann.ask("/join red"), ["OK join red 1"]);
        bob.read();
        assert_eq!(bob.ask("/join blue"), ["OK join blue 1"]);
        cyd.read();
        assert_eq!(cyd.ask("/join green"), ["ERR limit-reached This server keeps no more rooms"]);
        assert_eq!(cyd.ask("/join red"), ["OK join red 2"]);
        assert_eq!(bob.ask("/leave"), ["OK leave blue lobby"]);
        assert_eq!(bob.ask("/join green"), ["OK join green 1"]);
    }

    #[test]
    fn whoever_has_all_rooms_open_that_may_be_open_can_still_go_to_another() {
        let ann = World::builder().max_open_rooms(2).build().login("ann");
        ann.send_raw(b"/open red\n/open blue\n");
        assert!(ann.read().last().unwrap().starts_with("ERR limit-reached "));
        assert_eq!(ann.ask("/join blue"), ["OK join blue 1"]);
    }

    #[test]
    fn a_store_that_fails_leaves_one_where_one_is() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.read();
        world.fail_store(true);
        assert!(ann.ask("/join red")[0].starts_with("ERR store-unavailable "));
        world.fail_store(false);
        assert_eq!(bob.read(), Vec::<String>::new());
        bob.send("still here");
        assert_eq!(ann.ask("/who red"), ["MSG lobby bob still here", "ERR no-such-room There is nobody in a room red"]);
        assert_eq!(ann.ask("/join red"), ["OK join red 1"]);
    }
}
