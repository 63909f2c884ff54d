//! `/blocks`: lists the users whose direct messages are refused.

use parlor_proto::Event;

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};

pub(super) fn run(context: &mut SessionContext<'_>) -> ActionResult {
    let users = context.store().personal.blocks(context.user).during("listing blocks")?;
    context.add(Effect::Reply(Event::Blocks { users }));
    Ok(())
}
