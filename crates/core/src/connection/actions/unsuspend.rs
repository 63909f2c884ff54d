//! `/unsuspend`: accepts the logins of a suspended account again. For operators.

use parlor_proto::{Refusal, Reply, UserName};

use super::{ActionResult, SessionContext, moderate};
use crate::connection::effects::{During, Effect};
use crate::ports::Role;

pub(super) fn run(context: &mut SessionContext<'_>, user: UserName) -> ActionResult {
    require_operator(context)?;
    if !context.may_act()? {
        return Ok(());
    }
    if !context.store().accounts.suspend(&user, None).during("ending a suspension")? {
        return Err(Refusal::NoSuchUser(user).into());
    }
    context.add(Effect::Reply(Reply::Unsuspend { user }.into()));
    Ok(())
}

/// Refuses whoever is no operator now.
pub(super) fn require_operator(context: &SessionContext<'_>) -> ActionResult {
    let account = moderate::find(context, context.user)?;
    let is_operator = account.is_some_and(|account| account.role == Role::Operator);
    if is_operator { Ok(()) } else { Err(Refusal::Forbidden.into()) }
}
