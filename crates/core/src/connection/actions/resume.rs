//! RESUME: begins a session of an account by a ticket. It is answered as LOGIN is.

use parlor_proto::TicketCredentials;

use super::{ActionResult, ConnectionContext};
use crate::connection::effects::Effect;
use crate::login::{Redeemed, redeem, verified_login};

pub(super) fn run(context: &mut ConnectionContext<'_>, credentials: &TicketCredentials) -> ActionResult {
    let applicant = context.applicant();
    let passed = redeem(&applicant, credentials)?.map(|Redeemed { account, ticket }| (account, Some(ticket)));
    let login = verified_login(&applicant, passed)?;
    context.add(Effect::Begin(login));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::{Connection, World, login_line};

    const REFUSED: &str = "ERR bad-credentials Unknown user, or no valid ticket";

    /// The secret of a new ticket.
    fn ticket(connection: &Connection) -> String {
        let reply = connection.ask("/ticket").pop().unwrap();
        reply.strip_prefix("OK ticket ").unwrap().to_owned()
    }

    fn resume(world: &World, user: &str, secret: &str) -> Vec<String> {
        world.from_address("192.0.2.1").ask(&format!("RESUME {user} {secret}"))
    }

    #[test]
    fn a_ticket_logs_its_user_in_again_and_again_and_nobody_else() {
        let world = World::new();
        let secret = ticket(&world.login("ann"));
        world.account("bob");
        for _ in 0..3 {
            assert_eq!(resume(&world, "ann", &secret), ["OK login ann lobby"]);
        }
        assert_eq!(resume(&world, "bob", &secret), [REFUSED]);
        assert_eq!(resume(&world, "nobody", &secret), [REFUSED]);
        assert_eq!(resume(&world, "ann", &secret[..secret.len() - 1]), [REFUSED]);
        assert!(world.connect().ask(&format!("LOGIN ann {secret}"))[0].starts_with("ERR bad-credentials "));
    }

    #[test]
    fn wrong_tickets_count_as_failed_logins_and_right_ones_forgive() {
        let world = World::new();
        let secret = ticket(&world.login("ann"));
        for _ in 0..9 {
            assert_eq!(resume(&world, "ann", "plt_00"), [REFUSED]);
        }
        let told = "ERR too-many-attempts 4 seconds to wait after too many failures";
        assert_eq!(resume(&world, "ann", &secret), [told]);
        assert_eq!(world.from_address("192.0.2.1").ask(&login_line("ann")), [told]);
        world.advance(4);
        assert_eq!(resume(&world, "ann", &secret), ["OK login ann lobby"]);
        assert!(resume(&world, "ann", "plt_00")[0].starts_with("ERR bad-credentials "));
        let connection = world.from_address("192.0.2.1");
        (0..2).for_each(|_| drop(connection.ask("RESUME bob plt_00")));
        assert_eq!(connection.ask("RESUME bob plt_00"), [REFUSED, "BYE too-many-failures Too many failed logins"]);
    }

    #[test]
    fn each_use_makes_it_valid_anew() {
        let world = World::builder().ticket_lifetime(10).build();
        let (used, unused) = {
            let ann = world.login("ann");
            (ticket(&ann), ticket(&ann))
        };
        world.advance(9);
        assert_eq!(resume(&world, "ann", &used), ["OK login ann lobby"]);
        world.advance(9);
        assert_eq!(resume(&world, "ann", &unused), [REFUSED]);
        assert_eq!(resume(&world, "ann", &used), ["OK login ann lobby"]);
        world.advance(10);
        assert_eq!(resume(&world, "ann", &used), [REFUSED]);
    }

    #[test]
    fn a_ticket_that_is_revoked_while_its_session_begins_begins_none() {
        let world = World::new();
        let ann = world.login("ann");
        let secret = ticket(&ann);
        for call in ["find ticket", "note use", "claim"] {
            let (world, ann) = (world.clone(), world.login("ann"));
            let (secret, revoking) = (ticket(&ann), world.clone());
            world.after(call, move || revoking.revoke_tickets("ann"));
            let told = resume(&world, "ann", &secret);
            let refused = told == [REFUSED] || told == ["BYE logged-out The ticket of this session was revoked"];
            assert!(refused, "{call}: {told:?}");
        }
        assert_eq!(resume(&world, "ann", &secret), [REFUSED]);
    }

    #[test]
    fn a_suspended_user_is_told_so_and_the_ticket_stays_void() {
        let world = World::new();
        world.operator("op");
        let (op, bob) = (world.login("op"), world.login("bob"));
        let secret = ticket(&bob);
        op.ask("/suspend bob 2h spam");
        let told = "ERR suspended This account is suspended until 2026-11-23T02:00:00.000Z: spam";
        assert_eq!(resume(&world, "bob", &secret), [told]);
        op.ask("/unsuspend bob");
        assert_eq!(resume(&world, "bob", &secret), [REFUSED]);
    }

    #[test]
    fn the_ticket_of_a_suspended_user_is_no_failed_login() {
        let world = World::new();
        world.operator("op");
        let (op, bob) = (world.login("op"), world.login("bob"));
        let secret = ticket(&bob);
        op.send("/suspend bob");
        for _ in 0..30 {
            assert_eq!(resume(&world, "bob", &secret), ["ERR suspended This account is suspended"]);
        }
        op.send("/unsuspend bob");
        assert_eq!(world.from_address("192.0.2.1").ask(&login_line("bob")), ["OK login bob lobby"]);
    }

    #[test]
    fn a_new_password_and_the_end_of_the_account_make_it_void() {
        let world = World::new();
        let ann = world.login("ann");
        let secret = ticket(&ann);
        assert_eq!(ann.ask(r#"/passwd "secret of ann" another"#), ["OK passwd"]);
        assert!(ann.is_open());
        assert_eq!(resume(&world, "ann", &secret), [REFUSED]);
        let secret = ticket(&ann);
        world.set_password("ann", "a third one");
        assert_eq!(resume(&world, "ann", &secret), [REFUSED]);
        let bob = world.login("bob");
        let secret = ticket(&bob);
        world.delete_account("bob");
        assert_eq!(resume(&world, "bob", &secret), [REFUSED]);
        world.account("bob");
        assert_eq!(resume(&world, "bob", &secret), [REFUSED]);
    }

    #[test]
    fn a_full_disk_keeps_nobody_out_and_a_store_that_fails_is_no_failure_of_the_user() {
        let world = World::new();
        let secret = ticket(&world.login("ann"));
        world.fill_disk(true);
        assert_eq!(resume(&world, "ann", &secret), ["OK login ann lobby"]);
        let told = "store failed noting the use of a ticket: failing on purpose";
        assert!(world.reports().iter().any(|report| report == told));
        world.fill_disk(false);
        world.fail_store(true);
        (0..20).for_each(|_| assert!(resume(&world, "ann", &secret)[0].starts_with("ERR store-unavailable ")));
        world.fail_store(false);
        assert_eq!(resume(&world, "ann", &secret), ["OK login ann lobby"]);
    }

    #[test]
    fn what_stands_in_the_line_is_shown_to_nobody() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        let mut shown = Vec::new();
        for line in [
            "RESUME ann plt_hunter2",
            "/resume ann plt_hunter2",
            "  resume ann plt_hunter2",
            "resume ann p\u{200b}lt_hunter2",
        ] {
            shown.extend(ann.ask(line));
            shown.extend(world.connect().ask(line));
        }
        shown.extend(bob.read());
        shown.extend(world.reports());
        assert!(shown.len() >= 6 && !shown.iter().any(|line| line.contains("hunter")), "{shown:?}");
        ann.send("resume the talk");
        assert_eq!(bob.read(), ["MSG lobby ann resume the talk"]);
    }
}
