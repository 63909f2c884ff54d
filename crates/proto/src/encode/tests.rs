//! The golden table of both formats, and properties that hold for every event.

use super::*;
use crate::event::Bye;
use crate::ids::{Epoch, MessageId};
use crate::lists::{
    DirectEntry, DirectState, FeedState, Help, HistoryEntry, InboxState, LogEntry, LostRoom, RoomState, RoomSummary,
    Sync,
};
use crate::name::{RoomName, UserName};
use crate::note::Note;
use crate::refusal::{Refusal, RefusalCode};
use crate::reply::Reply;
use crate::rights::RoomRole;
use crate::target::Target;
use crate::text::Text;
use crate::time::Timestamp;
use crate::verb::Verb;
use proptest::prelude::*;

const TIME: &str = "2026-11-22T10:20:30.456Z";

pub(super) fn user(name: &str) -> UserName {
    name.parse().unwrap()
}

pub(super) fn room(name: &str) -> RoomName {
    name.parse().unwrap()
}

pub(super) fn text(text: &str) -> Text {
    Text::sanitise(text).unwrap()
}

pub(super) fn time() -> Timestamp {
    TIME.to_owned().try_into().unwrap()
}

pub(super) fn encoded(event: &Event, format: Format) -> String {
    String::from_utf8(Encoded::new(event).frame(format.into()).to_vec()).unwrap()
}

pub(super) fn old(id: u64) -> HistoryEntry {
    HistoryEntry {
        id: MessageId(id),
        time: time(),
        from: user("bob"),
        text: text("a b").into(),
        edited: None,
        removed: false,
        bot: false,
    }
}

pub(super) fn direct(id: u64, from: &str, to: &str) -> DirectEntry {
    DirectEntry { id: MessageId(id), time: time(), from: user(from), to: user(to), text: text("psst").into() }
}

pub(super) fn everything() -> Sync {
    let (epoch, last) = (Epoch(0xabc), MessageId(41));
    let talk = |name, last, read, unread| DirectState {
        user: user(name),
        last: MessageId(last),
        read: MessageId(read),
        unread,
    };
    Sync {
        current: room("red"),
        rooms: vec![RoomState {
            room: room("red"),
            members: 3,
            topic: Note::default(),
            role: RoomRole::Member,
            epoch,
            last,
            read: MessageId(40),
            unread: 1,
        }],
        directs: vec![talk("bob", 9, 7, 2), talk("ann", 3, 3, 0)],
        feeds: vec![FeedState { user: user("cyd"), epoch, last: MessageId(5), read: MessageId(4), unread: 1 }],
        inbox: InboxState { epoch, last: MessageId(9) },
        lost: vec![LostRoom { room: room("blue"), code: RefusalCode::LimitReached }],
    }
}

