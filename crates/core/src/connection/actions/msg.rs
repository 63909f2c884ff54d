//! `/msg`: sends a message to one user who is connected. It must not be logged.

use parlor_proto::{Refusal, Text, UserName};

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};

pub(super) fn run(context: &mut SessionContext<'_>, to: UserName, text: Text) -> ActionResult {
    if context.store().accounts.find(&to).during("looking a user up")?.is_none() {
        return Err(Refusal::NoSuchUser(to).into());
    }
    if context.may_act()? {
        context.add(Effect::Direct { to, text });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn one_user_hears_it_in_whatever_room() {
        let world = World::new();
        let (ann, bob, cyd) = (world.login("ann"), world.login("bob"), world.login("cyd"));
        bob.send("/join red");
        for connection in [&ann, &bob, &cyd] {
            connection.read();
        }
        assert_eq!(ann.ask("/msg Bob  hi  there"), ["OK msg bob"]);
        assert_eq!(bob.read(), ["DM ann  hi  there"]);
        assert_eq!(cyd.read(), Vec::<String>::new());
        assert_eq!(bob.ask("/history"), ["OK history red 0"]);
    }

    #[test]
    fn who_cannot_be_reached() {
        let world = World::new();
        let ann = world.login("ann");
        world.account("bob");
        assert_eq!(ann.ask("/msg bob hi"), ["ERR user-offline bob is not connected"]);
        assert_eq!(ann.ask("/msg nobody hi"), ["ERR no-such-user There is no user nobody"]);
        assert_eq!(ann.ask("/msg bob"), ["ERR bad-argument /msg <user> <text>"]);
        assert!(ann.ask("/msg #bob hi")[0].starts_with("ERR bad-name "));
        world.login("bob").disconnect();
        ann.read();
        assert_eq!(ann.ask("/msg bob hi"), ["ERR user-offline bob is not connected"]);
    }

    #[test]
    fn after_a_takeover_the_new_session_hears_it() {
        let world = World::new();
        let ann = world.login("ann");
        let _earlier = world.login("bob");
        let bob = world.login("bob");
        ann.send("/msg bob hi");
        assert_eq!(bob.read(), ["DM ann hi"]);
    }

    #[test]
    fn a_store_that_fails_says_so() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.read();
        world.fail_store(true);
        assert!(ann.ask("/msg bob hi")[0].starts_with("ERR store-unavailable "));
        assert_eq!(bob.read(), Vec::<String>::new());
    }
}
