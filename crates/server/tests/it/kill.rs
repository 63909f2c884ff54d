//! `kill -9` under load: every acknowledged message is there after a restart, and no number ever gets a second message.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;

use crate::harness::{Client, Known, Polled, Server, eventually, heavy, number};

const ROUNDS: usize = 4;
/// Acknowledgements of all speakers after which the server is killed.
const ACKNOWLEDGED: usize = 150;
const BATCH: usize = 2;
/// Maximum number of batches that one speaker sends in one round, however late the kill comes: one `/history` shows
/// what two speakers send to a room.
const BATCHES: usize = 120;

/// Where a client speaks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Place {
    Room(&'static str),
    Feed(&'static str),
}

const SPEAKERS: [(&str, Place); 6] = [
    ("ann", Place::Room("red")),
    ("ben", Place::Room("red")),
    ("cat", Place::Room("blue")),
    ("dan", Place::Room("blue")),
    ("eve", Place::Feed("eve")),
    ("fay", Place::Feed("fay")),
];

/// What a client knows when the server dies.
#[derive(Default)]
struct Memory {
    acknowledged: Known,
    /// Messages of others, which may not have been acknowledged to their senders.
    heard: Known,
    /// Number of messages without an answer: they may have been accepted.
    unanswered: usize,
}

/// Logs in and enters the room, if `place` is one.
fn enter(server: &Server, user: &str, place: Place) -> (Client, Value) {
    let (mut client, mut begun) = server.log_in_json(user);
    if let Place::Room(room) = place {
        client.send(&format!("/join {room}"));
        begun = client.event_of("ok");
    }
    (client, begun)
}

/// Speaks in batches until the server is gone. After the last batch it only waits for the server's end.
fn speak(client: &mut Client, place: Place, mark: &str, acknowledged: &AtomicUsize) -> Memory {
    let mut memory = Memory::default();
    let command = if matches!(place, Place::Feed(_)) { "/publish " } else { "" };
    for count in 0..BATCHES {
        let texts: Vec<String> = (0..BATCH).map(|part| format!("{mark} {count}.{part}")).collect();
        let lines: String = texts.iter().map(|text| format!("{command}{text}\n")).collect();
        if client.try_send(lines.as_bytes()).is_err() {
            memory.unanswered += BATCH;
            return memory;
        }
        for (at, text) in texts.iter().enumerate() {
            let Some(id) = accepted(client, &mut memory.heard) else {
                memory.unanswered += BATCH - at;
                return memory;
            };
            memory.acknowledged.note(id, text);
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }
    assert_eq!(accepted(client, &mut memory.heard), None, "an answer came after all messages were answered");
    memory
}

/// Returns the number of the next accepted message; `None` if the server is gone.
fn accepted(client: &mut Client, heard: &mut Known) -> Option<u64> {
    loop {
        let Polled::Line(line) = client.poll(std::time::Duration::from_secs(20)) else { return None };
        let event: Value = serde_json::from_str(&line).unwrap();
        match event["type"].as_str().unwrap() {
            "ok" => return Some(number(&event["id"])),
            "message" => heard.hear(&event),
            "joined" | "left" => {}
            other => panic!("{other}: {event}"),
        }
    }
}

/// Lets all speakers speak, and kills the server meanwhile.
fn round(server: &mut Server, round: usize) -> Vec<(Place, Memory)> {
    let clients = SPEAKERS.map(|(user, place)| enter(server, user, place).0);
    let acknowledged: [AtomicUsize; SPEAKERS.len()] = Default::default();
    thread::scope(|scope| {
        let threads =
            clients.into_iter().zip(SPEAKERS).zip(&acknowledged).map(|((mut client, (user, place)), count)| {
                scope.spawn(move || (place, speak(&mut client, place, &format!("{user} {round}"), count)))
            });
        let threads: Vec<_> = threads.collect();
        eventually("every speaker has an acknowledgement, and together they have enough", || {
            let counts = acknowledged.each_ref().map(|count| count.load(Ordering::Relaxed));
            !counts.contains(&0) && counts.iter().sum::<usize>() >= ACKNOWLEDGED
        });
        server.kill();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

#[test]
fn nothing_acknowledged_is_lost_and_no_number_is_used_twice() {
    let _heavy = heavy();
    let mut server = Server::start();
    for (user, _) in SPEAKERS {
        server.register(user);
    }
    let mut epochs = BTreeMap::new();
    let mut logs: BTreeMap<Place, Known> = BTreeMap::new();
    for number in 0..ROUNDS {
        let learned = round(&mut server, number);
        server = server.restart();
        let mut unanswered: BTreeMap<Place, usize> = BTreeMap::new();
        let before: BTreeMap<Place, u64> = logs.iter().map(|(place, log)| (*place, log.last().unwrap_or(0))).collect();
        for (place, memory) in &learned {
            let log = logs.entry(*place).or_default();
            log.agree(&memory.acknowledged);
            log.agree(&memory.heard);
            *unanswered.entry(*place).or_default() += memory.unanswered;
        }
        for (user, place) in SPEAKERS {
            let log = logs.get_mut(&place).unwrap();
            match place {
                Place::Room(_) => {
                    let stored = check_room(&server, user, place, log, &mut epochs);
                    let last_round = before.get(&place).copied().unwrap_or(0);
                    assert!(stored <= last_round + 1, "{place:?}: {stored} is the first shown, after {last_round}");
                }
                Place::Feed(_) => check_feed(&server, user, place, log, unanswered[&place]),
            }
        }
    }
    println!("{:?}", logs.iter().map(|(place, log)| (place, log.len())).collect::<Vec<_>>());
}

/// Fails unless the log has everything that clients know of it, with the same numbers, without a gap, and each text
/// once. Returns the first number that the history shows.
fn check_room(server: &Server, user: &str, place: Place, log: &mut Known, epochs: &mut BTreeMap<Place, Value>) -> u64 {
    let (mut client, joined) = enter(server, user, place);
    assert_eq!(epochs.entry(place).or_insert_with(|| joined["epoch"].clone()), &joined["epoch"]);
    let stored = client.history();
    let last = number(&joined["last"]);
    assert_eq!(stored.last(), Some(last));
    let first = stored.entries().next().unwrap().0;
    stored.expect_gapless(first..=last);
    assert!(log.last().unwrap() <= last, "{place:?}: {:?} is known, {last} is stored", log.last());
    log.agree(&stored);
    log.expect_gapless(1..=last);
    let texts: HashSet<&str> = log.entries().map(|(_, text)| text).collect();
    assert_eq!(texts.len(), log.len(), "a text has two numbers");
    first
}

/// Fails unless the next number is above all known ones, and not above what the unanswered messages can explain.
fn check_feed(server: &Server, user: &str, place: Place, log: &mut Known, unanswered: usize) {
    let known = log.last().unwrap();
    let (mut client, _) = enter(server, user, place);
    let text = format!("{user} after {known}");
    let next = client.say(&format!("/publish {text}"));
    assert!(next > known, "{place:?}: {known} is known and {next} comes");
    assert!(next <= known + unanswered as u64 + 1, "{place:?}: {known} is known and {next} comes");
    // Unanswered messages that got a number keep it.
    (known + 1..next).for_each(|id| log.note(id, &format!("unanswered {id}")));
    log.note(next, &text);
    log.expect_gapless(1..=next);
}
