//! What is kept for each user: remembered rooms, marks, conversations and blocks.

use parlor_core::ports::{AppendResult, Conversation, LogId, Mark, PersonalState};
use parlor_proto::MessageId;

use crate::harness::{Bench, inbox_of, keyed, log_of, name, room, said, stored, told};

fn load(bench: &Bench, user: &str) -> PersonalState {
    bench.store.personal.load(&name(user)).unwrap()
}

fn marked(bench: &Bench, user: &str, log: &LogId) -> Option<u64> {
    load(bench, user).marks.get(log).map(|id| id.0)
}

fn mark(bench: &Bench, log: &LogId, read: u64, last: u64) {
    let mark = Mark { log: log.clone(), read: MessageId(read), last: MessageId(last) };
    bench.store.personal.mark(&name("ann"), &[mark]).unwrap();
}

/// The conversations of a user: the other one, newest number, number read, how many are unread.
fn talks(bench: &Bench, user: &str) -> Vec<(String, u64, u64, u64)> {
    let talk = |it: Conversation| (it.peer.to_string(), it.last.0, it.read.0, it.unread);
    load(bench, user).conversations.into_iter().map(talk).collect()
}

fn talk(peer: &str, last: u64, read: u64, unread: u64) -> (String, u64, u64, u64) {
    (peer.to_owned(), last, read, unread)
}

pub(crate) fn rooms_are_remembered_up_to_a_limit(bench: &Bench) {
    let (personal, ann) = (&bench.store.personal, name("ann"));
    assert_eq!(load(bench, "ann"), PersonalState::default());
    let remember = |of: &str, read| personal.remember(&ann, &room(of), MessageId(read), 2).unwrap();
    assert!(remember("red", 5) && remember("blue", 0));
    assert!(!remember("green", 1));
    assert!(remember("red", 9), "it is remembered already");
    let state = load(bench, "ann");
    assert_eq!(state.rooms, [room("blue"), room("red")]);
    let marks = [(log_of("blue"), MessageId(0)), (log_of("red"), MessageId(5))];
    assert_eq!(state.marks.into_iter().collect::<Vec<_>>(), marks);
    personal.forget(&ann, &room("red")).unwrap();
    personal.forget(&ann, &room("red")).unwrap();
    assert!(remember("green", 1));
    assert_eq!(load(bench, "ann").rooms, [room("blue"), room("green")]);
    assert_eq!(marked(bench, "ann", &log_of("red")), Some(5), "its mark stays");
    assert_eq!(load(bench, "bob"), PersonalState::default());
}

pub(crate) fn a_room_in_which_nothing_was_read_leaves_no_mark(bench: &Bench) {
    let (personal, ann) = (&bench.store.personal, name("ann"));
    for (of, read) in [("red", 0), ("blue", 3)] {
        assert!(personal.remember(&ann, &room(of), MessageId(read), 2).unwrap());
        personal.forget(&ann, &room(of)).unwrap();
    }
    assert_eq!((marked(bench, "ann", &log_of("red")), marked(bench, "ann", &log_of("blue"))), (None, Some(3)));
    // So whoever comes back later begins with what is new then.
    assert!(personal.remember(&ann, &room("red"), MessageId(7), 2).unwrap());
    assert_eq!(marked(bench, "ann", &log_of("red")), Some(7));
}

pub(crate) fn marks_never_move_back(bench: &Bench) {
    let (red, feed) = (log_of("red"), LogId::Feed(name("bob")));
    let both = |red_read, feed_read| {
        let mark = |log: &LogId, read| Mark { log: log.clone(), read: MessageId(read), last: MessageId(100) };
        bench.store.personal.mark(&name("ann"), &[mark(&red, red_read), mark(&feed, feed_read)]).unwrap();
        (marked(bench, "ann", &red), marked(bench, "ann", &feed))
    };
    assert_eq!(both(5, 100), (Some(5), Some(100)));
    assert_eq!(both(7, 8), (Some(7), Some(100)));
    assert_eq!(both(6, 100), (Some(7), Some(100)));
    bench.store.personal.mark(&name("ann"), &[]).unwrap();
    assert!(bench.store.personal.remember(&name("ann"), &room("red"), MessageId(9), 1).unwrap());
    assert_eq!(marked(bench, "ann", &red), Some(7));
}

