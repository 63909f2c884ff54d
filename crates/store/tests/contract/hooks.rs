//! What lets others into a room, or lets programs speak and hear there: invitations to the server, hooks and outgoing hooks.

use parlor_core::ports::{Act, ActResult, AppendResult, Content, Deed, EnterResult, OuthookTurn, SecretHash};
use parlor_core::rights::{Denial, Hook, Outhook, Person};
use parlor_proto::{Access, MessageId, Order, OuthookSecret};
use parlor_testkit::person;

use crate::governance::{ann_and_bob, ban, now, order, red, remove, rights, say, try_act, try_edit};
use crate::harness::{Bench, name, room, text};

pub(crate) fn an_invitation_to_the_server_opens_a_private_room(bench: &Bench) {
    let (ann, _bob) = ann_and_bob(bench);
    let admit = |user: &str, into: &str| {
        let actor = Person { is_operator: true, ..person("operator") };
        let deed = Deed::Admission { user: name(user), by: name("root") };
        let act = Act { room: room(into), actor, generation: Act::NO_SESSION, time: now(), deed };
        let report = bench.store.governance.act(act).unwrap();
        report.flush.run();
        report.result
    };
    // What is open needs no entry, and what is not there is not made.
    assert_eq!(admit("cyd", "red"), ActResult::Done(None));
    assert_eq!(admit("cyd", "nowhere"), ActResult::Denied(Denial::NoSuchRoom));
    order(bench, &ann, Order::Access(Access::Private));
    let (cyd, dan) = (bench.session_key("cyd"), bench.session_key("dan"));
    assert_eq!(bench.enter(&cyd, "red"), EnterResult::Denied(Denial::InviteOnly));
    let ActResult::Done(Some(id)) = admit("cyd", "red") else { panic!("an entry") };
    assert!(matches!(bench.enter(&cyd, "red"), EnterResult::Member { .. }));
    assert_eq!(bench.enter(&dan, "red"), EnterResult::Denied(Denial::InviteOnly));
    let entry = bench.newest(&red(), 1).remove(0);
    assert_eq!((entry.id, entry.author), (id, name("operator")));
    // Twice is as once, and each of two is let in.
    assert_eq!(admit("cyd", "red"), ActResult::Done(None));
    assert!(matches!(admit("dan", "red"), ActResult::Done(Some(_))));
    assert!(matches!(bench.enter(&dan, "red"), EnterResult::Member { .. }));
    order(bench, &ann, ban("dan", None));
    assert!(matches!(admit("dan", "red"), ActResult::Denied(_)));
}

pub(crate) fn a_hook_speaks_until_it_is_ended(bench: &Bench) {
    let (ann, bob) = ann_and_bob(bench);
    let hash = SecretHash::of("plh_07");
    let hook = Hook { hash: hash.clone(), label: name("ci"), by: name("ann"), made: now() };
    let report = |room_of: &str, hash: &SecretHash, what: &str| {
        let deed = Deed::Report { hook: hash.clone(), label: name("ci"), text: text(what) };
        let (actor, generation) = (person("ci"), Act::NO_SESSION);
        let act = Act { room: room(room_of), actor, generation, time: now(), deed };
        let report = bench.store.governance.act(act).unwrap();
        report.flush.run();
        report.result
    };
    assert_eq!(report("red", &hash, "early"), ActResult::Denied(Denial::NoSuchHook));
    assert!(matches!(try_act(bench, &bob, Deed::AddHook(hook.clone())), ActResult::Denied(Denial::NotAllowed(_))));
    assert_eq!(try_act(bench, &ann, Deed::AddHook(hook.clone())), ActResult::Done(None));
    let ActResult::Done(Some(id)) = report("red", &hash, "hello") else { panic!("an entry") };
    assert!(matches!(report("red", &hash, "again"), ActResult::Done(Some(_))));
    assert_eq!(report("red", &SecretHash::of("plh_08"), "x"), ActResult::Denied(Denial::NoSuchHook));
    assert_eq!(report("blue", &hash, "x"), ActResult::Denied(Denial::NoSuchRoom));
    let said = bench.newest(&red(), 2);
    assert_eq!((said[0].id, said[0].author.as_str(), &said[0].content), (id, "ci", &Content::Bot(text("hello"))));
    // It is a message: it is unread, and a moderator may remove its text. Nobody edits it.
    assert_eq!(bench.store.log.others_between(&[(red(), MessageId(0), said[1].id)]).unwrap(), [0]);
    let ci = bench.member("ci", "red");
    assert_eq!(try_edit(bench, &ci, id.0, "mine"), AppendResult::Denied(Denial::NoSuchMessage));
    assert!(matches!(remove(bench, &ann, id.0), ActResult::Done(Some(_))));
    assert_eq!(bench.newest(&red(), 10).iter().find(|entry| entry.id == id).unwrap().content, Content::Gone);
    let rights = || bench.store.governance.rights(&[room("red")]).unwrap().remove(0).unwrap();
    assert_eq!(rights().hooks, std::slice::from_ref(&hook));
    assert!(!rights().is_bare());
    assert_eq!(try_act(bench, &ann, Deed::RemoveHook(hook.id())), ActResult::Done(None));
    assert_eq!(report("red", &hash, "late"), ActResult::Denied(Denial::NoSuchHook));
    assert_eq!(try_act(bench, &ann, Deed::RemoveHook(hook.id())), ActResult::Denied(Denial::NoSuchHook));
}

