//! `/ticket`: makes a ticket, with which a client of the user logs in without the password.

use parlor_proto::{Bye, Note, Reply};

use super::{ActionResult, SessionContext};
use crate::connection::effects::{CommandError, During, Effect};
use crate::login::issue;
use crate::ports::StoreError;

/// How often the account is looked up again if it changes at the same time.
const MAX_TRIES: usize = 3;

pub(super) fn run(context: &mut SessionContext<'_>, label: Note) -> ActionResult {
    for _ in 0..MAX_TRIES {
        let account = context.store().accounts.find(context.user).during("looking a user up")?;
        // An operator who set another password, or suspended the account, has ended this session: it makes no ticket.
        let Some(account) = account.filter(|account| account.version() == context.version) else {
            context.add(Effect::HangUp(Bye::Kicked));
            return Ok(());
        };
        if !context.may_act()? {
            return Ok(());
        }
        let address = &context.connection.origin.address;
        if let Some((secret, ticket)) = issue(context.connection.services, &account, label.clone(), address)? {
            let (id, expires) = (ticket.id(), ticket.expires());
            context.add(Effect::Reply(Reply::Ticket { ticket: secret, id, expires }.into()));
            return Ok(());
        }
    }
    Err(CommandError::Failed { what: "making a ticket", error: StoreError::new("the account changes all the time") })
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn a_ticket_is_told_with_its_number_and_its_end() {
        let world = World::new();
        let ann = world.login("ann");
        assert_eq!(ann.ask("/ticket"), ["OK ticket plt_0000000000000001000000000000000000000000"]);
        ann.ask("/format json");
        let expected = r#"{"type":"ok","command":"ticket","ticket":"plt_0000000000000002000000000000000000000000","id":"678ae85b","expires":"2026-12-23T00:00:00.000Z"}"#;
        assert_eq!(ann.ask("/ticket my laptop"), [expected]);
    }

    #[test]
    fn each_secret_is_another_one_and_no_more_than_sixteen_are_valid() {
        let world = World::new();
        let ann = world.login("ann");
        let next = |_| {
            world.advance(1);
            ann.ask("/ticket")
        };
        let mut secrets: Vec<String> = (0..17).flat_map(next).collect();
        secrets.dedup();
        assert_eq!(secrets.len(), 17);
        assert_eq!(ann.ask("/tickets").last().unwrap(), "OK tickets 16");
        let first = secrets[0].strip_prefix("OK ticket ").unwrap();
        let told = world.connect().ask(&format!("RESUME ann {first}"));
        assert_eq!(told, ["ERR bad-credentials Unknown user, or no valid ticket"]);
    }

    #[test]
    fn an_account_that_changes_meanwhile_gets_none_by_its_old_session() {
        let world = World::new();
        let ann = world.login("ann");
        let operator = world.clone();
        world.after("is current", move || operator.kick("ann"));
        assert!(!ann.ask("/ticket")[0].starts_with("OK "));
        assert!(!ann.is_open());
        assert_eq!(world.login("ann").ask("/tickets"), ["OK tickets 0"]);
    }

    #[test]
    fn labels_have_a_length() {
        let ann = World::new().login("ann");
        assert!(ann.ask(&format!("/ticket {}", "x".repeat(2000)))[0].starts_with("ERR bad-argument "));
        assert!(ann.ask("/ticket")[0].starts_with("OK ticket "));
    }

    #[test]
    fn a_store_that_fails_makes_none() {
        let world = World::new();
        let ann = world.login("ann");
        world.fill_disk(true);
        assert!(ann.ask("/ticket")[0].starts_with("ERR store-"));
        world.fill_disk(false);
        assert_eq!(ann.ask("/tickets"), ["OK tickets 0"]);
    }

    #[test]
    fn an_account_whose_password_changes_meanwhile_is_looked_up_again_and_not_for_ever() {
        let change = |world: &World, times: usize| {
            for time in 0..times {
                let operator = world.clone();
                world.after("is current", move || operator.set_password("ann", &format!("password {time}")));
            }
        };
        for (times, start) in [(2, "OK ticket plt_"), (3, "ERR store-unavailable ")] {
            let world = World::new();
            let ann = world.login("ann");
            change(&world, times);
            world.reports();
            assert!(ann.ask("/ticket")[0].starts_with(start), "{times} changes");
            let failed = world.reports().contains(&TOO_BUSY.to_owned());
            assert_eq!((failed, ann.is_open()), (times == 3, true));
        }
    }

    const TOO_BUSY: &str = "store failed making a ticket: the account changes all the time";
}
