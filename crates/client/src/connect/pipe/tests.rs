//! The client in a pipe against a scripted server: what is sent, shown and returned.

mod ends;
mod idle;
mod input;
mod password;
mod rooms;

use std::io::{self, BufReader, Read, Write};
use std::sync::{Arc, Mutex};

use super::*;
use crate::lock;
use crate::testing::{HELLO, Identity, Peer, Scripted, WELCOME, ann, pinned};
use crate::{Address, Entry};

const ACCEPTED: &str = r#"{"type":"ok","command":"message","room":"lobby","id":1}"#;
const REFUSED: &str = r#"{"type":"error","code":"user-offline","message":"bob is not here","command":"msg"}"#;
const JOINED: &str = r#"{"type":"ok","command":"join","room":"red","members":1,"epoch":"0000000000000001","last":0}"#;
const GOODBYE: &str = r#"{"type":"bye","code":"quit","message":"Goodbye"}"#;

/// Longer than the pause of a store that is away.
const SHORT: Duration = Duration::from_secs(2);
/// Longer than any server here is away.
const LONG: Duration = Duration::from_secs(20);

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(lock(&self.0).clone()).unwrap()
    }
}

/// An input that stays open and sends nothing.
struct Idle;

impl Read for Idle {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        loop {
            std::thread::park();
        }
    }
}

struct Ran<T> {
    exit: Exit,
    output: String,
    errors: String,
    script: T,
}

fn run_with<T: Send + 'static>(
    room: Option<&str>,
    view: View,
    input: impl Read + Send + 'static,
    script: impl FnOnce(&mut Peer) -> T + Send + 'static,
) -> Ran<T> {
    let output = Sink::default();
    let ran = run_to(output.clone(), room, view, input, script);
    Ran { output: output.text(), ..ran }
}

/// The same with an output that is not looked at.
fn run_to<T: Send + 'static>(
    output: impl Write,
    room: Option<&str>,
    view: View,
    input: impl Read + Send + 'static,
    script: impl FnOnce(&mut Peer) -> T + Send + 'static,
) -> Ran<T> {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        let result = script(&mut peer);
        peer.close();
        result
    });
    let (exit, errors) = run_against(&identity, &server.address, output, room, view, input, SHORT);
    Ran { exit, output: String::new(), errors, script: server.finish() }
}

/// Runs against a server, which is called A in the errors.
fn run_against(
    identity: &Identity,
    address: &Address,
    output: impl Write,
    room: Option<&str>,
    view: View,
    input: impl Read + Send + 'static,
    patience: Duration,
) -> (Exit, String) {
    let plan = ReconnectConfig {
        connector: pinned(address, identity.pin),
        user: ann().user,
        proof: Proof::Password(ann().password),
        room: room.map(|room| room.parse().unwrap()),
    };
    let (exit, errors) = run_plan(plan, output, view, input, patience);
    (exit, errors.replace(&address.to_string(), "A"))
}

/// The same for any plan.
fn run_plan(
    plan: ReconnectConfig,
    output: impl Write,
    view: View,
    input: impl Read + Send + 'static,
    patience: Duration,
) -> (Exit, String) {
    let session = plan.connector.open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let errors = Sink::default();
    let complaints = Complaints::start(errors.clone()).unwrap();
    let input = Input { reader: BufReader::new(input), lines_before: 0 };
    let exit = run(plan, session, view, input, output, &complaints, patience);
    complaints.finish(Duration::from_secs(20));
    (exit, errors.text())
}

/// The next line, without its key.
fn hear(peer: &mut Peer) -> String {
    let line = peer.hear();
    match line.strip_prefix("/once ").and_then(|rest| rest.split_once(' ')) {
        Some((_, line)) => line.to_owned(),
        None => line,
    }
}

fn run_text<T: Send + 'static>(input: &'static str, script: impl FnOnce(&mut Peer) -> T + Send + 'static) -> Ran<T> {
    run_with(None, View::Text, input.as_bytes(), script)
}

