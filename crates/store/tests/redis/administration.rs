//! What operators see of rooms in a Redis from outside and do with them, while servers use it.

use parlor_core::ports::{
    Account, Act, ActResult, AppendResult, Content, Deed, EnterResult, Role, SessionKey, Suspension,
};
use parlor_core::rights::{Denial, Holder, Person};
use parlor_proto::{Access, Action, MessageId, Note, Order, Text, Timestamp};
use parlor_redis_testkit::{RedisServer, wait_until};
use parlor_store::administration::{RoomAdministration, RoomFacts, RoomOrder, RoomRequest, Verdict};
use parlor_store::redis::{open_rooms, overview};
use parlor_testkit::person;

use crate::amended::remove;
use crate::harness::{Server, config, log_of, name, pair, room};
use crate::outhooks::{act, outhook};

fn rooms_of(redis: &RedisServer) -> Box<dyn RoomAdministration> {
    open_rooms(&config(&redis.url())).unwrap()
}

fn carry_out(redis: &RedisServer, of: &str, order: RoomOrder) -> Verdict {
    let request = RoomRequest { room: room(of), by: name("operator"), time: Timestamp::from_millis(7), order };
    rooms_of(redis).carry_out(&request).unwrap()
}

fn refused(redis: &RedisServer, of: &str, order: RoomOrder) -> String {
    match carry_out(redis, of, order) {
        Verdict::Refused(why) => why,
        Verdict::Done => panic!("it is done"),
    }
}

fn holder(user: &str) -> Holder {
    person(user).holder
}

/// Carries out an order of somebody in a room, which is in its log afterwards.
fn order(server: &Server, by: &SessionKey, of: &str, order: Order) {
    let target = order.user().map(|user| person(user.as_str()));
    let deed = Deed::Order { order, target };
    let actor = Person { is_operator: by.user.as_str() == "op", ..person(by.user.as_str()) };
    let act = Act { room: room(of), actor, generation: by.generation, time: Timestamp::from_millis(7), deed };
    let report = server.store.governance.act(act).unwrap();
    assert!(matches!(report.result, ActResult::Done(Some(_))), "{:?}", report.result);
}

/// What is seen of a room.
fn facts(redis: &RedisServer, of: &str) -> Option<RoomFacts> {
    rooms_of(redis).room(&room(of)).unwrap()
}

fn owner(redis: &RedisServer, of: &str) -> Option<String> {
    facts(redis, of).unwrap().rights.owner.map(|owner| owner.user.to_string())
}

/// The last entry of a room, which a moderator's act has left there.
fn last_act(server: &Server, of: &str) -> (String, Action, Option<String>, String) {
    let entry = server.newest(&log_of(of), 1).unwrap().remove(0);
    let Content::Moderation(act) = entry.content else { panic!("{entry:?}") };
    (entry.author.to_string(), act.action, act.user.map(|user| user.to_string()), act.reason.to_string())
}

#[test]
fn rooms_are_seen_with_their_members_and_all_entries_that_they_keep() {
    let (redis, one, two) = pair();
    let (ann, bob) = (one.member("ann", "red"), two.member("bob", "red"));
    for text in ["one", "two", "three"] {
        one.say(&ann, &log_of("red"), text);
    }
    // A text that is removed leaves the stream, and its entry stays.
    assert_eq!(remove(&one, &ann, 2), 4);
    // In one nothing was said, and in another one nobody is any more.
    two.enter(&bob, "blue");
    one.enter(&ann, "green");
    one.say(&ann, &log_of("green"), "bye");
    one.leave(&ann, "green").unwrap();
    let seen: Vec<_> = rooms_of(&redis).rooms().unwrap();
    let seen: Vec<_> = seen.iter().map(|it| (it.room.as_str(), it.members, it.last.0, it.entries)).collect();
    let expected =
        [("blue", Some(1), 0, 0), ("green", Some(0), 1, 1), ("lobby", Some(0), 0, 0), ("red", Some(2), 4, 4)];
    assert_eq!(seen, expected);
    assert_eq!((owner(&redis, "red").as_deref(), owner(&redis, "lobby")), (Some("ann"), None));
    assert!(facts(&redis, "nowhere").is_none());
    let inside = |of: &str| rooms_of(&redis).inside(&room(of)).unwrap().unwrap();
    assert_eq!((inside("red"), inside("green")), (vec![name("ann"), name("bob")], vec![]));
}

