//! `/revoke`: revokes one ticket of the user, or all. Sessions that began by them end, but not this one.

use parlor_proto::{Refusal, Reply, Tickets};

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};
use crate::planted::{Bug, planted};

pub(super) fn run(context: &mut SessionContext<'_>, which: Tickets) -> ActionResult {
    if !context.may_act()? {
        return Ok(());
    }
    if planted(Bug::KeepTicket) {
        context.add(Effect::Reply(Reply::Revoke { id: which, count: 1 }.into()));
        return Ok(());
    }
    let revoked = context.store().tickets.revoke(context.user, which, Some(context.generation));
    let count = revoked.during("revoking tickets")?;
    if count == 0 && which != Tickets::All {
        return Err(Refusal::NoSuchTicket.into());
    }
    context.add(Effect::Reply(Reply::Revoke { id: which, count }.into()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::{Connection, World};

    /// The secrets and the numbers of two tickets of the user.
    fn two_tickets(world: &World, ann: &Connection) -> ([String; 2], [String; 2]) {
        let first = ann.ask("/ticket");
        world.advance(1);
        let secrets = [first, ann.ask("/ticket")];
        let secrets = secrets.map(|reply| reply[0].strip_prefix("OK ticket ").unwrap().to_owned());
        let list = ann.ask("/tickets");
        (secrets, [0, 1].map(|at: usize| list[at].split(' ').nth(1).unwrap().to_owned()))
    }

    fn resume(world: &World, secret: &str) -> Connection {
        let connection = world.connect();
        connection.send(&format!("RESUME ann {secret}"));
        connection
    }

    const GOODBYE: &str = "BYE logged-out The ticket of this session was revoked";

    #[test]
    fn one_ticket_is_void_and_the_session_of_it_ends() {
        let world = World::new();
        let ann = world.login("ann");
        let (secrets, ids) = two_tickets(&world, &ann);
        let by_ticket = resume(&world, &secrets[0]);
        assert_eq!(by_ticket.read(), ["OK login ann lobby"]);
        let services = world.services();
        let (user, other, own) = ("ann".parse().unwrap(), ids[1].parse().unwrap(), ids[0].parse().unwrap());
        assert_eq!(services.store.tickets.revoke(&user, other, None).unwrap(), 1);
        assert!(by_ticket.is_open());
        assert_eq!(services.store.tickets.revoke(&user, own, None).unwrap(), 1);
        assert_eq!(by_ticket.read(), [GOODBYE]);
        assert!(!by_ticket.is_open());
        assert_eq!(resume(&world, &secrets[0]).read(), ["ERR bad-credentials Unknown user, or no valid ticket"]);
    }

    #[test]
    fn whoever_revokes_its_own_ticket_stays() {
        let world = World::new();
        let ann = world.login("ann");
        let (secrets, ids) = two_tickets(&world, &ann);
        let by_ticket = resume(&world, &secrets[0]);
        by_ticket.read();
        let (id, other) = (&ids[0], &ids[1]);
        assert_eq!(by_ticket.ask(&format!("/revoke {id}")), [format!("OK revoke {id}")]);
        let unknown = "ERR bad-argument You have no ticket with this id; /tickets lists them";
        assert_eq!(by_ticket.ask(&format!("/revoke {id}")), [unknown]);
        assert!(by_ticket.ask("/tickets")[0].starts_with(&format!("TICKET {other} ")));
        by_ticket.ask("/format json");
        let all = r#"{"type":"ok","command":"revoke","id":"all","count":1}"#;
        assert_eq!(by_ticket.ask("/revoke all"), [all]);
        assert_eq!(by_ticket.ask("/revoke ALL"), [all.replace(":1}", ":0}")]);
        assert!(by_ticket.is_open());
    }

    #[test]
    fn a_session_of_a_password_ends_with_no_ticket() {
        let world = World::new();
        let ann = world.login("ann");
        two_tickets(&world, &ann);
        world.revoke_tickets("ann");
        assert!(ann.is_open());
        assert_eq!(ann.ask("/tickets"), ["OK tickets 0"]);
    }

    #[test]
    fn arguments_that_do_not_fit() {
        let ann = World::new().login("ann");
        for line in ["/revoke", "/revoke 1", "/revoke all all", "/revoke 0000000g"] {
            assert_eq!(ann.ask(line), ["ERR bad-argument /revoke <id>|all"], "{line}");
        }
        assert_eq!(ann.ask("/tickets 1"), ["ERR bad-argument /tickets"]);
    }
}
