//! Rights in rooms: every append and every enter comes before an act of a moderator or after it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use parlor_core::ports::{
    Act, ActResult, Append, AppendResult, Change, Content, Deed, Destination, EnterResult, Entry, LogId, SessionKey,
    Suspension,
};
use parlor_core::rights::{Denial, Person, RoomRights};
use parlor_proto::{Access, Action, MessageId, Note, Order, RoomRole, Speakers, Timestamp};
use parlor_testkit::person;

use crate::harness::{Bench, account, log_of, name, room, said, text};

/// The time of this machine, which is that of every store.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
}

pub(crate) fn try_act(bench: &Bench, by: &SessionKey, deed: Deed) -> ActResult {
    act_as(bench, person(by.user.as_str()), by, deed)
}

fn act_as(bench: &Bench, actor: Person, by: &SessionKey, deed: Deed) -> ActResult {
    let act = Act { room: room("red"), actor, generation: by.generation, time: now(), deed };
    let report = bench.store.governance.act(act).unwrap();
    report.flush.run();
    report.result
}

fn try_order(bench: &Bench, by: &SessionKey, order: Order) -> ActResult {
    let target = order.user().map(|user| person(user.as_str()));
    try_act(bench, by, Deed::Order { order, target })
}

/// Carries out an order, and returns the number of its entry.
pub(crate) fn order(bench: &Bench, by: &SessionKey, order: Order) -> u64 {
    match try_order(bench, by, order) {
        ActResult::Done(Some(id)) => id.0,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn remove(bench: &Bench, by: &SessionKey, of: u64) -> ActResult {
    try_act(bench, by, Deed::Removal { of: MessageId(of), reason: Note::default() })
}

pub(crate) fn say(bench: &Bench, by: &SessionKey, what: &str) -> AppendResult {
    bench.append(vec![Append { time: now(), ..said(&red(), by, what) }]).remove(0)
}

fn edit(by: &SessionKey, of: u64, what: &str, window: Duration) -> Append {
    let content = Content::Edit { of: MessageId(of), text: text(what).into() };
    Append { to: Destination::Edit { room: room("red"), window }, time: now(), content, ..said(&red(), by, what) }
}

pub(crate) fn try_edit(bench: &Bench, by: &SessionKey, of: u64, what: &str) -> AppendResult {
    bench.append(vec![edit(by, of, what, Duration::from_secs(60))]).remove(0)
}

pub(crate) fn red() -> LogId {
    log_of("red")
}

pub(crate) fn rights(bench: &Bench) -> Option<RoomRights> {
    bench.store.governance.rights(&[room("red")]).unwrap().remove(0)
}

fn owner(bench: &Bench) -> Option<String> {
    rights(bench)?.owner.map(|owner| owner.user.to_string())
}

pub(crate) fn ban(user: &str, duration: Option<Duration>) -> Order {
    Order::Ban(name(user), duration, Note::default())
}

fn kick(user: &str) -> Order {
    Order::Kick(name(user), Note::default())
}

fn contents(bench: &Bench) -> Vec<String> {
    bench.newest(&red(), 100).iter().map(|entry| format!("{} {:?}", entry.id, entry.content)).collect()
}

/// A room `red` of ann, in which bob is too.
pub(crate) fn ann_and_bob(bench: &Bench) -> (SessionKey, SessionKey) {
    (bench.member("ann", "red"), bench.member("bob", "red"))
}

pub(crate) fn whoever_makes_a_room_owns_it_as_long_as_it_lasts(bench: &Bench) {
    assert_eq!(rights(bench), None);
    let (ann, bob) = ann_and_bob(bench);
    assert_eq!(owner(bench).as_deref(), Some("ann"));
    let leave = |by: &SessionKey| bench.store.rooms.leave(by, &[room("red")]).unwrap();
    leave(&ann);
    assert_eq!(owner(bench).as_deref(), Some("ann"));
    leave(&bob);
    // Nothing was said or set.
    assert_eq!(rights(bench), None);
    bench.enter(&bob, "red");
    assert_eq!(owner(bench).as_deref(), Some("bob"));
    say(bench, &bob, "hello");
    leave(&bob);
    bench.enter(&ann, "red");
    assert_eq!(owner(bench).as_deref(), Some("bob"));
    // The lobby belongs to the operators.
    let lobby = bench.store.governance.rights(&[room("lobby")]).unwrap().remove(0);
    assert_eq!(lobby.unwrap().owner, None);
}

pub(crate) fn a_setting_keeps_an_empty_room(bench: &Bench) {
    let ann = bench.member("ann", "red");
    order(bench, &ann, Order::Access(Access::Private));
    bench.store.rooms.leave(&ann, &[room("red")]).unwrap();
    assert_eq!(rights(bench).map(|rights| rights.access), Some(Access::Private));
    let bob = bench.session_key("bob");
    assert_eq!(bench.enter(&bob, "red"), EnterResult::Denied(Denial::InviteOnly));
}

pub(crate) fn a_mute_holds_until_it_ends(bench: &Bench) {
    let (ann, bob) = ann_and_bob(bench);
    assert_eq!(order(bench, &ann, Order::Mute(name("bob"), None)), 1);
    assert_eq!(say(bench, &bob, "x"), AppendResult::Denied(Denial::Muted(None)));
    assert!(matches!(try_edit(bench, &bob, 1, "x"), AppendResult::Denied(Denial::Muted(None))));
    order(bench, &ann, Order::Unmute(name("bob")));
    assert_eq!(say(bench, &bob, "one"), AppendResult::Stored(MessageId(3)));
    order(bench, &ann, Order::Mute(name("bob"), Some(Duration::from_millis(300))));
    assert!(matches!(say(bench, &bob, "x"), AppendResult::Denied(Denial::Muted(Some(_)))));
    while !matches!(say(bench, &bob, "two"), AppendResult::Stored(_)) {
        bench.wait(Duration::from_millis(20));
    }
    assert_eq!(try_order(bench, &bob, kick("ann")), ActResult::Denied(Denial::NotAllowed("moderators of the room")));
}

pub(crate) fn what_was_accepted_before_a_mute_is_known_after_it(bench: &Bench) {
    let (ann, bob) = ann_and_bob(bench);
    let once = || vec![Append { once: Some("key".parse().unwrap()), ..said(&red(), &bob, "one") }];
    assert_eq!(bench.append(once()), [AppendResult::Stored(MessageId(1))]);
    order(bench, &ann, Order::Mute(name("bob"), None));
    assert_eq!(bench.append(once()), [AppendResult::Repeated(MessageId(1))]);
}

pub(crate) fn whoever_is_kicked_has_no_seat(bench: &Bench) {
    let (ann, bob) = ann_and_bob(bench);
    let id = order(bench, &ann, kick("bob"));
    assert_eq!(say(bench, &bob, "x"), AppendResult::Denied(Denial::NotInRoom));
    assert_eq!(bench.members("red"), ["ann"]);
    assert_eq!(try_order(bench, &ann, kick("bob")), ActResult::Denied(Denial::Absent));
    bench.settle();
    let changes: Vec<_> = bench.sink.presences().into_iter().filter(|it| it.user == name("bob")).collect();
    assert_eq!(changes.last().map(|it| (it.change, it.members)), Some((Change::Left, 1)));
    assert_eq!(changes.len(), 2);
    assert_eq!(bench.sink.entries(&red()).last().map(|entry| entry.id.0), Some(id));
    assert!(matches!(bench.enter(&bob, "red"), EnterResult::Member { members: 2, .. }));
    assert!(matches!(say(bench, &bob, "back"), AppendResult::Stored(_)));
}

pub(crate) fn whoever_is_banned_stays_out(bench: &Bench) {
    let (ann, bob) = ann_and_bob(bench);
    order(bench, &ann, ban("bob", None));
    assert_eq!(bench.members("red"), ["ann"]);
    assert_eq!(bench.enter(&bob, "red"), EnterResult::Denied(Denial::Banned(None)));
    // Neither does a later session.
    let again = bench.session_key("bob");
    assert_eq!(bench.enter(&again, "red"), EnterResult::Denied(Denial::Banned(None)));
    order(bench, &ann, Order::Unban(name("bob")));
    assert!(matches!(bench.enter(&again, "red"), EnterResult::Member { .. }));
    order(bench, &ann, ban("bob", Some(Duration::from_millis(300))));
    assert!(matches!(bench.enter(&again, "red"), EnterResult::Denied(Denial::Banned(Some(_)))));
    let enter = || bench.store.rooms.enter(&entrant_now(&again), &[room("red")], 9).unwrap().remove(0);
    while !matches!(enter(), EnterResult::Member { .. }) {
        bench.wait(Duration::from_millis(20));
    }
}

pub(crate) fn a_banned_owner_stays_out(bench: &Bench) {
    let (ann, _bob) = ann_and_bob(bench);
    let operator = Person { is_operator: true, ..person("op") };
    let deed = Deed::Order { order: ban("ann", None), target: Some(person("ann")) };
    assert!(matches!(act_as(bench, operator, &bench.session_key("op"), deed), ActResult::Done(_)));
    assert_eq!((owner(bench), bench.members("red")), (None, vec!["bob".to_owned()]));
    assert_eq!(bench.enter(&ann, "red"), EnterResult::Denied(Denial::Banned(None)));
}

fn entrant_now(session_key: &SessionKey) -> parlor_core::ports::Entrant {
    parlor_core::ports::Entrant { now: now(), ..parlor_testkit::entrant(session_key) }
}

pub(crate) fn a_private_room_is_for_the_invited(bench: &Bench) {
    let (ann, bob) = ann_and_bob(bench);
    let cyd = bench.session_key("cyd");
    order(bench, &ann, Order::Access(Access::Private));
    assert_eq!(bench.enter(&cyd, "red"), EnterResult::Denied(Denial::InviteOnly));
    let seen_by = |viewer: &Person| {
        let rooms = bench.store.rooms.rooms(viewer).unwrap();
        let members = bench.store.rooms.members(&room("red"), viewer).unwrap();
        (rooms.iter().any(|it| it.room == room("red")), members.len())
    };
    assert_eq!(seen_by(&person("cyd")), (false, 0));
    assert_eq!(seen_by(&person("bob")), (true, 2));
    assert_eq!(seen_by(&Person { is_operator: true, ..person("op") }), (true, 2));
    order(bench, &ann, Order::Invite(name("cyd")));
    assert_eq!(seen_by(&person("cyd")), (true, 2));
    assert!(matches!(bench.enter(&cyd, "red"), EnterResult::Member { .. }));
    // Whoever was inside may come back.
    bench.store.rooms.leave(&bob, &[room("red")]).unwrap();
    assert!(matches!(bench.enter(&bob, "red"), EnterResult::Member { .. }));
}

pub(crate) fn only_those_with_a_role_speak_where_moderators_do(bench: &Bench) {
    let (ann, bob) = ann_and_bob(bench);
    order(bench, &ann, Order::Post(Speakers::Moderators));
    assert_eq!(say(bench, &bob, "x"), AppendResult::Denied(Denial::Muted(None)));
    assert!(matches!(say(bench, &ann, "one"), AppendResult::Stored(_)));
    order(bench, &ann, Order::Moderator(name("bob")));
    assert!(matches!(say(bench, &bob, "two"), AppendResult::Stored(_)));
    assert_eq!(rights(bench).unwrap().role(&person("bob")), RoomRole::Moderator);
    order(bench, &ann, Order::Unmoderator(name("bob")));
    assert_eq!(say(bench, &bob, "x"), AppendResult::Denied(Denial::Muted(None)));
    let op = bench.session_key("op");
    let entrant = parlor_core::ports::Entrant { is_operator: true, ..parlor_testkit::entrant(&op) };
    bench.store.rooms.enter(&entrant, &[room("red")], 9).unwrap();
    assert!(matches!(say(bench, &op, "three"), AppendResult::Stored(_)));
    assert!(matches!(say(bench, &op, "four"), AppendResult::Stored(_)));
}

pub(crate) fn an_edit_is_heard_and_changes_what_is_read(bench: &Bench) {
    let (ann, bob) = ann_and_bob(bench);
    say(bench, &bob, "helo");
    assert_eq!(try_edit(bench, &bob, 1, "hello"), AppendResult::Stored(MessageId(2)));
    assert_eq!(try_edit(bench, &bob, 1, "hello there"), AppendResult::Stored(MessageId(3)));
    let newest = bench.newest(&red(), 9);
    assert_eq!(newest[0].said().as_str(), "hello there");
    assert!(matches!(newest[0].content, Content::Amended { by: MessageId(3), .. }), "{newest:?}");
    assert_eq!(newest[1].content, Content::Edit { of: MessageId(1), text: Note::default() });
    assert_eq!(newest[2].content, Content::Edit { of: MessageId(1), text: text("hello there").into() });
    bench.settle();
    let heard: Vec<Content> = bench.sink.entries(&red()).into_iter().map(|entry| entry.content).collect();
    assert_eq!(heard[1], Content::Edit { of: MessageId(1), text: text("hello").into() });
    let author = AppendResult::Denied(Denial::NotAllowed("the author of the message"));
    assert_eq!(try_edit(bench, &ann, 1, "x"), author);
    for of in [2, 3, 4, 99] {
        assert_eq!(try_edit(bench, &bob, of, "x"), AppendResult::Denied(Denial::NoSuchMessage), "{of}");
    }
    bench.wait(Duration::from_millis(20));
    let late = bench.append(vec![edit(&bob, 1, "x", Duration::ZERO)]);
    assert_eq!(late, [AppendResult::Denied(Denial::TooLate(Duration::ZERO))]);
}

pub(crate) fn an_edit_with_a_key_is_made_once(bench: &Bench) {
    let (_, bob) = ann_and_bob(bench);
    say(bench, &bob, "helo");
    let once = || {
        let edit = edit(&bob, 1, "hello", Duration::from_secs(60));
        vec![Append { once: Some("key".parse().unwrap()), ..edit }]
    };
    assert_eq!(bench.append(once()), [AppendResult::Stored(MessageId(2))]);
    assert_eq!(bench.append(once()), [AppendResult::Repeated(MessageId(2))]);
    assert_eq!(bench.newest(&red(), 9).len(), 2);
}

pub(crate) fn a_removed_text_is_nowhere(bench: &Bench) {
    let (ann, bob) = ann_and_bob(bench);
    say(bench, &bob, "secret one");
    try_edit(bench, &bob, 1, "secret two");
    say(bench, &bob, "another");
    assert_eq!(remove(bench, &ann, 1), ActResult::Done(Some(MessageId(4))));
    let newest = bench.newest(&red(), 9);
    assert_eq!(newest[0].content, Content::Gone);
    assert_eq!(newest[0].author, name("bob"));
    let ids: Vec<u64> = newest.iter().map(|entry| entry.id.0).collect();
    assert_eq!(ids, [1, 2, 3, 4]);
    assert!(!format!("{newest:?}").contains("secret"));
    // Each page has it, in both directions.
    assert_eq!(contents(bench)[0], "1 Gone");
    for of in [1, 2, 4, 9] {
        assert_eq!(remove(bench, &ann, of), ActResult::Denied(Denial::NoSuchMessage), "{of}");
    }
    assert_eq!(try_edit(bench, &bob, 1, "x"), AppendResult::Denied(Denial::NoSuchMessage));
    assert_eq!(remove(bench, &bob, 3), ActResult::Done(Some(MessageId(5))));
    say(bench, &ann, "of the owner");
    assert_eq!(remove(bench, &bob, 6), ActResult::Denied(Denial::NotAllowed("moderators of the room")));
}

pub(crate) fn what_a_moderator_did_stands_in_the_log_with_its_reason(bench: &Bench) {
    let (ann, bob) = ann_and_bob(bench);
    say(bench, &bob, "cheap pills");
    let reason = Note::from(text("no trade here"));
    let removal = Deed::Removal { of: MessageId(1), reason: reason.clone() };
    assert_eq!(try_act(bench, &ann, removal), ActResult::Done(Some(MessageId(2))));
    order(bench, &ann, Order::Topic(text("roses")));
    order(bench, &ann, Order::Ban(name("bob"), Some(Duration::from_secs(60)), reason.clone()));
    let newest = bench.newest(&red(), 3);
    assert!(newest.iter().all(|entry| entry.author == name("ann")), "{newest:?}");
    assert_eq!(newest[0].content, Content::Removal { of: MessageId(1), reason: reason.clone() });
    assert_eq!(newest[1].content, Content::Topic(text("roses")));
    let Content::Moderation(ban) = &newest[2].content else { panic!("{newest:?}") };
    assert_eq!((ban.action, &ban.user, &ban.reason), (Action::Ban, &Some(name("bob")), &reason));
    assert_eq!(ban.until, rights(bench).unwrap().banned[&name("bob")]);
    bench.settle();
    assert_eq!(bench.sink.entries(&red())[1..], newest);
}

pub(crate) fn what_is_no_message_is_counted(bench: &Bench) {
    let (ann, bob) = ann_and_bob(bench);
    let others = |after| {
        let ranges = [(red(), MessageId(after), MessageId(5)), (log_of("blue"), MessageId(0), MessageId(5))];
        bench.store.log.others_between(&ranges)
    };
    assert_eq!(others(0).unwrap(), [0, 0]);
    say(bench, &bob, "one");
    order(bench, &ann, Order::Topic(text("roses")));
    try_edit(bench, &bob, 1, "two");
    say(bench, &bob, "three");
    remove(bench, &ann, 4);
    let counts: Vec<u64> = (0..=6).map(|after| others(after).unwrap()[0]).collect();
    assert_eq!(counts, [3, 3, 2, 1, 1, 0, 0]);
    // What comes later does not count.
    let until_three = bench.store.log.others_between(&[(red(), MessageId(0), MessageId(3))]).unwrap();
    assert_eq!(until_three, [2]);
}

pub(crate) fn a_displaced_session_moderates_nothing(bench: &Bench) {
    let (ann, _) = ann_and_bob(bench);
    let later = bench.session_key("ann");
    bench.enter(&later, "red");
    assert_eq!(try_order(bench, &ann, Order::Topic(text("old"))), ActResult::Fenced);
    assert!(matches!(try_order(bench, &later, Order::Topic(text("new"))), ActResult::Done(_)));
    assert_eq!(rights(bench).unwrap().topic.as_str(), "new");
}

pub(crate) fn a_room_that_does_not_exist_has_no_rights(bench: &Bench) {
    let ann = bench.session_key("ann");
    assert_eq!(try_order(bench, &ann, Order::Topic(text("x"))), ActResult::Denied(Denial::NoSuchRoom));
    assert_eq!(remove(bench, &ann, 1), ActResult::Denied(Denial::NoSuchRoom));
}

pub(crate) fn a_room_goes_to_the_longest_moderator(bench: &Bench) {
    let (ann, bob) = ann_and_bob(bench);
    order(bench, &ann, Order::Moderator(name("bob")));
    let gone = vec![person("ann").holder];
    assert!(matches!(try_act(bench, &bob, Deed::Succession(gone.clone())), ActResult::Done(Some(_))));
    assert_eq!(owner(bench).as_deref(), Some("bob"));
    // Whoever completes it again changes nothing.
    assert_eq!(try_act(bench, &bob, Deed::Succession(gone)), ActResult::Done(None));
    assert_eq!(bench.newest(&red(), 9).len(), 2);
}

pub(crate) fn under_many_threads_nothing_of_the_kicked_comes_after_the_kick(bench: &Bench) {
    let (ann, bob) = ann_and_bob(bench);
    let is_over = AtomicBool::new(false);
    let (kicked, accepted) = thread::scope(|scope| {
        let talk = || {
            let mut accepted = Vec::new();
            while !is_over.load(Ordering::SeqCst) {
                // A session enters and speaks by one thread. Here an append may be older than the enter, and too late.
                let report = bench.store.log.append(vec![Append { time: now(), ..said(&red(), &bob, "hi") }]);
                report.flush.run();
                if let Ok(AppendResult::Stored(id)) = report.outcomes[0] {
                    accepted.push(id.0);
                }
            }
            accepted
        };
        // A session has one thread.
        let talker = scope.spawn(talk);
        let mut kicked = Vec::new();
        for _ in 0..5 {
            bench.wait(Duration::from_millis(20));
            kicked.push(order(bench, &ann, kick("bob")));
            // From here on until the enter, none is accepted.
            bench.wait(Duration::from_millis(5));
            kicked.push(match say(bench, &ann, "free") {
                AppendResult::Stored(id) => id.0,
                other => panic!("{other:?}"),
            });
            assert!(matches!(bench.enter(&bob, "red"), EnterResult::Member { .. }));
        }
        is_over.store(true, Ordering::SeqCst);
        (kicked, talker.join().unwrap())
    });
    for between in kicked.chunks(2) {
        let is_between = |id: &&u64| (between[0]..between[1]).contains(id);
        assert_eq!(accepted.iter().find(is_between), None, "{between:?}");
    }
    assert!(accepted.len() > 5, "bob was heard in between");
}

pub(crate) fn under_many_threads_each_act_is_there_once(bench: &Bench) {
    let (ann, _) = ann_and_bob(bench);
    order(bench, &ann, Order::Moderator(name("bob")));
    let mutes: Vec<u64> = thread::scope(|scope| {
        let work = |number: usize| {
            let ann = &ann;
            move || {
                (0..10)
                    .map(|at| order(bench, ann, Order::Mute(name(&format!("user{number}-{at}")), None)))
                    .collect::<Vec<u64>>()
            }
        };
        let threads: Vec<_> = (0..12).map(|number| scope.spawn(work(number))).collect();
        threads.into_iter().flat_map(|it| it.join().unwrap()).collect()
    });
    let mut sorted = mutes;
    sorted.sort_unstable();
    assert_eq!(sorted, (2..=121).collect::<Vec<u64>>());
    assert_eq!(rights(bench).unwrap().muted.len(), 120);
    let entries: Vec<Entry> = bench.newest(&red(), 200);
    assert_eq!(entries.len(), 121);
}

pub(crate) fn a_suspended_account_is_told_and_its_sessions_are_over(bench: &Bench) {
    bench.create(&["ann"]);
    let ann = bench.member("ann", "red");
    let suspension = Suspension { until: Some(Timestamp::from_millis(9)), reason: text("spam").into() };
    assert!(bench.store.accounts.suspend(&name("ann"), Some(&suspension)).unwrap());
    let found = bench.store.accounts.find(&name("ann")).unwrap().unwrap();
    assert_eq!(found.suspension, Some(suspension));
    assert_eq!(found.kicks, 1);
    bench.look();
    bench.settle();
    let kicked = bench.sink.kicked();
    assert!(!kicked.is_empty() && kicked.iter().all(|it| *it == ("ann".to_owned(), 1)), "{kicked:?}");
    drop(ann);
    assert!(bench.store.accounts.suspend(&name("ann"), None).unwrap());
    assert_eq!(bench.store.accounts.find(&name("ann")).unwrap().unwrap().suspension, None);
    assert!(!bench.store.accounts.suspend(&name("nobody"), None).unwrap());
    assert_eq!(account("ann").suspension, None);
}
