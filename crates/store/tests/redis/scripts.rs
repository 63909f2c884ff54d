//! The steps on Redis at their edges: what is repeated, comes late, or comes from a session that is over. Each script runs by
//! itself, with the files that it is made of.

use std::fs;

use parlor_redis_testkit::RedisServer;

/// Later than any time of these tests, in microseconds.
const LATER: &str = "9999999999999999";

/// Runs a script, and returns its answer, one line for each value.
pub(crate) fn run(redis: &RedisServer, files: &[&str], keys: &[&str], args: &[&str]) -> String {
    let read = |file: &&str| {
        fs::read_to_string(format!("{}/src/redis/scripts/{file}.lua", env!("CARGO_MANIFEST_DIR"))).unwrap()
    };
    let (source, count) = (files.iter().map(read).collect::<String>(), keys.len().to_string());
    redis.cli(&[&["EVAL", &source, &count], keys, args].concat())
}

/// The answer to a script in words.
fn words(answer: &str) -> Vec<&str> {
    answer.lines().collect()
}

pub(crate) fn millis(redis: &RedisServer) -> i64 {
    let time = redis.cli(&["TIME"]);
    let mut parts = time.lines().map(|part| part.parse::<i64>().unwrap());
    parts.next().unwrap() * 1000 + parts.next().unwrap() / 1000
}

const ROOM: [&str; 5] = [
    "parlor:room:{red}",
    "parlor:room-gen:{red}",
    "parlor:log-meta:{red}",
    "parlor:log:{red}",
    "parlor:fence:{red}:ann",
];

/// Ann enters the room red, with a generation and a number, from a server.
fn enter(redis: &RedisServer, generation: &str, seq: &str, server: &str) -> String {
    let args = ["ann", generation, seq, server, LATER, "", "-", "-"];
    run(redis, &["touch_ttl", "publish_membership", "seat", "enter"], &ROOM, &args)
}

/// Ann leaves it, at the latest by the enter of a number.
fn leave(redis: &RedisServer, how: &str, generation: &str, seq: &str) -> String {
    run(redis, &["touch_ttl", "publish_membership", "remove_member", how], &ROOM[..4], &["ann", generation, seq])
}

fn evict(redis: &RedisServer, below: &str) -> String {
    run(redis, &["touch_ttl", "publish_membership", "remove_member", "evict"], &ROOM, &["ann", below, "60"])
}

fn seat(redis: &RedisServer) -> String {
    redis.cli(&["HGET", ROOM[1], "ann"])
}

#[test]
fn an_enter_that_is_repeated_is_no_other_change() {
    let redis = RedisServer::start();
    let first = enter(&redis, "50", "7", "den");
    assert_eq!((words(&first)[0], seat(&redis).as_str()), ("1", "50 7 7 den"));
    assert_eq!(enter(&redis, "50", "7", "den"), first);
    // An append since then is remembered, and a repetition that comes late takes nothing back.
    redis.cli(&["HSET", ROOM[1], "ann", "50 9 12 den"]);
    assert_eq!(enter(&redis, "50", "7", "den"), first);
    assert_eq!(seat(&redis), "50 9 12 den");
    // The same session from its server under another id.
    assert_eq!(enter(&redis, "50", "10", "attic"), first);
    assert_eq!(seat(&redis), "50 10 12 attic");
}

#[test]
fn a_later_session_takes_the_seat_and_an_earlier_one_does_not() {
    let redis = RedisServer::start();
    enter(&redis, "50", "7", "den");
    redis.cli(&["HSET", ROOM[1], "ann", "50 9 12 den"]);
    assert_eq!(words(&enter(&redis, "49", "20", "attic")), ["-1", "0"]);
    assert_eq!(seat(&redis), "50 9 12 den");
    // Its numbers are those of another server.
    assert_eq!(words(&enter(&redis, "51", "3", "attic"))[0], "1");
    assert_eq!(seat(&redis), "51 3 3 attic");
}

#[test]
fn nobody_enters_too_late_or_below_the_fence() {
    let redis = RedisServer::start();
    let args = ["ann", "50", "7", "den", "1", "", "-", "-"];
    assert_eq!(words(&run(&redis, &["touch_ttl", "publish_membership", "seat", "enter"], &ROOM, &args)), ["-2", "0"]);
    assert_eq!(words(&evict(&redis, "51")), ["-1", "0"]);
    assert_eq!(words(&enter(&redis, "50", "7", "den")), ["-1", "0"]);
    assert_eq!(redis.cli(&["EXISTS", ROOM[0], ROOM[1]]), "0");
    assert_eq!(words(&enter(&redis, "51", "7", "den"))[0], "1", "the fence is for those before");
}

