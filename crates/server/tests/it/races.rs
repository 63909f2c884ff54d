//! Races of join and leave with messages, and of disconnects with delivery: no client misses a message, receives one
//! twice, or in another order.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::Value;

use crate::harness::{Client, Known, Server, heavy, number};

const ROOM: &str = "busy";

/// Stops the other threads when it is dropped, also after a failure: otherwise they would never end.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

/// Speaks until `stop` is set. Returns all messages of the room that it knows, its own included.
fn speak(client: &mut Client, name: &str, stop: &AtomicBool) -> Known {
    let (mut heard, mut said) = (Known::default(), Known::default());
    for count in 0.. {
        if stop.load(Ordering::Acquire) {
            break;
        }
        let texts: Vec<String> = (0..4).map(|part| format!("{name} {count}.{part}")).collect();
        client.send_bytes(format!("{}\n", texts.join("\n")).as_bytes());
        for text in &texts {
            said.note(accepted(client, &mut heard), text);
        }
    }
    heard.agree(&said);
    heard
}

/// Returns the number of the next accepted message. Notes the messages of others before it.
fn accepted(client: &mut Client, heard: &mut Known) -> u64 {
    loop {
        let event = client.event();
        match event["type"].as_str().unwrap() {
            "ok" => return number(&event["id"]),
            "message" => heard.hear(&event),
            "joined" | "left" => {}
            other => panic!("{other}: {event}"),
        }
    }
}

/// Notes all messages of the room up to the answer to a ping.
fn hear_out(client: &mut Client, heard: &mut Known) {
    client.send("/ping end");
    loop {
        let event = client.event();
        match event["type"].as_str().unwrap() {
            "pong" => return,
            "message" => heard.hear(&event),
            _ => {}
        }
    }
}

/// Returns the reply of a command. Notes the messages of the room before it.
fn reply(client: &mut Client, command: &str, heard: &mut Known) -> Value {
    loop {
        let event = client.event();
        match event["type"].as_str().unwrap() {
            "ok" => {
                assert_eq!(event["command"], command, "{event}");
                return event;
            }
            "message" => heard.hear(&event),
            "joined" | "left" => {}
            other => panic!("{other}: {event}"),
        }
    }
}

/// Visits the room once. Fails if a message of the room comes before the entry or after the exit, or if the messages
/// between do not follow the entry without a gap.
fn visit(client: &mut Client, messages: usize) -> Known {
    let mut outside = Known::default();
    client.send(&format!("/join {ROOM}"));
    let joined = reply(client, "join", &mut outside);
    assert_eq!(outside.len(), 0, "received before the entry: {outside:?}");
    let last = number(&joined["last"]);
    let mut heard = Known::default();
    while heard.len() < messages {
        heard.hear(&client.event_of("message"));
    }
    client.send("/leave");
    reply(client, "leave", &mut heard);
    heard.expect_gapless(last + 1..=heard.last().unwrap_or(last));
    hear_out(client, &mut outside);
    assert_eq!(outside.len(), 0, "received after the exit: {outside:?}");
    heard
}

/// Runs a busy room with three speakers and one listener, while `disturb` runs. Fails unless all of them received the
/// same messages, and all of them. Returns the messages.
fn in_a_busy_room(server: &Server, disturb: impl FnOnce() -> Vec<Known> + Send) -> Known {
    let (mut resident, joined) = server.member_json("resident", ROOM);
    let names = ["s0", "s1", "s2"];
    let speakers = names.map(|name| server.member_json(name, ROOM).0);
    let stop = AtomicBool::new(false);
    let known: Vec<Known> = thread::scope(|scope| {
        let stop = &stop;
        let speaking: Vec<_> = speakers
            .into_iter()
            .zip(names)
            .map(|(mut client, name)| {
                scope.spawn(move || {
                    let mut known = speak(&mut client, name, stop);
                    // The other speakers may have continued for less than 300 ms.
                    thread::sleep(std::time::Duration::from_millis(300));
                    let mut rest = Known::default();
                    hear_out(&mut client, &mut rest);
                    known.agree(&rest);
                    known
                })
            })
            .collect();
        let listening = scope.spawn(move || {
            let mut known = Known::default();
            while !stop.load(Ordering::Acquire) {
                hear_out(&mut resident, &mut known);
            }
            (known, resident)
        });
        let mut known = {
            let _stop = StopAtEnd(stop);
            disturb()
        };
        let all: Vec<_> = speaking.into_iter().map(|thread| thread.join().unwrap()).collect();
        let (mut heard, mut resident) = listening.join().unwrap();
        hear_out(&mut resident, &mut heard);
        heard.expect_gapless(number(&joined["last"]) + 1..=heard.last().unwrap());
        for one in &all {
            one.expect_gapless(one.entries().next().unwrap().0..=heard.last().unwrap());
        }
        known.extend(all);
        known.push(heard);
        known
    });
    let mut all = Known::default();
    for one in &known {
        all.agree(one);
    }
    all
}

