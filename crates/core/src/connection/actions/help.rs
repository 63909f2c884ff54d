//! `/help` and HELP: lists the commands that are available now.

use parlor_proto::Event;

use crate::connection::effects::Effect;

pub(super) fn answer(in_session: bool) -> Effect {
    Effect::Reply(Event::help(in_session))
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn it_lists_what_can_be_given_now() {
        let world = World::new();
        let before = world.connect().ask("HELP");
        assert_eq!(before[0], "HELP LOGIN <user> <password>");
        assert_eq!(before.last().unwrap(), &format!("OK help {}", before.len() - 1));
        let after = world.login("ann").ask("/help");
        assert!(after.contains(&"HELP /join <room>".to_owned()) && !after.iter().any(|line| line.contains("LOGIN")));
    }
}