#[test]
fn a_fence_is_never_lowered_and_whoever_is_not_below_it_keeps_the_seat() {
    let redis = RedisServer::start();
    enter(&redis, "50", "7", "den");
    assert_eq!(words(&evict(&redis, "50")), ["-1", "0"]);
    assert_eq!(words(&evict(&redis, "9")), ["-1", "0"], "numbers are compared as numbers");
    assert_eq!((seat(&redis).as_str(), redis.cli(&["GET", ROOM[4]]).as_str()), ("50 7 7 den", "50"));
    let left: i64 = redis.cli(&["TTL", ROOM[4]]).parse().unwrap();
    assert!((1..=60).contains(&left), "{left}");
    let evicted = evict(&redis, "100");
    assert_eq!((words(&evicted)[0], seat(&redis).as_str(), redis.cli(&["GET", ROOM[4]]).as_str()), ("0", "", "100"));
}

#[test]
fn only_the_session_that_is_meant_leaves_and_not_after_it_entered_again() {
    let redis = RedisServer::start();
    for how in ["leave", "expel"] {
        assert_eq!(words(&leave(&redis, how, "50", "7")), ["-1", "0"], "{how}: nobody is there");
        let entered = enter(&redis, "50", "10", "den");
        for (generation, seq) in [("49", "20"), ("51", "20"), ("50", "9")] {
            assert_eq!(words(&leave(&redis, how, generation, seq)), ["-1", "0"], "{how} {generation} {seq}");
        }
        let left = leave(&redis, how, "50", "10");
        assert_eq!((words(&left)[0], redis.cli(&["EXISTS", ROOM[0]]).as_str()), ("0", "0"));
        assert!(words(&left)[1] > words(&entered)[1], "changes are numbered upwards: {entered} {left}");
    }
}

const SESSION: [&str; 2] = ["parlor:session:{ann}", "parlor:ending:{ann}"];

fn set_session(redis: &RedisServer, generation: &str, server: &str, ticket: &str, rooms: &str) {
    let fields = ["generation", generation, "server", server, "ticket", ticket, "rooms", rooms, "seq", "5"];
    redis.cli(&[&["HSET", SESSION[0]], &fields[..]].concat());
}

fn field(redis: &RedisServer, name: &str) -> String {
    redis.cli(&["HGET", SESSION[0], name])
}

#[test]
fn a_session_notes_each_room_once_with_its_newest_number() {
    let redis = RedisServer::start();
    let note = |generation, room, seq| run(&redis, &["record_intent"], &SESSION[..1], &[generation, room, seq]);
    assert_eq!(note("50", "red", "7"), "0", "there is no session");
    set_session(&redis, "50", "den", "5.6", "");
    assert_eq!([note("50", "red", "7"), note("50", "red-2", "8"), note("50", "red", "6")], ["1", "1", "1"]);
    assert_eq!(field(&redis, "rooms"), "red-2:8 red:7");
    assert_eq!([note("49", "blue", "9"), note("51", "blue", "9")], ["-1", "0"]);
    let clear = |generation, room, seq| run(&redis, &["clear_intent"], &SESSION[..1], &[generation, room, seq]);
    // Another session, another room, and an enter since then.
    assert_eq!([clear("49", "red", "9"), clear("50", "re", "9"), clear("50", "red", "6")], ["0", "1", "1"]);
    assert_eq!(field(&redis, "rooms"), "red-2:8 red:7");
    assert_eq!(clear("50", "red", "7"), "1");
    assert_eq!(field(&redis, "rooms"), "red-2:8");
}

const CLAIM: [&str; 4] = ["parlor:session:{ann}", "parlor:ending:{ann}", "parlor:takeovers:{ann}", "parlor:user:{ann}"];

/// A claim of ann from a server, over one that is known to be dead.
fn claim(redis: &RedisServer, server: &str, ticket: &str, policy: &str, dead: &str) -> Vec<String> {
    let args = [server, ticket, policy, "0", "1", dead, LATER, "parlor:control:", "lobby:6", "ann 5.6"];
    run(redis, &["claim"], &CLAIM, &args).lines().map(str::to_owned).collect()
}

