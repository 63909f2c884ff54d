//! The golden table of the events about rights, edits and removals.

use super::*;
use crate::event::Event;
use crate::ids::{Epoch, MessageId};
use crate::invitation::Invite;
use crate::lists::{
    EditEntry, HistoryEntry, InvitationEntry, LogEntry, ModerationEntry, RemovalEntry, RoomInfo, TopicEntry,
};
use crate::name::{RoomName, UserName};
use crate::note::Note;
use crate::reply::{Reply, RoomUser};
use crate::retention::Retention;
use crate::rights::{Access, Action, RoomRole, Speakers};
use crate::target::Target;
use crate::time::Timestamp;

fn time() -> Timestamp {
    Timestamp::from_millis(1_795_342_830_456)
}

fn room(name: &str) -> RoomName {
    name.parse().unwrap()
}

fn user(name: &str) -> UserName {
    name.parse().unwrap()
}

fn note(text: &str) -> Note {
    text.to_owned().into()
}

fn encoded(event: &Event, format: Format) -> String {
    let mut out = Vec::new();
    encode(event, format, &mut out);
    String::from_utf8(out).unwrap()
}

fn edit() -> EditEntry {
    EditEntry { id: MessageId(8), time: time(), from: user("ann"), of: MessageId(7), text: note("a b") }
}

fn removal() -> RemovalEntry {
    RemovalEntry { id: MessageId(9), time: time(), from: user("mod"), of: MessageId(7), reason: note("spam") }
}

fn topic() -> TopicEntry {
    TopicEntry { id: MessageId(3), time: time(), from: user("ann"), text: note("All about roses") }
}

fn ban() -> ModerationEntry {
    ModerationEntry {
        id: MessageId(4),
        time: time(),
        from: user("mod"),
        action: Action::Ban,
        user: Some(user("bob")),
        until: Some(time()),
        reason: note("spam"),
    }
}

fn setting() -> ModerationEntry {
    ModerationEntry { action: Action::Access, user: None, until: None, reason: note("private"), ..ban() }
}

fn invitation() -> InvitationEntry {
    InvitationEntry { id: MessageId(5), time: time(), from: user("ann"), to: None, room: room("red") }
}

/// An event, in both formats.
type Row = (Event, &'static str, &'static str);

fn events() -> Vec<Row> {
    vec![
        (
            Event::Edited { room: room("red"), entry: edit() },
            "EDIT red 7 ann a b\n",
            r#"{"type":"edited","room":"red","id":8,"time":"T","from":"ann","of":7,"text":"a b"}"#,
        ),
        (
            Event::Removed { room: room("red"), entry: removal() },
            "REMOVE red 7 mod\n",
            r#"{"type":"removed","room":"red","id":9,"time":"T","from":"mod","of":7,"reason":"spam"}"#,
        ),
        (
            Event::Topic { room: room("red"), entry: topic() },
            "TOPIC red ann All about roses\n",
            r#"{"type":"topic","room":"red","id":3,"time":"T","from":"ann","text":"All about roses"}"#,
        ),
        (
            Event::Moderated { room: room("red"), entry: ban() },
            "MODERATED red bob ban mod spam\n",
            r#"{"type":"moderated","room":"red","id":4,"time":"T","from":"mod","action":"ban","user":"bob","until":"T","reason":"spam"}"#,
        ),
    ]
}

