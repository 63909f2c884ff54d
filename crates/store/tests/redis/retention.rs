//! Entries that are too old leave Redis.

use std::time::Duration;

use parlor_core::ports::{Act, ActResult, Deed, LogId, SessionKey};
use parlor_core::rights::Person;
use parlor_proto::{Order, Retention, Timestamp};
use parlor_redis_testkit::RedisServer;
use parlor_testkit::person;

use crate::harness::{Server, log_of, name, numbered, room};

#[test]
fn old_entries_leave_redis_and_the_newest_one_stays() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    let bob = server.create("bob");
    let ann = server.member("ann", "red");
    let room = log_of("red");
    server.say_all(&ann, &room, &numbered("ann", 1200)).into_iter().for_each(|said| assert!(said.is_ok()));
    let messages: Vec<_> = numbered("ann", 5).into_iter().map(|text| (&bob, text)).collect();
    server.tell_all(&ann, &messages).into_iter().for_each(|sent| assert!(sent.is_ok()));
    server.forget_older(Timestamp::from_millis(0), Some(Duration::ZERO));
    // Nothing is as old.
    assert_eq!(redis.cli(&["XLEN", "parlor:log:{red}"]).trim(), "1200");
    server.forget_older(Timestamp::from_millis(i64::MAX), Some(Duration::ZERO));
    let inbox = LogId::Inbox(name("bob"));
    for (log, last) in [(&room, 1200), (&inbox, 5)] {
        let kept: Vec<u64> = server.newest(log, 500).unwrap().iter().map(|entry| entry.id.0).collect();
        assert_eq!(kept, [last]);
    }
    assert_eq!(redis.cli(&["ZCARD", "parlor:conversation-index:{bob}"]).trim(), "1");
    assert!(redis.cli(&["MEMORY", "USAGE", "parlor:log:{red}"]).trim().parse::<u64>().unwrap() < 10_000);
}

/// An operator chooses how long messages of a room are kept.
fn keep_for(server: &Server, op: &SessionKey, of: &str, retention: Option<Retention>) {
    let actor = Person { is_operator: true, ..person("op") };
    let deed = Deed::Order { order: Order::Retention(retention), target: None };
    let act = Act { room: room(of), actor, generation: op.generation, time: Timestamp::from_millis(0), deed };
    let report = server.store.governance.act(act).unwrap();
    report.flush.run();
    assert!(matches!(report.result, ActResult::Done(Some(_))), "{:?}", report.result);
}

/// Numbers of the entries that a room keeps.
fn kept(server: &Server, of: &str) -> Vec<u64> {
    server.newest(&log_of(of), 500).unwrap().iter().map(|entry| entry.id.0).collect()
}

#[test]
fn a_room_keeps_its_messages_for_its_retention() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    let op = server.member("op", "red");
    let ann = server.member("ann", "blue");
    let red = log_of("red");
    for number in 1..=3 {
        server.say(&op, &red, &format!("old {number}"));
        server.say(&ann, &log_of("blue"), "stays");
    }
    let hour = Retention::find("1h");
    keep_for(&server, &op, "red", hour);
    let time = |id: u64| server.newest(&red, 500).unwrap().iter().find(|entry| entry.id.0 == id).unwrap().time;
    let last = server.say(&op, &red, "last");
    // Messages of the tests are from this time, and that of the order from the clock of Redis.
    let (old, new, age) = (time(1), time(4), hour.unwrap().duration());
    assert!(old < new, "{old} {new}");
    server.forget_older(old.after(age), None);
    assert_eq!(kept(&server, "red"), [1, 2, 3, 4, last]);
    server.forget_older(new.after(age), None);
    assert_eq!((kept(&server, "red"), kept(&server, "blue")), (vec![4, last], vec![1, 2, 3]));
    // The shorter time wins, whoever wants it.
    let since_1970 = Duration::from_millis(u64::try_from(new.as_millis()).unwrap());
    server.forget_older(new.after(age), Some(since_1970 + age));
    assert_eq!((kept(&server, "red"), kept(&server, "blue")), (vec![4, last], vec![1, 2, 3]));
    keep_for(&server, &op, "red", Retention::find("3660d"));
    server.forget_older(Timestamp::from_millis(i64::MAX), Some(Duration::ZERO));
    assert_eq!((kept(&server, "red"), kept(&server, "blue")), (vec![last + 1], vec![3]));
    // Taken away, nothing is too old.
    keep_for(&server, &op, "red", None);
    server.forget_older(Timestamp::from_millis(i64::MAX), None);
    assert_eq!(kept(&server, "red"), [last + 1, last + 2]);
}
