//! Direct messages.

use parlor_core::ports::{Account, AppendResult, Destination, Entry, Recipient};
use parlor_proto::Timestamp;

use crate::harness::{Bench, account, inbox_of, log_of, name, said, sent, stored, told};

/// The inbox of a user: numbers, authors, recipients and texts.
fn lines(bench: &Bench, user: &str) -> Vec<String> {
    let line = |entry: &Entry| {
        let to = entry.to.as_ref().expect("each has a recipient");
        format!("{} {} to {to}: {}", entry.id, entry.author, entry.said())
    };
    bench.newest(&inbox_of(user), 500).iter().map(line).collect()
}

pub(crate) fn stand_once_in_both_inboxes_in_the_senders_order(bench: &Bench) {
    bench.create(&["ann", "bob"]);
    let (ann, bob) = (bench.session_key("ann"), bench.session_key("bob"));
    for user in ["ann", "bob"] {
        assert_eq!(bench.follow(&inbox_of(user)).last.0, 0);
    }
    assert_eq!(bench.append(vec![told("bob", &ann, "a"), told("bob", &ann, "b")]), [stored(1), stored(2)]);
    assert_eq!(bench.append(vec![told("ann", &bob, "c")]), [stored(3)]);
    assert_eq!(bench.append(vec![told("bob", &ann, "d")]), [stored(4)]);
    let expected = ["1 ann to bob: a", "2 ann to bob: b", "3 bob to ann: c", "4 ann to bob: d"];
    bench.settle();
    for user in ["ann", "bob"] {
        assert_eq!(lines(bench, user), expected, "{user}");
        assert_eq!(bench.sink.entries(&inbox_of(user)), bench.newest(&inbox_of(user), 500), "{user}");
    }
}

pub(crate) fn one_to_oneself_stands_once(bench: &Bench) {
    bench.create(&["ann"]);
    let ann = bench.session_key("ann");
    bench.follow(&inbox_of("ann"));
    assert_eq!(bench.append(vec![told("ann", &ann, "milk"), told("ann", &ann, "eggs")]), [stored(1), stored(2)]);
    bench.settle();
    assert_eq!(lines(bench, "ann"), ["1 ann to ann: milk", "2 ann to ann: eggs"]);
    assert_eq!(bench.sink.ids(&inbox_of("ann")), [1, 2]);
}

pub(crate) fn one_of_a_blocked_user_is_stored_nowhere(bench: &Bench) {
    bench.create(&["ann", "bob", "cyd"]);
    let (ann, bob) = (bench.session_key("ann"), bench.session_key("bob"));
    let personal = &bench.store.personal;
    for blocked in ["cyd", "ann", "ann"] {
        personal.block(&name("bob"), &name(blocked)).unwrap();
    }
    assert_eq!(personal.blocks(&name("bob")).unwrap(), [name("ann"), name("cyd")]);
    assert_eq!(bench.append(vec![told("bob", &ann, "x")]), [AppendResult::Blocked]);
    assert_eq!((lines(bench, "ann"), lines(bench, "bob")), (vec![], vec![]));
    assert_eq!(personal.load(&name("bob")).unwrap().conversations, []);
    assert_eq!(bench.append(vec![told("ann", &bob, "a"), told("cyd", &bob, "b")]), [stored(1), stored(2)]);
    personal.unblock(&name("bob"), &name("ann")).unwrap();
    personal.unblock(&name("bob"), &name("ann")).unwrap();
    assert_eq!(personal.blocks(&name("bob")).unwrap(), [name("cyd")]);
    assert_eq!(bench.append(vec![told("bob", &ann, "c")]), [stored(2)]);
    assert_eq!(lines(bench, "bob"), ["1 bob to ann: a", "2 bob to cyd: b", "3 ann to bob: c"]);
}