fn later_events() -> Vec<Row> {
    vec![
        (
            Event::Moderated { room: room("red"), entry: setting() },
            "MODERATED red * access mod private\n",
            r#"{"type":"moderated","room":"red","id":4,"time":"T","from":"mod","action":"access","user":null,"until":null,"reason":"private"}"#,
        ),
        (
            Event::Invited(invitation()),
            "INVITED red ann\n",
            r#"{"type":"invited","id":5,"time":"T","from":"ann","room":"red"}"#,
        ),
        (
            Event::Moved {
                room: room("lobby"),
                members: 3,
                epoch: Epoch(1),
                last: MessageId(2),
                reason: Note::default(),
            },
            "MOVED lobby\n",
            r#"{"type":"moved","room":"lobby","members":3,"epoch":"0000000000000001","last":2,"reason":""}"#,
        ),
        (
            Event::Message {
                room: room("red"),
                id: MessageId(7),
                time: time(),
                from: user("ann"),
                text: note("a b"),
                edited: Some(time()),
                removed: false,
                bot: false,
            },
            "MSG red ann a b\n",
            r#"{"type":"message","room":"red","id":7,"time":"T","from":"ann","text":"a b","edited":"T"}"#,
        ),
        (
            Event::Message {
                room: room("red"),
                id: MessageId(7),
                time: time(),
                from: user("ann"),
                text: Note::default(),
                edited: None,
                removed: true,
                bot: false,
            },
            "MSG red ann (removed)\n",
            r#"{"type":"message","room":"red","id":7,"time":"T","from":"ann","text":"","removed":true}"#,
        ),
    ]
}

fn replies() -> Vec<Row> {
    let about = || RoomUser { room: room("red"), user: user("bob"), id: MessageId(4) };
    vec![
        (
            Reply::Kick(about()).into(),
            "OK kick red bob\n",
            r#"{"type":"ok","command":"kick","room":"red","user":"bob","id":4}"#,
        ),
        (
            Reply::Ban(about()).into(),
            "OK ban red bob\n",
            r#"{"type":"ok","command":"ban","room":"red","user":"bob","id":4}"#,
        ),
        (
            Reply::Unban(about()).into(),
            "OK unban red bob\n",
            r#"{"type":"ok","command":"unban","room":"red","user":"bob","id":4}"#,
        ),
        (
            Reply::Mute(about()).into(),
            "OK mute red bob\n",
            r#"{"type":"ok","command":"mute","room":"red","user":"bob","id":4}"#,
        ),
        (
            Reply::Unmute(about()).into(),
            "OK unmute red bob\n",
            r#"{"type":"ok","command":"unmute","room":"red","user":"bob","id":4}"#,
        ),
        (
            Reply::Moderator(about()).into(),
            "OK moderator red bob\n",
            r#"{"type":"ok","command":"moderator","room":"red","user":"bob","id":4}"#,
        ),
        (
            Reply::Owner(about()).into(),
            "OK owner red bob\n",
            r#"{"type":"ok","command":"owner","room":"red","user":"bob","id":4}"#,
        ),
        (
            Reply::Invite(Invite::User { about: about(), inbox: MessageId(2) }).into(),
            "OK invite red bob\n",
            r#"{"type":"ok","command":"invite","room":"red","user":"bob","id":4,"inbox":2}"#,
        ),
        (
            Reply::Unmoderator(about()).into(),
            "OK unmoderator red bob\n",
            r#"{"type":"ok","command":"unmoderator","room":"red","user":"bob","id":4}"#,
        ),
    ]
}

fn more_replies() -> Vec<Row> {
    let red = room("red");
    vec![
        (
            Reply::Topic { room: red.clone(), topic: note("All about roses"), id: Some(MessageId(3)) }.into(),
            "OK topic red All about roses\n",
            r#"{"type":"ok","command":"topic","room":"red","topic":"All about roses","id":3}"#,
        ),
        (
            Reply::Post { room: red.clone(), post: Speakers::Moderators, id: MessageId(4) }.into(),
            "OK post red moderators\n",
            r#"{"type":"ok","command":"post","room":"red","post":"moderators","id":4}"#,
        ),
        (
            Reply::Retention { room: red.clone(), retention: Retention::find("30d"), id: MessageId(4) }.into(),
            "OK retention red 30d\n",
            r#"{"type":"ok","command":"retention","room":"red","retention":2592000,"id":4}"#,
        ),
        (
            Reply::Retention { room: red.clone(), retention: None, id: MessageId(5) }.into(),
            "OK retention red default\n",
            r#"{"type":"ok","command":"retention","room":"red","retention":null,"id":5}"#,
        ),
        (
            Reply::Unsuspend { user: user("bob") }.into(),
            "OK unsuspend bob\n",
            r#"{"type":"ok","command":"unsuspend","user":"bob"}"#,
        ),
        (
            Reply::Topic { room: red.clone(), topic: Note::default(), id: None }.into(),
            "OK topic red\n",
            r#"{"type":"ok","command":"topic","room":"red","topic":""}"#,
        ),
        (
            Reply::Access { room: red.clone(), access: Access::Private, id: MessageId(4) }.into(),
            "OK access red private\n",
            r#"{"type":"ok","command":"access","room":"red","access":"private","id":4}"#,
        ),
        (
            Reply::Edit { room: red.clone(), id: MessageId(8), of: MessageId(7), repeated: false }.into(),
            "OK edit red 7\n",
            r#"{"type":"ok","command":"edit","room":"red","id":8,"of":7}"#,
        ),
        (
            Reply::Remove { room: red, id: MessageId(9), of: MessageId(7) }.into(),
            "OK remove red 7\n",
            r#"{"type":"ok","command":"remove","room":"red","id":9,"of":7}"#,
        ),
        (
            Reply::Suspend { user: user("bob") }.into(),
            "OK suspend bob\n",
            r#"{"type":"ok","command":"suspend","user":"bob"}"#,
        ),
    ]
}

