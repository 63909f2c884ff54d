//! Delivery: every follower of a log receives everything, once and in order, no matter what happens to its connections.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parlor_core::ports::{EnterResult, LogId, SessionKey};
use parlor_redis_testkit::{RedisServer, wait_until};

use crate::append_under_faults::End;
use crate::harness::{Server, log_of, name, numbered, pair, pair_by_proxy};
use crate::lost_subscription::DeafProxy;

#[test]
fn two_servers_hear_the_same_entries_in_the_same_order_once() {
    let (_redis, one, two) = pair();
    let (ann, bob) = (one.member("ann", "red"), two.member("bob", "red"));
    let red = log_of("red");
    std::thread::scope(|scope| {
        scope.spawn(|| one.say_many(&ann, &red, &numbered("ann", 500)));
        scope.spawn(|| numbered("bob", 500).iter().for_each(|text| assert!(two.say(&bob, &red, text) > 0)));
    });
    for server in [&one, &two] {
        wait_until("all entries", || server.sink.entries(&red).len() >= 1000);
        assert_eq!(server.sink.ids(&red), (1..=1000).collect::<Vec<_>>());
        for user in ["ann", "bob"] {
            let mut texts = server.sink.texts(&red);
            texts.retain(|text| text.starts_with(user));
            assert_eq!(texts, numbered(user, 500));
        }
    }
    assert_eq!(one.sink.entries(&red), two.sink.entries(&red));
}

#[test]
fn changes_of_members_are_told_on_every_server_once() {
    let (_redis, one, two) = pair();
    let ann = one.member("ann", "red");
    let bob = two.member("bob", "red");
    two.leave(&bob, "red").unwrap();
    one.leave(&ann, "red").unwrap();
    for server in [&one, &two] {
        wait_until("the last change", || server.sink.changes("red").contains(&"-ann".to_owned()));
    }
    assert_eq!(one.sink.changes("red"), ["+ann", "+bob", "-bob", "-ann"]);
    assert_eq!(two.sink.changes("red"), ["+bob", "-bob", "-ann"]);
    assert!(!one.has_room("red"));
}

#[test]
fn changes_of_members_are_numbered_upwards_even_if_redis_lost_the_number() {
    let (redis, one, two) = pair();
    let (ann, bob) = (one.session_key("ann"), two.session_key("bob"));
    let version = |entered: EnterResult| match entered {
        EnterResult::Member { version, .. } => version,
        refused => panic!("{refused:?}"),
    };
    let first = version(one.try_enter(&ann, "red").unwrap());
    redis.cli(&["DEL", "parlor:log-meta:{red}"]);
    assert!(version(two.try_enter(&bob, "red").unwrap()) > first);
}

#[test]
fn a_room_in_which_nothing_was_said_keeps_its_life_and_no_place_among_the_rooms() {
    let (redis, one, two) = pair();
    let (ann, red) = (one.session_key("ann"), log_of("red"));
    let told = one.follow(&red);
    one.enter(&ann, "red");
    one.store.log.unfollow(&red);
    one.leave(&ann, "red").unwrap();
    assert_eq!(redis.cli(&["ZCARD", "parlor:rooms"]), "0");
    assert_eq!(two.follow(&red), told);
    assert_eq!(one.try_enter_among(&ann, "blue", 0), Ok(EnterResult::TooManyRooms));
}

#[test]
fn a_log_in_which_nothing_was_said_is_forgotten_some_time_after_the_last_look() {
    const HALF_AN_HOUR: i64 = 30 * 60 * 1000;
    let (redis, one, _two) = pair();
    let (ann, red, meta) = (one.session_key("ann"), log_of("red"), "parlor:log-meta:{red}");
    let lives = || redis.cli(&["PTTL", meta]).parse::<i64>().unwrap();
    let all_but_forgotten = || redis.cli(&["PEXPIRE", meta, "20000"]);
    one.follow(&red);
    assert!((HALF_AN_HOUR..=2 * HALF_AN_HOUR).contains(&lives()));
    all_but_forgotten();
    let epoch = redis.cli(&["HGET", meta, "epoch"]);
    wait_until("a look", || lives() > HALF_AN_HOUR);
    assert_eq!(redis.cli(&["HGET", meta, "epoch"]), epoch);
    one.store.log.unfollow(&red);
    all_but_forgotten();
    one.enter(&ann, "red");
    // Somebody owns the room now, as long as somebody is inside.
    assert_eq!(lives(), -1);
    one.leave(&ann, "red").unwrap();
    assert!(lives() > HALF_AN_HOUR);
    one.enter(&ann, "red");
    one.say(&ann, &red, "hello");
    one.leave(&ann, "red").unwrap();
    assert_eq!(lives(), -1);
    // The TTL was set by a server of an older version.
    type Look = fn(&Server, &SessionKey);
    let looks: [Look; 3] = [
        |one, _| {
            one.follow(&log_of("red"));
        },
        |one, ann| one.enter(ann, "red"),
        |one, ann| assert!(one.say(ann, &log_of("red"), "again") > 0),
    ];
    for look in looks {
        all_but_forgotten();
        look(&one, &ann);
        assert_eq!(lives(), -1);
    }
}