#[test]
fn whoever_joins_and_leaves_a_busy_room_hears_what_it_was_promised() {
    const VISITORS: usize = 3;
    const VISITS: usize = 15;
    let _heavy = heavy();
    let server = Server::start();
    let all = in_a_busy_room(&server, || {
        thread::scope(|scope| {
            let hop = |name: usize| {
                let (mut client, _) = server.register_json(&format!("hopper{name}"));
                (0..VISITS).map(|round| visit(&mut client, round % 4)).collect::<Vec<_>>()
            };
            let threads: Vec<_> = (0..VISITORS).map(|name| scope.spawn(move || hop(name))).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        })
    });
    all.expect_gapless(1..=all.last().unwrap());
    println!("{} messages, {} visits", all.len(), VISITORS * VISITS);
}

#[test]
fn those_who_vanish_from_a_busy_room_take_nothing_from_the_others() {
    const VISITS: usize = 40;
    let _heavy = heavy();
    let server = Server::start();
    let mut observer = server.register("observer");
    observer.send(&format!("/join {ROOM}"));
    observer.until("OK join");
    let stop = AtomicBool::new(false);
    let changes = thread::scope(|scope| {
        let stop = &stop;
        let watching = scope.spawn(move || {
            let mut changes = Vec::new();
            while !stop.load(Ordering::Acquire) {
                watch(&mut observer, &mut changes);
            }
            watch(&mut observer, &mut changes);
            changes
        });
        let stop_at_end = StopAtEnd(stop);
        in_a_busy_room(&server, || {
            let vanishers = (0..2).map(|name| {
                scope.spawn({
                    let server = &server;
                    move || (0..VISITS).for_each(|round| vanish(server, &format!("ghost{name}-{round}"), round))
                })
            });
            vanishers.collect::<Vec<_>>().into_iter().for_each(|thread| thread.join().unwrap());
            let mut asker = server.register("asker");
            wait_for_members(&mut asker, 5);
            Vec::new()
        });
        drop(stop_at_end);
        watching.join().unwrap()
    });
    for name in 0..2 {
        for round in 0..VISITS {
            let ghost = format!("{ROOM} ghost{name}-{round}");
            let of_ghost: Vec<_> = changes.iter().filter(|line| line.ends_with(&ghost)).collect();
            assert_eq!(of_ghost, [&format!("JOIN {ghost}"), &format!("PART {ghost}")]);
        }
    }
}

/// Enters the room, receives and sends a message, and disconnects as `way` says.
fn vanish(server: &Server, name: &str, way: usize) {
    let (mut client, _) = server.member_json(name, ROOM);
    client.event_of("message");
    match way % 4 {
        0 => client.reset(),
        1 => drop(client),
        2 => client.half_close(),
        _ => client.send("/quit"),
    }
}

/// Notes the JOINs and PARTs up to the answer to a ping.
fn watch(observer: &mut Client, changes: &mut Vec<String>) {
    observer.send("/ping");
    loop {
        let line = observer.line();
        if line == "PONG" {
            return;
        }
        if line.starts_with("JOIN ") || line.starts_with("PART ") {
            changes.push(line);
        }
    }
}

/// Waits until the room has `members` members.
fn wait_for_members(asker: &mut Client, members: usize) {
    let done = format!("OK who {ROOM} {members}");
    loop {
        asker.send(&format!("/who {ROOM}"));
        let answer = asker.until("OK who");
        if answer == done {
            return;
        }
        thread::sleep(std::time::Duration::from_millis(50));
    }
}
