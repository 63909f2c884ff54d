//! Entries that are too old leave Redis.

use parlor_core::ports::LogId;
use parlor_proto::Timestamp;
use parlor_redis_testkit::RedisServer;

use crate::harness::{Server, log_of, name, numbered};

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
    let long_ago = Timestamp::from_millis(0);
    assert!(!server.forget_older(long_ago).unwrap(), "nothing is as old");
    assert_eq!(redis.cli(&["XLEN", "parlor:log:{red}"]).trim(), "1200");
    while server.forget_older(Timestamp::from_millis(i64::MAX)).unwrap() {}
    let inbox = LogId::Inbox(name("bob"));
    for (log, last) in [(&room, 1200), (&inbox, 5)] {
        let kept: Vec<u64> = server.newest(log, 500).unwrap().iter().map(|entry| entry.id.0).collect();
        assert_eq!(kept, [last]);
    }
    assert_eq!(redis.cli(&["ZCARD", "parlor:conversation-index:{bob}"]).trim(), "1");
    assert!(redis.cli(&["MEMORY", "USAGE", "parlor:log:{red}"]).trim().parse::<u64>().unwrap() < 10_000);
}