#[test]
fn a_room_is_handed_over_and_everybody_inside_hears_of_it() {
    let (redis, one, two) = pair();
    let _accounts = ["ann", "bob"].map(|user| one.create(user));
    let ann = one.member("ann", "red");
    two.follow(&log_of("red"));
    order(&one, &ann, "red", Order::Invite(name("cyd")));
    let to = |user: &str| RoomOrder::Transfer(Some(holder(user)));
    assert_eq!(carry_out(&redis, "red", to("bob")), Verdict::Done);
    let facts = facts(&redis, "red").unwrap();
    assert_eq!((facts.rights.owner, facts.rights.moderators), (Some(holder("bob")), vec![holder("ann")]));
    assert_eq!(last_act(&one, "red"), ("operator".into(), Action::Owner, Some("bob".into()), String::new()));
    wait_until("the news", || two.sink.ids(&log_of("red")) == [1, 2]);
    // The seats are judged by it.
    let seat = |field: &str| redis.cli(&["HGET", "parlor:room-gen:{red}", field]);
    assert_eq!([seat("bob+"), seat("ann+")], ["w", "m"]);
    assert_eq!(refused(&redis, "red", to("bob")), "this user owns the room red already");
    assert_eq!(carry_out(&redis, "red", RoomOrder::Transfer(None)), Verdict::Done);
    assert_eq!((owner(&redis, "red"), seat("bob+").as_str()), (None, "m"));
    assert_eq!(refused(&redis, "red", RoomOrder::Transfer(None)), "the operators own the room red already");
    assert!(refused(&redis, "nowhere", to("bob")).starts_with("there is no room nowhere"));
    assert!(refused(&redis, "lobby", to("bob")).starts_with("the lobby belongs to the operators"));
    assert_eq!(one.newest(&log_of("red"), 10).unwrap().len(), 3, "what was refused left no entry");
}

#[test]
fn an_account_that_is_gone_or_another_one_by_now_keeps_no_role_when_a_room_is_handed_over() {
    let (redis, one, _two) = pair();
    let (eve, cyd) = (one.create("eve"), one.create("cyd"));
    one.create("bob");
    let session = one.member("eve", "red");
    order(&one, &session, "red", Order::Moderator(name("cyd")));
    assert!(one.store.accounts.delete(&eve.user).unwrap());
    assert!(one.store.accounts.delete(&cyd.user).unwrap());
    assert!(one.store.accounts.create(&Account { created: Timestamp::from_millis(8), ..cyd }).unwrap());
    assert_eq!(carry_out(&redis, "red", RoomOrder::Transfer(Some(holder("bob")))), Verdict::Done);
    let rights = facts(&redis, "red").unwrap().rights;
    assert_eq!((rights.owner, rights.moderators), (Some(holder("bob")), vec![]));
}

