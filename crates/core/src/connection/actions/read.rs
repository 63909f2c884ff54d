//! `/read`: notes up to where the user has read a conversation. A mark never moves back.

use parlor_proto::{MessageId, Refusal, Reply, Target};

use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};
use crate::ports::Mark;

pub(super) fn run(context: &mut SessionContext<'_>, target: Target, id: MessageId) -> ActionResult {
    let log = context.readable_log(&target)?;
    let last = context.head(&log)?.last;
    if id > last {
        return Err(Refusal::BeyondLast(last).into());
    }
    if !context.may_act()? {
        return Ok(());
    }
    let personal = &context.store().personal;
    match &target {
        Target::Direct(peer) => personal.mark_conversations(context.user, &[(peer.clone(), id)]),
        Target::Room(_) | Target::Feed(_) => personal.mark(context.user, &[Mark { log, read: id, last }]),
    }
    .during("moving a mark")?;
    context.add(Effect::Reply(Reply::Read { target, id }.into()));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn a_mark_moves_forward_and_never_back() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send("/open red");
        bob.send_raw(b"/open red\n/say red a\n/say red b\n/say red c\n");
        ann.read();
        assert_eq!(ann.ask("/read #red 2"), ["OK read #red 2"]);
        assert_eq!(ann.ask("/read #red 1"), ["OK read #red 1"]);
        assert_eq!(ann.ask("/sync")[1], "OPEN red 2 1");
        assert_eq!(ann.ask("/read #red 4"), ["ERR bad-argument /read <target> <id> (the newest id there is 3)"]);
        ann.disconnect();
        let ann = world.login("ann");
        ann.read();
        assert_eq!(ann.ask("/sync")[1], "OPEN red 2 1");
    }

    #[test]
    fn conversations_and_feeds_have_marks_too() {
        let world = World::new();
        let (ann, bob, cyd) = (world.login("ann"), world.login("bob"), world.login("cyd"));
        ann.send("/subscribe bob");
        bob.send_raw(b"/msg ann 1\n/publish x\n/publish y\n");
        cyd.send("/msg ann 2");
        bob.send("/msg ann 3");
        ann.read();
        assert_eq!(ann.ask("/read @bob 1"), ["OK read @bob 1"]);
        assert_eq!(ann.ask("/read +bob 1"), ["OK read +bob 1"]);
        assert_eq!(ann.ask("/sync")[1..], ["UNREAD @bob 1", "UNREAD @cyd 1", "UNREAD +bob 1", "OK sync 1 2"]);
        assert_eq!(ann.ask("/read @bob 3"), ["OK read @bob 3"]);
        assert_eq!(ann.ask("/sync")[1..], ["UNREAD @cyd 1", "UNREAD +bob 1", "OK sync 1 2"]);
    }

    #[test]
    fn what_cannot_be_read() {
        let world = World::new();
        let ann = world.login("ann");
        world.account("bob");
        assert_eq!(ann.ask("/read #red 0"), ["ERR not-in-room You are not in red; /open red enters it"]);
        assert_eq!(ann.ask("/read +bob 0"), ["ERR not-subscribed You do not follow bob"]);
        assert_eq!(ann.ask("/read +ann 0"), ["OK read +ann 0"]);
        assert_eq!(ann.ask("/read red 0"), ["ERR bad-argument /read <target> <id>"]);
    }

    #[test]
    fn who_speaks_has_read_what_came_before() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send_raw(b"one\ntwo\n");
        ann.send("three");
        bob.send("four");
        ann.read();
        assert_eq!(ann.ask("/sync")[0], "OPEN lobby 2 1");
        ann.send("five");
        ann.disconnect();
        bob.send("six");
        let ann = world.login("ann");
        ann.read();
        assert_eq!(ann.ask("/sync")[0], "OPEN lobby 2 1");
    }
}
