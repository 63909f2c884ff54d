//! `/subscribers`: lists the followers of the user.

use parlor_proto::Event;

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};

pub(super) fn run(context: &mut SessionContext<'_>) -> ActionResult {
    let users = context.store().follows.subscribers(context.user).during("listing subscribers")?;
    context.add(Effect::Reply(Event::Subscribers { users }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn who_follows_one_is_listed_sorted_whether_connected_or_not() {
        let world = World::new();
        let ann = world.login("ann");
        assert_eq!(ann.ask("/subscribers"), ["OK subscribers 0"]);
        for user in ["cyd", "bob"] {
            let follower = world.login(user);
            follower.send("/subscribe ann");
            follower.disconnect();
        }
        ann.read();
        assert_eq!(ann.ask("/subscribers"), ["SUBSCRIBER bob", "SUBSCRIBER cyd", "OK subscribers 2"]);
    }

    #[test]
    fn a_store_that_fails_says_so() {
        let world = World::new();
        let ann = world.login("ann");
        world.fail_store(true);
        assert!(ann.ask("/subscribers")[0].starts_with("ERR store-unavailable "));
    }
}
