//! `/leave`: goes back to the lobby, which nobody leaves.

use parlor_proto::{Refusal, RoomName, Verb};

use super::{Context, Outcome};
use crate::effects::Effect;

pub(super) fn run(context: &mut Context<'_>) -> Outcome {
    if context.room.is_lobby() {
        return Err(Refusal::InLobby.into());
    }
    context.add(Effect::Move { to: RoomName::lobby(), verb: Verb::Leave });
    Ok(())
}