fn rooms() -> Vec<Row> {
    let red = room("red");
    vec![
        (
            Event::Room(Box::new(RoomInfo {
                room: red.clone(),
                topic: note("All about roses"),
                access: Access::Private,
                post: Speakers::Moderators,
                owner: Some(user("ann")),
                moderators: vec![user("bob"), user("cyd")],
                role: RoomRole::Moderator,
                created: Some(time()),
                retention: None,
            })),
            "ROOM-INFO topic All about roses\nROOM-INFO access private\nROOM-INFO post moderators\nROOM-INFO owner ann\n\
             ROOM-INFO moderators bob cyd\nROOM-INFO role moderator\nROOM-INFO created T\nOK room red\n",
            r#"{"type":"room","room":"red","topic":"All about roses","access":"private","post":"moderators","owner":"ann","moderators":["bob","cyd"],"role":"moderator","created":"T"}"#,
        ),
        (
            Event::Room(Box::new(RoomInfo {
                room: red,
                topic: Note::default(),
                access: Access::Public,
                post: Speakers::Everyone,
                owner: None,
                moderators: Vec::new(),
                role: RoomRole::Member,
                created: None,
                retention: Retention::find("36h"),
            })),
            "ROOM-INFO topic\nROOM-INFO access public\nROOM-INFO post everyone\nROOM-INFO owner\nROOM-INFO moderators\n\
             ROOM-INFO role member\nROOM-INFO created\nROOM-INFO retention 36h\nOK room red\n",
            r#"{"type":"room","room":"red","topic":"","access":"public","post":"everyone","owner":null,"moderators":[],"role":"member","created":null,"retention":129600}"#,
        ),
    ]
}

fn message(text: &str, edited: Option<Timestamp>, removed: bool) -> HistoryEntry {
    HistoryEntry { id: MessageId(7), time: time(), from: user("ann"), text: note(text), edited, removed, bot: false }
}

