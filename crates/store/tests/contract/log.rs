//! Logs.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use parlor_core::ports::{AppendResult, LogId};
use parlor_core::rights::Denial;
use parlor_proto::{Generation, MessageId};

use crate::harness::{Bench, HISTORY, log_of, name, room, said, stored};

fn texts(bench: &Bench, log: &LogId, count: usize) -> Vec<String> {
    bench.newest(log, count).iter().map(|entry| entry.said().to_string()).collect()
}

pub(crate) fn numbers_have_no_gap_and_each_log_its_own(bench: &Bench) {
    let ann = bench.member("ann", "red");
    bench.enter(&ann, "blue");
    let (red, blue, feed) = (log_of("red"), log_of("blue"), LogId::Feed(name("ann")));
    bench.follow(&blue);
    bench.follow(&feed);
    for number in 1..=5 {
        assert_eq!(bench.append(vec![said(&red, &ann, "x")]), [stored(number)]);
    }
    let mixed = [&blue, &red, &feed, &blue].map(|log| said(log, &ann, "y")).to_vec();
    assert_eq!(bench.append(mixed), [stored(1), stored(6), stored(1), stored(2)]);
    bench.settle();
    let ids = |log| bench.sink.entries(log).iter().map(|entry| entry.id.0).collect::<Vec<_>>();
    assert_eq!((ids(&red), ids(&blue), ids(&feed)), (vec![1, 2, 3, 4, 5, 6], vec![1, 2], vec![1]));
}

pub(crate) fn readers_see_the_newest_oldest_first(bench: &Bench) {
    let ann = bench.member("ann", "red");
    let red = log_of("red");
    assert_eq!(texts(bench, &red, 10), Vec::<String>::new());
    bench.append(["a", "b", " c\t"].map(|what| said(&red, &ann, what)).to_vec());
    assert_eq!(texts(bench, &red, 2), ["b", " c\t"]);
    assert_eq!(texts(bench, &red, 0), Vec::<String>::new());
    let all = bench.newest(&red, 10);
    bench.settle();
    assert_eq!(all, bench.sink.entries(&red));
    assert_eq!((all[0].author.as_str(), all[0].time.as_millis()), ("ann", 7));
}

pub(crate) fn followers_are_told_where_the_log_stands(bench: &Bench) {
    let ann = bench.member("ann", "red");
    let red = log_of("red");
    let new = bench.follow(&red);
    assert_eq!(new.last, MessageId(0));
    bench.append(vec![said(&red, &ann, "a"), said(&red, &ann, "b")]);
    bench.settle();
    let later = bench.follow(&red);
    assert_eq!((later.last, later.epoch), (MessageId(2), new.epoch));
    bench.store.log.unfollow(&red);
    bench.store.log.unfollow(&red);
}

/// Whether a session without a seat may not append. Where there is no room, a store need not know more.
pub(crate) fn is_refused(result: AppendResult) -> bool {
    matches!(result, AppendResult::Fenced | AppendResult::Denied(Denial::NotInRoom))
}

pub(crate) fn strangers_and_displaced_sessions_append_nothing(bench: &Bench) {
    let (red, feed) = (log_of("red"), LogId::Feed(name("ann")));
    let stranger = bench.session_key("bob");
    let old = bench.member("ann", "red");
    assert_eq!(bench.append(vec![said(&red, &stranger, "x")]), [AppendResult::Fenced]);
    let new = bench.session_key("ann");
    assert_eq!(bench.append(vec![said(&feed, &old, "x")]), [AppendResult::Fenced]);
    bench.store.rooms.evict_predecessors(&new).unwrap();
    assert_eq!(bench.append(vec![said(&red, &old, "x")]), [AppendResult::Fenced]);
    assert!(is_refused(bench.append(vec![said(&red, &new, "x")])[0]));
    assert_eq!(bench.append(vec![said(&feed, &new, "x")]), [stored(1)]);
    bench.enter(&new, "red");
    assert_eq!(bench.append(vec![said(&red, &old, "x"), said(&red, &new, "y")]), [AppendResult::Fenced, stored(1)]);
    bench.store.rooms.leave(&new, &[room("red")]).unwrap();
    assert!(is_refused(bench.append(vec![said(&red, &new, "z")])[0]));
    assert_eq!(texts(bench, &red, 10), ["y"]);
}

