//! `/broadcast`: sends a message to all users. Operators only. The store is asked for the role each time, since an
//! operator may have been demoted meanwhile.

use parlor_proto::{Refusal, Text};

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};
use crate::ports::Role;

pub(super) fn run(context: &mut SessionContext<'_>, text: Text) -> ActionResult {
    let account = context.store().accounts.find(context.user).during("looking a user up")?;
    if account.is_none_or(|account| account.role != Role::Operator) {
        return Err(Refusal::Forbidden.into());
    }
    if context.may_act()? {
        context.add(Effect::Broadcast(text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn everybody_hears_an_operator() {
        let world = World::new();
        world.operator("op");
        let (op, ann, bob) = (world.login("op"), world.login("ann"), world.login("bob"));
        let stranger = world.connect();
        bob.send("/join red");
        for connection in [&op, &ann, &bob] {
            connection.read();
        }
        assert_eq!(op.ask("/broadcast going down"), ["NOTICE op going down", "OK broadcast"]);
        assert_eq!(
            (ann.read(), bob.read()),
            (vec!["NOTICE op going down".to_owned()], vec!["NOTICE op going down".to_owned()])
        );
        assert_eq!(stranger.read(), Vec::<String>::new());
    }

    #[test]
    fn others_may_not_and_the_demoted_no_longer() {
        let world = World::new();
        world.operator("op");
        let (op, ann) = (world.login("op"), world.login("ann"));
        op.read();
        assert_eq!(ann.ask("/broadcast hi"), ["ERR forbidden Only operators may do that"]);
        world.demote("op");
        assert_eq!(op.ask("/broadcast hi"), ["ERR forbidden Only operators may do that"]);
        assert_eq!(op.ask("/broadcast"), ["ERR bad-argument /broadcast <text>"]);
    }

    #[test]
    fn a_store_that_fails_says_so() {
        let world = World::new();
        world.operator("op");
        let op = world.login("op");
        world.fail_store(true);
        assert!(op.ask("/broadcast hi")[0].starts_with("ERR store-unavailable "));
    }
}
