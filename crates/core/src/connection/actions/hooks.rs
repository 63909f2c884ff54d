//! `/hooks`: lists the hooks of a room, for its moderators. It must not show their secrets.

use parlor_proto::{Event, Refusal, RoomName};

use super::{ActionResult, SessionContext, moderate};
use crate::connection::effects::{During, Effect};

pub(super) fn run(context: &mut SessionContext<'_>, room: RoomName) -> ActionResult {
    let person = moderate::person(&moderate::find_own(context)?);
    let rights =
        context.store().governance.rights(std::slice::from_ref(&room)).during("reading the rights in a room")?;
    let rights = rights.into_iter().next().flatten();
    let Some(rights) = rights.filter(|rights| (context.is_open)(&room) || rights.is_visible_to(&person)) else {
        return Err(Refusal::NoSuchRoom(room).into());
    };
    rights.judge_hooks(&person).map_err(|denial| denial.refusal(&room, None, None))?;
    let hooks = rights.hook_list();
    context.add(Effect::Reply(Event::Hooks { room, hooks }));
    Ok(())
}
