//! Peers that violate TLS, or do not begin it: they get what the protocol says, and no other client notices.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::harness::{Client, Options, Polled, Server, eventually};

/// Returns a connection without TLS.
fn raw(server: &Server) -> TcpStream {
    let socket = TcpStream::connect(server.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    socket
}

/// Returns everything that comes up to the end of the connection. Fails if the end does not come in 20 s.
fn rest(socket: &mut TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        match socket.read(&mut buffer) {
            Ok(0) => return all,
            Ok(count) => all.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return all,
            Err(error) => panic!("the server does not close: {error}"),
        }
    }
}

/// The beginning of a handshake: a record header that announces 512 bytes, and one of them.
const HALF_A_HELLO: [u8; 6] = [0x16, 3, 1, 2, 0, 1];

#[test]
fn plaintext_gets_one_line_and_is_not_interpreted() {
    let server = Server::start();
    let mut observer = server.register("observer");
    for words in ["REGISTER mallory secret\nhello\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\n", "\0"] {
        let mut socket = raw(&server);
        socket.write_all(words.as_bytes()).unwrap();
        let answer = String::from_utf8(rest(&mut socket)).unwrap();
        assert_eq!(answer, "ERR tls-required This port speaks TLS only\n");
    }
    observer.expect_quiet();
}

#[test]
fn a_stalled_handshake_delays_nobody() {
    const STALLED: usize = 50;
    let server = Options::default().args(&["--handshake-timeout", "1h"]).start();
    let mut stalled: Vec<_> = (0..STALLED).map(|_| raw(&server)).collect();
    stalled.iter_mut().skip(STALLED / 2).for_each(|socket| socket.write_all(&HALF_A_HELLO).unwrap());
    let mut alice = server.register("alice");
    let mut bob = server.register("bob");
    alice.until("JOIN lobby bob");
    alice.send("hello");
    assert_eq!(bob.line(), "MSG lobby alice hello");
    for socket in &mut stalled {
        socket.set_nonblocking(true).unwrap();
        let error = socket.read(&mut [0; 1]).expect_err("it was served while it stalled");
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
    }
}

