//! Conversations over several servers: what waits for a user is there on every server, once, whatever was killed.

use parlor_redis_testkit::RedisServer;

use super::{sharing, two};
use crate::harness::{Client, Polled};

/// Sends lines that are not answered yet, each with its number as its key. Returns how many of them are answered by `OK`
/// before the connection ends or all are answered. Calls `meanwhile` after the first answer.
fn say(client: &mut Client, lines: &[String], meanwhile: impl FnOnce()) -> usize {
    let all: String = lines.iter().map(|line| format!("{line}\n")).collect();
    // The server may be gone before everything is written.
    drop(client.try_send(all.as_bytes()));
    let (mut answered, mut meanwhile) = (0, Some(meanwhile));
    while answered < lines.len() {
        let Polled::Line(line) = client.poll(std::time::Duration::from_secs(10)) else { break };
        if line.starts_with("OK msg ") {
            answered += 1;
            if let Some(meanwhile) = meanwhile.take() {
                meanwhile();
            }
        }
    }
    answered
}

#[test]
fn what_is_sent_again_to_another_server_after_a_kill_is_said_once_and_in_order() {
    const LINES: usize = 60;
    let redis = RedisServer::start();
    let steady = sharing(&redis).start();
    drop(steady.register("bob"));
    drop(steady.register("alice"));
    for round in 0..4 {
        let mut doomed = sharing(&redis).start();
        let texts: Vec<String> = (0..LINES).map(|number| format!("round {round} number {number}")).collect();
        let lines: Vec<String> =
            texts.iter().enumerate().map(|(at, text)| format!("/once k{round}-{at} /msg bob {text}")).collect();
        let mut alice = doomed.log_in("alice");
        let answered = say(&mut alice, &lines, || doomed.kill());
        drop(alice);
        let mut alice = steady.log_in("alice");
        assert_eq!(say(&mut alice, &lines[answered..], || {}), LINES - answered);
        let mut bob = steady.log_in("bob");
        assert_eq!(bob.line(), format!("UNREAD @alice {LINES}"));
        let inbox = bob.list("/inbox", "OK inbox");
        let got: Vec<&str> = inbox.iter().filter_map(|line| line.splitn(5, ' ').nth(4)).collect();
        assert_eq!(got, texts, "round {round}, of which {answered} were answered before the kill");
        let sent = alice.list(&format!("/backlog @bob {LINES}"), "OK backlog");
        let sent: Vec<&str> = sent.iter().filter_map(|line| line.splitn(5, ' ').nth(4)).collect();
        assert_eq!(sent, texts);
    }
}

#[test]
fn messages_to_one_who_is_away_wait_on_every_server() {
    let (_redis, mut one, two) = two();
    drop(two.register("bob"));
    let mut alice = one.register("alice");
    assert_eq!(alice.ask("/once a /msg bob first"), "OK msg bob");
    one.kill();
    let mut alice = two.log_in("alice");
    assert_eq!(alice.ask("/once a /msg bob first"), "OK msg bob");
    assert_eq!(alice.ask("/once b /msg bob second"), "OK msg bob");
    assert_eq!(alice.ask("/once c /msg bob third"), "OK msg bob");
    drop(alice);
    let mut bob = two.log_in("bob");
    assert_eq!(bob.line(), "UNREAD @alice 3");
    let inbox = ["LOG @alice 1 alice first", "LOG @alice 2 alice second", "LOG @alice 3 alice third", "OK inbox 3"];
    assert_eq!(bob.list("/inbox", "OK inbox"), inbox);
    assert_eq!(bob.list("/inbox", "OK inbox"), ["OK inbox 0"]);
    assert_eq!(bob.ask("/msg alice thanks"), "OK msg alice");
    let mut alice = two.log_in("alice");
    assert_eq!(alice.line(), "UNREAD @bob 1");
}

#[test]
fn open_rooms_end_with_their_server_and_come_back_by_sync() {
    let (_redis, mut one, two) = two();
    let mut alice = two.register("alice");
    for room in ["red", "blue"] {
        assert_eq!(alice.ask(&format!("/open {room}")), format!("OK open {room} 1"));
    }
    let mut bob = one.register("bob");
    for room in ["red", "blue"] {
        assert_eq!(bob.ask(&format!("/open {room}")), format!("OK open {room} 2"));
    }
    for _ in 0..3 {
        assert!(alice.line().starts_with("JOIN "));
    }
    one.kill();
    let mut parts: Vec<String> = (0..3).map(|_| alice.line()).collect();
    parts.sort();
    assert_eq!(parts, ["PART blue bob", "PART lobby bob", "PART red bob"]);
    alice.send("/say red are you back?");
    alice.expect_quiet();
    let mut bob = two.log_in("bob");
    let rooms = ["OPEN blue 2 0", "OPEN lobby 2 0", "OPEN red 2 1", "OK sync 3 0"];
    assert_eq!(bob.list("/sync", "OK sync"), rooms);
}