#[test]
fn a_claim_that_is_repeated_has_the_answer_of_the_first_time() {
    let redis = RedisServer::start();
    let first = claim(&redis, "den", "5.6", "takeover", "");
    assert_eq!((first[0].as_str(), first.len()), ("granted", 2), "nobody was there: {first:?}");
    assert_eq!(claim(&redis, "den", "5.6", "takeover", ""), first);
    let second = claim(&redis, "attic", "1.2", "takeover", "");
    assert_eq!(second[2..], ["den", "5.6"]);
    assert_eq!(claim(&redis, "attic", "1.2", "reject", ""), second);
    assert!(second[1].parse::<u64>().unwrap() > first[1].parse::<u64>().unwrap());
    // The answer to the first one comes too late by now.
    assert_eq!(claim(&redis, "den", "5.6", "takeover", ""), ["late"]);
    assert_eq!(redis.cli(&["HGET", SESSION[1], &first[1]]), "den 5.6 lobby:6");
    assert_eq!((field(&redis, "generation"), field(&redis, "rooms")), (second[1].clone(), "lobby:6".to_owned()));
}

#[test]
fn a_session_is_kept_unless_its_server_is_known_to_be_dead() {
    let redis = RedisServer::start();
    claim(&redis, "den", "5.6", "reject", "");
    assert_eq!(claim(&redis, "attic", "1.2", "reject", ""), ["taken", "den"]);
    assert_eq!(claim(&redis, "attic", "1.2", "reject", "cellar"), ["taken", "den"]);
    let granted = claim(&redis, "attic", "1.2", "reject", "den");
    assert_eq!((granted[0].as_str(), &granted[2..]), ("granted", &["den".to_owned(), "5.6".to_owned()][..]));
}

#[test]
fn a_claim_comes_too_late_after_its_deadline_and_grows_even_if_the_clock_was_set_back() {
    let redis = RedisServer::start();
    let args = ["den", "5.6", "takeover", "0", "1", "", "1", "parlor:control:", "lobby:6", "ann 5.6"];
    assert_eq!(run(&redis, &["claim"], &CLAIM, &args), "late");
    assert_eq!(redis.cli(&["EXISTS", SESSION[0]]), "0");
    redis.cli(&["HSET", CLAIM[3], "generation", "9000000000000000"]);
    assert_eq!(claim(&redis, "den", "5.6", "takeover", "")[1], "9000000000000001");
}

const RESTORE: [&str; 3] = ["parlor:session:{ann}", "parlor:ending:{ann}", "parlor:user:{ann}"];

fn restore(redis: &RedisServer, generation: &str, server: &str, deadline: &str) -> String {
    run(redis, &["restore"], &RESTORE, &[server, "5.6", generation, "3", deadline, "parlor:control:"])
}

#[test]
fn a_session_is_restored_unless_a_later_one_was_claimed() {
    let redis = RedisServer::start();
    assert_eq!(restore(&redis, "50", "den", "1"), "-1", "it is too late");
    assert_eq!(restore(&redis, "50", "den", LATER), "1");
    let fields = ["generation", "server", "ticket", "rooms", "seq"].map(|name| field(&redis, name));
    assert_eq!(fields, ["50", "den", "5.6", "", "3"]);
    // Under the next id of its server it is the same one.
    redis.cli(&["HSET", SESSION[0], "rooms", "red:7"]);
    assert_eq!(restore(&redis, "50", "attic", LATER), "1");
    assert_eq!((field(&redis, "server").as_str(), field(&redis, "rooms").as_str()), ("attic", "red:7"));
    redis.cli(&["HSET", RESTORE[2], "generation", "51"]);
    assert_eq!(restore(&redis, "50", "den", LATER), "0");
    assert_eq!(field(&redis, "server"), "attic");
}

#[test]
fn a_restored_session_displaces_an_earlier_one_that_a_failover_brought_back() {
    let redis = RedisServer::start();
    set_session(&redis, "9", "cellar", "1.1", "red:4");
    assert_eq!(restore(&redis, "50", "den", LATER), "1");
    assert_eq!(redis.cli(&["HGETALL", SESSION[1]]).lines().collect::<Vec<_>>(), ["9", "cellar 1.1 red:4"]);
    assert_eq!(
        (field(&redis, "generation"), redis.cli(&["HGET", RESTORE[2], "generation"])),
        ("50".into(), "50".into())
    );
}

