//! The commands of those who have rights in a room: `/topic`, `/access`, `/post`, `/retention`, `/invite`, `/kick`, `/ban` and
//! the others. Besides the switch of the operator for `/retention` it must not judge them; the store does, in the step that
//! carries them out.

use parlor_proto::{Order, Refusal, RoomName, UserName};

use super::{ActionResult, SessionContext, succession};
use crate::connection::effects::{CommandError, During, Effect};
use crate::ports::{Account, Deed, Recipient, Role};
use crate::rights::{Holder, Person};

pub(super) fn run(context: &mut SessionContext<'_>, room: RoomName, order: Order) -> ActionResult {
    let target = match order.user() {
        Some(user) => find(context, user)?,
        None => None,
    };
    // What is ended may be that of an account that is gone.
    let may_be_gone = matches!(order, Order::Unban(_) | Order::Unmute(_) | Order::Unmoderator(_));
    if let (Some(user), None, false) = (order.user(), &target, may_be_gone) {
        return Err(Refusal::NoSuchUser(user.clone()).into());
    }
    let actor = find_own(context)?;
    let is_allowed = actor.role == Role::Operator || context.connection.services.policy.room_retention;
    if matches!(order, Order::Retention(_)) && !is_allowed {
        return Err(Refusal::NotAllowed("operators").into());
    }
    succession::complete(context, &room, &actor)?;
    if !context.may_act()? {
        return Ok(());
    }
    let invited = target.as_ref().filter(|_| matches!(order, Order::Invite(_)));
    let invited = invited.map(|target| Recipient { user: target.user.clone(), created: target.created });
    let deed = Deed::Order { order, target: target.as_ref().map(person) };
    let act = context.act(&room, person(&actor), deed);
    context.add(Effect::Act { act, invited });
    Ok(())
}

/// An account, as a room judges it.
pub(super) fn person(account: &Account) -> Person {
    let holder = Holder { user: account.user.clone(), account: account.created };
    Person { holder, is_operator: account.role == Role::Operator }
}

/// The account of the user of the session.
pub(super) fn find_own(context: &SessionContext<'_>) -> Result<Account, CommandError> {
    // A store that came back empty has lost it, while the session goes on.
    find(context, context.user)?.ok_or_else(|| Refusal::NoSuchUser(context.user.clone()).into())
}

/// The account of a user.
pub(super) fn find(context: &SessionContext<'_>, user: &UserName) -> Result<Option<Account>, CommandError> {
    context.store().accounts.find(user).during("looking a user up")
}

#[cfg(test)]
mod tests;