#[test]
fn a_room_with_a_log_can_be_entered_beyond_the_limit_though_the_index_lost_it() {
    let (redis, one, _two) = pair();
    let ann = one.member("ann", "red");
    one.say(&ann, &log_of("red"), "hello");
    one.leave(&ann, "red").unwrap();
    redis.cli(&["DEL", "parlor:rooms"]);
    assert_eq!(one.try_enter_among(&ann, "blue", 0), Ok(EnterResult::TooManyRooms));
    assert!(matches!(one.try_enter_among(&ann, "red", 0), Ok(EnterResult::Member { members: 1, .. })));
    one.leave(&ann, "red").unwrap();
    assert_eq!(redis.cli(&["ZCARD", "parlor:rooms"]), "1");
}

#[test]
fn a_drop_that_comes_late_takes_no_room_with_a_log_out_of_the_index() {
    let (redis, one, _two) = pair();
    let ann = one.member("ann", "red");
    one.leave(&ann, "red").unwrap();
    let early = redis.cli(&["HGET", "parlor:log-meta:{red}", "version"]);
    one.enter(&ann, "red");
    one.say(&ann, &log_of("red"), "hello");
    one.leave(&ann, "red").unwrap();
    let before = redis.cli(&["ZRANGE", "parlor:rooms", "0", "-1", "WITHSCORES"]);
    redis.cli(&[
        "EVAL",
        include_str!("../../src/redis/scripts/drop_room.lua"),
        "1",
        "parlor:rooms",
        "red",
        &early,
        "0",
    ]);
    assert_eq!(redis.cli(&["ZRANGE", "parlor:rooms", "0", "-1", "WITHSCORES"]), before);
    assert!(before.starts_with("red") && !one.has_room("red"));
}

fn channels(redis: &RedisServer) -> Vec<String> {
    let mut channels: Vec<String> = redis.cli(&["PUBSUB", "SHARDCHANNELS"]).lines().map(str::to_owned).collect();
    channels.sort();
    channels
}

#[test]
fn only_what_is_followed_is_subscribed_to() {
    let (redis, one, two) = pair();
    let (red, feed) = (log_of("red"), LogId::Feed(name("ann")));
    assert_eq!(channels(&redis), ["parlor:everybody"]);
    let ann = one.session_key("ann");
    one.follow(&red);
    one.follow(&red);
    one.enter(&ann, "red");
    one.enter(&ann, "blue");
    two.follow(&feed);
    let expected = ["parlor:everybody", "parlor:feed:{ann}", "parlor:log:{red}"];
    wait_until("subscriptions", || channels(&redis) == expected);
    one.say(&ann, &log_of("blue"), "to nobody");
    one.say(&ann, &feed, "to two");
    one.say(&ann, &red, "to one");
    one.hears(&red, &["to one".to_owned()]);
    two.hears(&feed, &["to two".to_owned()]);
    assert_eq!((one.sink.reported().len(), two.sink.reported().len()), (2, 1), "its own enter, and one entry each");
    one.store.log.unfollow(&red);
    two.store.log.unfollow(&feed);
    wait_until("the end of one", || channels(&redis) == ["parlor:everybody", "parlor:log:{red}"]);
    one.store.log.unfollow(&red);
    wait_until("the end of both", || channels(&redis) == ["parlor:everybody"]);
}

#[test]
fn a_log_that_is_followed_again_is_heard_from_there() {
    let (_redis, one, two) = pair();
    let (ann, red) = (one.member("ann", "red"), log_of("red"));
    for round in 1..=20 {
        one.say(&ann, &red, "unheard");
        let head = two.follow(&red);
        assert_eq!(head.last.0, 2 * round - 1);
        one.say(&ann, &red, "heard");
        wait_until("its delivery", || two.sink.ids(&red).last() == Some(&(2 * round)));
        two.store.log.unfollow(&red);
    }
    assert_eq!(two.sink.texts(&red), vec!["heard"; 20]);
}

/// Messages of another log make the reader check its channels. So on a slow network, the next subscription can begin
/// before the end of the last one is confirmed.
#[test]
fn logs_that_are_followed_and_given_up_all_the_time_are_heard() {
    let (_redis, one, two, proxy) = pair_by_proxy();
    let rooms = ["red", "green", "blue"];
    let (ann, stop) = (one.session_key("ann"), AtomicBool::new(false));
    rooms.iter().for_each(|room| one.enter(&ann, room));
    two.follow(&log_of("blue"));
    proxy.delay(Duration::from_millis(10));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                rooms.iter().for_each(|room| assert!(one.say(&ann, &log_of(room), room) > 0));
                std::thread::sleep(Duration::from_millis(6));
            }
        });
        let _end = End(&stop);
        let two = &two;
        let follow = move |room| (0..20).for_each(|_| follow_for_a_while(two, room));
        for thread in ["red", "green"].map(|room| scope.spawn(move || follow(room))) {
            thread.join().unwrap();
        }
    });
    let blue = log_of("blue");
    wait_until("all", || two.sink.entries(&blue).len() == one.newest(&blue, 100_000).unwrap().len());
}

