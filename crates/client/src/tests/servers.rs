//! Which of several servers is used, and what is sent and read before the login.

use std::io::Read;
use std::time::Instant;

use super::*;

/// An address where nobody listens.
fn away() -> Address {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string().parse().unwrap()
}

#[test]
fn no_server_is_tried_twice() {
    let (one, two): (Address, Address) = ("one.example".parse().unwrap(), "two.example".parse().unwrap());
    let connector =
        pinned(&one, Identity::new(&["x.example"]).pin).with_others([two.clone(), one.clone(), two.clone()]);
    assert_eq!(connector.addresses(), [one, two]);
}

#[test]
fn a_server_that_is_away_is_skipped() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, greet);
    let connector = pinned(&away(), identity.pin).with_others([server.address.clone()]);
    assert_eq!(*connector.open().unwrap().address(), server.address);
    server.finish();
}

#[test]
fn where_all_servers_are_away_each_of_them_is_told() {
    let (one, two) = (away(), away());
    let connector = pinned(&one, Identity::new(&["x.example"]).pin).with_others([two.clone()]);
    let error = connector.open().unwrap_err();
    let refused = "cannot be reached: it refused the connection; does the server run?";
    assert_eq!(error.to_string(), format!("no server answers: {one} {refused}; {two} {refused}"));
    assert!(error.is_transient());
}

#[test]
fn a_server_that_says_nothing_is_told_in_the_same_words_on_every_system() {
    for kind in [std::io::ErrorKind::TimedOut, std::io::ErrorKind::WouldBlock] {
        let error = ConnectError::Unreachable { address: "den.example".parse().unwrap(), error: kind.into() };
        assert_eq!(error.to_string(), "den.example:7878 cannot be reached: it does not answer");
    }
}

#[test]
fn a_server_that_cannot_prove_its_identity_is_not_skipped() {
    let (wrong, right) = (Identity::new(&["127.0.0.1"]), Identity::new(&["127.0.0.1"]));
    let first = Scripted::start(&wrong, listen);
    let second = Scripted::start(&right, greet);
    let connector = pinned(&first.address, right.pin).with_others([second.address]);
    let error = connector.open().unwrap_err();
    assert_eq!(fault(&error), &CertificateFault::OtherPin, "{error}");
    first.finish();
}

#[test]
fn the_preamble_comes_before_tls() {
    let server = Scripted::start_plain(|mut socket| {
        let mut heard = [0; 7];
        socket.read_exact(&mut heard).unwrap();
        heard
    });
    let connector = pinned(&server.address, Identity::new(&["x.example"]).pin).with_preamble(b"PROXY\r\n");
    connector.open().unwrap_err();
    assert_eq!(&server.finish(), b"PROXY\r\n");
}

#[test]
fn a_greeting_cannot_fill_the_screen_or_write_to_the_terminal() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| peer.say(&["HELLO parlor/1 the\u{1b}[2J den"]));
    assert_eq!(pinned(&server.address, identity.pin).open().unwrap().server(), "the[2J den");
    server.finish();
    for (line, expected) in [
        (
            format!("* OK {}", "x".repeat(200)),
            format!("does not speak parlor/1: it greets with \"* OK {}\"", "x".repeat(75)),
        ),
        ("BYE server-shutdown Later".to_owned(), "turned the connection away: BYE server-shutdown Later".to_owned()),
    ] {
        let server = Scripted::start(&identity, move |mut peer| peer.say(&[&line]));
        let error = pinned(&server.address, identity.pin).open().unwrap_err().to_string();
        assert_eq!(error, format!("{} {expected}", server.address));
        server.finish();
    }
}

#[test]
fn the_time_since_the_last_line_begins_anew_with_each_line() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        peer.hear()
    });
    let session = log_in(&identity, &server.address);
    thread::sleep(Duration::from_millis(20));
    assert!(session.sender.silent_for() >= Duration::from_millis(20));
    let before = Instant::now();
    session.sender.send_line("/ping").unwrap();
    // It is counted in whole milliseconds.
    let silent = session.sender.silent_for();
    assert!(silent <= before.elapsed() + Duration::from_millis(1), "{silent:?}");
    server.finish();
}