pub(crate) fn a_mark_of_a_lost_numbering_is_replaced(bench: &Bench) {
    let red = log_of("red");
    mark(bench, &red, 50, 60);
    mark(bench, &red, 3, 50);
    assert_eq!(marked(bench, "ann", &red), Some(50));
    mark(bench, &red, 3, 49);
    assert_eq!(marked(bench, "ann", &red), Some(3));
    mark(bench, &red, 2, 49);
    assert_eq!(marked(bench, "ann", &red), Some(3));
}

pub(crate) fn conversations_tell_what_is_unread(bench: &Bench) {
    bench.create(&["ann", "bob", "cyd"]);
    let (ann, cyd) = (bench.session_key("ann"), bench.session_key("cyd"));
    bench.append(["a", "b", "c"].map(|what| told("bob", &ann, what)).to_vec());
    bench.append(vec![told("bob", &cyd, "d")]);
    assert_eq!(talks(bench, "bob"), [talk("cyd", 4, 0, 1), talk("ann", 3, 0, 3)]);
    assert_eq!(talks(bench, "ann"), [talk("bob", 3, 3, 0)]);
    let read = |peer: &str, id| {
        bench.store.personal.mark_conversations(&name("bob"), &[(name(peer), MessageId(id))]).unwrap();
    };
    read("ann", 2);
    assert_eq!(talks(bench, "bob"), [talk("cyd", 4, 0, 1), talk("ann", 3, 2, 1)]);
    read("ann", 1);
    read("dan", 1);
    assert_eq!(talks(bench, "bob"), [talk("cyd", 4, 0, 1), talk("ann", 3, 2, 1)]);
    bench.append(vec![told("bob", &ann, "e")]);
    assert_eq!(talks(bench, "bob"), [talk("ann", 5, 2, 2), talk("cyd", 4, 0, 1)]);
    let both = [(name("cyd"), MessageId(4)), (name("ann"), MessageId(5))];
    bench.store.personal.mark_conversations(&name("bob"), &both).unwrap();
    bench.store.personal.mark_conversations(&name("bob"), &[]).unwrap();
    assert_eq!(talks(bench, "bob"), [talk("ann", 5, 5, 0), talk("cyd", 4, 4, 0)]);
}

pub(crate) fn unread_conversations_come_with_the_newest_first(bench: &Bench) {
    bench.create(&["ann", "bob", "cyd", "dan"]);
    let [bob, cyd, dan] = ["bob", "cyd", "dan"].map(|user| bench.session_key(user));
    for by in [&bob, &bob, &cyd, &dan] {
        bench.append(vec![told("ann", by, "hello")]);
    }
    let unread = |user: &str| bench.store.personal.unread(&name(user)).unwrap();
    assert_eq!(unread("ann"), [(name("dan"), 1), (name("cyd"), 1), (name("bob"), 2)]);
    bench.store.personal.mark_conversations(&name("ann"), &[(name("cyd"), MessageId(3))]).unwrap();
    bench.append(vec![told("ann", &bob, "again")]);
    assert_eq!(unread("ann"), [(name("bob"), 3), (name("dan"), 1)]);
    assert_eq!((unread("bob"), unread("nobody")), (vec![], vec![]));
}

pub(crate) fn what_i_send_marks_what_i_got_as_read(bench: &Bench) {
    bench.create(&["ann", "bob", "bob2"]);
    let (ann, bob, bob2) = (bench.session_key("ann"), bench.session_key("bob"), bench.session_key("bob2"));
    bench.append(vec![told("bob", &ann, "a"), told("bob", &ann, "b")]);
    bench.append(vec![told("bob", &bob2, "c")]);
    bench.append(vec![told("ann", &bob, "d")]);
    assert_eq!(talks(bench, "bob"), [talk("ann", 4, 4, 0), talk("bob2", 3, 0, 1)]);
    assert_eq!(talks(bench, "ann"), [talk("bob", 3, 2, 1)]);
    // What I said is not unread, however my mark moves.
    bench.append(vec![told("bob", &ann, "e"), told("bob", &ann, "f")]);
    assert_eq!(talks(bench, "bob"), [talk("ann", 6, 4, 2), talk("bob2", 3, 0, 1)]);
    bench.append(vec![told("bob", &bob, "note")]);
    let read = [(name("ann"), MessageId(5)), (name("bob2"), MessageId(3))];
    bench.store.personal.mark_conversations(&name("bob"), &read).unwrap();
    assert_eq!(talks(bench, "bob"), [talk("bob", 7, 7, 0), talk("ann", 6, 5, 1), talk("bob2", 3, 3, 0)]);
}

