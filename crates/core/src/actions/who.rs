//! `/who`: lists the members of a room. A room without members does not exist, except for the lobby.

use parlor_proto::{Event, Refusal, RoomName};

use super::{Context, Outcome};
use crate::effects::{During, Effect};

pub(super) fn run(context: &mut Context<'_>, room: Option<RoomName>) -> Outcome {
    let room = room.unwrap_or_else(|| context.room.clone());
    let users = context.store().rooms.members(&room).during("listing members")?;
    if users.is_empty() && !room.is_lobby() {
        return Err(Refusal::NoSuchRoom(room).into());
    }
    context.add(Effect::Reply(Event::Users { room, users }));
    Ok(())
}