/// Receives some entries of a log that gets messages all the time.
fn follow_for_a_while(server: &Server, room: &str) {
    let log = log_of(room);
    let head = server.follow(&log).last.0;
    wait_until("some entries", || server.sink.ids(&log).last() > Some(&(head + 3)));
    server.store.log.unfollow(&log);
    std::thread::sleep(Duration::from_millis(5));
    assert!(server.sink.texts(&log).iter().all(|text| text == room), "entries of another log");
    assert!(server.sink.ids(&log).is_sorted_by(|a, b| a < b), "{:?}", server.sink.ids(&log));
    assert_eq!(server.sink.restarts(&log), 0);
}

#[test]
fn what_was_said_while_the_connections_were_cut_is_heard_in_order() {
    let (_redis, one, two, proxy) = pair_by_proxy();
    let (ann, red) = (one.member("ann", "red"), log_of("red"));
    two.follow(&red);
    let texts = numbered("ann", 1400);
    one.say_many(&ann, &red, &texts[..10]);
    two.hears(&red, &texts[..10]);
    proxy.down();
    // More entries than one request returns.
    one.say_many(&ann, &red, &texts[10..]);
    proxy.pass();
    // No later message reveals the gap.
    two.hears(&red, &texts);
    assert_eq!(two.sink.ids(&red), (1..=1400).collect::<Vec<_>>());
}

#[test]
fn what_was_said_into_a_black_hole_is_heard_in_order() {
    let (_redis, one, two, proxy) = pair_by_proxy();
    let (ann, red) = (one.member("ann", "red"), log_of("red"));
    two.follow(&red);
    let texts = numbered("ann", 300);
    one.say_many(&ann, &red, &texts[..100]);
    two.hears(&red, &texts[..100]);
    let accepted = proxy.accepted();
    proxy.black_hole();
    one.say_many(&ann, &red, &texts[100..200]);
    wait_until("new connections", || proxy.accepted() > accepted);
    proxy.pass();
    one.say_many(&ann, &red, &texts[200..]);
    two.hears(&red, &texts);
}

#[test]
fn followers_that_redis_cuts_off_connect_again() {
    let (redis, one, two) = pair();
    let (ann, red) = (one.member("ann", "red"), log_of("red"));
    two.follow(&red);
    let texts = numbered("ann", 200);
    for batch in texts.chunks(10) {
        let killed = redis.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        assert!(["0", "1", "2"].contains(&killed.as_str()), "{killed}");
        one.say_many(&ann, &red, batch);
    }
    for server in [&one, &two] {
        server.hears(&red, &texts);
        assert_eq!(server.sink.ids(&red), (1..=200).collect::<Vec<_>>());
    }
}

#[test]
fn a_follower_whose_connection_is_silently_dead_is_found() {
    let redis = RedisServer::start();
    let proxy = DeafProxy::start(redis.port());
    let (one, two) = (Server::open(&redis.url()), Server::open(&proxy.url));
    let (ann, bob, red) = (one.member("ann", "red"), two.member("bob", "red"), log_of("red"));
    let texts = numbered("ann", 20);
    one.say_many(&ann, &red, &texts[..10]);
    two.hears(&red, &texts[..10]);
    assert_eq!(proxy.deafen(), 1);
    one.say_many(&ann, &red, &texts[10..]);
    two.hears(&red, &texts);
    // Nothing else was wrong.
    two.say(&bob, &red, "here");
    assert_eq!(one.members("red"), ["ann", "bob"]);
}

#[test]
fn a_list_of_many_rooms_takes_few_round_trips() {
    let redis = RedisServer::start();
    let one = Server::open(&redis.url());
    // Rooms of which the index does not know yet that they are empty.
    for number in 0..100 {
        redis.cli(&["ZADD", "parlor:rooms", "1", &format!("empty-{number}")]);
    }
    one.member("ann", "red");
    let reads = || redis.info("total_reads_processed").unwrap().parse::<u64>().unwrap();
    let before = reads();
    assert_eq!(one.store.rooms.rooms(&parlor_testkit::person("nobody")).unwrap().len(), 2);
    // Besides the list, the rounds of the server and this test itself ask Redis.
    assert!(reads() - before < 50, "{} requests", reads() - before);
    assert!(!one.has_room("empty-7") && one.has_room("red"));
}
