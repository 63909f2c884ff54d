//! Redis comes back: with all data, with none, or without its newest entries.

use parlor_core::DuplicateLogin;
use parlor_redis_testkit::{Fsync, RedisServer, wait_for, wait_until};
use parlor_store::redis::Note;

use crate::append_under_faults::speak_while;
use crate::harness::{Server, granted, log_of, pair};

fn emptied(note: &Note) -> bool {
    *note == Note::Emptied { sessions: 1 }
}

#[test]
fn a_redis_that_lost_everything_is_filled_again() {
    let (redis, one, two) = pair();
    let (ann, bob, red) = (one.member("ann", "red"), two.member("bob", "red"), log_of("red"));
    for number in 1..=5 {
        assert_eq!(one.say(&ann, &red, &number.to_string()), number);
    }
    two.hears(&red, &["1", "2", "3", "4", "5"].map(str::to_owned));
    redis.cli(&["FLUSHALL"]);
    assert_eq!([one.say(&ann, &red, "6"), two.say(&bob, &red, "7")], [1, 2]);
    for server in [&one, &two] {
        server.tells("the Emptied event", emptied);
        server.hears(&red, &["1", "2", "3", "4", "5", "6", "7"].map(str::to_owned));
    }
    assert_eq!([one.say(&ann, &red, "8"), two.say(&bob, &red, "9")], [3, 4]);
    for server in [&one, &two] {
        wait_until("the newest", || server.sink.ids(&red) == [1, 2, 3, 4, 5, 1, 2, 3, 4]);
        assert_eq!(server.sink.restarts(&red), 1);
        assert_eq!(server.members("red"), ["ann", "bob"]);
        assert!(server.is_online("ann") && server.is_online("bob") && server.has_room("red"));
        assert_eq!(server.notes().iter().filter(|note| emptied(note)).count(), 1);
        assert!(server.sink.displaced().is_empty());
        assert!(!server.sink.changes("red").iter().any(|change| change.starts_with('-')));
    }
    one.leave(&ann, "red").unwrap();
    one.release(&ann).unwrap();
    assert!(!two.is_online("ann") && two.members("red") == ["bob"]);
}

#[test]
fn sessions_that_say_nothing_are_put_back_too() {
    let (redis, one, two) = pair();
    let ann = one.member("ann", "red");
    let _bob = two.member("bob", "red");
    redis.cli(&["FLUSHALL"]);
    wait_until("both", || one.members("red") == ["ann", "bob"] && one.is_online("ann") && one.is_online("bob"));
    // Its lease is put back after its sessions.
    let again = || two.claim("ann", 7, DuplicateLogin::Takeover).ok();
    let new = granted("ann", wait_for("a claim", again));
    assert!(ann.generation < new.generation);
    wait_until("the displacement notice", || one.sink.displaced().len() == 1);
}

#[test]
fn a_redis_that_starts_empty_is_filled_again() {
    let (redis, one, two) = pair();
    let (ann, red) = (one.member("ann", "red"), log_of("red"));
    two.member("bob", "red");
    one.say(&ann, &red, "lost");
    for server in [&one, &two] {
        server.hears(&red, &["lost".to_owned()]);
    }
    redis.restart_empty();
    for server in [&one, &two] {
        server.tells("the Emptied event", emptied);
    }
    wait_until("the link", || one.try_say(&ann, &red, "new").is_ok());
    for server in [&one, &two] {
        wait_until("the new life", || server.sink.texts(&red).last().map(String::as_str) == Some("new"));
        assert_eq!(server.sink.restarts(&red), 1);
        let kept = server.newest(&red, 100).unwrap();
        assert_eq!(server.sink.entries(&red)[1..], kept);
    }
    wait_until("both", || two.members("red") == ["ann", "bob"]);
}

#[test]
fn a_redis_that_keeps_its_data_loses_nothing_by_a_restart() {
    let redis = RedisServer::options().append_only(Fsync::Always).start();
    let (one, two) = (Server::open(&redis.url()), Server::open(&redis.url()));
    let (ann, red) = (one.member("ann", "red"), log_of("red"));
    let _bob = two.member("bob", "red");
    let speech = speak_while(&one, &ann, &red, || {
        for _ in 0..3 {
            redis.restart();
        }
    });
    speech.check(&red, &[&one, &two]);
    assert_eq!(two.members("red"), ["ann", "bob"]);
    assert!(one.is_online("bob"));
    for server in [&one, &two] {
        let is_bad =
            |note: &Note| matches!(note, Note::Emptied { .. } | Note::LogGapFound { .. } | Note::Reaped { .. });
        assert!(!server.notes().iter().any(is_bad));
        assert_eq!(server.sink.restarts(&red), 0);
    }
}

/// Keys of the room, each with a name for a copy.
const KEPT: [[&str; 2]; 3] =
    [["parlor:log:{red}", "copy:log"], ["parlor:log-meta:{red}", "copy:meta"], ["parlor:room-gen:{red}", "copy:gen"]];

#[test]
fn numbers_that_were_heard_and_lost_are_not_given_out_again() {
    let (redis, one, two) = pair();
    let (ann, bob, red) = (one.member("ann", "red"), two.member("bob", "red"), log_of("red"));
    let copy = |from, to| KEPT.map(|names| redis.cli(&["COPY", names[from], names[to], "REPLACE"]));
    one.say_many(&ann, &red, &["1", "2", "3"].map(str::to_owned));
    two.say(&bob, &red, "4");
    copy(0, 1);
    two.say(&bob, &red, "lost");
    one.say_many(&ann, &red, &["lost", "lost"].map(str::to_owned));
    for server in [&one, &two] {
        wait_until("all", || server.sink.ids(&red).len() == 7);
    }
    // This simulates a failover to a replica that did not have the last three entries yet.
    copy(1, 0);
    assert_eq!([two.say(&bob, &red, "8"), one.say(&ann, &red, "9")], [8, 9]);
    for server in [&one, &two] {
        wait_until("the newest", || server.sink.ids(&red).last() == Some(&9));
        assert_eq!(server.sink.ids(&red), (1..=9).collect::<Vec<_>>());
        assert_eq!(server.sink.restarts(&red), 0);
    }
    let kept: Vec<u64> = one.newest(&red, 100).unwrap().iter().map(|entry| entry.id.0).collect();
    assert_eq!(kept, [1, 2, 3, 4, 8, 9]);
}

#[test]
fn a_quiet_log_that_lost_what_was_heard_is_mended() {
    let (redis, one, two) = pair();
    let (ann, red) = (one.member("ann", "red"), log_of("red"));
    two.follow(&red);
    let copy = |from, to| KEPT.map(|names| redis.cli(&["COPY", names[from], names[to], "REPLACE"]));
    one.say(&ann, &red, "1");
    copy(0, 1);
    one.say(&ann, &red, "lost");
    two.hears(&red, &["1", "lost"].map(str::to_owned));
    copy(1, 0);
    redis.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    wait_until("the LogGapFound event", || {
        let mended = |note: &Note| matches!(note, Note::LogGapFound { lost: 1, .. });
        [&one, &two].iter().any(|server| server.notes().iter().any(mended))
    });
    let three = Server::open(&redis.url());
    assert_eq!(three.follow(&red).last.0, 2);
    let cat = three.session_key("cat");
    three.enter(&cat, "red");
    assert_eq!(three.say(&cat, &red, "3"), 3);
    wait_until("the entries", || two.sink.ids(&red) == [1, 2, 3]);
}
