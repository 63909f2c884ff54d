//! `/hooks`: lists the hooks of a room, for its moderators. Their secrets are not kept.

use parlor_proto::{Event, Refusal, RoomName};

use super::{ActionResult, SessionContext, moderate};
use crate::connection::effects::{During, Effect};
use crate::rights::Hook;

pub(super) fn run(context: &mut SessionContext<'_>, room: RoomName) -> ActionResult {
    let person = moderate::person(&moderate::find_own(context)?);
    let rights =
        context.store().governance.rights(std::slice::from_ref(&room)).during("reading the rights in a room")?;
    let rights = rights.into_iter().next().flatten();
    let Some(rights) = rights.filter(|rights| (context.is_open)(&room) || rights.is_visible_to(&person)) else {
        return Err(Refusal::NoSuchRoom(room).into());
    };
    rights.judge_hooks(&person).map_err(|denial| denial.refusal(&room, None, None))?;
    let hooks = rights.hooks.iter().map(Hook::info).collect();
    context.add(Effect::Reply(Event::Hooks { room, hooks }));
    Ok(())
}
