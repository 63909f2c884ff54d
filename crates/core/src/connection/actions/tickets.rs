//! `/tickets`: lists the user's valid tickets.

use parlor_proto::Event;

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};
use crate::ports::Ticket;

pub(super) fn run(context: &mut SessionContext<'_>) -> ActionResult {
    let now = context.connection.services.clock.now();
    let tickets = context.store().tickets.tickets(context.user).during("listing tickets")?;
    let tickets = tickets.iter().filter(|ticket| ticket.is_valid_at(now)).map(Ticket::info).collect();
    context.add(Effect::Reply(Event::Tickets { tickets }));
    Ok(())
}
