//! LOGIN: begins a session of an account, if the password is right.

use parlor_proto::Credentials;

use super::{ActionResult, ConnectionContext};
use crate::connection::effects::Effect;
use crate::login::{authenticate, verified_login};

pub(super) fn run(context: &mut ConnectionContext<'_>, credentials: &Credentials) -> ActionResult {
    let applicant = context.applicant();
    let passed = authenticate(&applicant, credentials)?.map(|account| (account, None));
    let login = verified_login(&applicant, passed)?;
    context.add(Effect::Begin(login));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::{World, login_line, password_of};

    #[test]
    fn a_session_begins_in_the_lobby() {
        let world = World::new();
        world.account("ann");
        let ann = world.connect();
        assert_eq!(ann.ask(&login_line("Ann")), ["ERR bad-credentials Unknown user or wrong password"]);
        assert_eq!(ann.ask(&format!("login ANN {}", password_of("ann"))), ["OK login ann lobby"]);
        assert_eq!(ann.ask("/who"), ["USER ann", "OK who lobby 1"]);
    }

    #[test]
    fn a_wrong_password_and_an_unknown_user_are_answered_alike() {
        let world = World::new();
        world.account("ann");
        let answer = ["ERR bad-credentials Unknown user or wrong password"];
        assert_eq!(world.connect().ask("LOGIN ann wrong"), answer);
        assert_eq!(world.connect().ask("LOGIN nobody wrong"), answer);
        assert_eq!(world.reports(), ["failed ann from 127.0.0.1", "failed nobody from 127.0.0.1"]);
    }

    #[test]
    fn a_connection_is_closed_after_too_many_failures_of_any_kind() {
        let connection = World::new().connect();
        assert_eq!(connection.ask("LOGIN ann"), ["ERR bad-argument LOGIN <user> <password>"]);
        assert!(connection.ask("LOGIN #ann x")[0].starts_with("ERR bad-name "));
        let too_long = connection.ask(&format!("LOGIN ann {}", "x".repeat(73)));
        assert_eq!(
            too_long,
            ["ERR password-too-long A password has at most 72 bytes", "BYE too-many-failures Too many failed logins"]
        );
        assert!(!connection.is_open());
    }

    #[test]
    fn what_is_no_failure_does_not_count() {
        let world = World::builder().reject_duplicates().build();
        let _first = world.login("ann");
        let second = world.connect();
        for _ in 0..4 {
            assert!(second.ask(&login_line("ann"))[0].starts_with("ERR already-logged-in "));
            assert!(second.ask("hello")[0].starts_with("ERR login-required "));
            world.fail_store(true);
            assert!(second.ask(&login_line("ann"))[0].starts_with("ERR store-unavailable "));
            world.fail_store(false);
        }
        assert!(second.is_open());
    }

    #[test]
    fn a_hash_of_another_cost_is_renewed() {
        let world = World::new();
        world.outdated_account("ann");
        let outdated = world.hash_of("ann");
        world.login("ann");
        assert_ne!(world.hash_of("ann"), outdated);
        world.login("ann");
    }

    #[test]
    fn the_log_s_place_is_told_in_json() {
        let world = World::new();
        let bob = world.login("bob");
        bob.send("one");
        bob.send("two");
        world.account("ann");
        let ann = world.connect();
        ann.send("FORMAT json");
        ann.read();
        let expected =
            r#"{"type":"ok","command":"login","user":"ann","room":"lobby","epoch":"0000000000000001","last":2}"#;
        assert_eq!(ann.ask(&login_line("ann")), [expected]);
    }

    #[test]
    fn a_login_in_a_session_goes_nowhere() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.read();
        for line in ["LOGIN bob secret", "login x", "Register bob secret", "LOGIN\tbob secret"] {
            assert!(ann.ask(line)[0].starts_with("ERR already-authenticated "), "{line}");
        }
        assert_eq!(bob.read(), Vec::<String>::new());
    }
}
