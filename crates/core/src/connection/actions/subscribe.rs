//! `/subscribe`: follows a user, durably and from now on.

use parlor_proto::{Refusal, Reply, UserName};

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};

pub(super) fn run(context: &mut SessionContext<'_>, publisher: UserName) -> ActionResult {
    if *context.user == publisher {
        return Err(Refusal::SelfSubscription.into());
    }
    if context.store().accounts.find(&publisher).during("looking a user up")?.is_none() {
        return Err(Refusal::NoSuchUser(publisher).into());
    }
    let followed = context.store().follows.subscriptions(context.user).during("listing subscriptions")?;
    let is_known = followed.contains(&publisher);
    // If the store knows the follow but the session does not receive it, then an earlier reply was lost: follow again.
    if is_known && (context.is_subscribed_to)(&publisher) {
        return Err(Refusal::AlreadySubscribed(publisher).into());
    }
    if !is_known && followed.len() >= context.connection.services.policy.max_subscriptions {
        return Err(Refusal::LimitReached("subscriptions of one user").into());
    }
    if context.may_act()? {
        context.add(Effect::Follow(publisher.clone()));
        context.add(Effect::Reply(Reply::Subscribe { user: publisher }.into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::{Connection, World};

    #[test]
    fn one_hears_from_now_on_what_the_user_publishes() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send("/publish before");
        assert_eq!(bob.ask("/subscribe Ann"), ["OK subscribe ann"]);
        ann.send("/publish after");
        assert_eq!(bob.read(), ["PUB ann after"]);
    }

    #[test]
    fn it_survives_a_new_session() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("/subscribe ann");
        bob.disconnect();
        ann.send("/publish missed");
        let bob = world.login("bob");
        ann.send("/publish heard");
        assert_eq!(bob.read(), ["PUB ann heard"]);
    }

    #[test]
    fn who_cannot_be_followed() {
        let world = World::builder().max_subscriptions(1).build();
        let ann = world.login("ann");
        world.account("bob");
        world.account("cyd");
        assert_eq!(ann.ask("/subscribe ann"), ["ERR self-subscription You cannot follow yourself"]);
        assert_eq!(ann.ask("/subscribe nobody"), ["ERR no-such-user There is no user nobody"]);
        assert_eq!(ann.ask("/subscribe bob"), ["OK subscribe bob"]);
        assert_eq!(ann.ask("/subscribe bob"), ["ERR already-subscribed You follow bob already"]);
        assert_eq!(
            ann.ask("/subscribe cyd"),
            ["ERR limit-reached This server keeps no more subscriptions of one user"]
        );
        assert_eq!(ann.ask("/subscribe"), ["ERR bad-argument /subscribe <user>"]);
    }

    #[test]
    fn a_store_that_fails_half_way_leaves_nothing_half_done() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        let broken = world.clone();
        world.after("follow", move || broken.fail_store(true));
        assert!(bob.ask("/subscribe ann")[0].starts_with("ERR store-unavailable "));
        world.fail_store(false);
        // The lobby and two inboxes.
        assert_eq!((bob.ask("/subscriptions"), world.topics()), (vec!["OK subscriptions 0".to_owned()], 3));
        assert_eq!(bob.ask("/subscribe ann"), ["OK subscribe ann"]);
        ann.send("/publish news");
        assert_eq!(bob.read().last().map(String::as_str), Some("PUB ann news"));
    }

    #[test]
    fn what_is_heard_is_still_heard_if_the_store_forgets_it_and_then_fails() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("/subscribe ann");
        bob.read();
        world.lose_follow("bob", "ann");
        let broken = world.clone();
        world.after("is current", move || broken.fail_store(true));
        assert!(bob.ask("/subscribe ann")[0].starts_with("ERR store-unavailable "));
        world.fail_store(false);
        ann.send("/publish news");
        assert_eq!(bob.read(), ["PUB ann news"]);
    }

    #[test]
    fn one_that_was_not_answered_can_be_said_again() {
        let world = World::builder().max_subscriptions(1).build();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        world.make_follow("bob", "ann");
        assert_eq!(bob.ask("/subscribe ann"), ["OK subscribe ann"]);
        ann.send("/publish news");
        assert_eq!(bob.read(), ["PUB ann news"]);
        assert_eq!(bob.ask("/subscribe ann"), ["ERR already-subscribed You follow ann already"]);
    }

    #[test]
    fn whoever_is_deleted_meanwhile_is_not_followed() {
        let world = World::new();
        let (_ann, bob) = (world.login("ann"), world.login("bob"));
        for call in ["is current", "follow", "find"] {
            let doing = world.clone();
            // The followed account is the second one that is looked up.
            if call == "find" {
                world.after(call, || {});
            }
            world.after(call, move || doing.delete_account("ann"));
            let answer = bob.ask("/subscribe ann");
            assert_eq!(answer.last().unwrap(), "ERR no-such-user There is no user ann", "after {call}");
            assert_eq!((bob.ask("/subscriptions"), world.topics()), (vec!["OK subscriptions 0".to_owned()], 2));
            world.account("ann");
        }
    }

    #[test]
    fn an_end_that_is_told_late_silences_nobody_who_follows_the_next_owner() {
        for call in ["is current", "follow", "subscribe"] {
            let world = World::new();
            world.account("ann");
            let bob = world.login("bob");
            let made = world.created("ann");
            world.delete_account("ann");
            world.advance(1);
            let ann = world.login("ann");
            bob.read();
            let late = world.clone();
            world.after(call, move || late.tell_deletion("ann", made));
            assert_eq!(bob.ask("/subscribe ann"), ["OK subscribe ann"]);
            world.tell_deletion("ann", made);
            ann.send("/publish news");
            assert_eq!(bob.read(), ["PUB ann news"], "after {call}");
            world.delete_account("ann");
            assert_eq!(bob.ask("/unsubscribe ann").last().unwrap(), "ERR not-subscribed You do not follow ann");
            assert_eq!(world.topics(), 2);
        }
    }

    #[test]
    fn the_next_owner_of_a_name_is_not_followed() {
        the_next_owner_is_not_followed(|_, bob| bob);
        the_next_owner_is_not_followed(|world, bob| {
            bob.disconnect();
            world.login("bob")
        });
    }

    fn the_next_owner_is_not_followed(before: impl FnOnce(&World, Connection) -> Connection) {
        let world = World::new();
        let (_ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("/subscribe ann");
        let bob = before(&world, bob);
        world.delete_account("ann");
        let next = world.login("ann");
        bob.read();
        next.send("/publish to my own followers");
        assert_eq!(bob.read(), Vec::<String>::new());
        assert_eq!(bob.ask("/subscribe ann"), ["OK subscribe ann"]);
        next.send("/publish news");
        assert_eq!(bob.read(), ["PUB ann news"]);
        bob.disconnect();
        assert_eq!(world.topics(), 2);
    }
}