#[test]
fn a_session_is_ended_by_its_generation_its_server_or_its_claim_and_no_other_with_it() {
    let redis = RedisServer::start();
    let ending = || redis.cli(&["HKEYS", SESSION[1]]).lines().map(str::to_owned).collect::<Vec<_>>();
    let again = || {
        redis.cli(&["DEL", SESSION[1]]);
        set_session(&redis, "50", "den", "5.6", "red:7");
        redis.cli(&["HSET", SESSION[1], "48", "den 5.61 red:4", "49", "attic 5.6 "]);
    };
    again();
    let on = |server| run(&redis, &["sessions_on"], &SESSION, &[server]);
    assert_eq!(words(&on("den")), ["50", "red:7", "48", " red:4"]);
    assert_eq!((words(&on("attic")), on("de").as_str()), (vec!["49"], ""));
    run(&redis, &["release"], &SESSION, &["49"]);
    assert_eq!((ending(), field(&redis, "generation").as_str()), (vec!["48".to_owned()], "50"));
    run(&redis, &["release"], &SESSION, &["50"]);
    assert_eq!((ending().len(), redis.cli(&["EXISTS", SESSION[0]]).as_str()), (1, "0"));
    again();
    for (server, generation) in [("attic", "50"), ("den", "49"), ("den", "51"), ("de", "48")] {
        run(&redis, &["reap"], &SESSION, &[server, generation]);
    }
    assert_eq!((ending().len(), field(&redis, "generation").as_str()), (2, "50"));
    for generation in ["48", "50"] {
        run(&redis, &["reap"], &SESSION, &["den", generation]);
    }
    assert_eq!((ending(), redis.cli(&["EXISTS", SESSION[0]]).as_str()), (vec!["49".to_owned()], "0"));
    again();
    run(&redis, &["cancel_claim"], &SESSION, &["attic", "5.6"]);
    assert_eq!((ending(), field(&redis, "generation").as_str()), (vec!["48".to_owned()], "50"));
    run(&redis, &["cancel_claim"], &SESSION, &["den", "5.6"]);
    assert_eq!((ending(), redis.cli(&["EXISTS", SESSION[0]]).as_str()), (vec!["48".to_owned()], "0"));
}

#[test]
fn a_lease_that_is_over_is_taken_and_not_renewed() {
    let redis = RedisServer::start();
    let lease = ["parlor:server:{den}"];
    let renew = |takes| words(&run(&redis, &["renew"], &lease, &["9000", takes, "name", "den"]))[0].to_owned();
    assert_eq!((renew("0"), redis.cli(&["EXISTS", lease[0]])), ("0".into(), "0".into()));
    assert_eq!(renew("1"), "1");
    redis.cli(&["PEXPIRE", lease[0], "5000"]);
    assert_eq!(renew("0"), "1");
    let left: i64 = redis.cli(&["PTTL", lease[0]]).parse().unwrap();
    assert!((5_001..=9_000).contains(&left), "{left}");
}

const ROOMS: [&str; 1] = ["parlor:rooms"];

fn score(redis: &RedisServer, room: &str) -> String {
    redis.cli(&["ZSCORE", ROOMS[0], room])
}

#[test]
fn a_room_stays_in_the_index_if_its_members_changed_since_or_if_it_has_a_log() {
    let redis = RedisServer::start();
    let drop = |room, version, has_log| run(&redis, &["drop_room"], &ROOMS, &[room, version, has_log]);
    let index = |room, version| run(&redis, &["index_room"], &ROOMS, &[room, version]);
    index("red", "50");
    drop("red", "49", "0");
    assert_eq!(score(&redis, "red"), "50");
    drop("red", "50", "1");
    assert_eq!(score(&redis, "red"), "-50");
    // A drop of before neither takes it out nor changes its number.
    drop("red", "49", "0");
    assert_eq!(score(&redis, "red"), "-50");
    index("red", "51");
    index("red", "50");
    assert_eq!(score(&redis, "red"), "51");
    drop("red", "51", "0");
    assert_eq!(score(&redis, "red"), "");
    // One that was admitted and never entered counts among those with a log, too.
    redis.cli(&["ZADD", ROOMS[0], "0", "blue"]);
    drop("blue", "0", "1");
    assert_eq!(score(&redis, "blue"), "-1");
}

#[test]
fn a_room_is_admitted_among_so_many_others_and_the_lobby_is_none_of_them() {
    let redis = RedisServer::start();
    let admit = |room, max| run(&redis, &["admit_room"], &ROOMS, &[room, max, "lobby"]);
    redis.cli(&["ZADD", ROOMS[0], "7", "lobby"]);
    assert_eq!([admit("red", "1"), admit("blue", "1"), admit("red", "0")], ["1", "0", "1"]);
    assert_eq!((score(&redis, "red").as_str(), score(&redis, "blue").as_str()), ("0", ""));
    // Somebody is about to enter a room of which only the log was left, and one in which somebody is.
    redis.cli(&["ZADD", ROOMS[0], "-50", "green", "60", "red"]);
    assert_eq!([admit("green", "0"), admit("red", "0")], ["1", "1"]);
    assert_eq!((score(&redis, "green").as_str(), score(&redis, "red").as_str()), ("0", "60"));
}

