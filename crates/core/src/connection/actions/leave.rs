//! `/leave`: goes back to the lobby. The lobby itself cannot be left.

use parlor_proto::{Refusal, RoomName, Verb};

use super::{ActionResult, SessionContext};
use crate::connection::effects::Effect;

pub(super) fn run(context: &mut SessionContext<'_>) -> ActionResult {
    if context.room.is_lobby() {
        return Err(Refusal::InLobby.into());
    }
    context.add(Effect::Move { to: RoomName::lobby(), verb: Verb::Leave });
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn one_is_back_in_the_lobby() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send("/join red");
        ann.read();
        bob.read();
        assert_eq!(ann.ask("/leave"), ["OK leave red lobby"]);
        assert_eq!(bob.read(), ["JOIN lobby ann"]);
        bob.send("welcome back");
        assert_eq!(ann.read(), ["MSG lobby bob welcome back"]);
    }

    #[test]
    fn nobody_leaves_the_lobby() {
        let ann = World::new().login("ann");
        assert_eq!(ann.ask("/leave"), ["ERR in-lobby You are in the lobby; /quit ends the session"]);
        assert_eq!(ann.ask("/leave now"), ["ERR bad-argument /leave"]);
    }

    #[test]
    fn json_tells_both_rooms_and_where_the_log_stands() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("one");
        ann.send("/join red");
        ann.send("/format json");
        ann.read();
        let expected = r#"{"type":"ok","command":"leave","left":"red","room":"lobby","members":2,"epoch":"0000000000000001","last":1}"#;
        assert_eq!(ann.ask("/leave"), [expected]);
    }
}
