//! The connection library against a scripted TLS server: trust, greeting, login, both directions at once.

mod entry;
mod servers;

use std::io::Write;
use std::thread;
use std::time::Duration;

use parlor_proto::{Bye, Event, RefusalCode, Reply};

use crate::testing::{HELLO, Identity, Peer, Scripted, WELCOME, ann, impatient, pinned};
use crate::{
    Address, CertificateFault, ConnectError, Connector, Entry, Incoming, LoginError, Lost, Pin, Session, Trust,
};

fn greet(mut peer: Peer) {
    peer.say(&[HELLO]);
    peer.hear();
}

/// Lets the client reject the handshake.
fn listen(mut peer: Peer) {
    peer.hear();
}

fn log_in(identity: &Identity, address: &Address) -> Session {
    pinned(address, identity.pin).open().unwrap().log_in(Entry::Login, &ann()).unwrap()
}

/// The error that `trust` gives for a server with this identity.
fn refusal(identity: &Identity, trust: &Trust) -> ConnectError {
    let server = Scripted::start(identity, listen);
    let error = Connector::new(server.address.clone(), trust).unwrap().open().unwrap_err();
    server.finish();
    error
}

fn fault(error: &ConnectError) -> &CertificateFault {
    match error {
        ConnectError::Untrusted { untrusted, .. } => &untrusted.fault,
        other => panic!("{other}"),
    }
}

#[test]
fn trust_by_authority() {
    let directory = tempfile::tempdir().unwrap();
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, greet);
    let connector = Connector::new(server.address.clone(), &identity.trust_by_file(directory.path())).unwrap();
    assert_eq!(connector.open().unwrap().server(), "den");
    server.finish();
}

#[test]
fn trust_by_pin_whatever_the_name_and_the_date() {
    for identity in [Identity::new(&["elsewhere.example"]), Identity::with_validity(&["127.0.0.1"], (2001, 2002))] {
        let server = Scripted::start(&identity, greet);
        assert_eq!(pinned(&server.address, identity.pin).open().unwrap().server(), "den");
        server.finish();
    }
}

#[test]
fn another_authority_is_refused_with_the_pin_to_use() {
    let directory = tempfile::tempdir().unwrap();
    let trust = Identity::new(&["127.0.0.1"]).trust_by_file(directory.path());
    let identity = Identity::new(&["127.0.0.1"]);
    let error = refusal(&identity, &trust);
    assert_eq!(fault(&error), &CertificateFault::UnknownIssuer, "{error}");
    assert!(error.to_string().contains(&identity.pin.to_string()), "{error}");
}

#[test]
fn the_systems_authorities_do_not_know_a_private_one() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, listen);
    // A system without any authority causes an earlier error.
    match Connector::new(server.address.clone(), &Trust::System) {
        Ok(connector) => {
            let error = connector.open().unwrap_err();
            assert_eq!(fault(&error), &CertificateFault::UnknownIssuer);
            assert!(error.to_string().contains("--ca FILE") && error.to_string().contains("--pin"), "{error}");
        }
        Err(error) => {
            assert!(error.to_string().contains("--ca FILE"), "{error}");
            drop(std::net::TcpStream::connect((server.address.host(), server.address.port())));
        }
    }
    server.finish();
}

#[test]
fn another_name_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let identity = Identity::new(&["chat.example", "10.1.2.3"]);
    let error = refusal(&identity, &identity.trust_by_file(directory.path()));
    let names = vec!["chat.example".to_owned(), "10.1.2.3".to_owned()];
    assert_eq!(fault(&error), &CertificateFault::OtherName(names), "{error}");
    assert!(error.to_string().contains("chat.example, 10.1.2.3"), "{error}");
}

#[test]
fn an_expired_certificate_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let identity = Identity::with_validity(&["127.0.0.1"], (2001, 2002));
    let error = refusal(&identity, &identity.trust_by_file(directory.path()));
    let CertificateFault::OutOfDate(why) = fault(&error) else { panic!("{error}") };
    let dates = why.starts_with("it has expired at 20") && why.contains("the clock of this machine says 20");
    assert!(dates, "{error}");
    assert!(error.to_string().contains("set the clock"), "{error}");
}

#[test]
fn a_certificate_of_the_future_is_refused_with_its_date() {
    let directory = tempfile::tempdir().unwrap();
    let identity = Identity::with_validity(&["127.0.0.1"], (2080, 2090));
    let error = refusal(&identity, &identity.trust_by_file(directory.path()));
    let CertificateFault::OutOfDate(why) = fault(&error) else { panic!("{error}") };
    assert!(why.starts_with("it is not valid before 2080-01-01T00:00:00Z, and the clock"), "{why}");
}

