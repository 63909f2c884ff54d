//! `/subscriptions`: lists the users whom the user follows.

use parlor_proto::Event;

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};

pub(super) fn run(context: &mut SessionContext<'_>) -> ActionResult {
    let users = context.store().follows.subscriptions(context.user).during("listing subscriptions")?;
    context.add(Effect::Reply(Event::Subscriptions { users }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn whom_one_follows_is_listed_sorted() {
        let world = World::new();
        let ann = world.login("ann");
        assert_eq!(ann.ask("/subscriptions"), ["OK subscriptions 0"]);
        for user in ["cyd", "bob"] {
            world.account(user);
            ann.send(&format!("/subscribe {user}"));
        }
        ann.read();
        assert_eq!(ann.ask("/subscriptions"), ["SUBSCRIPTION bob", "SUBSCRIPTION cyd", "OK subscriptions 2"]);
        ann.send("/format json");
        ann.read();
        assert_eq!(ann.ask("/subscriptions"), [r#"{"type":"subscriptions","users":["bob","cyd"]}"#]);
    }

    #[test]
    fn a_store_that_fails_says_so() {
        let world = World::new();
        let ann = world.login("ann");
        world.fail_store(true);
        assert!(ann.ask("/subscriptions")[0].starts_with("ERR store-unavailable "));
    }
}
