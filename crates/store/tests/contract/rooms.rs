//! Rooms.

use parlor_core::ports::{AppendResult, Change, EnterResult, Presence, SessionKey};
use parlor_proto::RoomSummary;

use parlor_testkit::{entrant, person};

use crate::harness::{Bench, room, said};

fn counts(bench: &Bench) -> Vec<(String, usize)> {
    let rooms = bench.store.rooms.rooms(&person("nobody")).unwrap();
    rooms.into_iter().map(|RoomSummary { room, members }| (room.to_string(), members)).collect()
}

fn leave(bench: &Bench, session_key: &SessionKey, of: &str) {
    bench.store.rooms.leave(session_key, &[room(of)]).unwrap();
}

fn enter(bench: &Bench, session_key: &SessionKey, into: &str, max_rooms: usize) -> EnterResult {
    bench.store.rooms.enter(&entrant(session_key), &[room(into)], max_rooms).unwrap().remove(0)
}

fn changes(bench: &Bench) -> Vec<(Change, String, String, usize)> {
    let told = |Presence { room, user, change, members, .. }: &Presence| {
        (*change, room.to_string(), user.to_string(), *members)
    };
    bench.settle();
    bench.sink.presences().iter().map(told).collect()
}

pub(crate) fn members_come_and_go(bench: &Bench) {
    assert_eq!(counts(bench), [("lobby".to_owned(), 0)]);
    let (bob, ann) = (bench.member("bob", "red"), bench.member("ann", "red"));
    assert_eq!(bench.members("red"), ["ann", "bob"]);
    assert_eq!(counts(bench), [("lobby".to_owned(), 0), ("red".to_owned(), 2)]);
    bench.enter(&ann, "lobby");
    leave(bench, &ann, "red");
    leave(bench, &bob, "red");
    assert_eq!(counts(bench), [("lobby".to_owned(), 1)]);
    assert_eq!(bench.members("red"), Vec::<String>::new());
}

pub(crate) fn changes_are_numbered_and_told_once(bench: &Bench) {
    let ann = bench.session_key("ann");
    let bob = bench.session_key("bob");
    bench.follow(&crate::harness::log_of("red"));
    let EnterResult::Member { members: 1, version: first } = bench.enter(&ann, "red") else { panic!() };
    let EnterResult::Member { members: 2, version: second } = bench.enter(&bob, "red") else { panic!() };
    leave(bench, &ann, "red");
    leave(bench, &ann, "red");
    bench.settle();
    let told: Vec<u64> = bench.sink.presences().iter().map(|presence| presence.version).collect();
    assert_eq!((told.len(), told[0], told[1]), (3, first, second));
    assert!(told.is_sorted_by(|a, b| a < b));
    let entered = |user: &str, members| (Change::Entered, "red".to_owned(), user.to_owned(), members);
    let left = (Change::Left, "red".to_owned(), "ann".to_owned(), 1);
    assert_eq!(changes(bench), [entered("ann", 1), entered("bob", 2), left]);
}

pub(crate) fn only_the_current_session_enters(bench: &Bench) {
    let old = bench.session_key("ann");
    let new = bench.session_key("ann");
    assert_eq!(bench.enter(&old, "red"), EnterResult::Fenced);
    bench.release(&new);
    assert_eq!(bench.enter(&new, "red"), EnterResult::Fenced);
    assert_eq!((changes(bench), bench.members("red")), (vec![], vec![]));
}

pub(crate) fn an_old_session_cannot_take_its_successor_out(bench: &Bench) {
    let old = bench.member("ann", "red");
    let new = bench.session_key("ann");
    bench.store.rooms.evict_predecessors(&new).unwrap();
    bench.enter(&new, "red");
    leave(bench, &old, "red");
    bench.store.rooms.evict_predecessors(&old).unwrap();
    assert_eq!(bench.members("red"), ["ann"]);
}

pub(crate) fn predecessors_are_evicted(bench: &Bench) {
    let old = bench.member("ann", "red");
    bench.follow(&crate::harness::log_of("blue"));
    bench.enter(&old, "blue");
    let new = bench.session_key("ann");
    bench.store.rooms.evict_predecessors(&new).unwrap();
    bench.store.rooms.evict_predecessors(&new).unwrap();
    leave(bench, &old, "red");
    assert_eq!((bench.members("red"), bench.members("blue")), (vec![], vec![]));
    // The changes of each room come in their order.
    let mut changes = changes(bench);
    changes.sort_by_key(|(_, room, ..)| room.clone());
    let change = |change, room: &str, members| (change, room.to_owned(), "ann".to_owned(), members);
    let both = |room| [change(Change::Entered, room, 1), change(Change::Left, room, 0)];
    assert_eq!(changes, [both("blue"), both("red")].concat());
}

pub(crate) fn a_session_does_not_evict_itself(bench: &Bench) {
    let old = bench.member("ann", "red");
    bench.store.rooms.evict_predecessors(&old).unwrap();
    assert_eq!(bench.members("red"), ["ann"]);
    let new = bench.session_key("ann");
    bench.store.rooms.evict_predecessors(&new).unwrap();
    bench.enter(&new, "red");
    bench.store.rooms.evict_predecessors(&new).unwrap();
    assert_eq!(bench.members("red"), ["ann"]);
    let told: Vec<Change> = changes(bench).into_iter().map(|(change, ..)| change).collect();
    assert_eq!(told, [Change::Entered, Change::Left, Change::Entered]);
}

