//! `/topic` without a text: shows what an open room is about.

use parlor_proto::{Reply, RoomName};

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};

pub(super) fn run(context: &mut SessionContext<'_>, room: RoomName) -> ActionResult {
    context.require_open(&room)?;
    let governance = &context.store().governance;
    let rights = governance.rights(std::slice::from_ref(&room)).during("reading the rights in a room")?;
    let topic = rights.into_iter().next().flatten().map(|rights| rights.topic).unwrap_or_default();
    context.add(Effect::Reply(Reply::Topic { room, topic, id: None }.into()));
    Ok(())
}
