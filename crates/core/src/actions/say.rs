//! A line without a slash: says something to the current room. It must not touch other rooms.

use parlor_proto::Text;

use super::{Context, Outcome};
use crate::effects::Effect;
use crate::ports::LogId;

pub(super) fn run(context: &mut Context<'_>, text: Text) -> Outcome {
    let log = LogId::Room(context.room.clone());
    context.add(Effect::Append { log, text });
    Ok(())
}