#[test]
fn a_new_user_is_let_into_a_private_room_and_only_there_needs_an_entry() {
    let (redis, one, two) = pair();
    let ann = one.member("ann", "red");
    let admit = |user: &str| RoomOrder::Admit(name(user));
    assert_eq!(carry_out(&redis, "red", admit("cyd")), Verdict::Done);
    assert_eq!(facts(&redis, "red").unwrap().last, MessageId(0));
    order(&one, &ann, "red", Order::Access(Access::Private));
    let cyd = two.session_key("cyd");
    assert_eq!(two.try_enter(&cyd, "red"), Ok(EnterResult::Denied(Denial::InviteOnly)));
    for _ in 0..2 {
        assert_eq!(carry_out(&redis, "red", admit("cyd")), Verdict::Done);
    }
    let reason = "invitation of operator".to_owned();
    assert_eq!(last_act(&one, "red"), ("operator".into(), Action::Invite, Some("cyd".into()), reason));
    assert_eq!(facts(&redis, "red").unwrap().last, MessageId(2), "the second time changes nothing");
    two.enter(&cyd, "red");
    order(&one, &ann, "red", Order::Ban(name("cyd"), None, Note::default()));
    assert!(refused(&redis, "red", admit("cyd")).contains("banned"));
    assert_eq!(two.try_enter(&cyd, "red"), Ok(EnterResult::Denied(Denial::Banned(None))));
    assert!(refused(&redis, "nowhere", admit("cyd")).starts_with("there is no room nowhere"));
}

#[test]
fn a_room_that_is_deleted_is_gone_with_all_that_belongs_to_it() {
    let (redis, one, two) = pair();
    let _accounts = ["ann", "bob"].map(|user| one.create(user));
    let (ann, bob) = (one.member("ann", "red"), two.member("bob", "red"));
    one.say(&ann, &log_of("red"), "hello");
    one.say(&ann, &log_of("red"), "again");
    order(&one, &ann, "red", Order::Topic(Text::sanitise("roses").unwrap()));
    act(&one, &ann, "red", Deed::AddOuthook(outhook(&ann)));
    assert!(one.store.personal.remember(&name("bob"), &room("red"), MessageId(1), 9).unwrap());
    assert!(one.store.personal.remember(&name("bob"), &room("blue"), MessageId(1), 9).unwrap());
    let old = one.follow(&log_of("red"));
    assert_eq!(carry_out(&redis, "red", RoomOrder::Delete), Verdict::Done);
    // Everybody inside is told of everybody, and nobody is inside any more.
    let gone = ["+ann", "+bob", "-ann", "-bob"].map(str::to_owned);
    wait_until("the news", || one.sink.changes("red") == gone);
    let kicks = one.sink.entries(&log_of("red")).into_iter().filter_map(|entry| match entry.content {
        Content::Moderation(act) => Some(format!("{} {} {}", act.action, act.user.unwrap(), act.reason)),
        _ => None,
    });
    let said = "the room was deleted";
    assert_eq!(kicks.collect::<Vec<_>>(), [format!("kick ann {said}"), format!("kick bob {said}")]);
    for session in [&ann, &bob] {
        assert_eq!(one.try_say(session, &log_of("red"), "late"), Ok(AppendResult::Denied(Denial::NotInRoom)));
    }
    // Who was removed stays noted for a while, and nothing else does.
    assert!(facts(&redis, "red").is_none() && !one.has_room("red"));
    let keys = redis.cli(&["KEYS", "parlor:*{red}*"]);
    assert_eq!(keys.lines().filter(|key| !key.contains("log-meta")).collect::<Vec<_>>(), ["parlor:room-gen:{red}"]);
    let mut fields: Vec<String> = redis.cli(&["HKEYS", "parlor:room-gen:{red}"]).lines().map(str::to_owned).collect();
    fields.sort();
    assert_eq!(fields, ["!", "ann/", "bob/"]);
    for key in ["parlor:room-gen:{red}", "parlor:log-meta:{red}"] {
        let left: i64 = redis.cli(&["PTTL", key]).parse().unwrap();
        assert!((1..=3_600_000).contains(&left), "{key}: {left}");
    }
    assert_eq!(redis.cli(&["ZRANGE", "parlor:rooms", "0", "-1"]), "");
    let state = one.store.personal.load(&name("bob")).unwrap();
    assert_eq!((state.rooms, state.marks.len()), (vec![room("blue")], 1));
    // A later room of the name belongs to whoever makes it, and counts from the beginning.
    two.enter(&bob, "red");
    assert_eq!((owner(&redis, "red").as_deref(), two.say(&bob, &log_of("red"), "new")), (Some("bob"), 1));
    assert_ne!(two.store.log.heads(&[log_of("red")]).unwrap()[0].epoch, old.epoch);
}

