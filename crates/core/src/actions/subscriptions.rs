//! `/subscriptions`: lists whom the user follows.

use parlor_proto::Event;

use super::{Context, Outcome};
use crate::effects::{During, Effect};

pub(super) fn run(context: &mut Context<'_>) -> Outcome {
    let users = context.store().follows.subscriptions(context.user).during("listing subscriptions")?;
    context.add(Effect::Reply(Event::Subscriptions { users }));
    Ok(())
}