fn outhook(secret: &str, after: u64) -> Outhook {
    Outhook {
        secret: OuthookSecret::given(secret),
        url: format!("https://bot.example/{secret}").parse().unwrap(),
        by: name("ann"),
        made: now(),
        after: MessageId(after),
    }
}

pub(crate) fn an_outgoing_hook_goes_on_where_it_is(bench: &Bench) {
    let (ann, bob) = ann_and_bob(bench);
    let outhooks = &bench.store.outhooks;
    let turn = |hook: &Outhook| outhooks.take_turn(&room("red"), hook).unwrap();
    let posted = |hook: &Outhook, up_to| outhooks.note_posted(&room("red"), hook.id(), MessageId(up_to)).unwrap();
    assert_eq!(say(bench, &ann, "before"), AppendResult::Stored(MessageId(1)));
    assert_eq!(outhooks.rooms().unwrap(), []);
    let (first, second) = (outhook("plo_1", 1), outhook("plo_2", 1));
    assert!(matches!(try_act(bench, &bob, Deed::AddOuthook(first.clone())), ActResult::Denied(Denial::NotAllowed(_))));
    assert_eq!(try_act(bench, &ann, Deed::AddOuthook(first.clone())), ActResult::Done(None));
    assert_eq!(outhooks.rooms().unwrap(), [room("red")]);
    assert_eq!(turn(&first), OuthookTurn::Nothing);
    say(bench, &ann, "two");
    assert_eq!(try_act(bench, &ann, Deed::AddOuthook(second.clone())), ActResult::Done(None));
    say(bench, &bob, "three");
    assert_eq!([turn(&first), turn(&first)], [OuthookTurn::Mine(MessageId(1)); 2]);
    assert!(posted(&first, 2));
    assert_eq!([turn(&first), turn(&second)], [OuthookTurn::Mine(MessageId(2)), OuthookTurn::Mine(MessageId(1))]);
    assert!(posted(&first, 3));
    assert_eq!([turn(&first), turn(&second)], [OuthookTurn::Nothing, OuthookTurn::Mine(MessageId(1))]);
    // Other rights in the room leave the positions as they are.
    order(bench, &ann, Order::Topic(text("roses")));
    assert_eq!(turn(&first), OuthookTurn::Mine(MessageId(3)));
    assert_eq!(rights(bench).unwrap().outhooks, [first.clone(), second.clone()]);
    assert_eq!(try_act(bench, &ann, Deed::RemoveHook(first.id())), ActResult::Done(None));
    assert!(!posted(&first, 4), "it was ended");
    assert!(posted(&second, 4));
    assert_eq!(turn(&second), OuthookTurn::Nothing);
    assert_eq!(try_act(bench, &ann, Deed::RemoveHook(second.id())), ActResult::Done(None));
    assert_eq!(outhooks.rooms().unwrap(), []);
}

pub(crate) fn an_outgoing_hook_goes_back_with_its_log(bench: &Bench) {
    let (ann, _) = ann_and_bob(bench);
    let outhooks = &bench.store.outhooks;
    let turn = |hook: &Outhook| outhooks.take_turn(&room("red"), hook).unwrap();
    assert_eq!(say(bench, &ann, "one"), AppendResult::Stored(MessageId(1)));
    // Made when the log was longer, and noted when it was longer: what it had was lost.
    let (made, noted) = (outhook("plo_1", 50), outhook("plo_2", 1));
    for hook in [&made, &noted] {
        assert_eq!(try_act(bench, &ann, Deed::AddOuthook(hook.clone())), ActResult::Done(None));
    }
    say(bench, &ann, "two");
    assert_eq!(turn(&noted), OuthookTurn::Mine(MessageId(1)));
    assert!(outhooks.note_posted(&room("red"), noted.id(), MessageId(50)).unwrap());
    assert_eq!([turn(&made), turn(&noted)], [OuthookTurn::Nothing; 2]);
    // Numbers that are given out again are posted.
    say(bench, &ann, "three");
    assert_eq!([turn(&made), turn(&noted)], [OuthookTurn::Mine(MessageId(2)); 2]);
    outhooks.release_turn(&room("red"), noted.id()).unwrap();
    outhooks.forget_room(&room("red")).unwrap();
    assert_eq!(outhooks.rooms().unwrap(), [room("red")], "it has hooks");
    assert_eq!(turn(&noted), OuthookTurn::Mine(MessageId(2)));
}