pub(crate) fn a_batch_is_answered_entry_by_entry(bench: &Bench) {
    let ann = bench.member("ann", "red");
    let ghost = parlor_core::ports::SessionKey { generation: Generation(u64::MAX >> 1), ..ann.clone() };
    let red = log_of("red");
    let batch = vec![said(&red, &ann, "a"), said(&red, &ghost, "b"), said(&red, &ann, "c")];
    assert_eq!(bench.append(batch), [stored(1), AppendResult::Fenced, stored(2)]);
    assert_eq!(bench.append(Vec::new()), []);
    assert_eq!(texts(bench, &red, 10), ["a", "c"]);
}

/// Many sessions send to one room concurrently, in batches of one to three. Returns the message ids that each got.
fn speak_at_once(bench: &Bench, log: &LogId, speakers: usize, rounds: usize) -> Vec<Vec<u64>> {
    let seats: Vec<_> = (0..speakers).map(|number| bench.member(&format!("user{number}"), "red")).collect();
    std::thread::scope(|scope| {
        let speak = |session_key| {
            let batch =
                |round: usize| (0..=round % 3).map(|at| said(log, session_key, &format!("{round} {at}"))).collect();
            let outcomes = (0..rounds).flat_map(|round| bench.append(batch(round)));
            outcomes.map(|outcome| if let AppendResult::Stored(id) = outcome { id.0 } else { 0 }).collect::<Vec<_>>()
        };
        let threads: Vec<_> = seats.iter().map(|session_key| scope.spawn(move || speak(session_key))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

pub(crate) fn under_many_threads_delivery_is_in_order_of_number(bench: &Bench) {
    let red = log_of("red");
    let numbers = speak_at_once(bench, &red, 16, 30);
    assert!(numbers.iter().all(|numbers| numbers.is_sorted()), "a sender's order is the log's");
    bench.settle();
    let delivered = bench.sink.entries(&red);
    let ids: Vec<u64> = delivered.iter().map(|entry| entry.id.0).collect();
    assert_eq!(ids, (1..=16 * 60).collect::<Vec<_>>());
    let mut by_author: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    for entry in &delivered {
        by_author.entry(entry.author.to_string()).or_default().push(entry.id.0);
    }
    let mut answered = numbers;
    answered.sort();
    let mut authored: Vec<_> = by_author.into_values().collect();
    authored.sort();
    assert_eq!(authored, answered);
    assert_eq!(bench.newest(&red, HISTORY), delivered);
}

pub(crate) fn what_is_delivered_can_be_read(bench: &Bench) {
    let red = log_of("red");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            let mut seen = 0;
            while !is_over.load(Ordering::SeqCst) || seen < bench.sink.entries(&red).len() {
                let delivered = bench.sink.entries(&red);
                let head = bench.follow(&red).last.0;
                let readable = bench.newest(&red, HISTORY);
                assert!(head >= delivered.len() as u64 && readable.starts_with(&delivered));
                seen = delivered.len();
            }
            seen
        });
        speak_at_once(bench, &red, 4, 20);
        bench.settle();
        is_over.store(true, Ordering::SeqCst);
        assert_eq!(watcher.join().unwrap(), 4 * 39);
    });
}

pub(crate) fn only_so_much_history_is_kept(bench: &Bench) {
    let ann = bench.member("ann", "red");
    let red = log_of("red");
    let total = HISTORY as u64 + 700;
    for begin in (1..=total).step_by(100) {
        let batch = (begin..begin + 100).map(|number| said(&red, &ann, &number.to_string())).collect();
        assert_eq!(bench.append(batch).last(), Some(&stored(begin + 99)));
    }
    let kept = bench.newest(&red, 2 * HISTORY);
    assert_eq!((kept.len(), kept[0].id.0), (HISTORY, total - HISTORY as u64 + 1));
    assert_eq!(kept.last().map(|entry| entry.said().to_string()), Some(total.to_string()));
}
