//! Thousands of connections that begin and end in every possible way: the server keeps nothing of them.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use crate::harness::{Client, Options, Server, Trust, eventually, heavy};

/// Threads that connect at the same time.
const PARALLEL: usize = 4;
/// Connections of each of them in one wave; there are two waves.
const EACH: usize = 1250;
/// Descriptors that may stay open: the server keeps a few connections to the database for later.
const DESCRIPTOR_SLACK: usize = 16;
/// Memory that the second wave may add after the first: a leak of 2 KiB per connection would be more.
const MEMORY_SLACK_KIB: usize = 8 * 1024;

fn reset(socket: &TcpStream) {
    socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO)).unwrap();
}

/// Opens and ends one connection. Of twenty, ten say nothing, four speak plaintext, three stop in the handshake, two
/// complete it, and one logs in.
fn come_and_go(server: &Server, config: &Trust, user: &str, number: usize) {
    match number % 20 {
        19 => log_in_and_go(server, config, user, number / 20),
        17 | 18 => {
            let mut client = Client::open_with(server.address(), config.clone());
            client.line();
            if number.is_multiple_of(2) {
                client.reset()
            }
        }
        kind => {
            let mut socket = TcpStream::connect(server.address()).unwrap();
            match kind {
                0..10 => {}
                10..14 => {
                    socket.write_all(b"GET / HTTP/1.0\r\n\r\n").unwrap();
                    let mut answer = [0; 4];
                    socket.read_exact(&mut answer).unwrap();
                    assert_eq!(&answer, b"ERR ");
                }
                _ => socket.write_all(&[0x16, 3, 1, 2, 0, 1, 0]).unwrap(),
            }
            if number.is_multiple_of(2) {
                reset(&socket)
            }
        }
    }
}

/// Runs a session and ends it as `way` says.
fn log_in_and_go(server: &Server, config: &Trust, user: &str, way: usize) {
    let mut client = Client::open_with(server.address(), config.clone());
    client.send(&format!("LOGIN {user} secret"));
    client.until("OK login");
    match way % 4 {
        0 => client.reset(),
        1 => drop(client),
        2 => {
            client.half_close();
            client.rest();
        }
        _ => {
            client.send("/quit");
            client.rest();
        }
    }
}

/// Opens and ends 4 × 1250 connections from several threads. Returns the number of sessions among them.
fn wave(server: &Server, config: &Trust) -> usize {
    thread::scope(|scope| {
        for thread in 0..PARALLEL {
            scope.spawn(move || {
                (0..EACH).for_each(|number| come_and_go(server, config, &format!("u{thread}"), number));
            });
        }
    });
    PARALLEL * (EACH / 20)
}

/// Fails unless every JOIN that the observer saw has exactly one PART. Returns the number of JOINs.
fn sessions_seen(observer: &mut Client) -> usize {
    observer.send("/ping");
    let mut lines = Vec::new();
    loop {
        match observer.line() {
            line if line == "PONG" => break,
            line => lines.push(line),
        }
    }
    for thread in 0..PARALLEL {
        let user = format!(" lobby u{thread}");
        let of_user: Vec<&str> = lines.iter().filter_map(|line| line.strip_suffix(&user)).collect();
        assert!(of_user.chunks(2).all(|pair| pair == ["JOIN", "PART"]), "{of_user:?}");
    }
    lines.len() / 2
}

#[test]
fn ten_thousand_connections_come_and_go_and_leave_nothing_behind() {
    let _heavy = heavy();
    let server = Options::default().start();
    let config = Client::config(&server.ca());
    for thread in 0..PARALLEL {
        server.register(&format!("u{thread}")).send("/quit");
    }
    let mut observer = server.register("observer");
    eventually("only the observer is there", || server.log().matches("session ended").count() == PARALLEL);
    sessions_seen(&mut observer);
    // Until the threads of the registrations have ended and their sockets are closed.
    thread::sleep(Duration::from_secs(1));
    let threads = server.status("Threads");
    let descriptors = server.descriptors();
    let mut memory = Vec::new();
    for _ in 0..2 {
        let sessions = wave(&server, &config);
        eventually("their threads end", || server.status("Threads") <= threads);
        eventually("their descriptors are closed", || server.descriptors() <= descriptors + DESCRIPTOR_SLACK);
        assert_eq!(sessions_seen(&mut observer), sessions);
        memory.push(server.status("VmRSS"));
    }
    println!(
        "after {} connections: {} threads (before: {threads}), {} descriptors (before: {descriptors}), \
         RSS in KiB after each wave: {memory:?}",
        2 * PARALLEL * EACH,
        server.status("Threads"),
        server.descriptors()
    );
    assert!(memory[1] <= memory[0] + MEMORY_SLACK_KIB, "{memory:?}");
}

#[test]
fn a_killed_client_leaves_once() {
    let server = Server::start();
    let mut observer = server.register("observer");
    for number in 0..3 {
        let mut child = Command::new("openssl")
            .args(["s_client", "-quiet", "-connect", &server.address().to_string(), "-CAfile"])
            .arg(server.ca())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(format!("REGISTER victim{number} secret\n").as_bytes()).unwrap();
        assert_eq!(observer.line(), format!("JOIN lobby victim{number}"));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(observer.line(), format!("PART lobby victim{number}"));
    }
    observer.expect_quiet();
}

#[test]
fn one_who_is_silent_for_too_long_is_sent_away_once() {
    let server = Options::default().args(&["--idle-timeout", "1s"]).start();
    let mut silent = server.register("silent");
    let (lines, _) = silent.rest();
    assert!(lines.last().unwrap().starts_with("BYE idle-timeout "), "{lines:?}");
    let mut again = server.log_in("silent");
    again.expect_quiet();
}
