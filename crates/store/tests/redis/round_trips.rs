//! What concerns many rooms or logs takes as many round trips as what concerns one.

use std::time::Duration;

use parlor_core::ports::{EnterResult, LogId, PredecessorWait, SessionKey};
use parlor_proto::RoomName;
use parlor_redis_testkit::RedisServer;

use parlor_testkit::entrant;

use crate::harness::{Server, inbox_of, name, room};

/// Rooms that a session may have open.
const MANY: usize = 64;

/// Requests beside those of a measurement: the rounds of the server and the test itself ask Redis, and a long request is
/// read in parts.
const NOISE: u64 = 16;

/// How often Redis reads from a connection while something is done.
fn reads(redis: &RedisServer, act: impl FnOnce()) -> u64 {
    let count = || redis.info("total_reads_processed").unwrap().parse::<u64>().unwrap();
    let before = count();
    act();
    count() - before
}

fn rooms(label: &str, count: usize) -> Vec<RoomName> {
    (0..count).map(|number| room(&format!("{label}-{number}"))).collect()
}

fn enter(server: &Server, session_key: &SessionKey, rooms: &[RoomName]) {
    let entered = server.store.rooms.enter(&entrant(session_key), rooms, 1000).unwrap();
    assert!(entered.len() == rooms.len() && entered.iter().all(|it| matches!(it, EnterResult::Member { .. })));
}

#[test]
fn many_rooms_are_entered_and_left_like_one() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    let ann = server.session_key("ann");
    let (one, many) = (rooms("one", 1), rooms("many", MANY));
    // The scripts are known afterwards.
    enter(&server, &ann, &one);
    server.store.rooms.leave(&ann, &one).unwrap();
    let [few, more] = [&one, &many].map(|rooms| reads(&redis, || enter(&server, &ann, rooms)));
    assert!(more <= few + NOISE, "{more} requests to enter many, {few} to enter one");
    let counted = reads(&redis, || assert_eq!(server.store.rooms.counts(&many).unwrap(), [1; MANY]));
    assert!(counted <= NOISE, "{counted} requests to count");
    let [few, more] = [&one, &many].map(|rooms| reads(&redis, || server.store.rooms.leave(&ann, rooms).unwrap()));
    assert!(more <= few + NOISE, "{more} requests to leave many, {few} to leave one");
    assert_eq!(server.store.rooms.counts(&many).unwrap(), [0; MANY]);
}

#[test]
fn a_session_without_a_predecessor_is_claimed_in_two_round_trips() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    // The scripts are known afterwards.
    server.session_key("first");
    let claimed = reads(&redis, || {
        for number in 0..MANY {
            let session_key = server.session_key(&format!("user-{number}"));
            assert_eq!(server.waits(&session_key, Duration::ZERO), PredecessorWait::Alone);
            server.store.rooms.evict_predecessors(&session_key).unwrap();
        }
    });
    assert!(claimed <= 2 * MANY as u64 + NOISE, "{claimed} requests to claim {MANY} sessions");
    // Whoever finds an earlier session asks again until it is over.
    let next = server.session_key("first");
    assert_eq!(server.waits(&next, Duration::ZERO), PredecessorWait::StillThere);
}

#[test]
fn many_logs_are_followed_like_one_and_what_is_personal_comes_at_once() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    let feeds: Vec<LogId> = (0..MANY).map(|number| LogId::Feed(name(&format!("user-{number}")))).collect();
    server.follow(&inbox_of("ann"));
    let followed = reads(&redis, || drop(server.store.log.follow(&feeds).unwrap()));
    // Those of the reader, which subscribes to all of them, are among these.
    assert!(followed <= 2 * NOISE, "{followed} requests to follow");
    let asked = reads(&redis, || assert_eq!(server.store.log.heads(&feeds).unwrap().len(), MANY));
    assert!(asked <= NOISE, "{asked} requests for the heads");
    let personal = &server.store.personal;
    assert!(
        rooms("red", MANY)
            .iter()
            .all(|room| { personal.remember(&name("ann"), room, parlor_proto::MessageId(1), MANY).unwrap() })
    );
    let loaded = reads(&redis, || assert_eq!(personal.load(&name("ann")).unwrap().rooms.len(), MANY));
    assert!(loaded <= NOISE, "{loaded} requests to load");
}
