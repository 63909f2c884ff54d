//! The golden table of both formats, and properties that hold for every event.

use super::*;
use crate::event::{Bye, Help, HistoryEntry, Reply, RoomSummary};
use crate::ids::{Epoch, MessageId};
use crate::name::{RoomName, UserName};
use crate::refusal::Refusal;
use crate::text::Text;
use crate::time::Timestamp;
use crate::verb::Verb;
use proptest::prelude::*;

const TIME: &str = "2026-11-22T10:20:30.456Z";

fn user(name: &str) -> UserName {
    name.parse().unwrap()
}

fn room(name: &str) -> RoomName {
    name.parse().unwrap()
}

fn text(text: &str) -> Text {
    Text::sanitise(text).unwrap()
}

fn time() -> Timestamp {
    TIME.to_owned().try_into().unwrap()
}

fn encoded(event: &Event, format: Format) -> String {
    String::from_utf8(Encoded::new(event).frame(format).to_vec()).unwrap()
}

fn golden() -> Vec<(Event, &'static str, &'static str)> {
    let (epoch, last) = (Epoch(0xabc), MessageId(41));
    let members = 3;
    vec![
        (Event::hello("den"), "HELLO parlor/1 den\n", r#"{"type":"hello","protocol":"parlor/1","server":"den"}"#),
        (
            Reply::Login { user: user("ann"), room: room("lobby"), epoch, last }.into(),
            "OK login ann lobby\n",
            r#"{"type":"ok","command":"login","user":"ann","room":"lobby","epoch":"0000000000000abc","last":41}"#,
        ),
        (
            Reply::Register { user: user("ann"), room: room("lobby"), epoch, last }.into(),
            "OK register ann lobby\n",
            r#"{"type":"ok","command":"register","user":"ann","room":"lobby","epoch":"0000000000000abc","last":41}"#,
        ),
        (
            Reply::Join { room: room("red"), members, epoch, last }.into(),
            "OK join red 3\n",
            r#"{"type":"ok","command":"join","room":"red","members":3,"epoch":"0000000000000abc","last":41}"#,
        ),
        (
            Reply::Leave { left: room("red"), room: room("lobby"), members, epoch, last }.into(),
            "OK leave red lobby\n",
            r#"{"type":"ok","command":"leave","left":"red","room":"lobby","members":3,"epoch":"0000000000000abc","last":41}"#,
        ),
        (
            Reply::Subscribe { user: user("bob") }.into(),
            "OK subscribe bob\n",
            r#"{"type":"ok","command":"subscribe","user":"bob"}"#,
        ),
        (
            Reply::Unsubscribe { user: user("bob") }.into(),
            "OK unsubscribe bob\n",
            r#"{"type":"ok","command":"unsubscribe","user":"bob"}"#,
        ),
        (Reply::Publish { id: last }.into(), "OK publish 41\n", r#"{"type":"ok","command":"publish","id":41}"#),
        (
            Reply::Message { room: room("red"), id: last }.into(),
            "",
            r#"{"type":"ok","command":"message","room":"red","id":41}"#,
        ),
        (Reply::Msg { user: user("bob") }.into(), "OK msg bob\n", r#"{"type":"ok","command":"msg","user":"bob"}"#),
        (Reply::Broadcast.into(), "OK broadcast\n", r#"{"type":"ok","command":"broadcast"}"#),
        (Reply::Passwd.into(), "OK passwd\n", r#"{"type":"ok","command":"passwd"}"#),
        (
            Reply::Format { format: Format::Json }.into(),
            "OK format json\n",
            r#"{"type":"ok","command":"format","format":"json"}"#,
        ),
        (
            Event::refused(&Refusal::InLobby, Some(Verb::Leave)),
            "ERR in-lobby You are in the lobby; /quit ends the session\n",
            r#"{"type":"error","code":"in-lobby","message":"You are in the lobby; /quit ends the session","command":"leave"}"#,
        ),
        (
            Event::refused(&Refusal::InvalidUtf8, None),
            "ERR invalid-utf8 The line is not UTF-8\n",
            r#"{"type":"error","code":"invalid-utf8","message":"The line is not UTF-8","command":null}"#,
        ),
        (
            Event::Message { room: room("red"), id: last, time: time(), from: user("bob"), text: text("  \"hi\"\t") },
            "MSG red bob   \"hi\"\t\n",
            r#"{"type":"message","room":"red","id":41,"time":"2026-11-22T10:20:30.456Z","from":"bob","text":"  \"hi\"\t"}"#,
        ),
        (
            Event::Publication { id: last, time: time(), from: user("bob"), text: text("é") },
            "PUB bob é\n",
            r#"{"type":"publication","id":41,"time":"2026-11-22T10:20:30.456Z","from":"bob","text":"é"}"#,
        ),
        (
            Event::Direct { time: time(), from: user("bob"), text: text("psst") },
            "DM bob psst\n",
            r#"{"type":"direct","time":"2026-11-22T10:20:30.456Z","from":"bob","text":"psst"}"#,
        ),
        (
            Event::Notice { time: time(), from: user("root"), text: text("soon") },
            "NOTICE root soon\n",
            r#"{"type":"notice","time":"2026-11-22T10:20:30.456Z","from":"root","text":"soon"}"#,
        ),
        (
            Event::Joined { room: room("red"), user: user("bob") },
            "JOIN red bob\n",
            r#"{"type":"joined","room":"red","user":"bob"}"#,
        ),
        (
            Event::Left { room: room("red"), user: user("bob") },
            "PART red bob\n",
            r#"{"type":"left","room":"red","user":"bob"}"#,
        ),
        (
            Event::Rooms {
                rooms: vec![
                    RoomSummary { room: room("lobby"), members: 0 },
                    RoomSummary { room: room("red"), members: 2 },
                ],
            },
            "ROOM lobby 0\nROOM red 2\nOK rooms 2\n",
            r#"{"type":"rooms","rooms":[{"room":"lobby","members":0},{"room":"red","members":2}]}"#,
        ),
        (
            Event::Users { room: room("red"), users: vec![user("ann"), user("bob")] },
            "USER ann\nUSER bob\nOK who red 2\n",
            r#"{"type":"users","room":"red","users":["ann","bob"]}"#,
        ),
        (
            Event::Subscriptions { users: vec![user("bob")] },
            "SUBSCRIPTION bob\nOK subscriptions 1\n",
            r#"{"type":"subscriptions","users":["bob"]}"#,
        ),
        (Event::Subscribers { users: vec![] }, "OK subscribers 0\n", r#"{"type":"subscribers","users":[]}"#),
        (
            Event::History {
                room: room("red"),
                messages: vec![HistoryEntry { id: MessageId(7), time: time(), from: user("bob"), text: text("a b") }],
            },
            "OLD red 7 bob a b\nOK history red 1\n",
            r#"{"type":"history","room":"red","messages":[{"id":7,"time":"2026-11-22T10:20:30.456Z","from":"bob","text":"a b"}]}"#,
        ),
        (
            Event::Help { commands: vec![Help { usage: "/leave".to_owned(), help: "go".into() }] },
            "HELP /leave\nOK help 1\n",
            r#"{"type":"help","commands":[{"usage":"/leave","help":"go"}]}"#,
        ),
        (Event::Pong { token: Some("x y".to_owned()) }, "PONG x y\n", r#"{"type":"pong","token":"x y"}"#),
        (Event::Pong { token: None }, "PONG\n", r#"{"type":"pong","token":null}"#),
        (Bye::Quit.into(), "BYE quit Goodbye\n", r#"{"type":"bye","code":"quit","message":"Goodbye"}"#),
    ]
}

#[test]
fn both_formats_of_every_event() {
    for (event, text, json) in golden() {
        assert_eq!(encoded(&event, Format::Text), text);
        assert_eq!(encoded(&event, Format::Json), format!("{json}\n"));
    }
}

#[test]
fn clients_read_what_servers_write() {
    for (event, _, json) in golden() {
        assert_eq!(serde_json::from_str::<Event>(json).unwrap(), event);
    }
}

#[test]
fn clients_ignore_fields_and_codes_that_are_new() {
    let line = r#"{"type":"error","code":"brand-new","message":"m","command":null,"more":[1]}"#;
    assert!(serde_json::from_str::<Event>(line).is_ok());
    let line = r#"{"type":"bye","code":"brand-new","message":"m"}"#;
    assert!(serde_json::from_str::<Event>(line).is_ok());
}

#[test]
fn every_goodbye_has_the_same_code_in_both_formats() {
    for code in Bye::ALL {
        let json = serde_json::to_string(code).unwrap();
        assert_eq!(json, format!("\"{code}\""));
    }
}

proptest! {
    #[test]
    fn a_message_is_one_line_in_both_formats(said in ".{1,80}") {
        if let Some(text) = Text::sanitise(&said) {
            let event = Event::Message { room: room("red"), id: MessageId(1), time: time(), from: user("bob"), text };
            for format in [Format::Text, Format::Json] {
                let line = encoded(&event, format);
                prop_assert_eq!(line.matches('\n').count(), 1);
                prop_assert!(line.ends_with('\n'));
            }
            prop_assert_eq!(serde_json::from_str::<Event>(&encoded(&event, Format::Json)).unwrap(), event);
        }
    }
}
