//! Two thousand clients on one server: all receive everything once and in order, and each costs one thread.

use std::thread;

use serde_json::Value;

use crate::harness::{Client, Known, Options, Server, eventually, heavy, number};

const CLIENTS: usize = 2000;
const ROOM_SIZE: usize = 100;
const ROUNDS: usize = 2;
/// Threads of the server that belong to no client.
const OTHER_THREADS: usize = 16;
/// Threads of this test; each drives some rooms.
const DRIVERS: usize = 4;

/// One client, and what it sent and received.
struct Member {
    client: Client,
    name: String,
    known: Known,
    heard: Known,
}

impl Member {
    /// Notes one event. Returns whether it was a message or an answer to one.
    fn take(&mut self, event: &Value, said: &str) -> bool {
        match event["type"].as_str().unwrap() {
            "message" => self.heard.hear(event),
            "ok" => self.known.note(number(&event["id"]), said),
            "joined" | "left" => return false,
            other => panic!("{other}: {event}"),
        }
        true
    }
}

/// Returns the members of one room.
fn room(server: &Server, number: usize) -> Vec<Member> {
    let config = Client::config(&server.ca());
    let member = |at: usize| {
        let name = format!("m{number}-{at}");
        let mut client = Client::open_with(server.address(), config.clone());
        client.send(&format!("FORMAT json\nREGISTER {name} secret\n/join room{number}"));
        assert!(client.line().starts_with("HELLO "));
        while client.event_of("ok")["command"] != "join" {}
        Member { client, name, known: Known::default(), heard: Known::default() }
    };
    (0..ROOM_SIZE).map(member).collect()
}

/// Every member sends a message, then every member reads all of them.
fn chat(members: &mut [Member], round: usize) {
    let text = |name: &str| format!("{name} says {round}");
    for member in &mut *members {
        member.client.send(&text(&member.name));
    }
    for member in members {
        let said = text(&member.name);
        let mut left = ROOM_SIZE;
        while left > 0 {
            let event = member.client.event();
            left -= usize::from(member.take(&event, &said));
        }
    }
}

/// Fails unless all members know the same messages, and all of them.
fn check(members: &mut [Member]) {
    let mut all = Known::default();
    for member in members {
        member.known.agree(&member.heard);
        member.known.expect_gapless(1..=(ROOM_SIZE * ROUNDS) as u64);
        all.agree(&member.known);
        member.client.send("/ping");
        assert_eq!(member.client.event_of("pong")["token"], Value::Null);
    }
}

/// The threads that serve connections, or wait for the next one. A thread of the start may end later than it seems, so
/// the number of all threads says less.
fn threads_of_clients(server: &Server) -> usize {
    ["handshake-", "client-", "idle-", "spare"].iter().map(|name| server.threads(name)).sum()
}

#[test]
fn two_thousand_clients_hear_everything_once_and_in_order() {
    let _heavy = heavy();
    let server = Options::default().start();
    let (others, memory) = (server.status("Threads"), server.status("VmRSS"));
    assert!(others <= OTHER_THREADS, "{others} threads without a client");
    let rooms = CLIENTS / ROOM_SIZE;
    let mut members: Vec<Vec<Member>> = thread::scope(|scope| {
        let server = &server;
        let threads: Vec<_> = (0..DRIVERS)
            .map(|driver| {
                scope.spawn(move || (driver..rooms).step_by(DRIVERS).map(|it| room(server, it)).collect::<Vec<_>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    // The thread of a handshake may end a little later.
    eventually("one thread is left for each client", || threads_of_clients(&server) == CLIENTS);
    let idle = server.status("VmRSS");
    thread::scope(|scope| {
        for part in members.chunks_mut(rooms.div_ceil(DRIVERS)) {
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    part.iter_mut().for_each(|members| chat(members, round));
                }
                part.iter_mut().for_each(|members| check(members));
            });
        }
    });
    let busy = server.status("VmRSS");
    println!(
        "{CLIENTS} clients: {others} threads besides theirs, {} KiB a client before they spoke, \
         {} KiB after {} deliveries",
        (idle - memory) / CLIENTS,
        (busy - memory) / CLIENTS,
        CLIENTS * (ROOM_SIZE - 1) * ROUNDS
    );
    // A client that becomes quiet moves from one thread to another.
    eventually("one thread is left for each client", || threads_of_clients(&server) == CLIENTS);
}