fn golden() -> Vec<(Event, &'static str, &'static str)> {
    let (epoch, last) = (Epoch(0xabc), MessageId(41));
    let members = 3;
    vec![
        (Event::hello("den"), "HELLO parlor/1 den\n", r#"{"type":"hello","protocol":"parlor/1","server":"den"}"#),
        (
            Reply::Login { user: user("ann"), room: room("lobby"), epoch, last, unread: vec![] }.into(),
            "OK login ann lobby\n",
            r#"{"type":"ok","command":"login","user":"ann","room":"lobby","epoch":"0000000000000abc","last":41}"#,
        ),
        (
            Reply::Register { user: user("ann"), room: room("lobby"), epoch, last, unread: vec![] }.into(),
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
        (
            Reply::Open { room: room("red"), members, epoch, last, topic: Note::default() }.into(),
            "OK open red 3\n",
            r#"{"type":"ok","command":"open","room":"red","members":3,"epoch":"0000000000000abc","last":41,"topic":""}"#,
        ),
        (
            Reply::Close { room: room("red"), current: room("lobby") }.into(),
            "OK close red\n",
            r#"{"type":"ok","command":"close","room":"red","current":"lobby"}"#,
        ),
        (
            Reply::Switch { room: room("red") }.into(),
            "OK switch red\n",
            r#"{"type":"ok","command":"switch","room":"red"}"#,
        ),
        (
            Reply::Read { target: Target::Room(room("red")), id: last }.into(),
            "OK read #red 41\n",
            r##"{"type":"ok","command":"read","target":"#red","id":41}"##,
        ),
        (
            Reply::Block { user: user("bob") }.into(),
            "OK block bob\n",
            r#"{"type":"ok","command":"block","user":"bob"}"#,
        ),
        (
            Reply::Unblock { user: user("bob") }.into(),
            "OK unblock bob\n",
            r#"{"type":"ok","command":"unblock","user":"bob"}"#,
        ),
        (
            Reply::Publish { id: last, repeated: false }.into(),
            "OK publish 41\n",
            r#"{"type":"ok","command":"publish","id":41}"#,
        ),
        (
            Reply::Publish { id: last, repeated: true }.into(),
            "OK publish 41\n",
            r#"{"type":"ok","command":"publish","id":41,"repeated":true}"#,
        ),
        (
            Reply::Message { room: room("red"), id: last, repeated: false }.into(),
            "",
            r#"{"type":"ok","command":"message","room":"red","id":41}"#,
        ),
        (
            Reply::Msg { user: user("bob"), id: last, repeated: true }.into(),
            "OK msg bob\n",
            r#"{"type":"ok","command":"msg","user":"bob","id":41,"repeated":true}"#,
        ),
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
            Event::Message {
                room: room("red"),
                id: last,
                time: time(),
                from: user("bob"),
                text: text("  \"hi\"\t").into(),
                edited: None,
                removed: false,
                bot: false,
            },
            "MSG red bob   \"hi\"\t\n",
            r#"{"type":"message","room":"red","id":41,"time":"2026-11-22T10:20:30.456Z","from":"bob","text":"  \"hi\"\t"}"#,
        ),
        (
            Event::Publication { id: last, time: time(), from: user("bob"), text: text("é").into() },
            "PUB bob é\n",
            r#"{"type":"publication","id":41,"time":"2026-11-22T10:20:30.456Z","from":"bob","text":"é"}"#,
        ),
        (
            Event::Direct { id: Some(last), time: time(), from: user("bob"), text: text("psst").into() },
            "DM bob psst\n",
            r#"{"type":"direct","id":41,"time":"2026-11-22T10:20:30.456Z","from":"bob","text":"psst"}"#,
        ),
        (
            Event::Direct { id: None, time: time(), from: user("bob"), text: text("psst").into() },
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
            Event::History { room: room("red"), messages: vec![old(7)] },
            "OLD red 7 bob a b\nOK history red 1\n",
            r#"{"type":"history","room":"red","messages":[{"id":7,"time":"2026-11-22T10:20:30.456Z","from":"bob","text":"a b"}]}"#,
        ),
        (
            Event::Sync(Box::new(everything())),
            "OPEN red 3 1\nUNREAD @bob 2\nUNREAD +cyd 1\nOK sync 1 2\n",
            concat!(
                r#"{"type":"sync","current":"red","rooms":[{"room":"red","members":3,"topic":"","role":"member","#,
                r#""epoch":"0000000000000abc","last":41,"read":40,"unread":1}],"#,
                r#""directs":[{"user":"bob","last":9,"read":7,"unread":2},{"user":"ann","last":3,"read":3,"unread":0}],"#,
                r#""feeds":[{"user":"cyd","epoch":"0000000000000abc","last":5,"read":4,"unread":1}],"#,
                r#""inbox":{"epoch":"0000000000000abc","last":9},"#,
                r#""lost":[{"room":"blue","code":"limit-reached"}]}"#
            ),
        ),
        (
            Event::Backlog {
                target: Target::Direct(user("bob")),
                epoch,
                entries: vec![LogEntry::Direct(direct(8, "ann", "bob")), LogEntry::Direct(direct(9, "bob", "ann"))],
                more: true,
            },
            "LOG @bob 8 ann psst\nLOG @bob 9 bob psst\nOK backlog @bob 2\n",
            concat!(
                r#"{"type":"backlog","target":"@bob","epoch":"0000000000000abc","entries":["#,
                r#"{"type":"direct","id":8,"time":"2026-11-22T10:20:30.456Z","from":"ann","to":"bob","text":"psst"},"#,
                r#"{"type":"direct","id":9,"time":"2026-11-22T10:20:30.456Z","from":"bob","to":"ann","text":"psst"}"#,
                r#"],"more":true}"#
            ),
        ),
        (
            Event::Backlog {
                target: Target::Room(room("red")),
                epoch,
                entries: vec![LogEntry::Message(old(7))],
                more: false,
            },
            "LOG #red 7 bob a b\nOK backlog #red 1\n",
            concat!(
                r##"{"type":"backlog","target":"#red","epoch":"0000000000000abc","entries":["##,
                r#"{"type":"message","id":7,"time":"2026-11-22T10:20:30.456Z","from":"bob","text":"a b"}],"more":false}"#
            ),
        ),
        (
            Event::Inbox { entries: vec![LogEntry::Direct(direct(9, "bob", "ann"))], more: false },
            "LOG @bob 9 bob psst\nOK inbox 1\n",
            concat!(
                r#"{"type":"inbox","entries":[{"type":"direct","id":9,"time":"2026-11-22T10:20:30.456Z","#,
                r#""from":"bob","to":"ann","text":"psst"}],"more":false}"#
            ),
        ),
        (
            Event::Blocks { users: vec![user("bob")] },
            "BLOCKED bob\nOK blocks 1\n",
            r#"{"type":"blocks","users":["bob"]}"#,
        ),
        (
            Event::Help { commands: vec![Help { usage: "/leave".to_owned(), help: "go".into() }] },
            "HELP /leave\nOK help 1\n",
            r#"{"type":"help","commands":[{"usage":"/leave","help":"go"}]}"#,
        ),
        (Event::Pong { token: Some("x y".to_owned()) }, "PONG x y\n", r#"{"type":"pong","token":"x y"}"#),
        (Event::Pong { token: None }, "PONG\n", r#"{"type":"pong","token":null}"#),
        (Event::Reconnect { after_ms: 1500 }, "RECONNECT 1500\n", r#"{"type":"reconnect","after_ms":1500}"#),
        (Bye::Quit.into(), "BYE quit Goodbye\n", r#"{"type":"bye","code":"quit","message":"Goodbye"}"#),
    ]
}

/// The JSON lines of the table.
pub(super) fn golden_json() -> Vec<String> {
    golden().into_iter().map(|(_, _, json)| json.to_owned()).collect()
}

#[test]
fn both_formats_of_every_event() {
    for (event, text, json) in golden() {
        assert_eq!(encoded(&event, Format::Text), text);
        assert_eq!(encoded(&event, Format::Json), format!("{json}\n"));
    }
}

#[test]
fn the_text_format_tells_unread_direct_messages_at_the_login() {
    let unread = vec![(user("bob"), 3), (user("cyd"), 1)];
    let login = Reply::Login { user: user("ann"), room: room("lobby"), epoch: Epoch(1), last: MessageId(2), unread };
    assert_eq!(encoded(&login.clone().into(), Format::Text), "OK login ann lobby\nUNREAD @bob 3\nUNREAD @cyd 1\n");
    assert!(!encoded(&login.into(), Format::Json).contains("unread"));
}

#[test]
fn clients_read_replies_of_servers_before_inboxes() {
    let event = serde_json::from_str::<Event>(r#"{"type":"ok","command":"msg","user":"bob"}"#).unwrap();
    assert_eq!(event, Reply::Msg { user: user("bob"), id: MessageId(0), repeated: false }.into());
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
            let event = Event::Message {
                room: room("red"),
                id: MessageId(1),
                time: time(),
                from: user("bob"),
                text: text.into(),
                edited: None,
                removed: false,
                bot: false,
            };
            for format in [Format::Text, Format::Json] {
                let line = encoded(&event, format);
                prop_assert_eq!(line.matches('\n').count(), 1);
                prop_assert!(line.ends_with('\n'));
            }
            prop_assert_eq!(serde_json::from_str::<Event>(&encoded(&event, Format::Json)).unwrap(), event);
        }
    }
}
