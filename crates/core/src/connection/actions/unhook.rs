//! `/unhook`: ends a hook of a room. It must not judge who may do that; the store does.

use parlor_proto::{HookId, Reply, RoomName};

use super::{ActionResult, SessionContext, hook, moderate};
use crate::connection::effects::Effect;
use crate::ports::Deed;

pub(super) fn run(context: &mut SessionContext<'_>, room: RoomName, id: HookId) -> ActionResult {
    let actor = moderate::find_own(context)?;
    if !context.may_act()? {
        return Ok(());
    }
    let act = context.act(&room, moderate::person(&actor), Deed::RemoveHook(id));
    hook::carry_out(context, act)?;
    context.add(Effect::Reply(Reply::Unhook { room, id }.into()));
    Ok(())
}
