//! The rules with many threads at once, on the memory store. The tests check afterwards what each client received.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::Barrier;
use std::thread;

use parlor_testkit::{Connection, World, login_line};

/// The number after `key` in a JSON line.
fn number(line: &str, key: &str) -> Option<u64> {
    let (_, rest) = line.split_once(&format!("\"{key}\":"))?;
    rest.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

fn json(world: &World, user: &str) -> Connection {
    let connection = world.login(user);
    connection.send("/format json");
    connection.read();
    connection
}

/// Reads until a line that contains `mark` arrives: another thread may be about to write it.
fn read_up_to(connection: &Connection, mark: &str) -> Vec<String> {
    let mut lines = Vec::new();
    while !lines.iter().any(|line: &String| line.contains(mark)) {
        lines.extend(connection.read());
        thread::yield_now();
    }
    lines
}

/// Checks one stay in a room. The received and the sent messages have no gap after the number in the reply to the join,
/// and arrive in order and once. No message of the room arrives before that reply or after the reply to leaving.
/// Returns how many messages arrived.
fn check_stay(lines: &[String]) -> usize {
    let begin = lines.iter().position(|line| line.contains(r#""command":"join""#)).unwrap();
    let end = lines.iter().position(|line| line.contains(r#""command":"leave""#)).unwrap();
    let is_message = |line: &&String| line.starts_with(r#"{"type":"message","room":"red""#);
    assert_eq!(lines[..begin].iter().chain(&lines[end..]).filter(is_message).count(), 0, "{lines:#?}");
    let heard: Vec<u64> = lines[begin..end].iter().filter(is_message).map(|line| number(line, "id").unwrap()).collect();
    assert!(heard.is_sorted_by(|a, b| a < b), "{heard:?}");
    let said = lines[begin..end].iter().filter(|line| line.contains(r#""command":"message""#));
    let mut all: Vec<u64> = said.map(|line| number(line, "id").unwrap()).chain(heard.iter().copied()).collect();
    all.sort_unstable();
    let last = number(&lines[begin], "last").unwrap();
    assert_eq!(all, (last + 1..=last + all.len() as u64).collect::<Vec<_>>(), "{lines:#?}");
    heard.len()
}

#[test]
fn joining_against_speaking_leaves_no_hole_and_repeats_nothing() {
    let world = World::new();
    let heard: usize = thread::scope(|scope| {
        let stays = |user: usize| {
            let connection = json(&world, &format!("user{user}"));
            let stay = |round: usize| {
                connection.send("/join red");
                for _ in 0..round % 4 {
                    connection.send_raw(b"one\ntwo\n");
                    thread::yield_now();
                }
                connection.send("/leave");
                check_stay(&read_up_to(&connection, r#""command":"leave""#))
            };
            (0..100).map(stay).sum::<usize>()
        };
        let threads: Vec<_> = (0..6).map(|user| scope.spawn(move || stays(user))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_ne!(heard, 0, "no stay overlapped with a message");
    assert_eq!((world.connections(), world.topics()), (0, 0));
}

#[test]
fn going_away_against_speaking_leaves_nothing_behind() {
    let world = World::new();
    let speaker = json(&world, "speaker");
    thread::scope(|scope| {
        for user in 0..4 {
            let world = &world;
            scope.spawn(move || {
                for _ in 0..50 {
                    let guest = world.login(&format!("user{user}"));
                    guest.send("/subscribe speaker");
                    thread::yield_now();
                    guest.disconnect();
                }
            });
        }
        for _ in 0..200 {
            speaker.send_raw(b"hello\n/publish hello\n");
        }
    });
    speaker.send("/ping the-end");
    let ids: Vec<u64> = read_up_to(&speaker, "the-end")
        .iter()
        .filter(|line| line.contains(r#""command":"message""#))
        .map(|line| number(line, "id").unwrap())
        .collect();
    assert_eq!(ids, (1..=200).collect::<Vec<_>>());
    // The lobby, and the inbox of the speaker.
    assert_eq!((world.connections(), world.topics()), (1, 2));
}

/// Seconds for a login where many logins run at once: each time a login waits for others, the clock advances for all of
/// them.
const LONG: u64 = 1_000_000;

#[test]
fn of_fifty_logins_at_once_one_session_lives_and_was_never_doubled() {
    let world = World::builder().login_timeout(LONG).build();
    world.account("ann");
    let watcher = world.login("watcher");
    let start = Barrier::new(50);
    let connections: Vec<Connection> = thread::scope(|scope| {
        let login = || {
            let connection = world.connect();
            start.wait();
            connection.send(&login_line("ann"));
            connection
        };
        let threads: Vec<_> = (0..50).map(|_| scope.spawn(login)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let alive: Vec<_> = connections.iter().filter(|connection| connection.is_open()).collect();
    assert_eq!(alive.len(), 1);
    assert_eq!(alive[0].ask("/who").last().map(String::as_str), Some("OK who lobby 2"));
    // Members see each session whole: its PART arrives before the next JOIN.
    let seen = watcher.read();
    let expected = ["JOIN lobby ann", "PART lobby ann"].into_iter().cycle().take(seen.len());
    assert_eq!(seen, expected.collect::<Vec<_>>());
    assert!(seen.len() % 2 == 1);
}

#[test]
fn where_duplicates_are_rejected_one_of_fifty_wins() {
    let world = World::builder().reject_duplicates().login_timeout(LONG).build();
    world.account("ann");
    let start = Barrier::new(50);
    let connections: Vec<(Connection, Vec<String>)> = thread::scope(|scope| {
        let login = || {
            let connection = world.connect();
            start.wait();
            let answer = connection.ask(&login_line("ann"));
            (connection, answer)
        };
        let threads: Vec<_> = (0..50).map(|_| scope.spawn(login)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let count = |start: &str| connections.iter().filter(|(_, answer)| answer[0].starts_with(start)).count();
    assert_eq!((count("OK login ann lobby"), count("ERR already-logged-in ")), (1, 49));
}