const ATTEMPTS: [&str; 3] =
    ["parlor:attempts:account:{ann}", "parlor:attempts:pair:{ann}:home", "parlor:addresses:{ann}"];

/// Whether an address is known, and whether a password may be tried from there: 3 free failures, delays of 1 to 8 s, all is
/// forgotten after 60 s, and a place is free again after 10 s.
fn begin(redis: &RedisServer, address: &str) -> Vec<i64> {
    let args = [address, "5000", "3", "1000", "8000", "60000", "10000"];
    run(redis, &["begin_attempt"], &ATTEMPTS, &args).lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn delays_double_up_to_the_longest_and_failures_are_forgotten_in_time() {
    let redis = RedisServer::start();
    let delay = |count: &str, last: i64| {
        redis.cli(&["DEL", ATTEMPTS[0]]);
        redis.cli(&["HSET", ATTEMPTS[0], "count", count, "last", &last.to_string()]);
        begin(&redis, "away")[1]
    };
    // A time in the future counts as now.
    let now = 9_999_999_999_999;
    assert_eq!(delay("3", now), 0, "all free failures are used up");
    for (count, expected) in [("4", 1_000), ("5", 2_000), ("6", 4_000), ("7", 8_000), ("8", 8_000), ("999", 8_000)] {
        assert_eq!(delay(count, now), expected, "{count} failures");
    }
    assert_eq!(delay("4", millis(&redis) - 1_500), 0);
    assert_eq!(delay("999", millis(&redis) - 61_000), 0);
}

#[test]
fn a_place_that_was_never_given_back_is_free_again_in_time() {
    let redis = RedisServer::start();
    let places = |open: &str, ago: i64| {
        redis.cli(&["DEL", ATTEMPTS[0]]);
        redis.cli(&["HSET", ATTEMPTS[0], "open", open, "began", &(millis(&redis) - ago).to_string()]);
        let began = begin(&redis, "away")[1];
        (began, redis.cli(&["HGET", ATTEMPTS[0], "open"]))
    };
    assert_eq!(places("3", 0), (0, "4".to_owned()));
    assert_eq!(places("4", 0), (-1, "4".to_owned()), "as many as one after the other could fail");
    assert_eq!(places("4", 11_000), (0, "1".to_owned()));
    let left: i64 = redis.cli(&["PTTL", ATTEMPTS[0]]).parse().unwrap();
    assert!((1..=60_000).contains(&left), "{left}");
}

#[test]
fn an_address_is_known_as_long_as_its_last_login_is_not_too_long_ago() {
    let redis = RedisServer::start();
    // A time in the future counts as now.
    redis.cli(&["HSET", ATTEMPTS[0], "count", "50", "last", "9999999999999"]);
    redis.cli(&["ZADD", ATTEMPTS[2], &millis(&redis).to_string(), "home"]);
    assert_eq!(begin(&redis, "home"), [1, 0], "failures elsewhere do not matter");
    assert_eq!(redis.cli(&["HGET", ATTEMPTS[1], "open"]), "1");
    redis.cli(&["ZADD", ATTEMPTS[2], &(millis(&redis) - 6_000).to_string(), "home"]);
    assert_eq!(begin(&redis, "home"), [0, 8_000]);
}

#[test]
fn the_end_of_an_attempt_gives_one_place_back_and_counts_from_the_beginning_after_a_while() {
    let redis = RedisServer::start();
    let end = |took, outcome| run(&redis, &["end_attempt"], &ATTEMPTS[..1], &[took, outcome, "60000"]);
    let fields = || redis.cli(&["HMGET", ATTEMPTS[0], "open", "count"]).lines().map(str::to_owned).collect::<Vec<_>>();
    end("1", "unknown");
    assert_eq!(redis.cli(&["EXISTS", ATTEMPTS[0]]), "0", "there was no place to give back");
    redis.cli(&["HSET", ATTEMPTS[0], "open", "2"]);
    end("1", "wrong");
    end("0", "wrong");
    assert_eq!(fields(), ["1", "2"]);
    redis.cli(&["HSET", ATTEMPTS[0], "last", &(millis(&redis) - 61_000).to_string()]);
    end("0", "wrong");
    assert_eq!(fields(), ["1", "1"]);
    end("0", "right");
    assert_eq!(redis.cli(&["HGETALL", ATTEMPTS[0]]).lines().take(2).collect::<Vec<_>>(), ["open", "1"]);
    end("1", "unknown");
    assert_eq!(redis.cli(&["EXISTS", ATTEMPTS[0]]), "0");
}
