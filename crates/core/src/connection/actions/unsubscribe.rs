//! `/unsubscribe`: ends the follow of a user.

use parlor_proto::{Reply, UserName};

use super::{ActionResult, SessionContext};
use crate::connection::effects::Effect;

pub(super) fn run(context: &mut SessionContext<'_>, publisher: UserName) -> ActionResult {
    if context.may_act()? {
        context.add(Effect::Unfollow(publisher.clone()));
        context.add(Effect::Reply(Reply::Unsubscribe { user: publisher }.into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn one_hears_nothing_more() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("/subscribe ann");
        assert_eq!(bob.ask("/unsubscribe ANN"), ["OK subscribe ann", "OK unsubscribe ann"]);
        ann.send("/publish news");
        assert_eq!(bob.read(), Vec::<String>::new());
        // The lobby and two inboxes.
        assert_eq!(world.topics(), 3);
        assert_eq!(bob.ask("/subscribe ann"), ["OK subscribe ann"]);
        ann.send("/publish more");
        assert_eq!(bob.read(), ["PUB ann more"]);
    }

    #[test]
    fn what_the_store_has_lost_can_be_given_up_all_the_same() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("/subscribe ann");
        bob.read();
        world.lose_follow("bob", "ann");
        ann.send("/publish heard");
        assert_eq!(bob.ask("/unsubscribe ann"), ["PUB ann heard", "OK unsubscribe ann"]);
        ann.send("/publish unheard");
        assert_eq!(bob.ask("/unsubscribe ann"), ["ERR not-subscribed You do not follow ann"]);
        assert_eq!(world.topics(), 3);
    }

    #[test]
    fn whom_one_does_not_follow() {
        let ann = World::new().login("ann");
        assert_eq!(ann.ask("/unsubscribe bob"), ["ERR not-subscribed You do not follow bob"]);
        assert_eq!(ann.ask("/unsubscribe"), ["ERR bad-argument /unsubscribe <user>"]);
    }

    #[test]
    fn a_store_that_fails_changes_nothing() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("/subscribe ann");
        bob.read();
        world.fail_store(true);
        assert!(bob.ask("/unsubscribe ann")[0].starts_with("ERR store-unavailable "));
        world.fail_store(false);
        ann.send("/publish news");
        assert_eq!(bob.read(), ["PUB ann news"]);
    }

    #[test]
    fn whoever_was_deleted_is_not_followed_any_more() {
        let world = World::new();
        let (_ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("/subscribe ann");
        world.delete_account("ann");
        bob.read();
        assert_eq!(bob.ask("/unsubscribe ann"), ["ERR not-subscribed You do not follow ann"]);
        assert_eq!(world.topics(), 2);
    }
}