#[test]
fn a_stalled_handshake_is_cut_off_also_if_it_trickles() {
    let server = Options::default().args(&["--handshake-timeout", "1s"]).start();
    let (mut silent, mut half) = (raw(&server), raw(&server));
    half.write_all(&HALF_A_HELLO).unwrap();
    let trickling = raw(&server);
    let mut writing = trickling.try_clone().unwrap();
    let started = Instant::now();
    let trickle = thread::spawn(move || {
        writing.write_all(&HALF_A_HELLO).unwrap();
        // The loop ends when the server has closed.
        while writing.write_all(&[1]).is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    assert_eq!(rest(&mut silent), b"");
    assert!(!rest(&mut half).starts_with(b"ERR"));
    trickle.join().unwrap();
    assert!(started.elapsed() >= Duration::from_secs(1));
    eventually("their threads end", || server.descriptors() < 40);
    server.register("alice");
}

#[test]
fn a_login_that_trickles_is_cut_off_whatever_it_sends() {
    let server = Options::default().args(&["--login-timeout", "1s"]).start();
    let mut client = server.connect();
    let started = Instant::now();
    let mut lines = Vec::new();
    let end = loop {
        // The connection may be closed already.
        let _ = client.try_send(b"PING\nLOG");
        match client.poll(Duration::from_millis(100)) {
            Polled::Line(line) => lines.push(line),
            Polled::Nothing => {}
            end => break end,
        }
        assert!(started.elapsed() < Duration::from_secs(20), "it is not disconnected");
        thread::sleep(Duration::from_millis(50));
    };
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(end, Polled::End);
    let [.., refused, bye] = &lines[..] else { panic!("{lines:?}") };
    assert!(refused.starts_with("ERR login-timeout "), "{lines:?}");
    assert!(bye.starts_with("BYE login-timeout "), "{lines:?}");
    assert!(lines.iter().any(|line| line == "PONG"));
}

#[test]
fn a_slow_login_in_pieces_that_comes_in_time_is_a_login() {
    let server = Server::start();
    let mut client = server.connect();
    for byte in b"REGISTER alice secret\r\n" {
        client.send_bytes(&[*byte]);
    }
    assert_eq!(client.line(), "OK register alice lobby");
}

#[test]
fn garbage_instead_of_a_handshake_ends_that_connection_only() {
    let server = Server::start();
    let mut observer = server.register("observer");
    for garbage in [&[0x16; 4096][..], &[0x16, 3, 3, 0, 4, 1, 2, 3, 4], &[0x16, 0xff, 0xff, 0xff, 0xff, 0]] {
        let mut socket = raw(&server);
        socket.write_all(garbage).unwrap();
        socket.shutdown(std::net::Shutdown::Write).unwrap();
        let answer = rest(&mut socket);
        assert!(!answer.starts_with(b"ERR") && answer.len() < 64, "{answer:?}");
    }
    observer.expect_quiet();
}

#[test]
fn garbage_and_halves_of_records_after_the_login_end_the_session_once() {
    let server = Server::start();
    let mut observer = server.register("observer");
    let garbage = [0x42; 100];
    // A record of application data that announces 256 bytes, and some of them.
    let half = [0x17, 3, 3, 1, 0, 1, 2, 3];
    let forged = [&[0x17, 3, 3, 0, 32][..], &[7; 32]].concat();
    for (number, bytes) in [&garbage[..], &half, &forged].into_iter().enumerate() {
        let mut client = server.register(&format!("broken{number}"));
        assert_eq!(observer.line(), format!("JOIN lobby broken{number}"));
        client.send("a whole line");
        assert_eq!(observer.line(), format!("MSG lobby broken{number} a whole line"));
        client.socket().write_all(bytes).unwrap();
        client.socket().shutdown(std::net::Shutdown::Write).unwrap();
        assert_eq!(observer.line(), format!("PART lobby broken{number}"));
        client.rest();
    }
    observer.expect_quiet();
}

#[test]
fn an_unfinished_line_is_dropped_at_the_end() {
    let server = Server::start();
    let mut observer = server.register("observer");
    let mut client = server.register("alice");
    assert_eq!(observer.line(), "JOIN lobby alice");
    client.send_bytes(b"whole\nhalf");
    client.half_close();
    assert_eq!(observer.line(), "MSG lobby alice whole");
    assert_eq!(observer.line(), "PART lobby alice");
    client.expect_end();
}

/// Runs `openssl s_client` with these arguments, and gives it `input` after the greeting. Returns what it printed
/// before it ended.
fn openssl(server: &Server, args: &[&str], input: &str) -> String {
    let mut child = Command::new("openssl")
        .args(["s_client", "-connect", &server.address().to_string(), "-ign_eof", "-verify_return_error", "-CAfile"])
        .arg(server.ca())
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input_pipe = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut said = String::new();
    while !said.contains("HELLO ") && output.read_line(&mut said).unwrap() > 0 {}
    // The process may have ended already.
    let _ = input_pipe.write_all(input.as_bytes());
    let (rest, errors) = (read_all(output), read_all(child.stderr.take().unwrap()));
    drop(input_pipe);
    child.wait().unwrap();
    said + &rest + &errors
}

fn read_all(mut stream: impl Read) -> String {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    String::from_utf8_lossy(&all).into_owned()
}

#[test]
fn tls_1_2_is_spoken_and_older_is_refused() {
    let server = Server::start();
    let said = openssl(&server, &["-quiet", "-tls1_2"], "REGISTER old secret\n/ping two\n/quit\n");
    assert!(said.contains("OK register old lobby\n") && said.contains("PONG two\n"), "{said}");
    let said = openssl(&server, &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], "");
    assert!(!said.contains("HELLO parlor") && said.contains("SSL alert number"), "{said}");
}

#[test]
fn a_renegotiation_is_not_granted_and_disturbs_nobody() {
    let server = Server::start();
    let mut observer = server.register("observer");
    // If s_client interprets its input, a line with only R makes it begin a renegotiation.
    let said = openssl(&server, &["-tls1_2", "-no_ign_eof"], "R\n");
    assert!(said.contains("RENEGOTIATING") && said.contains("no renegotiation"), "{said}");
    observer.expect_quiet();
}

#[test]
fn keys_are_renewed_and_records_may_come_in_pieces() {
    let server = Server::start();
    let mut ann = server.register("ann");
    let mut bob = server.register("bob");
    assert_eq!(ann.line(), "JOIN lobby bob");
    for text in ["one", "two", "three"] {
        ann.send_renewed_in_pieces(text);
        assert_eq!(bob.line(), format!("MSG lobby ann {text}"));
        bob.send("heard");
        assert_eq!(ann.line(), "MSG lobby bob heard");
    }
}

#[test]
fn a_close_that_comes_together_with_the_last_words_ends_the_session_although_the_socket_stays_open() {
    let server = Server::start();
    let mut observer = server.register("observer");
    for (number, last_words) in ["bye\n", "", "half a line", "/ping\n/ping\n"].into_iter().enumerate() {
        let user = format!("user{number}");
        let mut client = server.register(&user);
        observer.until(&format!("JOIN lobby {user}"));
        if number % 2 == 1 {
            // An idle thread has replaced its worker.
            eventually("it is quiet", || server.threads("client-") == 0);
        }
        client.send_and_close_tls(last_words.as_bytes());
        if last_words == "bye\n" {
            assert_eq!(observer.line(), format!("MSG lobby {user} bye"));
        }
        assert_eq!(observer.line(), format!("PART lobby {user}"));
        let pongs = client.rest().0.iter().filter(|line| *line == "PONG").count();
        assert_eq!(pongs, last_words.matches("/ping").count());
    }
    // Before the login, and together with the end of the handshake.
    let mut stranger = server.connect();
    stranger.send_and_close_tls(b"PING\n");
    assert_eq!(stranger.rest().0.last().unwrap(), "PONG");
    let mut hasty = Client::open_speaking_and_closing(server.address(), &server.ca(), b"PING\n");
    assert_eq!(hasty.rest().0.last().unwrap(), "PONG");
}
