//! `/ping` and PING: a sign of life.

use parlor_proto::Event;

use crate::connection::effects::Effect;

pub(super) fn answer(token: Option<String>) -> Effect {
    Effect::Reply(Event::Pong { token })
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn it_is_answered_before_and_after_login_with_its_token() {
        let world = World::new();
        for (connection, word) in [(world.connect(), "PING"), (world.login("ann"), "/ping")] {
            assert_eq!(connection.ask(word), ["PONG"]);
            assert_eq!(connection.ask(&format!("{word} a-token")), ["PONG a-token"]);
            assert!(connection.ask(&format!("{word} a b"))[0].starts_with("ERR bad-argument "));
        }
    }

    #[test]
    fn it_needs_no_store() {
        let world = World::new();
        let ann = world.login("ann");
        world.fail_store(true);
        assert_eq!(ann.ask("/ping"), ["PONG"]);
    }
}
