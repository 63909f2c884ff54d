//! Outgoing hooks of servers that share a Redis: which of them has the turn to post, and which rooms are looked at.

use parlor_core::ports::{Act, ActResult, Deed, OuthookTurn, Outhooks, SessionKey};
use parlor_core::rights::Outhook;
use parlor_proto::{MessageId, OuthookSecret, Timestamp};
use parlor_redis_testkit::RedisServer;

use crate::harness::{Server, log_of, pair, room};

/// Carries out what a moderator wants in a room.
pub(crate) fn act(server: &Server, by: &SessionKey, of: &str, deed: Deed) {
    let actor = parlor_testkit::person(by.user.as_str());
    let act = Act { room: room(of), actor, generation: by.generation, time: Timestamp::from_millis(7), deed };
    assert_eq!(server.store.governance.act(act).unwrap().result, ActResult::Done(None));
}

/// A hook that posts all that a room has.
pub(crate) fn outhook(by: &SessionKey) -> Outhook {
    Outhook {
        secret: OuthookSecret::given("plo_07"),
        url: "https://bot.example/".parse().unwrap(),
        by: by.user.clone(),
        made: Timestamp::from_millis(7),
        after: MessageId(0),
    }
}

/// Makes a hook in the room red, which has something to post.
fn hook(server: &Server, by: &SessionKey) -> Outhook {
    let hook = outhook(by);
    server.say(by, &log_of("red"), "hello");
    act(server, by, "red", Deed::AddOuthook(hook.clone()));
    hook
}

#[test]
fn a_turn_that_is_given_back_is_free_at_once() {
    let (_redis, one, two) = pair();
    let ann = one.member("ann", "red");
    let hook = hook(&one, &ann);
    let turn = |server: &Server| server.store.outhooks.take_turn(&room("red"), &hook).unwrap();
    let release = |server: &Server| server.store.outhooks.release_turn(&room("red"), hook.id()).unwrap();
    assert_eq!([turn(&one), turn(&two)], [OuthookTurn::Mine(MessageId(0)), OuthookTurn::Elsewhere]);
    release(&two);
    assert_eq!(turn(&two), OuthookTurn::Elsewhere, "it had no turn to give");
    release(&one);
    assert_eq!([turn(&two), turn(&one)], [OuthookTurn::Mine(MessageId(0)), OuthookTurn::Elsewhere]);
}

fn rooms(outhooks: &dyn Outhooks) -> Vec<String> {
    let mut rooms: Vec<String> = outhooks.rooms().unwrap().iter().map(ToString::to_string).collect();
    rooms.sort();
    rooms
}

#[test]
fn a_room_without_hooks_is_not_looked_at_for_ever() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    let ann = server.member("ann", "red");
    let outhooks = &*server.store.outhooks;
    hook(&server, &ann);
    // As a room that was deleted, or a server that died before it made a hook.
    redis.cli(&["SADD", "parlor:outhook-rooms", "gone"]);
    for known in ["gone", "red"] {
        outhooks.forget_room(&room(known)).unwrap();
    }
    assert_eq!(rooms(outhooks), ["red"]);
}
