//! Pages and heads of logs that keep few entries.

use parlor_core::ports::{ActResult, LogId, PageRequest};
use parlor_core::rights::Denial;
use parlor_proto::{MessageId, PageRange};

use crate::governance::{remove, say};
use crate::harness::{Bench, SHORT_HISTORY, inbox_of, log_of, name, said, stored, told};

/// Entries that are appended in each test, and the oldest of them that is kept.
const LAST: u64 = 15;
const OLDEST: u64 = LAST - SHORT_HISTORY as u64 + 1;

fn before(id: u64) -> PageRange {
    PageRange::Before(MessageId(id))
}

fn after(id: u64) -> PageRange {
    PageRange::After(MessageId(id))
}

/// The numbers of a page, and whether there are more.
fn page(bench: &Bench, log: &LogId, peer: Option<&str>, range: PageRange, count: usize) -> (Vec<u64>, bool) {
    let request = PageRequest { log: log.clone(), peer: peer.map(name), range, count };
    let page = bench.store.log.page(&request).unwrap();
    (page.entries.iter().map(|entry| entry.id.0).collect(), page.more)
}

/// A room and a feed in which ann said something.
fn logs(bench: &Bench) -> [LogId; 2] {
    let ann = bench.member("ann", "red");
    let logs = [log_of("red"), LogId::Feed(name("ann"))];
    for log in &logs {
        bench.append((1..=LAST).map(|number| said(log, &ann, &number.to_string())).collect());
    }
    logs
}

pub(crate) fn go_back_from_the_newest(bench: &Bench) {
    for log in logs(bench) {
        let page = |range, count| page(bench, &log, None, range, count);
        assert_eq!(page(PageRange::Newest, 3), (vec![13, 14, 15], true));
        assert_eq!(page(PageRange::Newest, SHORT_HISTORY), ((OLDEST..=LAST).collect(), false));
        assert_eq!(page(PageRange::Newest, 500), ((OLDEST..=LAST).collect(), false));
        assert_eq!(page(before(8), 1), (vec![7], true));
        assert_eq!(page(before(8), 2), (vec![6, 7], false));
        for id in [LAST + 1, 1000, u64::MAX] {
            assert_eq!(page(before(id), 2), (vec![14, 15], true), "{id}");
        }
        let request = PageRequest { log: log.clone(), peer: None, range: before(15), count: 1 };
        let entry = bench.store.log.page(&request).unwrap().entries.remove(0);
        assert_eq!((entry.author.as_str(), entry.said().as_str(), entry.to), ("ann", "14", None));
    }
}

pub(crate) fn go_on_after_a_number(bench: &Bench) {
    for log in logs(bench) {
        let page = |range, count| page(bench, &log, None, range, count);
        assert_eq!(page(after(13), 1), (vec![14], true));
        assert_eq!(page(after(13), 2), (vec![14, 15], false));
        for id in [0, 1, OLDEST - 1] {
            assert_eq!(page(after(id), 3), (vec![6, 7, 8], true), "{id}");
        }
        assert_eq!(page(after(OLDEST), 3), (vec![7, 8, 9], true));
    }
}

pub(crate) fn may_be_empty(bench: &Bench) {
    for log in logs(bench) {
        let page = |range, count| page(bench, &log, None, range, count);
        for id in [0, 1, OLDEST] {
            assert_eq!(page(before(id), 5), (vec![], false), "before {id}");
        }
        for id in [LAST, LAST + 1, u64::MAX] {
            assert_eq!(page(after(id), 5), (vec![], false), "after {id}");
        }
        assert_eq!(page(PageRange::Newest, 0), (vec![], true));
    }
    for range in [PageRange::Newest, before(7), after(0)] {
        assert_eq!(page(bench, &log_of("blue"), None, range, 5), (vec![], false));
        assert_eq!(page(bench, &inbox_of("ann"), Some("bob"), range, 5), (vec![], false));
    }
}