pub(crate) fn only_the_account_that_is_meant_gets_them(bench: &Bench) {
    bench.create(&["ann", "bob"]);
    let ann = bench.session_key("ann");
    let to = |created| sent(Destination::Direct(Recipient { user: name("bob"), created }), &ann, "x");
    let old = account("bob");
    let new = Account { created: Timestamp::from_millis(old.created.as_millis() + 1), ..old.clone() };
    assert_eq!(bench.append(vec![to(new.created)]), [stored(1)]);
    assert!(bench.store.accounts.delete(&old.user).unwrap());
    assert_eq!(bench.append(vec![to(old.created)]), [stored(2)]);
    assert!(bench.store.accounts.create(&new).unwrap());
    assert_eq!(bench.append(vec![to(old.created)]), [stored(3)]);
    assert_eq!((lines(bench, "ann").len(), lines(bench, "bob")), (3, vec![]));
    assert_eq!(bench.append(vec![to(new.created)]), [stored(4)]);
    assert_eq!(lines(bench, "bob"), ["1 ann to bob: x"]);
}

pub(crate) fn displaced_sessions_send_none(bench: &Bench) {
    bench.create(&["ann", "bob"]);
    let old = bench.session_key("ann");
    let new = bench.session_key("ann");
    assert_eq!(bench.append(vec![told("bob", &old, "x")]), [AppendResult::Fenced]);
    assert_eq!(bench.append(vec![told("bob", &new, "a"), told("bob", &old, "x")]), [stored(1), AppendResult::Fenced]);
    bench.release(&new);
    assert_eq!(bench.append(vec![told("bob", &new, "x")]), [AppendResult::Fenced]);
    let expected = ["1 ann to bob: a"];
    assert_eq!(
        (lines(bench, "ann"), lines(bench, "bob")),
        (expected.map(Into::into).into(), expected.map(Into::into).into())
    );
}

pub(crate) fn one_batch_may_have_many_recipients(bench: &Bench) {
    bench.create(&["ann", "bob", "cyd"]);
    let ann = bench.member("ann", "red");
    bench.store.personal.block(&name("cyd"), &name("ann")).unwrap();
    let batch = vec![
        told("bob", &ann, "a"),
        told("cyd", &ann, "x"),
        said(&log_of("red"), &ann, "b"),
        told("ann", &ann, "c"),
        told("dan", &ann, "nobody"),
        told("bob", &ann, "d"),
    ];
    let expected = [stored(1), AppendResult::Blocked, stored(1), stored(2), stored(3), stored(4)];
    assert_eq!(bench.append(batch), expected);
    assert_eq!(lines(bench, "bob"), ["1 ann to bob: a", "2 ann to bob: d"]);
    assert_eq!((lines(bench, "cyd"), lines(bench, "dan")), (vec![], vec![]));
}

pub(crate) fn under_many_threads_each_is_there_once_in_order(bench: &Bench) {
    const SENDERS: usize = 8;
    const ROUNDS: usize = 12;
    bench.create(&["bob"]);
    let inbox = inbox_of("bob");
    bench.follow(&inbox);
    std::thread::scope(|scope| {
        for sender in 0..SENDERS {
            scope.spawn(move || {
                let user = format!("user{sender}");
                bench.create(&[&user]);
                let session_key = bench.session_key(&user);
                for round in 0..ROUNDS {
                    let batch = (0..=round % 3).map(|at| told("bob", &session_key, &format!("{round} {at}"))).collect();
                    bench.append(batch);
                }
            });
        }
    });
    bench.settle();
    let delivered = bench.sink.entries(&inbox);
    let ids: Vec<u64> = delivered.iter().map(|entry| entry.id.0).collect();
    assert_eq!(ids, (1..=(SENDERS * ROUNDS * 2) as u64).collect::<Vec<_>>());
    assert_eq!(bench.newest(&inbox, 500), delivered);
    let sent: Vec<String> =
        (0..ROUNDS).flat_map(|round| (0..=round % 3).map(move |at| format!("{round} {at}"))).collect();
    for sender in 0..SENDERS {
        let got = delivered.iter().filter(|entry| entry.author.as_str() == format!("user{sender}"));
        assert_eq!(got.map(|entry| entry.said().to_string()).collect::<Vec<_>>(), sent);
        let own = bench.newest(&inbox_of(&format!("user{sender}")), 500);
        assert_eq!(own.iter().map(|entry| entry.said().to_string()).collect::<Vec<_>>(), sent);
    }
}