fn lists() -> Vec<Row> {
    vec![
        (
            Event::Backlog {
                target: Target::Room(room("red")),
                epoch: Epoch(1),
                entries: vec![
                    LogEntry::Message(message("", None, true)),
                    LogEntry::Edited(edit()),
                    LogEntry::Removed(removal()),
                    LogEntry::Topic(topic()),
                    LogEntry::Moderated(setting()),
                ],
                more: false,
            },
            "LOG #red 7 ann (removed)\nLOG #red 8 ann (edited 7) a b\nLOG #red 9 mod (removed 7) spam\n\
             LOG #red 3 ann (topic) All about roses\nLOG #red 4 mod (access) private\nOK backlog #red 5\n",
            concat!(
                r##"{"type":"backlog","target":"#red","epoch":"0000000000000001","entries":["##,
                r#"{"type":"message","id":7,"time":"T","from":"ann","text":"","removed":true},"#,
                r#"{"type":"edited","id":8,"time":"T","from":"ann","of":7,"text":"a b"},"#,
                r#"{"type":"removed","id":9,"time":"T","from":"mod","of":7,"reason":"spam"},"#,
                r#"{"type":"topic","id":3,"time":"T","from":"ann","text":"All about roses"},"#,
                r#"{"type":"moderated","id":4,"time":"T","from":"mod","action":"access","user":null,"until":null,"reason":"private"}"#,
                r#"],"more":false}"#
            ),
        ),
        (
            Event::Inbox {
                entries: vec![LogEntry::Invited(InvitationEntry { to: Some(user("bob")), ..invitation() })],
                more: false,
            },
            "LOG @ann 5 ann (invitation) red\nOK inbox 1\n",
            r#"{"type":"inbox","entries":[{"type":"invited","id":5,"time":"T","from":"ann","to":"bob","room":"red"}],"more":false}"#,
        ),
        (
            Event::Backlog {
                target: Target::Feed(user("ann")),
                epoch: Epoch(1),
                entries: vec![LogEntry::Publication(message("a b", None, false))],
                more: true,
            },
            "LOG +ann 7 ann a b\nOK backlog +ann 1\n",
            concat!(
                r#"{"type":"backlog","target":"+ann","epoch":"0000000000000001","entries":["#,
                r#"{"type":"publication","id":7,"time":"T","from":"ann","text":"a b"}],"more":true}"#
            ),
        ),
        (
            Event::History {
                room: room("red"),
                messages: vec![message("a b", Some(time()), false), message("", None, true)],
            },
            "OLD red 7 ann a b\nOLD red 7 ann (removed)\nOK history red 2\n",
            concat!(
                r#"{"type":"history","room":"red","messages":["#,
                r#"{"id":7,"time":"T","from":"ann","text":"a b","edited":"T"},"#,
                r#"{"id":7,"time":"T","from":"ann","text":"","removed":true}]}"#
            ),
        ),
    ]
}

fn rows() -> impl Iterator<Item = Row> {
    [events(), later_events(), replies(), more_replies(), rooms(), lists()].into_iter().flatten()
}

/// The JSON lines of the tables.
pub(super) fn golden_json() -> Vec<String> {
    let shown = format!("\"{}\"", time());
    rows().map(|(_, _, json)| json.replace("\"T\"", &shown)).collect()
}

#[test]
fn both_formats_are_read_back() {
    let shown = time().to_string();
    for (event, text, json) in rows() {
        assert_eq!(encoded(&event, Format::Text), text.replace(" T\n", &format!(" {shown}\n")));
        let json = json.replace("\"T\"", &format!("\"{shown}\""));
        assert_eq!(encoded(&event, Format::Json), format!("{json}\n"));
        assert_eq!(serde_json::from_str::<Event>(&json).unwrap(), event);
    }
}

#[test]
fn the_text_format_says_why_only_where_there_is_a_reason() {
    let moderated = |reason| Event::Moderated { room: room("red"), entry: ModerationEntry { reason, ..ban() } };
    assert_eq!(encoded(&moderated(Note::default()), Format::Text), "MODERATED red bob ban mod\n");
    let (members, epoch, last) = (3, Epoch(1), MessageId(2));
    let moved = Event::Moved { room: room("lobby"), members, epoch, last, reason: note("spam") };
    assert_eq!(encoded(&moved, Format::Text), "MOVED lobby spam\n");
    let entries = vec![
        LogEntry::Moderated(ban()),
        LogEntry::Moderated(ModerationEntry { reason: Note::default(), ..ban() }),
        LogEntry::Moderated(ModerationEntry { reason: Note::default(), ..setting() }),
        LogEntry::Removed(RemovalEntry { reason: Note::default(), ..removal() }),
    ];
    let backlog = Event::Backlog { target: Target::Room(room("red")), epoch: Epoch(1), entries, more: false };
    assert_eq!(
        encoded(&backlog, Format::Text),
        "LOG #red 4 mod (ban bob) spam\nLOG #red 4 mod (ban bob)\nLOG #red 4 mod (access)\nLOG #red 9 mod (removed 7)\n\
         OK backlog #red 4\n"
    );
}
