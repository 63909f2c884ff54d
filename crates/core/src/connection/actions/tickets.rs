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

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn valid_tickets_are_listed_oldest_first_without_their_secrets() {
        let world = World::builder().ticket_lifetime(60).build();
        let ann = world.login("ann");
        let secret = ann.ask("/ticket my laptop").pop().unwrap();
        world.advance(1);
        ann.ask("/ticket");
        let secret = secret.strip_prefix("OK ticket ").unwrap();
        world.advance(1);
        let ann = world.from_address("192.0.2.7");
        ann.ask(&format!("RESUME ann {secret}"));
        let expected = [
            "TICKET 82c60243 2026-11-23T00:00:00.000Z 2026-11-23T00:00:02.000Z 192.0.2.7 my laptop",
            "TICKET 678ae85b 2026-11-23T00:00:01.000Z - 127.0.0.1",
            "OK tickets 2",
        ];
        assert_eq!(ann.ask("/tickets"), expected);
        world.advance(59);
        ann.ask("/format json");
        let left = ann.ask("/tickets").pop().unwrap();
        assert!(
            left.starts_with(r#"{"type":"tickets","tickets":[{"id":"82c60243","label":"my laptop","made""#),
            "{left}"
        );
        assert_eq!(left.matches("\"id\"").count(), 1, "the other one is over");
    }
}
