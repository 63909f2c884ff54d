//! `/msg`: sends a message to one user, who need not be connected. A message to oneself is a note.

use parlor_proto::{OnceKey, Refusal, Text, UserName};

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};
use crate::planted::{Bug, planted};
use crate::ports::{Content, Destination, Recipient};

pub(super) fn run(context: &mut SessionContext<'_>, to: UserName, text: Text, once: Option<OnceKey>) -> ActionResult {
    let to = if planted(Bug::WrongAddressee) { context.user.clone() } else { to };
    let Some(account) = context.store().accounts.find(&to).during("looking a user up")? else {
        return Err(Refusal::NoSuchUser(to).into());
    };
    let to = Destination::Direct(Recipient { user: to, created: account.created });
    context.add(Effect::Append { to, content: Content::Said(text), once });
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::{World, login_line};

    #[test]
    fn one_user_hears_it_in_whatever_room() {
        let world = World::new();
        let (ann, bob, cyd) = (world.login("ann"), world.login("bob"), world.login("cyd"));
        bob.send("/join red");
        for connection in [&ann, &bob, &cyd] {
            connection.read();
        }
        assert_eq!(ann.ask("/msg Bob  hi  there"), ["OK msg bob"]);
        assert_eq!(bob.read(), ["DM ann  hi  there"]);
        assert_eq!(cyd.read(), Vec::<String>::new());
        assert_eq!(bob.ask("/history"), ["OK history red 0"]);
    }

    #[test]
    fn who_cannot_be_reached() {
        let world = World::new();
        let ann = world.login("ann");
        world.account("bob");
        assert_eq!(ann.ask("/msg nobody hi"), ["ERR no-such-user There is no user nobody"]);
        assert_eq!(ann.ask("/msg bob"), ["ERR bad-argument /msg <user> <text>"]);
        assert!(ann.ask("/msg #bob hi")[0].starts_with("ERR bad-name "));
    }

    #[test]
    fn it_waits_for_who_is_away() {
        let world = World::new();
        let ann = world.login("ann");
        world.account("bob");
        ann.send("/format json");
        ann.read();
        assert_eq!(ann.ask("/msg bob one"), [r#"{"type":"ok","command":"msg","user":"bob","id":1}"#]);
        ann.send("/msg bob two");
        let bob = world.connect();
        assert_eq!(bob.ask(&login_line("bob")), ["OK login bob lobby", "UNREAD @ann 2"]);
        ann.send("/msg bob three");
        assert_eq!(bob.read(), ["DM ann three"]);
        assert_eq!(
            bob.ask("/inbox"),
            ["LOG @ann 1 ann one", "LOG @ann 2 ann two", "LOG @ann 3 ann three", "OK inbox 3"]
        );
        assert_eq!(bob.ask("/inbox"), ["OK inbox 0"]);
    }

    #[test]
    fn a_message_to_oneself_is_a_note() {
        let world = World::new();
        let ann = world.login("ann");
        assert_eq!(ann.ask("/msg ann milk"), ["OK msg ann"]);
        assert_eq!(ann.ask("/backlog @ann"), ["LOG @ann 1 ann milk", "OK backlog @ann 1"]);
        assert_eq!(ann.ask("/inbox"), ["OK inbox 0"]);
    }

    #[test]
    fn an_answer_marks_what_came_before_as_read() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send_raw(b"/msg bob one\n/msg bob two\n");
        bob.send("/msg ann yes?");
        bob.read();
        assert_eq!(bob.ask("/inbox"), ["OK inbox 0"]);
    }

    #[test]
    fn a_name_that_is_deleted_and_made_again_gets_nothing_of_the_earlier_account() {
        let world = World::new();
        let ann = world.login("ann");
        world.account("bob");
        ann.send("/msg bob secret");
        world.delete_account("bob");
        world.advance(1);
        let bob = world.login("bob");
        assert_eq!(bob.ask("/backlog @ann"), ["OK backlog @ann 0"]);
        ann.send("/msg bob hello");
        assert_eq!(bob.read().last().map(String::as_str), Some("DM ann hello"));
        bob.send("/format json");
        bob.read();
        // The numbers go on.
        assert!(bob.ask("/backlog @ann")[0].contains(r#""id":2,"#));
    }

    #[test]
    fn a_recipient_that_is_deleted_meanwhile_gets_nothing() {
        let world = World::new();
        let ann = world.login("ann");
        world.account("bob");
        let doing = world.clone();
        world.after("find", move || {
            doing.delete_account("bob");
            doing.advance(1);
            doing.account("bob");
        });
        assert_eq!(ann.ask("/msg bob secret"), ["OK msg bob"]);
        assert_eq!(world.login("bob").ask("/backlog @ann"), ["OK backlog @ann 0"]);
    }

    #[test]
    fn after_a_takeover_the_new_session_hears_it() {
        let world = World::new();
        let ann = world.login("ann");
        let _earlier = world.login("bob");
        let bob = world.login("bob");
        ann.send("/msg bob hi");
        assert_eq!(bob.read(), ["DM ann hi"]);
    }

    #[test]
    fn a_store_that_fails_says_so() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.read();
        world.fail_store(true);
        assert!(ann.ask("/msg bob hi")[0].starts_with("ERR store-unavailable "));
        assert_eq!(bob.read(), Vec::<String>::new());
    }
}
