//! `/backlog`: pages through the log of an open room, of a followed user, or of a direct conversation.

use parlor_proto::{Event, PageRange, Target};

use super::page;
use super::{ActionResult, SessionContext};
use crate::connection::effects::{During, Effect};
use crate::delivery::shown;
use crate::ports::PageRequest;

pub(super) fn run(context: &mut SessionContext<'_>, target: Target, range: PageRange, count: usize) -> ActionResult {
    let log = context.readable_log(&target)?;
    let peer = match &target {
        Target::Direct(user) => Some(user.clone()),
        Target::Room(_) | Target::Feed(_) => None,
    };
    let epoch = context.head(&log)?.epoch;
    let request = PageRequest { log, peer, range, count };
    let mut page = context.store().log.page(&request).during("reading the log")?;
    page::limit(&mut page, range);
    let entries = page.entries.into_iter().map(|entry| shown::log_entry(&request.log, entry)).collect();
    context.add(Effect::Reply(Event::Backlog { target, epoch, entries, more: page.more }));
    Ok(())
}

#[cfg(test)]
mod tests {
    use parlor_testkit::World;

    #[test]
    fn one_pages_in_both_directions() {
        let world = World::new();
        let ann = world.login("ann");
        ann.send_raw("x\n".repeat(120).as_bytes());
        let ids = |answer: &[String]| -> Vec<u64> {
            let items = answer.iter().filter_map(|line| line.strip_prefix("LOG #lobby "));
            items.map(|item| item.split(' ').next().unwrap().parse().unwrap()).collect()
        };
        let newest = ann.ask("/backlog #lobby");
        assert_eq!(ids(&newest), (71..=120).collect::<Vec<_>>());
        assert_eq!(newest.last().unwrap(), "OK backlog #lobby 50");
        assert_eq!(ids(&ann.ask("/backlog #lobby before 71 3")), [68, 69, 70]);
        assert_eq!(ids(&ann.ask("/backlog #lobby after 117")), [118, 119, 120]);
        assert_eq!(ids(&ann.ask("/backlog #lobby after 0 2")), [1, 2]);
        assert_eq!(ids(&ann.ask("/backlog #lobby before 1")), Vec::<u64>::new());
        assert_eq!(ids(&ann.ask("/backlog #lobby after 999")), Vec::<u64>::new());
        assert_eq!(ids(&ann.ask("/backlog #lobby before 999 1")), [120]);
    }

    #[test]
    fn json_tells_whether_there_is_more() {
        let world = World::builder().history(3).build();
        let ann = world.login("ann");
        ann.send_raw(b"/format json\na\nb\nc\nd\n");
        ann.read();
        for (range, more) in [("3", false), ("2", true), ("before 3", false), ("after 1 1", true), ("after 3", false)] {
            let answer = ann.ask(&format!("/backlog #lobby {range}"));
            assert!(answer[0].ends_with(&format!(r#""more":{more}}}"#)), "{range}: {answer:?}");
        }
    }

    #[test]
    fn a_conversation_is_both_sides_and_nobody_else() {
        let world = World::new();
        let (ann, bob, cyd) = (world.login("ann"), world.login("bob"), world.login("cyd"));
        ann.send("/msg bob 1");
        cyd.send("/msg ann 2");
        bob.send("/msg ann 3");
        ann.read();
        assert_eq!(ann.ask("/backlog @bob"), ["LOG @bob 1 ann 1", "LOG @bob 3 bob 3", "OK backlog @bob 2"]);
        assert_eq!(ann.ask("/backlog @bob after 1"), ["LOG @bob 3 bob 3", "OK backlog @bob 1"]);
        assert_eq!(ann.ask("/backlog @nobody"), ["OK backlog @nobody 0"]);
        bob.read();
        assert_eq!(bob.ask("/backlog @ann 1"), ["LOG @ann 2 bob 3", "OK backlog @ann 1"]);
    }

    #[test]
    fn feeds_of_followed_users_and_of_oneself() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.send("/publish news");
        ann.read();
        assert_eq!(bob.ask("/backlog +ann"), ["ERR not-subscribed You do not follow ann"]);
        assert_eq!(ann.ask("/backlog +ann"), ["LOG +ann 1 ann news", "OK backlog +ann 1"]);
        bob.send("/subscribe ann");
        bob.read();
        assert_eq!(bob.ask("/backlog +ann"), ["LOG +ann 1 ann news", "OK backlog +ann 1"]);
    }

    #[test]
    fn a_page_ends_before_it_is_too_long() {
        let world = World::builder().max_line_bytes(70_000).build();
        let ann = world.login("ann");
        for _ in 0..6 {
            ann.send(&"x".repeat(60_000));
        }
        ann.send("/format json");
        ann.read();
        let answer = ann.ask("/backlog #lobby");
        assert!(answer[0].len() < 256 * 1024 + 200 && answer[0].ends_with(r#""more":true}"#));
        assert!(ann.ask("/history")[0].len() < 256 * 1024 + 200);
    }

    #[test]
    fn a_store_that_fails_says_so() {
        let world = World::new();
        let ann = world.login("ann");
        world.fail_store(true);
        assert!(ann.ask("/backlog #lobby")[0].starts_with("ERR store-unavailable "));
    }
}