pub(crate) fn they_end_with_the_account_and_numbers_go_on(bench: &Bench) {
    bench.create(&["ann", "bob"]);
    let (ann, bob) = (bench.session_key("ann"), bench.session_key("bob"));
    let feed = LogId::Feed(name("ann"));
    bench.append(vec![keyed("k", told("bob", &ann, "a")), keyed("k", said(&feed, &ann, "b"))]);
    bench.append(vec![told("ann", &bob, "c")]);
    assert!(bench.store.personal.remember(&name("ann"), &room("red"), MessageId(3), 64).unwrap());
    mark(bench, &log_of("blue"), 3, 3);
    let logs = [inbox_of("ann"), feed.clone()];
    let heads = bench.store.log.heads(&logs).unwrap();
    assert_eq!(heads.iter().map(|head| head.last.0).collect::<Vec<_>>(), [2, 1]);
    assert!(bench.store.accounts.delete(&name("ann")).unwrap());
    bench.create(&["ann"]);
    assert_eq!(load(bench, "ann"), PersonalState::default());
    assert_eq!(bench.store.log.heads(&logs).unwrap(), heads);
    assert!(logs.iter().all(|log| bench.newest(log, 10).is_empty()));
    assert_eq!(bench.numbered(&inbox_of("bob"), 10), ["1 a", "2 c"], "what others have stays");
    let ann = bench.session_key("ann");
    let again = vec![keyed("k", told("bob", &ann, "d")), keyed("k", said(&feed, &ann, "e"))];
    assert_eq!(bench.append(again), [stored(3), stored(2)]);
    assert_eq!((bench.numbered(&logs[0], 10), bench.numbered(&feed, 10)), (vec!["3 d".into()], vec!["2 e".into()]));
    assert_eq!(talks(bench, "ann"), [talk("bob", 3, 3, 0)]);
}

pub(crate) fn blocks_end_with_either_account(bench: &Bench) {
    bench.create(&["ann", "bob"]);
    let bob = bench.session_key("bob");
    let personal = &bench.store.personal;
    personal.block(&name("ann"), &name("bob")).unwrap();
    personal.block(&name("bob"), &name("ann")).unwrap();
    assert_eq!(bench.append(vec![told("ann", &bob, "x")]), [AppendResult::Blocked]);
    assert!(bench.store.accounts.delete(&name("ann")).unwrap());
    bench.create(&["ann"]);
    assert_eq!((personal.blocks(&name("ann")).unwrap(), personal.blocks(&name("bob")).unwrap()), (vec![], vec![]));
    let ann = bench.session_key("ann");
    assert_eq!(bench.append(vec![told("ann", &bob, "a")]), [stored(1)]);
    assert_eq!(bench.append(vec![told("bob", &ann, "b")]), [stored(2)]);
}

pub(crate) fn what_is_left_while_the_account_ends_is_not_the_next_owners(bench: &Bench) {
    bench.create(&["ann", "bob"]);
    assert!(bench.store.accounts.delete(&name("ann")).unwrap());
    let personal = &bench.store.personal;
    personal.block(&name("ann"), &name("bob")).unwrap();
    personal.block(&name("bob"), &name("ann")).unwrap();
    assert!(personal.remember(&name("ann"), &room("red"), MessageId(1), 64).unwrap());
    mark(bench, &log_of("blue"), 1, 1);
    bench.create(&["ann"]);
    assert_eq!(load(bench, "ann"), PersonalState::default());
    assert_eq!((personal.blocks(&name("ann")).unwrap(), personal.blocks(&name("bob")).unwrap()), (vec![], vec![]));
    let (ann, bob) = (bench.session_key("ann"), bench.session_key("bob"));
    assert_eq!(bench.append(vec![told("bob", &ann, "a")]), [stored(1)]);
    assert_eq!(bench.append(vec![told("ann", &bob, "b")]), [stored(2)]);
}