#[test]
fn another_pin_is_refused() {
    let other: Pin = Identity::new(&["127.0.0.1"]).pin;
    let error = refusal(&Identity::new(&["127.0.0.1"]), &Trust::Pin(other));
    assert_eq!(fault(&error), &CertificateFault::OtherPin, "{error}");
}

#[test]
fn files_that_are_no_authority() {
    let directory = tempfile::tempdir().unwrap();
    for (name, content) in
        [("empty.pem", ""), ("junk.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
    {
        let path = directory.path().join(name);
        std::fs::write(&path, content).unwrap();
        let error = Trust::Ca(path).client_config().unwrap_err().to_string();
        assert!(error.starts_with("cannot use the CA file ") && error.contains(name), "{error}");
    }
    assert!(Trust::Ca(directory.path().join("missing.pem")).client_config().is_err());
}

#[test]
fn a_port_where_nobody_listens() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address: Address = listener.local_addr().unwrap().to_string().parse().unwrap();
    drop(listener);
    let error = pinned(&address, Identity::new(&["x.example"]).pin).open().unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{address} cannot be reached: it refused the connection; does the server run?")
    );
}

#[test]
fn a_server_without_tls() {
    let server = Scripted::start_plain(|mut socket| socket.write_all(b"220 mail.example ESMTP ready\r\n").unwrap());
    let error = pinned(&server.address, Identity::new(&["x.example"]).pin).open().unwrap_err();
    assert!(matches!(error, ConnectError::NotTls(_)), "{error}");
    server.finish();
}

#[test]
fn another_protocol_behind_tls() {
    let identity = Identity::new(&["127.0.0.1"]);
    for (line, expected) in [
        ("* OK \u{1b}[2JIMAP4rev1", "does not speak parlor/1: it greets with \"* OK [2JIMAP4rev1\""),
        ("HELLO parlor/9 den", "does not speak parlor/1: it greets with \"HELLO parlor/9 den\""),
        ("HELLO parlor/10 den", "does not speak parlor/1: it greets with \"HELLO parlor/10 den\""),
        (
            "ERR limit-reached Too many connections",
            "turned the connection away: ERR limit-reached Too many connections",
        ),
    ] {
        let server = Scripted::start(&identity, move |mut peer| peer.say(&[line]));
        let error = pinned(&server.address, identity.pin).open().unwrap_err().to_string();
        assert_eq!(error, format!("{} {expected}", server.address));
        server.finish();
    }
}

#[test]
fn login_chooses_json_and_sends_the_password_as_it_is() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.say(&[HELLO]);
        let heard = [peer.hear(), peer.hear()];
        peer.say(WELCOME);
        peer.close();
        heard
    });
    let mut session = log_in(&identity, &server.address);
    assert_eq!((session.user.as_str(), session.room.as_str(), session.welcome.as_str()), ("ann", "lobby", WELCOME[1]));
    assert!(matches!(session.events.next(), Err(Lost::Closed)));
    assert_eq!(server.finish(), ["FORMAT json", "LOGIN ann pass word"]);
}

#[test]
fn refused_logins() {
    let identity = Identity::new(&["127.0.0.1"]);
    let cases = [
        (
            r#"{"type":"error","code":"bad-credentials","message":"No","command":"login"}"#,
            "login refused: No (bad-credentials)",
        ),
        (
            r#"{"type":"error","code":"from-the-future","message":"No","command":"login"}"#,
            "login refused: No (unknown)",
        ),
        (r#"{"type":"bye","code":"server-shutdown","message":"Later"}"#, "login refused: Later (server-shutdown)"),
        ("ERR bad-credentials No", "login refused: No (bad-credentials)"),
        ("BYE login-timeout Too late", "login refused: Too late (login-timeout)"),
    ];
    for (line, expected) in cases {
        let server = Scripted::start(&identity, move |mut peer| {
            peer.say(&[HELLO, line]);
            peer.hear();
        });
        let error = pinned(&server.address, identity.pin).open().unwrap().log_in(Entry::Register, &ann()).unwrap_err();
        assert!(matches!(error, LoginError::Refused { .. } | LoginError::Ended { .. }));
        assert_eq!(error.to_string(), expected);
        server.finish();
    }
}

#[test]
fn events_come_in_order_and_unknown_ones_are_kept() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        peer.say(&[
            r#"{"type":"ok","command":"message","room":"lobby","id":1,"later":true}"#,
            r#"{"type":"weather","sun":true}"#,
            r#"{"type":"error","code":"new-code","message":"x","command":null}"#,
            r#"{"type":"bye","code":"quit","message":"Goodbye"}"#,
        ]);
    });
    let mut session = log_in(&identity, &server.address);
    let incoming: Vec<Incoming> = (0..4).map(|_| session.events.next().unwrap()).collect();
    let event = |at: usize| match &incoming[at] {
        Incoming::Event { event, .. } => event,
        other => panic!("{other:?}"),
    };
    assert!(matches!(event(0), Event::Ok(Reply::Message { .. })));
    assert!(matches!(&incoming[1], Incoming::Unknown(unknown) if unknown.kind == "weather"));
    assert!(matches!(event(2), Event::Error { code: RefusalCode::Unknown, command: None, .. }));
    assert!(matches!(event(3), Event::Bye { code: Bye::Quit, .. }));
    server.finish();
}

