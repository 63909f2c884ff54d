//! How it ends, and what is said of lines that have no answer then.

use std::sync::mpsc;

use parlor_proto::{TicketId, TicketSecret};

use super::*;
use crate::Timeouts;

const KICKED: &str = r#"{"type":"bye","code":"kicked","message":"Out"}"#;
const AWAY: &str = r#"{"type":"error","code":"store-unavailable","message":"Away","command":"message"}"#;
const ENTERED: &str = r#"{"type":"joined","room":"lobby","user":"bob"}"#;

fn plan(connector: crate::Connector) -> ReconnectConfig {
    ReconnectConfig { connector, user: ann().user, proof: Proof::Password(ann().password), room: None }
}

#[test]
fn whoever_has_said_all_and_quits_needs_no_goodbye() {
    let ran = run_text("hello\n", |peer| {
        hear(peer);
        peer.say(&[ACCEPTED]);
        hear(peer)
    });
    assert_eq!((ran.exit, ran.script.as_str(), ran.errors.as_str()), (Exit::Done, "/quit", ""));
}

#[test]
fn whoever_is_sent_away_while_they_quit_is_told_so() {
    let ran = run_text("", |peer| {
        hear(peer);
        peer.say(&[KICKED]);
    });
    assert_eq!((ran.exit, ran.errors.as_str()), (Exit::NoConnection, "BYE kicked Out\n"));
}

#[test]
fn lines_without_an_answer_are_counted_where_the_session_is_over_for_good() {
    let ran = run_text("one\ntwo\n", |peer| {
        (0..2).for_each(|_| drop(hear(peer)));
        peer.say(&[KICKED]);
    });
    let told = "BYE kicked Out\nparlor: A: the session is over; lines without an answer: 2\n";
    assert_eq!((ran.exit, ran.errors.as_str()), (Exit::NoConnection, told));
}

#[test]
fn a_store_that_stays_away_is_not_waited_for_for_ever() {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        while !peer.hear().is_empty() {
            peer.say(&[AWAY]);
        }
    });
    let (input, patience) = (&b"hello\n"[..], Duration::ZERO);
    let (exit, errors) = run_against(&identity, &server.address, Sink::default(), None, View::Text, input, patience);
    assert_eq!(exit, Exit::NoConnection);
    assert!(errors.ends_with("parlor: A: Away; lines without an answer: 1\n"), "{errors}");
    server.finish();
}

#[test]
fn a_ticket_is_void_at_the_end_and_its_answer_is_not_shown() {
    let revoked = r#"{"type":"ok","command":"revoke","id":"000000ab","count":1}"#;
    let refused = r#"{"type":"error","code":"store-unavailable","message":"Away","command":"revoke"}"#;
    for answer in [revoked, refused] {
        let identity = Identity::new(&["127.0.0.1"]);
        let server = Scripted::start(&identity, move |mut peer| {
            peer.welcome();
            peer.hear();
            peer.say(&[ACCEPTED]);
            let heard = [peer.hear(), peer.hear()];
            peer.say(&[answer, GOODBYE]);
            heard
        });
        let proof = Proof::Ticket(TicketId(0xab), TicketSecret::of_random(&[7]));
        let plan = ReconnectConfig { proof, ..plan(pinned(&server.address, identity.pin)) };
        let output = Sink::default();
        let (exit, errors) = run_plan(plan, output.clone(), View::Text, &b"hello\n"[..], SHORT);
        assert_eq!(server.finish(), ["/revoke 000000ab", "/quit"]);
        assert_eq!((exit, output.text() + &errors), (Exit::Done, String::new()), "{answer}");
    }
}

