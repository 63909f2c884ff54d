//! `/block`: refuses the direct messages of a user from now on.

use parlor_proto::{Refusal, Reply, UserName};

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};
use crate::limits::policy::Policy;

pub(super) fn run(context: &mut SessionContext<'_>, user: UserName) -> ActionResult {
    if *context.user == user {
        return Err(Refusal::SelfBlock.into());
    }
    if context.store().accounts.find(&user).during("looking a user up")?.is_none() {
        return Err(Refusal::NoSuchUser(user).into());
    }
    let blocked = context.store().personal.blocks(context.user).during("listing blocks")?;
    if blocked.len() >= Policy::MAX_BLOCKS && !blocked.contains(&user) {
        return Err(Refusal::LimitReached("blocks of one user").into());
    }
    if context.may_act()? {
        context.store().personal.block(context.user, &user).during("blocking a user")?;
        context.add(Effect::Reply(Reply::Block { user }.into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn messages_of_a_blocked_user_are_refused_and_not_stored() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.read();
        assert_eq!(bob.ask("/block Ann"), ["OK block ann"]);
        ann.read();
        assert_eq!(ann.ask("/msg bob hi"), ["ERR blocked bob accepts no direct messages from you"]);
        assert_eq!(ann.ask("/backlog @bob"), ["OK backlog @bob 0"]);
        assert_eq!(bob.ask("/backlog @ann"), ["OK backlog @ann 0"]);
        // The other direction stays open, and so do rooms.
        bob.send("/msg ann hi");
        bob.read();
        assert_eq!(ann.read(), ["DM bob hi"]);
        ann.send("hello");
        assert_eq!(bob.read(), ["MSG lobby ann hello"]);
        assert_eq!(bob.ask("/unblock ann"), ["OK unblock ann"]);
        assert_eq!(ann.ask("/msg bob hi"), ["OK msg bob"]);
    }

    #[test]
    fn blocks_are_listed_and_outlive_the_session() {
        let world = World::new();
        let bob = world.login("bob");
        world.account("ann");
        world.account("cyd");
        bob.send_raw(b"/block cyd\n/block ann\n/block ann\n");
        bob.disconnect();
        assert_eq!(world.login("bob").ask("/blocks"), ["BLOCKED ann", "BLOCKED cyd", "OK blocks 2"]);
    }

    #[test]
    fn who_cannot_be_blocked() {
        let ann = World::new().login("ann");
        assert_eq!(ann.ask("/block ann"), ["ERR bad-argument /block <user> (not yourself)"]);
        assert_eq!(ann.ask("/block nobody"), ["ERR no-such-user There is no user nobody"]);
        assert_eq!(ann.ask("/unblock nobody"), ["OK unblock nobody"]);
    }

    #[test]
    fn one_user_blocks_a_thousand_others() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        let personal = &world.services().store.personal;
        for number in 0..1_000 {
            let user = format!("user{number}");
            world.account(&user);
            personal.block(&"ann".parse().unwrap(), &user.parse().unwrap()).unwrap();
        }
        ann.read();
        assert_eq!(ann.ask("/block bob"), ["ERR limit-reached This server keeps no more blocks of one user"]);
        assert_eq!(ann.ask("/block user7"), ["OK block user7"]);
        ann.send("/unblock user8");
        ann.read();
        assert_eq!(ann.ask("/block bob"), ["OK block bob"]);
        assert_eq!(bob.ask("/msg ann hi").last().unwrap(), "ERR blocked ann accepts no direct messages from you");
    }

    #[test]
    fn the_next_owner_of_a_name_is_not_blocked_and_blocks_nobody() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("/block ann");
        world.delete_account("ann");
        let ann_again = world.login("ann");
        assert_eq!(ann_again.ask("/msg bob hi"), ["OK msg bob"]);
        bob.send("/block ann");
        world.delete_account("bob");
        world.account("bob");
        assert_eq!(ann_again.ask("/msg bob hi").last().unwrap(), "OK msg bob");
        drop(ann);
    }
}
