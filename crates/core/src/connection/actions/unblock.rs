//! `/unblock`: accepts the direct messages of a user again.

use parlor_proto::{Reply, UserName};

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};

pub(super) fn run(context: &mut SessionContext<'_>, user: UserName) -> ActionResult {
    if context.may_act()? {
        context.store().personal.unblock(context.user, &user).during("ending a block")?;
        context.add(Effect::Reply(Reply::Unblock { user }.into()));
    }
    Ok(())
}