#[test]
fn a_server_that_ends_sessions_sooner_than_anybody_can_ping_is_left() {
    let identity = Identity::new(&["127.0.0.1"]);
    // A client that is slow today may think that it was stopped, and come again a few times.
    let server = Scripted::start_many(&identity, 10, |_, mut peer: Peer| {
        peer.welcome();
        hear(&mut peer);
        peer.say(&[r#"{"type":"bye","code":"idle-timeout","message":"Too long"}"#]);
        while !peer.hear().is_empty() {}
    });
    let timeouts = Timeouts { keepalive: Duration::from_millis(250), ..Timeouts::default() };
    let plan = plan(pinned(&server.address, identity.pin).with_timeouts(timeouts));
    let (exit, errors) = run_plan(plan, Sink::default(), View::Text, &b"hello\n"[..], LONG);
    assert_eq!(exit, Exit::NoConnection);
    let told = "it ends sessions sooner than this client can ping; lines without an answer: 1\n";
    assert!(errors.ends_with(told), "{errors}");
}

/// The end of a client whose connection is lost before its line is answered, and that comes to this server then, which
/// is called B.
fn goes_on_at<T: Send + 'static>(identity: &Identity, second: &Scripted<T>) -> (Exit, String) {
    let first = Scripted::start(identity, |mut peer| {
        peer.welcome();
        peer.hear();
        peer.close();
    });
    let connector = pinned(&first.address, identity.pin).with_others([second.address.clone()]);
    let (exit, errors) = run_plan(plan(connector), Sink::default(), View::Text, &b"hello\n"[..], LONG);
    let named = errors.replace(&first.address.to_string(), "A").replace(&second.address.to_string(), "B");
    (exit, named)
}

#[test]
fn a_next_server_that_refuses_the_login_or_is_another_one_is_the_end() {
    let lost = "parlor: A: the server closed the connection\n";
    let identity = Identity::new(&["127.0.0.1"]);
    let refusing = Scripted::start(&identity, |mut peer| {
        peer.say(&[HELLO, r#"{"type":"error","code":"suspended","message":"No","command":"login"}"#]);
        while !peer.hear().is_empty() {}
    });
    let told = format!("{lost}parlor: B: login refused: No (suspended); lines without an answer: 1\n");
    assert_eq!(goes_on_at(&identity, &refusing), (Exit::LoginRefused, told));
    let other = Scripted::start(&Identity::new(&["127.0.0.1"]), |mut peer| peer.hear());
    let (exit, errors) = goes_on_at(&identity, &other);
    assert_eq!(exit, Exit::NoConnection);
    assert!(errors.contains("the key of B is not the one of --pin") && errors.ends_with(" an answer: 1\n"), "{errors}");
}

#[test]
fn a_refused_line_is_not_forgotten_where_nobody_reads_the_output() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let ran = run_to(Gone, None, View::Text, &b"/msg bob hi\nhello\n"[..], |peer| {
        hear(peer);
        peer.say(&[REFUSED, ENTERED]);
        hear(peer);
    });
    assert_eq!(ran.exit, Exit::LineRefused);
}

#[test]
fn what_comes_before_the_room_is_entered_is_shown_and_may_be_the_end() {
    let ran = run_with(Some("red"), View::Text, &b""[..], |peer| {
        hear(peer);
        peer.say(&[ENTERED, JOINED]);
        hear(peer);
        peer.say(&[GOODBYE]);
    });
    assert_eq!((ran.exit, ran.output.as_str()), (Exit::Done, "JOIN lobby bob\nOK join red 1\n"));
    let (read, was_read) = mpsc::channel();
    let ran = run_with(Some("red"), View::Text, Watched(read), |peer| {
        hear(peer);
        peer.say(&[KICKED]);
    });
    assert_eq!((ran.exit, ran.errors.as_str()), (Exit::NoConnection, "BYE kicked Out\n"));
    assert!(was_read.recv().is_err(), "the input is not read before the room is entered");
}

/// An input that tells whenever it is read.
struct Watched(mpsc::Sender<()>);

impl Read for Watched {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.send(()).map_err(io::Error::other).map(|()| 0)
    }
}