#[test]
fn every_line_is_sent_and_answered_before_the_end() {
    let ran = run_text("hello\n\n  \n/rooms\r\nlast", |peer| {
        let mut heard = vec![hear(peer), hear(peer), hear(peer)];
        peer.say(&[ACCEPTED, r#"{"type":"joined","room":"lobby","user":"bob"}"#]);
        peer.say(&[r#"{"type":"rooms","rooms":[{"room":"lobby","members":2}]}"#, ACCEPTED]);
        heard.push(hear(peer));
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!(ran.script, ["/say lobby hello", "/rooms", "/say lobby last", "/quit"]);
    assert_eq!(ran.output, "JOIN lobby bob\nROOM lobby 2\nOK rooms 1\n");
    assert_eq!((ran.exit, ran.errors.as_str()), (Exit::Done, ""));
}

#[test]
fn an_empty_input_is_no_error() {
    let ran = run_text("", |peer| {
        let heard = hear(peer);
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!((ran.exit, ran.script.as_str()), (Exit::Done, "/quit"));
}

#[test]
fn a_refused_line_is_told_and_the_others_are_sent() {
    let ran = run_text("/msg bob hi\nhello\n", |peer| {
        hear(peer);
        peer.say(&[REFUSED]);
        let heard = hear(peer);
        peer.say(&[ACCEPTED]);
        hear(peer);
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!((ran.exit, ran.script.as_str()), (Exit::LineRefused, "/say lobby hello"));
    assert_eq!((ran.output.as_str(), ran.errors.as_str()), ("", "ERR user-offline bob is not here\n"));
}

#[test]
fn a_lost_connection_is_an_error_with_the_number_of_unanswered_lines() {
    let ran = run_text("one\ntwo\nthree\n", |peer| {
        (0..3).for_each(|_| drop(hear(peer)));
        peer.say(&[ACCEPTED]);
    });
    assert_eq!(ran.exit, Exit::NoConnection);
    let (lost, given_up) = ran.errors.split_once('\n').unwrap();
    assert_eq!(lost, "parlor: A: the server closed the connection");
    assert!(given_up.ends_with("; lines without an answer: 2\n"), "{given_up}");
}

#[test]
fn the_server_ends_the_session() {
    let ran = run_with(None, View::Text, Idle, |peer| {
        peer.say(&[r#"{"type":"bye","code":"kicked","message":"Out"}"#]);
    });
    assert_eq!((ran.exit, ran.errors.as_str()), (Exit::NoConnection, "BYE kicked Out\n"));
}

#[test]
fn events_are_shown_while_the_input_is_open_and_silent() {
    let ran = run_with(None, View::Text, Idle, |peer| {
        peer.say(&[
            r#"{"type":"message","room":"lobby","id":7,"time":"2026-11-22T10:20:30.456Z","from":"bob","text":"hi"}"#,
            r#"{"type":"weather","sun":true}"#,
        ]);
    });
    assert_eq!((ran.exit, ran.output.as_str()), (Exit::NoConnection, "MSG lobby bob hi\n"));
}

#[test]
fn quit_in_the_input_ends_it() {
    let ran = run_text("hello\n/quit\nnever sent\n", |peer| {
        let mut heard = vec![hear(peer)];
        peer.say(&[ACCEPTED]);
        heard.push(hear(peer));
        peer.say(&[GOODBYE]);
        heard.push(hear(peer));
        heard
    });
    assert_eq!(ran.script, ["/say lobby hello", "/quit", ""]);
    assert_eq!(ran.exit, Exit::Done);
}

#[test]
fn in_json_the_lines_of_the_input_go_out_as_they_are() {
    let lines = "hello\n/msg bob hi\n/once k-1 hello\n";
    let ran = run_with(None, View::Json, lines.as_bytes(), |peer| {
        let heard = [peer.hear(), peer.hear(), peer.hear()];
        let away = REFUSED.replace("user-offline", "store-unavailable");
        peer.say(&[ACCEPTED, ACCEPTED, &away]);
        peer.hear();
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!(ran.script, ["hello", "/msg bob hi", "/once k-1 hello"]);
    assert_eq!((ran.exit, ran.errors.contains("store-unavailable")), (Exit::LineRefused, true));
}

#[test]
fn what_follows_a_change_of_the_room_waits_for_its_answer() {
    let ran = run_text("one\n/join red\ntwo\n", |peer| {
        let mut heard = vec![hear(peer)];
        peer.say(&[&ACCEPTED.replace("ok", "ping"), ACCEPTED]);
        heard.push(hear(peer));
        peer.say(&[JOINED]);
        heard.push(hear(peer));
        let away = REFUSED.replace("user-offline", "store-unavailable");
        peer.say(&[&away]);
        heard.push(hear(peer));
        peer.say(&[ACCEPTED]);
        hear(peer);
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!(ran.script, ["/say lobby one", "/join red", "/say red two", "/say red two"]);
    assert_eq!((ran.exit, ran.output.as_str()), (Exit::Done, "OK join red 1\n"));
    assert_eq!(ran.errors, "parlor: bob is not here; the line is sent again until it is answered\n");
}

/// What is said over two connections, the first of which is lost without an answer to these lines.
fn cut(view: View, input: &'static str, lines: usize) -> (Exit, String, Vec<Vec<String>>) {
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start_many(&identity, 2, move |number, mut peer: Peer| {
        peer.welcome();
        if number == 0 {
            let heard = (0..lines).map(|_| peer.hear()).collect();
            peer.close();
            return heard;
        }
        let mut heard = vec![peer.hear()];
        while heard.last().is_some_and(|line| line != "/quit") {
            peer.say(&[ACCEPTED]);
            heard.push(peer.hear());
        }
        peer.say(&[GOODBYE]);
        heard
    });
    let (exit, errors) = run_against(&identity, &server.address, Sink::default(), None, view, input.as_bytes(), LONG);
    (exit, errors, server.finish())
}

#[test]
fn what_has_no_answer_is_sent_again_under_its_key_and_what_is_not_certain_is_told() {
    let (exit, errors, heard) = cut(View::Text, "one\n/who\n/msg bob two\n", 3);
    let key = |line: &str| line.split(' ').nth(1).unwrap().to_owned();
    let (one, two) = (key(&heard[0][0]), key(&heard[0][2]));
    let again = [format!("/once {one} /say lobby one"), "/who".to_owned(), format!("/once {two} /msg bob two")];
    assert_eq!(heard[1], [&again[..], &["/quit".to_owned()]].concat());
    assert_eq!(
        (exit, errors.as_str()),
        (Exit::Done, "parlor: A: the server closed the connection\nparlor: A: connected again\n")
    );

    let (exit, errors, heard) = cut(View::Text, "/subscribe bob\n/passwd old new\n", 1);
    assert_eq!((exit, heard[1].join(" ").as_str()), (Exit::NoConnection, "/passwd old new /quit"));
    assert!(errors.contains("parlor: it is not certain whether this was carried out: /subscribe bob\n"), "{errors}");

    let (exit, errors, heard) = cut(View::Text, "/passwd old new\nhello\n", 1);
    assert_eq!((exit, heard[1].len()), (Exit::NoConnection, 2));
    assert!(errors.contains("carried out: /passwd\n"), "{errors}");

    let (exit, errors, heard) = cut(View::Json, "plain\n/once k-1 /say lobby once\n", 2);
    assert_eq!((exit, heard[1].join(" ").as_str()), (Exit::NoConnection, "/once k-1 /say lobby once /quit"));
    assert!(errors.contains("carried out: plain\n"), "{errors}");
}

#[test]
fn format_belongs_to_the_client() {
    let ran = run_text("/FORMAT text\n", |peer| {
        let heard = hear(peer);
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!((ran.exit, ran.script.as_str()), (Exit::LineRefused, "/quit"));
    assert!(ran.errors.contains("--json"), "{}", ran.errors);
}

#[test]
fn commands_that_the_client_does_not_know_are_for_the_server_to_judge() {
    let ran = run_text("/dance\n", |peer| {
        let heard = hear(peer);
        peer.say(&[r#"{"type":"danced","steps":3}"#]);
        while hear(peer) != "/quit" {}
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!((ran.exit, ran.script.as_str(), ran.errors.as_str()), (Exit::Done, "/dance", ""));
}

#[test]
fn json_lines_are_passed_on_as_they_are() {
    let strange = r#"{"type":"weather",  "sun":true}"#;
    let ran = run_with(None, View::Json, &b"hello\n/msg bob hi\n"[..], move |peer| {
        (0..2).for_each(|_| drop(hear(peer)));
        peer.say(&[strange, ACCEPTED, REFUSED]);
        hear(peer);
        peer.say(&[GOODBYE]);
    });
    let welcome = crate::testing::WELCOME[1];
    assert_eq!(ran.output, format!("{welcome}\n{strange}\n{ACCEPTED}\n{GOODBYE}\n"));
    assert_eq!((ran.exit, ran.errors), (Exit::LineRefused, format!("{REFUSED}\n")));
}

#[test]
fn a_line_that_is_not_utf8_is_not_sent_and_told_with_its_number() {
    let ran = run_with(None, View::Text, &b"one\n\n\xff\xfe\nn\xe9\nlast\n"[..], |peer| {
        let heard = vec![hear(peer), hear(peer)];
        peer.say(&[ACCEPTED, ACCEPTED]);
        while hear(peer) != "/quit" {}
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!(
        (ran.exit, ran.script),
        (Exit::LineRefused, vec!["/say lobby one".to_owned(), "/say lobby last".to_owned()])
    );
    let told = "parlor: line 3 of the input is not UTF-8 from byte 1 on; it was not sent\n\
                parlor: line 4 of the input is not UTF-8 from byte 2 on; it was not sent\n";
    assert_eq!(ran.errors, told);
}

#[test]
fn a_mark_of_byte_order_is_no_part_of_the_first_line_and_part_of_every_other() {
    let ran = run_text("\u{feff}one\n\u{feff}two\n", |peer| {
        let heard = vec![hear(peer), hear(peer)];
        peer.say(&[ACCEPTED, ACCEPTED]);
        hear(peer);
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!(
        (ran.exit, ran.script),
        (Exit::Done, vec!["/say lobby one".to_owned(), "/say lobby \u{feff}two".to_owned()])
    );
}

#[test]
fn where_nobody_reads_the_output_the_end_is_quiet_and_where_it_is_full_it_is_an_error() {
    struct Broken(io::ErrorKind);
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let cases = [
        (io::ErrorKind::BrokenPipe, Exit::Done, ""),
        (io::ErrorKind::StorageFull, Exit::NoConnection, "parlor: cannot write the output: no storage space\n"),
    ];
    for (kind, exit, told) in cases {
        let ran = run_to(Broken(kind), None, View::Json, Idle, |peer| drop(hear(peer)));
        assert_eq!((ran.exit, ran.errors.as_str()), (exit, told), "{kind}");
    }
}