pub(crate) fn there_are_only_so_many(bench: &Bench) {
    let enter = |session_key: &SessionKey, into: &str, max| enter(bench, session_key, into, max);
    let _bob = bench.member("bob", "lobby");
    let ann = bench.member("ann", "red");
    assert_eq!(enter(&ann, "blue", 1), EnterResult::TooManyRooms);
    assert!(matches!(enter(&ann, "lobby", 1), EnterResult::Member { members: 2, .. }));
    let cyd = bench.session_key("cyd");
    assert!(matches!(enter(&cyd, "red", 1), EnterResult::Member { members: 2, .. }));
    assert!(matches!(enter(&cyd, "blue", 2), EnterResult::Member { .. }));
}

pub(crate) fn those_with_a_log_count_without_members_too(bench: &Bench) {
    let enter = |session_key: &SessionKey, into: &str| enter(bench, session_key, into, 2);
    let ann = bench.session_key("ann");
    for (into, says) in [("red", true), ("blue", false), ("lobby", true), ("green", true)] {
        bench.follow(&crate::harness::log_of(into));
        assert!(matches!(enter(&ann, into), EnterResult::Member { .. }), "{into}");
        if says {
            let report = bench.store.log.append(vec![said(&crate::harness::log_of(into), &ann, "kept")]);
            assert!(matches!(report.outcomes[..], [Ok(AppendResult::Stored(_))]));
            report.flush.run();
        }
        leave(bench, &ann, into);
    }
    assert_eq!(counts(bench), [("lobby".to_owned(), 0)]);
    assert_eq!(enter(&ann, "blue"), EnterResult::TooManyRooms);
    for into in ["red", "lobby", "green"] {
        assert!(matches!(enter(&ann, into), EnterResult::Member { members: 1, .. }), "{into}");
    }
    leave(bench, &ann, "red");
    assert_eq!(counts(bench), [("green".to_owned(), 1), ("lobby".to_owned(), 1)]);
    assert_eq!(enter(&ann, "blue"), EnterResult::TooManyRooms);
}

pub(crate) fn under_many_threads_the_counts_agree(bench: &Bench) {
    bench.follow(&crate::harness::log_of("red"));
    bench.follow(&crate::harness::log_of("blue"));
    std::thread::scope(|scope| {
        for number in 0..16 {
            scope.spawn(move || {
                let session_key = bench.member(&format!("user{number}"), "red");
                for _ in 0..20 {
                    bench.enter(&session_key, "blue");
                    leave(bench, &session_key, "red");
                    bench.enter(&session_key, "red");
                    leave(bench, &session_key, "blue");
                }
            });
        }
    });
    assert_eq!(counts(bench), [("lobby".to_owned(), 0), ("red".to_owned(), 16)]);
    bench.settle();
    // Sorted by version, the reports are consistent: each change alters the count by one user.
    let mut presences = bench.sink.presences();
    presences.sort_by_key(|presence| presence.version);
    let mut members = std::collections::BTreeMap::new();
    for presence in presences {
        let count: &mut usize = members.entry(presence.room).or_default();
        *count = if presence.change == Change::Entered { *count + 1 } else { *count - 1 };
        assert_eq!(*count, presence.members);
    }
}

pub(crate) fn many_are_entered_and_left_at_once(bench: &Bench) {
    let rooms = &bench.store.rooms;
    let (bob, ann) = (bench.member("bob", "red"), bench.session_key("ann"));
    let all = ["lobby", "red", "green", "blue"].map(room);
    all.iter().for_each(|room| {
        bench.follow(&crate::harness::log_of(room.as_str()));
    });
    let members = |entered: &EnterResult| match entered {
        EnterResult::Member { members, .. } => Some(*members),
        EnterResult::TooManyRooms => None,
        EnterResult::Fenced | EnterResult::Denied(_) => panic!("a current session may enter"),
    };
    let enter = |max| rooms.enter(&entrant(&ann), &all, max).unwrap().iter().map(members).collect::<Vec<_>>();
    assert_eq!(enter(2), [Some(1), Some(2), Some(1), None]);
    assert_eq!(rooms.counts(&["blue", "red", "lobby", "green"].map(room)).unwrap(), [0, 2, 1, 1]);
    assert_eq!(enter(3), [Some(1), Some(2), Some(1), Some(1)]);
    assert_eq!((rooms.counts(&[]).unwrap(), rooms.enter(&entrant(&ann), &[], 3).unwrap()), (vec![], vec![]));
    bench.session_key("ann");
    assert_eq!(rooms.enter(&entrant(&ann), &all, 3).unwrap(), [EnterResult::Fenced; 4]);
    rooms.leave(&ann, &["red", "grey", "blue", "lobby"].map(room)).unwrap();
    rooms.leave(&ann, &[]).unwrap();
    assert_eq!(rooms.counts(&all).unwrap(), [0, 1, 1, 0]);
    assert_eq!(counts(bench), [("green".to_owned(), 1), ("lobby".to_owned(), 0), ("red".to_owned(), 1)]);
    let line = |(change, room, user, members): (Change, String, String, usize)| {
        format!("{} {room} {user} {members}", if change == Change::Entered { '+' } else { '-' })
    };
    let mut told: Vec<String> = changes(bench).into_iter().map(line).collect();
    told.sort();
    let left = ["- blue ann 0", "- lobby ann 0", "- red ann 1"];
    let entered = ["+ blue ann 1", "+ green ann 1", "+ lobby ann 1", "+ red ann 2", "+ red bob 1"];
    assert_eq!(told, [&entered[..], &left[..]].concat());
    leave(bench, &bob, "red");
}
