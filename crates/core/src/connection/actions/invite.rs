//! INVITE: shows the code of an invitation, by which REGISTER makes an account on this connection. It takes no use.

use parlor_proto::InvitationCode;

use super::{ActionResult, ConnectionContext};
use crate::connection::effects::Effect;
use crate::login;

pub(super) fn run(context: &mut ConnectionContext<'_>, code: &InvitationCode) -> ActionResult {
    let invitation = login::inspect(&context.applicant(), code)?;
    context.add(Effect::Invited(Box::new(invitation)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::{Connection, World};

    const REFUSED: &str = "ERR bad-invitation This invitation is unknown, used up, over or revoked; ask for another";

    fn closed() -> (World, Connection) {
        let world = World::builder().registration_closed().build();
        world.operator("op");
        let op = world.login("op");
        (world, op)
    }

    /// The INVITE line of a new invitation to these rooms.
    fn invitation(op: &Connection, rooms: &str) -> String {
        let reply = op.ask(&format!("/invitation {rooms}")).pop().unwrap();
        format!("INVITE {}", reply.strip_prefix("OK invitation ").unwrap())
    }

    #[test]
    fn it_makes_one_account_where_registration_is_closed() {
        let (world, op) = closed();
        let line = invitation(&op, "");
        // To look at it takes nothing.
        for _ in 0..3 {
            assert_eq!(world.connect().ask(&line), ["OK invite 1"]);
        }
        let (ann, bob) = (world.connect(), world.connect());
        ann.ask(&line);
        bob.ask(&line);
        assert_eq!(ann.ask("REGISTER ann secret"), ["OK register ann lobby"]);
        assert_eq!(bob.ask("REGISTER bob secret"), [REFUSED]);
        assert_eq!(world.connect().ask(&line), [REFUSED]);
        assert!(world.connect().ask("REGISTER cyd secret")[0].starts_with("ERR registration-closed "));
        assert!(world.connect().ask("LOGIN bob secret")[0].starts_with("ERR bad-credentials "));
    }

    #[test]
    fn json_tells_uses_rooms_and_end() {
        let (world, op) = closed();
        let line = invitation(&op, "red");
        let ann = world.connect();
        ann.ask("FORMAT json");
        let expected = concat!(
            r#"{"type":"ok","command":"invite","uses":1,"rooms":["red"],"#,
            r#""expires":"2026-11-30T00:00:00.000Z"}"#
        );
        assert_eq!(ann.ask(&line), [expected]);
        let refused = ann.ask("INVITE pli_00").pop().unwrap();
        assert!(refused.starts_with(r#"{"type":"error","code":"bad-invitation","#), "{refused}");
        assert!(refused.ends_with(r#","command":"invite"}"#), "{refused}");
    }

    #[test]
    fn a_refused_registration_takes_no_use() {
        let (world, op) = closed();
        let line = invitation(&op, "");
        let ann = world.connect();
        ann.ask(&line);
        assert!(ann.ask("REGISTER op secret")[0].starts_with("ERR name-taken "));
        assert!(ann.ask(&format!("REGISTER ann {}", "x".repeat(73)))[0].starts_with("ERR password-too-long "));
        world.fail_store(true);
        assert!(ann.ask("REGISTER ann secret")[0].starts_with("ERR store-unavailable "));
        world.fail_store(false);
        assert_eq!(ann.ask("REGISTER ann secret"), ["OK register ann lobby"]);
    }

    #[test]
    fn it_opens_its_rooms_private_ones_too() {
        let (world, op) = closed();
        op.send_raw(b"/open red\n/access red private\n/say red hello\n/open blue\n");
        op.read();
        let line = invitation(&op, "red blue green");
        let (ann, bob) = (world.connect(), world.login("bob"));
        ann.ask(&line);
        assert_eq!(ann.ask("REGISTER ann secret"), ["OK register ann lobby"]);
        let told = "MODERATED red ann invite operator invitation of op".to_owned();
        assert!(op.read().contains(&told));
        let mut opened = ann.ask("/sync");
        opened.retain(|line| line.starts_with("OPEN ") || line.starts_with("OK "));
        // What was said before the user came is not unread.
        let expected = ["OPEN blue 2 0", "OPEN green 1 0", "OPEN lobby 3 0", "OPEN red 2 0", "OK sync 4 0"];
        assert_eq!(opened, expected);
        assert!(bob.ask("/open red").last().unwrap().starts_with("ERR invite-only "));
    }

    #[test]
    fn it_is_void_after_its_end() {
        let (world, op) = closed();
        let line = invitation(&op, "");
        let ann = world.connect();
        ann.ask(&line);
        world.advance(7 * 24 * 60 * 60);
        assert_eq!(world.connect().ask(&line), [REFUSED]);
        assert_eq!(ann.ask("REGISTER ann secret").first().map(String::as_str), Some(REFUSED));
    }

    #[test]
    fn wrong_codes_count_as_failed_logins_of_the_address_and_delay_no_user() {
        let (world, op) = closed();
        let line = invitation(&op, "");
        world.account("ann");
        let stranger = world.from_address("192.0.2.1");
        assert_eq!(stranger.ask("INVITE pli_00"), [REFUSED]);
        assert_eq!(stranger.ask("INVITE pli_01"), [REFUSED]);
        assert_eq!(stranger.ask("INVITE pli_02"), [REFUSED, "BYE too-many-failures Too many failed logins"]);
        for number in 0..21 {
            world.from_address("192.0.2.1").ask(&format!("INVITE pli_{number:04}"));
        }
        assert!(world.from_address("192.0.2.1").ask(&line)[0].starts_with("ERR too-many-attempts "));
        assert_eq!(world.from_address("192.0.2.2").ask(&line), ["OK invite 1"]);
    }
}