#[test]
fn several_threads_send_whole_lines_while_one_receives() {
    const LINES: usize = 500;
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        let mut heard = Vec::new();
        for _ in 0..4 * LINES {
            heard.push(peer.hear());
            peer.say(&[r#"{"type":"pong","token":null}"#]);
        }
        heard
    });
    let mut session = log_in(&identity, &server.address);
    let senders: Vec<_> = (0..4)
        .map(|thread| {
            let sender = session.sender.clone();
            thread::spawn(move || (0..LINES).try_for_each(|count| sender.send_line(&format!("{thread} {count}"))))
        })
        .collect();
    for _ in 0..4 * LINES {
        assert!(matches!(session.events.next().unwrap(), Incoming::Event { event: Event::Pong { .. }, .. }));
    }
    senders.into_iter().for_each(|thread| thread.join().unwrap().unwrap());
    let heard = server.finish();
    for thread in 0..4 {
        let mine: Vec<_> = heard.iter().filter(|line| line.starts_with(&format!("{thread} "))).collect();
        assert!(mine.iter().enumerate().all(|(count, line)| **line == format!("{thread} {count}")));
        assert_eq!(mine.len(), LINES);
    }
}

#[test]
fn a_long_line_arrives_whole() {
    let identity = Identity::new(&["127.0.0.1"]);
    let text = "x".repeat(200_000);
    let line = format!(r#"{{"type":"error","code":"bad-name","message":"{text}","command":null}}"#);
    let server = Scripted::start(&identity, move |mut peer| {
        peer.welcome();
        peer.say(&[&line]);
        peer.hear().len()
    });
    let mut session = log_in(&identity, &server.address);
    session.sender.send_line(&text).unwrap();
    let Incoming::Event { event: Event::Error { message, .. }, .. } = session.events.next().unwrap() else { panic!() };
    assert_eq!((message.len(), server.finish()), (200_000, 200_000));
}

#[test]
fn a_silent_server_is_asked_and_then_given_up() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        let asked = peer.hear();
        let token = asked.strip_prefix("/ping ").unwrap().to_owned();
        peer.say(&[&format!(r#"{{"type":"pong","token":"{token}"}}"#), r#"{"type":"pong","token":"mine"}"#]);
        while peer.hear().starts_with("/ping ") {}
    });
    let connector = pinned(&server.address, identity.pin).with_timeouts(impatient(Duration::from_millis(50)));
    let mut session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let Incoming::Event { event: Event::Pong { token }, .. } = session.events.next().unwrap() else { panic!() };
    assert_eq!(token.as_deref(), Some("mine"), "the answer to the client's own ping must not be shown");
    assert!(matches!(session.events.next(), Err(Lost::Silent)));
    server.finish();
}

#[test]
fn a_server_that_answers_is_never_given_up() {
    const PINGS: u32 = 5;
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        for _ in 0..PINGS {
            let token = peer.hear().strip_prefix("/ping ").unwrap().to_owned();
            peer.say(&[&format!(r#"{{"type":"pong","token":"{token}"}}"#)]);
        }
        peer.say(&[r#"{"type":"pong","token":"mine"}"#]);
    });
    let timeouts = impatient(Duration::from_millis(250));
    assert!(timeouts.keepalive * PINGS > timeouts.silence);
    let connector = pinned(&server.address, identity.pin).with_timeouts(timeouts);
    let mut session = connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let Incoming::Event { event: Event::Pong { token }, .. } = session.events.next().unwrap() else { panic!() };
    assert_eq!(token.as_deref(), Some("mine"));
    server.finish();
}

#[test]
fn closing_wakes_the_receiver() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        peer.hear()
    });
    let mut session = log_in(&identity, &server.address);
    let sender = session.sender.clone();
    let receiver = thread::spawn(move || session.events.next().unwrap_err());
    sender.close();
    receiver.join().unwrap();
    assert_eq!(server.finish(), "");
    assert!(sender.send_line("too late").is_err());
}