#[test]
fn rooms_that_are_not_there_and_the_lobby_cannot_be_deleted() {
    let (redis, one, _two) = pair();
    one.member("ann", "lobby");
    assert!(refused(&redis, "nowhere", RoomOrder::Delete).starts_with("there is no room nowhere"));
    assert!(refused(&redis, "lobby", RoomOrder::Delete).starts_with("the lobby cannot be deleted"));
    assert_eq!(one.members("lobby"), ["ann"]);
}

#[test]
fn a_room_is_remembered_for_a_new_user_from_where_its_log_is() {
    let (redis, one, _two) = pair();
    let remember = |of: &str, read| rooms_of(&redis).remember(&name("ann"), &room(of), MessageId(read)).unwrap();
    remember("red", 5);
    remember("red", 9);
    let state = one.store.personal.load(&name("ann")).unwrap();
    assert_eq!((state.rooms, state.marks.get(&log_of("red"))), (vec![room("red")], Some(&MessageId(5))));
    for number in 0..70 {
        remember(&format!("room-{number}"), 1);
    }
    assert_eq!(one.store.personal.load(&name("ann")).unwrap().rooms.len(), 64);
}

#[test]
fn an_audit_sees_the_operators_who_can_log_in_and_when_they_did() {
    let (redis, one, _two) = pair();
    for user in ["ann", "zoe", "cyd", "bob", "dan"] {
        one.create(user);
        if user != "dan" {
            assert!(one.store.accounts.set_role(&name(user), Role::Operator).unwrap());
        }
    }
    let suspension = Suspension { until: None, reason: Note::default() };
    assert!(one.store.accounts.suspend(&name("bob"), Some(&suspension)).unwrap());
    redis.cli(&["ZADD", "parlor:addresses:{ann}", "1795379498719", "192.0.2.1", "5", "192.0.2.2"]);
    let seen = overview(&config(&redis.url())).unwrap().operators;
    let seen: Vec<_> = seen.iter().map(|it| (it.user.as_str(), it.last_login.map(Timestamp::as_millis))).collect();
    assert_eq!(seen, [("ann", Some(1_795_379_498_719)), ("cyd", None), ("zoe", None)]);
}

#[test]
fn an_audit_sees_the_rooms_in_which_nobody_has_rights_any_more() {
    let (redis, one, _two) = pair();
    let _accounts = ["ann", "bob"].map(|user| one.create(user));
    // Of these owners only ann has an account. One of them has a moderator who has one, too.
    for (user, of) in [("ann", "anns"), ("eve", "eves"), ("fay", "fays"), ("gus", "guss")] {
        one.member(user, of);
    }
    let (eve, gus) = (one.session_key("eve"), one.session_key("gus"));
    order(&one, &eve, "eves", Order::Moderator(name("bob")));
    order(&one, &gus, "guss", Order::Moderator(name("hal")));
    let seen = overview(&config(&redis.url())).unwrap().ownerless_rooms;
    let seen: Vec<_> = seen.iter().map(|(room, owner)| (room.as_str(), owner.as_str())).collect();
    assert_eq!(seen, [("fays", "fay"), ("guss", "gus")]);
    // The next owner of the name is somebody else.
    let next = Account { created: Timestamp::from_millis(8), ..one.create("fay") };
    assert_eq!(overview(&config(&redis.url())).unwrap().ownerless_rooms.len(), 1);
    assert!(one.store.accounts.delete(&next.user).unwrap() && one.store.accounts.create(&next).unwrap());
    assert_eq!(overview(&config(&redis.url())).unwrap().ownerless_rooms.len(), 2);
}
