//! SIGTERM and SIGINT with clients in all states: every client that reads gets the goodbye, and the server ends in
//! time.

use std::io::Write;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::harness::{Client, Options, Polled, Server, heavy};

/// Clients of each kind.
const EACH: usize = 34;

/// Promised maximum time of the shutdown, plus 3 s for a busy machine.
const END_WITHIN: Duration = Duration::from_secs(5 + 3);

/// Clients that receive a goodbye, and clients that do not read and only stay open.
struct Crowd {
    hearing: Vec<Client>,
    deaf: Vec<Client>,
    raw: Vec<TcpStream>,
}

fn gather(server: &Server) -> Crowd {
    let config = Client::config(&server.ca());
    let greeted = || {
        let mut client = Client::open_with(server.address(), config.clone());
        assert_eq!(client.line(), "HELLO parlor/1 test");
        client
    };
    let registered = |user: String| {
        let mut client = greeted();
        client.send(&format!("REGISTER {user} secret"));
        client.until("OK register");
        client
    };
    let silent = (0..EACH).map(|_| TcpStream::connect(server.address()).unwrap());
    let shaking = (0..EACH).map(|_| {
        let mut socket = TcpStream::connect(server.address()).unwrap();
        socket.write_all(&[0x16, 3, 1, 2, 0, 1]).unwrap();
        socket
    });
    let raw = silent.chain(shaking).collect();
    let deaf: Vec<Client> = (0..EACH).map(|number| registered(format!("deaf{number}"))).collect();
    deaf.iter().for_each(Client::shrink_window);
    let mut hearing: Vec<Client> = (0..EACH).map(|_| greeted()).collect();
    hearing.extend((0..EACH).map(|number| registered(format!("here{number}"))));
    hearing.extend((0..EACH).map(|number| {
        let mut client = registered(format!("half{number}"));
        client.send_bytes(b"/history 500\nhalf a line");
        client
    }));
    Crowd { hearing, deaf, raw }
}

/// Sends more to the room than the kernel buffers for clients that do not read, so that the server must queue the rest.
/// The other clients read.
fn fill(server: &Server, crowd: &mut Crowd) {
    let mut speaker = server.register("speaker");
    let lines = format!("{}\n", "x".repeat(4000)).repeat(20);
    for _ in 0..10 {
        speaker.send_bytes(lines.as_bytes());
        assert_eq!(speaker.ask("/ping"), "PONG");
        for client in crowd.hearing.iter_mut().skip(EACH) {
            while let Polled::Line(_) = client.poll(Duration::from_millis(1)) {}
        }
    }
}

fn ends_well(signal: &str) {
    let _heavy = heavy();
    // On a busy machine it takes long until all are there.
    let mut server = Options::default().args(&["--login-timeout", "5m"]).start();
    let mut crowd = gather(&server);
    fill(&server, &mut crowd);
    let asked = Instant::now();
    server.signal(signal);
    for (number, client) in crowd.hearing.iter_mut().enumerate() {
        let (lines, end) = client.rest();
        let last = lines.last().unwrap_or_else(|| panic!("{number} received nothing: {end:?}"));
        assert!(last.starts_with("BYE server-shutdown "), "{number}: {last}");
        assert_eq!(end, Polled::End, "{number}");
    }
    assert_eq!(server.wait().code(), Some(0));
    assert!(asked.elapsed() < END_WITHIN, "the end took {:?}", asked.elapsed());
    println!("{signal}: {} clients, the end took {:?}", 6 * EACH, asked.elapsed());
    let server = server.restart_on_same_port();
    let mut client = server.log_in("here0");
    client.expect_quiet();
    drop((crowd.deaf, crowd.raw));
}

#[test]
fn sigterm_tells_everyone_and_ends_in_time() {
    ends_well("TERM");
}

#[test]
fn sigint_tells_everyone_and_ends_in_time() {
    ends_well("INT");
}

#[test]
fn a_signal_while_many_come_and_speak_ends_it_as_well() {
    let _heavy = heavy();
    let mut server = Options::default().start();
    let config = Client::config(&server.ca());
    let address = server.address();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                // Until nobody listens any more. Each connection is either served, or refused.
                while let Ok(socket) = TcpStream::connect(address) {
                    drop(socket);
                    let Some(mut client) = Client::try_open_with(address, config.clone()) else { return };
                    while let Polled::Line(_) = client.poll(Duration::from_millis(20)) {
                        // The connection may have ended.
                        let _ = client.try_send(b"PING\n");
                    }
                }
            });
        }
        std::thread::sleep(Duration::from_millis(300));
        let asked = Instant::now();
        server.signal("TERM");
        assert_eq!(server.wait().code(), Some(0));
        assert!(asked.elapsed() < END_WITHIN, "the end took {:?}", asked.elapsed());
    });
}
