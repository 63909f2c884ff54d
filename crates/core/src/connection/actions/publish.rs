//! `/publish`: sends a publication to the user's followers. It must not reach anybody else.

use parlor_proto::{OnceKey, Text};

use super::{ActionResult, SessionContext};
use crate::connection::effects::Effect;
use crate::ports::{Content, Destination};

pub(super) fn run(context: &mut SessionContext<'_>, text: Text, once: Option<OnceKey>) -> ActionResult {
    context.add(Effect::Append { to: Destination::Feed, content: Content::Said(text), once });
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn followers_hear_it_wherever_they_are_and_nobody_else() {
        let world = World::new();
        let (ann, bob, cyd) = (world.login("ann"), world.login("bob"), world.login("cyd"));
        bob.send("/subscribe ann");
        bob.send("/join red");
        for connection in [&ann, &bob, &cyd] {
            connection.read();
        }
        assert_eq!(ann.ask("/publish  news"), ["OK publish 1"]);
        assert_eq!(ann.ask("/publish more"), ["OK publish 2"]);
        assert_eq!(bob.read(), ["PUB ann  news", "PUB ann more"]);
        assert_eq!(cyd.read(), Vec::<String>::new());
        assert_eq!(ann.ask("/history"), ["OK history lobby 0"]);
    }

    #[test]
    fn each_publisher_counts_alone_and_without_followers_too() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.read();
        assert_eq!(ann.ask("/publish a"), ["OK publish 1"]);
        assert_eq!(bob.ask("/publish b"), ["OK publish 1"]);
        bob.send("/subscribe ann");
        bob.send("/format json");
        bob.read();
        ann.send("/publish c");
        let expected = r#"{"type":"publication","id":2,"time":"2026-11-23T00:00:00.000Z","from":"ann","text":"c"}"#;
        assert_eq!(bob.read(), [expected]);
    }

    #[test]
    fn nothing_is_no_publication() {
        let ann = World::new().login("ann");
        assert_eq!(ann.ask("/publish"), ["ERR bad-argument /publish <text>"]);
        assert_eq!(ann.ask("/publish   "), ["ERR bad-argument /publish <text>"]);
    }

    #[test]
    fn a_store_that_fails_says_so_for_the_command() {
        let world = World::new();
        let ann = world.login("ann");
        ann.send("/format json");
        ann.read();
        world.fail_store(true);
        let answer = ann.ask("/publish news");
        assert!(answer[0].contains(r#""code":"store-unavailable""#) && answer[0].contains(r#""command":"publish""#));
        world.fail_store(false);
        assert_eq!(ann.ask("/publish news"), [r#"{"type":"ok","command":"publish","id":1}"#]);
    }
}
