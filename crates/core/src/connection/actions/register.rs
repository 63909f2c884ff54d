//! REGISTER: creates an account, where that is allowed, and begins its session.

use parlor_proto::{Credentials, Verb};

use super::{ActionResult, ConnectionContext};
use crate::connection::effects::{Effect, VerifiedLogin};
use crate::login;

pub(super) fn run(context: &mut ConnectionContext<'_>, credentials: &Credentials) -> ActionResult {
    let account = login::register(&context.applicant(), credentials, context.invitation)?;
    context.add(Effect::Begin(VerifiedLogin::new(account, None, Verb::Register, None)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn an_account_is_made_and_logged_in() {
        let world = World::new();
        let ann = world.connect();
        assert_eq!(ann.ask("REGISTER Ann  two words "), ["OK register ann lobby"]);
        ann.disconnect();
        assert_eq!(world.connect().ask("LOGIN ann  two words "), ["OK login ann lobby"]);
        assert!(world.connect().ask("LOGIN ann two words")[0].starts_with("ERR bad-credentials "));
    }

    #[test]
    fn a_taken_name_is_refused_and_keeps_its_password() {
        let world = World::new();
        world.login("ann");
        assert_eq!(world.connect().ask("REGISTER ann mine"), ["ERR name-taken There is such an account already"]);
        world.login("ann");
    }

    #[test]
    fn a_closed_registration_makes_no_account() {
        let world = World::builder().registration_closed().build();
        let answer = world.connect().ask("REGISTER ann secret");
        assert_eq!(answer, ["ERR registration-closed Ask the operator of this server for an account"]);
        assert!(world.connect().ask("LOGIN ann secret")[0].starts_with("ERR bad-credentials "));
    }

    #[test]
    fn passwords_have_bounds() {
        let world = World::new();
        let connection = world.connect();
        assert!(connection.ask("REGISTER ann")[0].starts_with("ERR bad-argument "));
        assert!(connection.ask("REGISTER ann a\u{7}b")[0].starts_with("ERR bad-argument "));
        let other = world.connect();
        assert!(other.ask(&format!("REGISTER ann {}", "é".repeat(37)))[0].starts_with("ERR password-too-long "));
        assert_eq!(other.ask(&format!("REGISTER ann {}", "x".repeat(72))), ["OK register ann lobby"]);
    }

    #[test]
    fn a_short_password_is_refused_and_those_of_before_still_log_in() {
        let world = World::builder().min_password(8).build();
        let connection = world.connect();
        let answer = ["ERR password-too-short 8 characters at least for a new password"];
        // No failures of a login: nothing was guessed.
        for password in ["x", "1234567", "1234567", "äöüäöüä"] {
            assert_eq!(connection.ask(&format!("REGISTER ann {password}")), answer);
        }
        assert_eq!(connection.ask("REGISTER ann äöüäöüäö"), ["OK register ann lobby"]);
        world.account_with_password("bob", "x");
        assert_eq!(world.connect().ask("LOGIN bob x"), ["OK login bob lobby"]);
    }

    #[test]
    fn a_reserved_name_is_refused_and_its_account_logs_in() {
        let world = World::builder().reserve_name("admin").build();
        let connection = world.connect();
        for name in ["admin", "ADMIN", "erased"] {
            assert!(connection.ask(&format!("REGISTER {name} secret"))[0].starts_with("ERR name-reserved "));
        }
        assert_eq!(world.connect().ask("REGISTER admin2 secret"), ["OK register admin2 lobby"]);
        world.login("admin");
    }

    #[test]
    fn a_store_that_fails_makes_nothing() {
        let world = World::new();
        let connection = world.connect();
        world.fail_store(true);
        assert!(connection.ask("REGISTER ann secret")[0].starts_with("ERR store-unavailable "));
        world.fail_store(false);
        assert_eq!(connection.ask("REGISTER ann secret"), ["OK register ann lobby"]);
    }
}
