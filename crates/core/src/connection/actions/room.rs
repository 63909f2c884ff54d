//! `/room`: shows the rights in a room. It must not show a private room to those who may not enter.

use parlor_proto::{Event, Refusal, RoomInfo, RoomName};

use super::{ActionResult, SessionContext, moderate, succession};
use crate::connection::effects::{During, Effect};
use crate::rights::RoomRights;

pub(super) fn run(context: &mut SessionContext<'_>, room: RoomName) -> ActionResult {
    let account = moderate::find_own(context)?;
    succession::complete(context, &room, &account)?;
    let person = moderate::person(&account);
    let is_open = (context.is_open)(&room);
    let governance = &context.store().governance;
    let rights = governance.rights(std::slice::from_ref(&room)).during("reading the rights in a room")?;
    let rights = rights.into_iter().next().flatten();
    let rights = rights.filter(|rights| is_open || rights.is_visible_to(&person));
    let Some(rights) = rights else { return Err(Refusal::NoSuchRoom(room).into()) };
    if !is_open && let Err(denial) = rights.judge_entering(&person, context.connection.services.clock.now()) {
        return Err(denial.refusal(&room, None, None).into());
    }
    let role = rights.role(&person);
    let RoomRights { owner, moderators, topic, access, post, created, retention, .. } = rights;
    let owner = owner.map(|owner| owner.user);
    let moderators = moderators.into_iter().map(|moderator| moderator.user).collect();
    let info = RoomInfo { room, topic, access, post, owner, moderators, role, created, retention };
    context.add(Effect::Reply(Event::Room(Box::new(info))));
    Ok(())
}