pub(crate) fn of_a_conversation_have_its_messages_only(bench: &Bench) {
    bench.create(&["ann", "bob", "bob2"]);
    let (ann, bob) = (bench.session_key("ann"), bench.session_key("bob"));
    for number in 1..=LAST {
        let append = match number {
            11 => told("ann", &bob, "b"),
            _ if number % 2 == 0 => told("bob2", &ann, "x"),
            _ => told("bob", &ann, "a"),
        };
        bench.append(vec![append]);
    }
    let inbox = inbox_of("ann");
    let page = |range, count| page(bench, &inbox, Some("bob"), range, count);
    assert_eq!(page(PageRange::Newest, 2), (vec![13, 15], true));
    assert_eq!(page(PageRange::Newest, 5), (vec![7, 9, 11, 13, 15], false));
    assert_eq!(page(before(11), 1), (vec![9], true));
    assert_eq!(page(before(11), 2), (vec![7, 9], false));
    assert_eq!((page(before(7), 2), page(before(0), 2)), ((vec![], false), (vec![], false)));
    assert_eq!(page(before(u64::MAX), 1), (vec![15], true));
    assert_eq!(page(after(0), 2), (vec![7, 9], true));
    assert_eq!(page(after(9), 1), (vec![11], true));
    assert_eq!(page(after(9), 3), (vec![11, 13, 15], false));
    assert_eq!((page(after(15), 3), page(after(u64::MAX), 3)), ((vec![], false), (vec![], false)));
    assert_eq!(self::page(bench, &inbox, Some("cyd"), PageRange::Newest, 5), (vec![], false));
    assert_eq!(self::page(bench, &inbox, Some("bob2"), before(9), 5), (vec![6, 8], false));
    let request = PageRequest { log: inbox.clone(), peer: Some(name("bob")), range: after(10), count: 1 };
    let entry = bench.store.log.page(&request).unwrap().entries.remove(0);
    assert_eq!((entry.author.as_str(), entry.said().as_str(), entry.to), ("bob", "b", Some(name("ann"))));
}

pub(crate) fn what_is_not_kept_any_more_is_not_removed(bench: &Bench) {
    let ann = bench.member("ann", "red");
    for number in 0..=SHORT_HISTORY {
        say(bench, &ann, &number.to_string());
    }
    assert_eq!(remove(bench, &ann, 1), ActResult::Denied(Denial::NoSuchMessage));
    let last = SHORT_HISTORY as u64 + 1;
    assert_eq!(remove(bench, &ann, 3), ActResult::Done(Some(MessageId(last + 1))));
    // The entry of that act takes a place, too.
    assert_eq!(remove(bench, &ann, 2), ActResult::Denied(Denial::NoSuchMessage));
    assert_eq!(page(bench, &log_of("red"), None, PageRange::Newest, 500), ((3..=last + 1).collect(), false));
}

pub(crate) fn notes_to_oneself_are_a_conversation(bench: &Bench) {
    bench.create(&["ann", "bob"]);
    let (ann, bob) = (bench.session_key("ann"), bench.session_key("bob"));
    for append in
        [told("ann", &ann, "milk"), told("bob", &ann, "hi"), told("ann", &bob, "yes"), told("ann", &ann, "eggs")]
    {
        bench.append(vec![append]);
    }
    let page = |peer| page(bench, &inbox_of("ann"), peer, PageRange::Newest, 5);
    assert_eq!([page(Some("ann")), page(Some("bob"))], [(vec![1, 4], false), (vec![2, 3], false)]);
    assert_eq!(page(None), (vec![1, 2, 3, 4], false));
}

pub(crate) fn heads_of_many_logs_come_in_their_order(bench: &Bench) {
    bench.create(&["ann", "bob"]);
    let ann = bench.member("ann", "red");
    let logs = [inbox_of("bob"), log_of("red"), LogId::Feed(name("ann")), log_of("blue"), inbox_of("ann")];
    let followed = bench.store.log.follow(&logs).unwrap();
    assert!(followed.iter().all(|head| head.last == MessageId(0)));
    assert_eq!(bench.append(vec![said(&logs[1], &ann, "a"), said(&logs[1], &ann, "b")]), [stored(1), stored(2)]);
    assert_eq!(bench.append(vec![told("ann", &ann, "c"), told("ann", &ann, "d")]), [stored(1), stored(2)]);
    assert_eq!(bench.append(vec![told("bob", &ann, "e"), said(&logs[2], &ann, "f")]), [stored(3), stored(1)]);
    let heads = bench.store.log.heads(&logs).unwrap();
    assert_eq!(heads.iter().map(|head| head.last.0).collect::<Vec<_>>(), [1, 2, 1, 0, 3]);
    let epochs = |heads: &[parlor_core::ports::Head]| heads.iter().map(|head| head.epoch).collect::<Vec<_>>();
    assert_eq!(epochs(&heads), epochs(&followed));
    assert_eq!(bench.store.log.heads(&[]).unwrap(), []);
    logs.iter().for_each(|log| bench.store.log.unfollow(log));
}
