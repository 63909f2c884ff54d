//! `/join`: enters a room, which is made on demand.

use parlor_proto::{Refusal, RoomName, Verb};

use super::{Context, Outcome};
use crate::effects::Effect;

pub(super) fn run(context: &mut Context<'_>, room: RoomName) -> Outcome {
    if *context.room == room {
        return Err(Refusal::AlreadyInRoom(room).into());
    }
    context.add(Effect::Move { to: room, verb: Verb::Join });
    Ok(())
}
