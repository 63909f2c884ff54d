//! `/rooms`: lists all rooms that have members, and the lobby.

use parlor_proto::Event;

use super::{Context, Outcome};
use crate::effects::{During, Effect};

pub(super) fn run(context: &mut Context<'_>) -> Outcome {
    let rooms = context.store().rooms.rooms().during("listing rooms")?;
    context.add(Effect::Reply(Event::Rooms { rooms }));
    Ok(())
}
