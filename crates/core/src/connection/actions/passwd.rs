//! `/passwd`: changes the user's password, and revokes all tickets. Wrong old passwords count like failed logins.

use parlor_proto::{Credentials, Password, Refusal, Reply};

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};
use crate::login::authenticate;

pub(super) fn run(context: &mut SessionContext<'_>, old: &Password, new: &Password) -> ActionResult {
    // Checked first, so that it costs no hash and no attempt.
    if context.connection.services.authority.is_some() {
        return Err(Refusal::Pointless("Passwords of this server are changed elsewhere; ask its operator").into());
    }
    let applicant = context.connection.applicant();
    applicant.require_length(new)?;
    let credentials = Credentials { user: context.user.clone(), password: old.clone() };
    let account = authenticate(&applicant, &credentials)?.settle(&applicant, context.user);
    let hash = context.connection.services.passwords.hash(new).during("hashing a password")?;
    if context.may_act()? {
        // An operator may have changed the password since it was checked: that one stays.
        let accounts = &context.store().accounts;
        let changed = accounts.change_password(context.user, &account.hash, &hash, context.generation);
        if !changed.during("changing a password")? {
            return Err(Refusal::BadCredentials.into());
        }
        context.add(Effect::Reply(Reply::Passwd.into()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::{World, login_line};

    #[test]
    fn the_new_password_counts_from_now_on() {
        let world = World::new();
        let ann = world.login("ann");
        assert_eq!(ann.ask(r#"/passwd "secret of ann" "with \"quotes\"""#), ["OK passwd"]);
        assert_eq!(world.connect().ask(r#"LOGIN ann with "quotes""#), ["OK login ann lobby"]);
        assert!(world.connect().ask(&login_line("ann"))[0].starts_with("ERR bad-credentials "));
    }

    #[test]
    fn a_new_password_may_not_be_short_whatever_the_old_one_is() {
        let world = World::builder().min_password(8).build();
        world.account_with_password("ann", "x");
        let ann = world.connect();
        assert_eq!(ann.ask("LOGIN ann x"), ["OK login ann lobby"]);
        assert_eq!(ann.ask("/passwd x 1234567"), ["ERR password-too-short 8 characters at least for a new password"]);
        assert_eq!(ann.ask("/passwd x 12345678"), ["OK passwd"]);
        assert!(ann.is_open());
    }

    #[test]
    fn a_password_that_an_operator_sets_meanwhile_stays() {
        let world = World::new();
        let ann = world.login("ann");
        let operator = world.clone();
        world.after("is current", move || operator.set_password("ann", "of the operator"));
        let told = ann.ask(r#"/passwd "secret of ann" "of ann again""#);
        assert_eq!(told, ["ERR bad-credentials Unknown user or wrong password"]);
        assert_eq!(world.connect().ask("LOGIN ann of the operator"), ["OK login ann lobby"]);
    }

    #[test]
    fn a_wrong_old_password_changes_nothing() {
        let world = World::new();
        let ann = world.login("ann");
        assert_eq!(ann.ask("/passwd wrong new"), ["ERR bad-credentials Unknown user or wrong password"]);
        world.login("ann");
    }

    #[test]
    fn failures_are_limited_like_logins_and_do_not_close_the_session() {
        let world = World::new();
        let ann = world.login("ann");
        for _ in 0..9 {
            assert!(ann.ask("/passwd wrong new")[0].starts_with("ERR bad-credentials "));
        }
        assert!(ann.ask("/passwd wrong new")[0].starts_with("ERR too-many-attempts "));
        assert!(ann.is_open());
    }

    #[test]
    fn arguments_that_do_not_fit() {
        let ann = World::new().login("ann");
        for line in ["/passwd", "/passwd one", "/passwd a b c", r#"/passwd "a b"#, r#"/passwd a """#] {
            assert_eq!(ann.ask(line), ["ERR bad-argument /passwd <old> <new>"], "{line}");
        }
        assert!(ann.ask(&format!("/passwd a {}", "x".repeat(73)))[0].starts_with("ERR password-too-long "));
    }

    #[test]
    fn a_store_that_fails_changes_nothing() {
        let world = World::new();
        let ann = world.login("ann");
        world.fail_store(true);
        assert!(ann.ask(r#"/passwd "secret of ann" new"#)[0].starts_with("ERR store-unavailable "));
        world.fail_store(false);
        world.login("ann");
    }

    #[test]
    fn no_password_is_shown_to_anybody() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        let mut shown = Vec::new();
        for line in ["/passwd hunter2 hunter3", "/passwd hunter2", "LOGIN ann hunter2", "/login ann hunter2"] {
            shown.extend(ann.ask(line));
        }
        for line in
            ["LOGIN ann hunter2", "REGISTER ann hunter2", "LOGIN # hunter2", "hunter2", "LOGIN ann hunter2\u{7}"]
        {
            shown.extend(world.connect().ask(line));
        }
        shown.extend(bob.read());
        shown.extend(world.reports());
        assert!(shown.len() >= 9 && !shown.iter().any(|line| line.contains("hunter")), "{shown:?}");
    }
}
