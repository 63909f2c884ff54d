//! Appending at most once.

use parlor_core::ports::{Append, AppendResult, LogId};
use parlor_proto::{MessageId, Timestamp};

use crate::harness::{Bench, inbox_of, keyed, log_of, name, said, stored, told};

fn repeated(number: u64) -> AppendResult {
    AppendResult::Repeated(MessageId(number))
}

pub(crate) fn a_key_stores_once_in_each_kind_of_log(bench: &Bench) {
    bench.create(&["ann", "bob"]);
    let ann = bench.member("ann", "red");
    let feed = LogId::Feed(name("ann"));
    let all: [(&str, LogId, &dyn Fn() -> Append); 3] = [
        ("room", log_of("red"), &|| said(&log_of("red"), &ann, "x")),
        ("feed", feed.clone(), &|| said(&feed, &ann, "x")),
        ("inbox", inbox_of("ann"), &|| told("bob", &ann, "x")),
    ];
    for (kind, log, append) in all {
        bench.follow(&log);
        assert_eq!(bench.append(vec![append(), keyed("k", append())]), [stored(1), stored(2)], "{kind}");
        assert_eq!(bench.append(vec![append(), keyed("k", append())]), [stored(3), repeated(2)], "{kind}");
        let twice = vec![keyed("K", append()), keyed("K", append()), keyed("k", append())];
        assert_eq!(bench.append(twice), [stored(4), repeated(4), repeated(2)], "{kind}");
        assert_eq!(bench.append(vec![append()]), [stored(5)], "{kind}");
        bench.settle();
        assert_eq!(bench.sink.ids(&log), [1, 2, 3, 4, 5], "{kind}");
    }
    assert_eq!(bench.newest(&inbox_of("bob"), 500).len(), 5);
}

pub(crate) fn other_authors_and_other_logs_have_other_keys(bench: &Bench) {
    bench.create(&["ann", "bob"]);
    let (ann, bob) = (bench.member("ann", "red"), bench.member("bob", "red"));
    bench.enter(&ann, "blue");
    let (red, blue, feed) = (log_of("red"), log_of("blue"), LogId::Feed(name("ann")));
    let batch = vec![said(&red, &ann, "a"), said(&blue, &ann, "b"), said(&feed, &ann, "c"), told("bob", &ann, "d")];
    let batch = batch.into_iter().map(|append| keyed("k", append)).collect();
    assert_eq!(bench.append(batch), [stored(1); 4]);
    assert_eq!(bench.append(vec![keyed("k", said(&red, &bob, "e"))]), [stored(2)]);
    assert_eq!(bench.append(vec![keyed("k", told("ann", &bob, "f"))]), [stored(2)]);
    assert_eq!(bench.append(vec![keyed("k", said(&red, &bob, "x"))]), [repeated(2)]);
    assert_eq!(bench.numbered(&red, 10), ["1 a", "2 e"]);
}

pub(crate) fn one_that_is_blocked_by_now_was_sent_all_the_same(bench: &Bench) {
    bench.create(&["ann", "bob"]);
    let ann = bench.session_key("ann");
    assert_eq!(bench.append(vec![keyed("k", told("bob", &ann, "a"))]), [stored(1)]);
    bench.store.personal.block(&name("bob"), &name("ann")).unwrap();
    let both = || vec![keyed("k", told("bob", &ann, "a")), keyed("other", told("bob", &ann, "b"))];
    assert_eq!(bench.append(both()), [repeated(1), AppendResult::Blocked]);
    bench.store.personal.unblock(&name("bob"), &name("ann")).unwrap();
    assert_eq!(bench.append(both()), [repeated(1), stored(2)]);
    assert_eq!(bench.numbered(&inbox_of("bob"), 10), ["1 a", "2 b"]);
}

pub(crate) fn what_is_refused_takes_no_key(bench: &Bench) {
    let red = log_of("red");
    let stranger = bench.session_key("ann");
    let say = |by| bench.append(vec![keyed("k", said(&red, by, "a"))]);
    assert!(crate::log::is_refused(say(&stranger)[0]));
    let ann = bench.member("ann", "red");
    assert_eq!((say(&ann), say(&ann)), (vec![stored(1)], vec![repeated(1)]));
    let later = bench.session_key("ann");
    bench.store.rooms.evict_predecessors(&later).unwrap();
    assert_eq!(say(&later), [AppendResult::Fenced]);
    bench.enter(&later, "red");
    assert_eq!((say(&ann), say(&later)), (vec![AppendResult::Fenced], vec![repeated(1)]));
}

pub(crate) fn a_thousand_keys_are_known_and_all_of_the_last_hour(bench: &Bench) {
    const BEFORE: u64 = 1_200;
    const LATER: u64 = 100;
    let (ann, red) = (bench.member("ann", "red"), log_of("red"));
    let hour = 60 * 60 * 1000;
    let say = |number: u64, millis| {
        let append = keyed(&format!("k{number}"), said(&red, &ann, "x"));
        Append { time: Timestamp::from_millis(millis), ..append }
    };
    for begin in (1..=BEFORE).step_by(100) {
        bench.append((begin..begin + 100).map(|number| say(number, 0)).collect());
    }
    assert_eq!(bench.append(vec![say(1, hour), say(BEFORE, hour)]), [repeated(1), repeated(BEFORE)]);
    bench.append((BEFORE + 1..=BEFORE + LATER).map(|number| say(number, 2 * hour)).collect());
    let oldest = BEFORE + LATER - 999;
    let known = [oldest, oldest + 500, BEFORE + LATER];
    let again = known.map(|number| say(number, 2 * hour)).to_vec();
    assert_eq!(bench.append(again), known.map(repeated));
}
