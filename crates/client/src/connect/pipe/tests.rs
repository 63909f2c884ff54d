//! The client in a pipe against a scripted server: what is sent, shown and returned.

use std::io::{self, BufReader, Read, Write};
use std::sync::{Arc, Mutex};

use super::*;
use crate::session::Entry;
use crate::testing::{Identity, Peer, Scripted, ann, pinned};

const ACCEPTED: &str = r#"{"type":"ok","command":"message","room":"lobby","id":1}"#;
const REFUSED: &str = r#"{"type":"error","code":"user-offline","message":"bob is not here","command":"msg"}"#;
const GOODBYE: &str = r#"{"type":"bye","code":"quit","message":"Goodbye"}"#;

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
    let identity = Identity::new(&["127.0.0.1"]);
    let server = Scripted::start(&identity, |mut peer| {
        peer.welcome();
        let result = script(&mut peer);
        peer.close();
        result
    });
    let session = pinned(&server.address, identity.pin).open().unwrap().log_in(Entry::Login, &ann()).unwrap();
    let room = room.map(|room| room.parse().unwrap());
    let (output, errors) = (Sink::default(), Sink::default());
    let exit = run(session, room.as_ref(), view, BufReader::new(input), output.clone(), errors.clone());
    let errors = errors.text().replace(&server.address.to_string(), "A");
    Ran { exit, output: output.text(), errors, script: server.finish() }
}

fn run_text<T: Send + 'static>(input: &'static str, script: impl FnOnce(&mut Peer) -> T + Send + 'static) -> Ran<T> {
    run_with(None, View::Text, input.as_bytes(), script)
}

#[test]
fn every_line_is_sent_and_answered_before_the_end() {
    let ran = run_text("hello\n\n  \n/rooms\r\nlast", |peer| {
        let mut heard = vec![peer.hear(), peer.hear(), peer.hear()];
        peer.say(&[ACCEPTED, r#"{"type":"joined","room":"lobby","user":"bob"}"#]);
        peer.say(&[r#"{"type":"rooms","rooms":[{"room":"lobby","members":2}]}"#, ACCEPTED]);
        heard.push(peer.hear());
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!(ran.script, ["hello", "/rooms", "last", "/quit"]);
    assert_eq!(ran.output, "JOIN lobby bob\nROOM lobby 2\nOK rooms 1\n");
    assert_eq!((ran.exit, ran.errors.as_str()), (Exit::Done, ""));
}

#[test]
fn an_empty_input_is_no_error() {
    let ran = run_text("", |peer| {
        let heard = peer.hear();
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!((ran.exit, ran.script.as_str()), (Exit::Done, "/quit"));
}

#[test]
fn a_refused_line_is_told_and_the_others_are_sent() {
    let ran = run_text("/msg bob hi\nhello\n", |peer| {
        peer.hear();
        peer.say(&[REFUSED]);
        let heard = peer.hear();
        peer.say(&[ACCEPTED]);
        peer.hear();
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!((ran.exit, ran.script.as_str()), (Exit::LineRefused, "hello"));
    assert_eq!((ran.output.as_str(), ran.errors.as_str()), ("", "ERR user-offline bob is not here\n"));
}

#[test]
fn a_lost_connection_is_an_error_with_the_number_of_unanswered_lines() {
    let ran = run_text("one\ntwo\nthree\n", |peer| {
        (0..3).for_each(|_| drop(peer.hear()));
        peer.say(&[ACCEPTED]);
    });
    assert_eq!(ran.exit, Exit::NoConnection);
    assert_eq!(ran.errors, "parlor: A: the server closed the connection; lines without an answer: 2\n");
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
        let mut heard = vec![peer.hear()];
        peer.say(&[ACCEPTED]);
        heard.push(peer.hear());
        peer.say(&[GOODBYE]);
        heard.push(peer.hear());
        heard
    });
    assert_eq!(ran.script, ["hello", "/quit", ""]);
    assert_eq!(ran.exit, Exit::Done);
}

#[test]
fn format_belongs_to_the_client() {
    let ran = run_text("/FORMAT text\n", |peer| {
        let heard = peer.hear();
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!((ran.exit, ran.script.as_str()), (Exit::LineRefused, "/quit"));
    assert!(ran.errors.contains("--json"), "{}", ran.errors);
}

#[test]
fn commands_and_bytes_that_the_client_does_not_understand_are_for_the_server_to_judge() {
    let ran = run_with(None, View::Text, &b"/dance\n\xff\xfe\n"[..], |peer| {
        let heard = peer.hear();
        peer.say(&[r#"{"type":"danced","steps":3}"#]);
        peer.say(&[r#"{"type":"error","code":"invalid-utf8","message":"The line is not UTF-8","command":null}"#]);
        while peer.hear() != "/quit" {}
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!((ran.exit, ran.script.as_str()), (Exit::LineRefused, "/dance"));
    assert_eq!(ran.errors, "ERR invalid-utf8 The line is not UTF-8\n");
}

#[test]
fn the_room_is_entered_before_anything_is_said() {
    let ran = run_with(Some("red"), View::Text, &b"hello\n"[..], |peer| {
        let mut heard = vec![peer.hear()];
        peer.say(&[r#"{"type":"ok","command":"join","room":"red","members":1,"epoch":"0000000000000001","last":0}"#]);
        heard.push(peer.hear());
        peer.say(&[ACCEPTED]);
        heard.push(peer.hear());
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!(ran.script, ["/join red", "hello", "/quit"]);
    assert_eq!((ran.exit, ran.output.as_str()), (Exit::Done, "OK join red 1\n"));
}

#[test]
fn nothing_is_said_where_the_room_is_refused() {
    let ran = run_with(Some("red"), View::Text, &b"hello\n"[..], |peer| {
        peer.hear();
        peer.say(&[r#"{"type":"error","code":"limit-reached","message":"Too many rooms","command":"join"}"#]);
        peer.hear()
    });
    assert_eq!((ran.exit, ran.script.as_str()), (Exit::LineRefused, ""));
    assert_eq!(ran.errors, "ERR limit-reached Too many rooms\n");
}

#[test]
fn the_lobby_needs_no_join() {
    let ran = run_with(Some("lobby"), View::Text, &b"hello\n"[..], |peer| {
        let heard = peer.hear();
        peer.say(&[ACCEPTED]);
        peer.hear();
        peer.say(&[GOODBYE]);
        heard
    });
    assert_eq!((ran.exit, ran.script.as_str()), (Exit::Done, "hello"));
}

#[test]
fn json_lines_are_passed_on_as_they_are() {
    let strange = r#"{"type":"weather",  "sun":true}"#;
    let ran = run_with(None, View::Json, &b"hello\n/msg bob hi\n"[..], move |peer| {
        (0..2).for_each(|_| drop(peer.hear()));
        peer.say(&[strange, ACCEPTED, REFUSED]);
        peer.hear();
        peer.say(&[GOODBYE]);
    });
    let welcome = crate::testing::WELCOME[1];
    assert_eq!(ran.output, format!("{welcome}\n{strange}\n{ACCEPTED}\n{GOODBYE}\n"));
    assert_eq!((ran.exit, ran.errors), (Exit::LineRefused, format!("{REFUSED}\n")));
}
