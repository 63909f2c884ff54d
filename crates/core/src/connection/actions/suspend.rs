//! `/suspend`: ends a user's session on whatever server, and refuses logins. For operators.

use std::time::Duration;

use parlor_proto::{Note, Refusal, Reply, UserName};

use super::{ActionResult, SessionContext, unsuspend};
use crate::connection::effects::{During, Effect};
use crate::ports::Suspension;

pub(super) fn run(
    context: &mut SessionContext<'_>,
    user: UserName,
    duration: Option<Duration>,
    reason: Note,
) -> ActionResult {
    unsuspend::require_operator(context)?;
    if user == *context.user {
        return Err(Refusal::Pointless("Not yourself").into());
    }
    if !context.may_act()? {
        return Ok(());
    }
    let until = duration.map(|duration| context.connection.services.clock.now().after(duration));
    let suspension = Suspension { until, reason };
    if !context.store().accounts.suspend(&user, Some(&suspension)).during("suspending an account")? {
        return Err(Refusal::NoSuchUser(user).into());
    }
    context.add(Effect::Reply(Reply::Suspend { user }.into()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::{World, login_line};

    #[test]
    fn the_session_ends_and_logins_are_refused_for_the_time() {
        let world = World::new();
        world.operator("op");
        let (op, bob) = (world.login("op"), world.login("bob"));
        bob.read();
        assert_eq!(op.ask("/suspend bob 2h spam").last().unwrap(), "OK suspend bob");
        assert_eq!(bob.read().last().unwrap(), "BYE suspended An operator suspended this account");
        assert!(!bob.is_open());
        let refused = world.connect().ask(&login_line("bob"));
        assert_eq!(refused, ["ERR suspended This account is suspended until 2026-11-23T02:00:00.000Z: spam"]);
        world.advance(2 * 60 * 60);
        assert_eq!(world.connect().ask(&login_line("bob")), ["OK login bob lobby"]);
    }

    #[test]
    fn it_holds_until_an_operator_ends_it() {
        let world = World::new();
        world.operator("op");
        let op = world.login("op");
        world.account("bob");
        op.send("/suspend bob");
        assert_eq!(world.connect().ask(&login_line("bob")), ["ERR suspended This account is suspended"]);
        assert_eq!(op.ask("/unsuspend bob").last().unwrap(), "OK unsuspend bob");
        assert_eq!(world.connect().ask(&login_line("bob")), ["OK login bob lobby"]);
    }

    #[test]
    fn only_operators_suspend_and_only_others() {
        let world = World::new();
        world.operator("op");
        let (op, bob) = (world.login("op"), world.login("bob"));
        bob.read();
        assert_eq!(bob.ask("/suspend op"), ["ERR forbidden Only operators may do that"]);
        assert_eq!(bob.ask("/unsuspend op"), ["ERR forbidden Only operators may do that"]);
        op.read();
        assert_eq!(op.ask("/suspend op"), ["ERR bad-argument Not yourself"]);
        assert_eq!(op.ask("/suspend nobody"), ["ERR no-such-user There is no user nobody"]);
        assert_eq!(op.ask("/unsuspend nobody"), ["ERR no-such-user There is no user nobody"]);
        assert_eq!(op.ask("/suspend"), ["ERR bad-argument /suspend <user> [duration] [reason]"]);
    }

    #[test]
    fn a_right_password_of_a_suspended_account_is_no_failed_login() {
        let world = World::new();
        world.operator("op");
        let op = world.login("op");
        world.account("bob");
        op.send("/suspend bob");
        for _ in 0..30 {
            let told = world.from_address("192.0.2.1").ask(&login_line("bob"));
            assert_eq!(told, ["ERR suspended This account is suspended"]);
        }
        op.send("/unsuspend bob");
        let before = world.elapsed_millis();
        assert_eq!(world.from_address("192.0.2.1").ask(&login_line("bob")), ["OK login bob lobby"]);
        assert_eq!(world.elapsed_millis(), before);
    }

    #[test]
    fn a_wrong_password_does_not_tell_that_an_account_is_suspended() {
        let world = World::new();
        world.operator("op");
        let op = world.login("op");
        world.account("bob");
        op.send("/suspend bob");
        let told = world.connect().ask("LOGIN bob wrong");
        assert_eq!(told, ["ERR bad-credentials Unknown user or wrong password"]);
    }
}
