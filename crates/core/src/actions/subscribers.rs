//! `/subscribers`: lists who follows the user.

use parlor_proto::Event;

use super::{Context, Outcome};
use crate::effects::{During, Effect};

pub(super) fn run(context: &mut Context<'_>) -> Outcome {
    let users = context.store().follows.subscribers(context.user).during("listing subscribers")?;
    context.add(Effect::Reply(Event::Subscribers { users }));
    Ok(())
}
