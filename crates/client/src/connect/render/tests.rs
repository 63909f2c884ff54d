//! The table of the lines that users see, in one time zone, with and without colours.

mod colours;
mod replies;
mod rights;

use super::*;
use crate::events::Incoming;

fn renderer(colour: bool) -> Renderer {
    let me = "ann".parse().unwrap();
    Renderer { colour, zone: TimeZone::fixed(jiff::tz::offset(2)), me, bell: false, days: None }
}

fn shown(renderer: &Renderer, json: &str) -> Option<String> {
    let Incoming::Event { event, .. } = Incoming::parse(json.to_owned()) else { panic!("{json}") };
    renderer.event(&event, "2026-11-22T10:31:00Z".parse().unwrap())
}

#[test]
fn every_event_in_words() {
    let entered = r#""epoch":"0000000000000001","last":0"#;
    let time = r#""time":"2026-11-22T10:30:59.999Z""#;
    let cases = [
        (
            format!(r#"{{"type":"message","room":"red","id":1,{time},"from":"bob","text":"hi\tthere"}}"#),
            "12:30 [red] bob: hi    there",
        ),
        (format!(r#"{{"type":"publication","id":1,{time},"from":"bob","text":"hi"}}"#), "12:30 PUB bob: hi"),
        (format!(r#"{{"type":"direct",{time},"from":"bob","text":"hi"}}"#), "12:30 DM bob: hi"),
        (format!(r#"{{"type":"notice",{time},"from":"bob","text":"hi"}}"#), "12:30 NOTICE bob: hi"),
        (r#"{"type":"joined","room":"red","user":"bob"}"#.into(), "12:31 * bob entered red"),
        (r#"{"type":"left","room":"red","user":"bob"}"#.into(), "12:31 * bob left red"),
        (
            format!(r#"{{"type":"ok","command":"login","user":"ann","room":"lobby",{entered}}}"#),
            "12:31 * you are ann, in lobby",
        ),
        (
            format!(r#"{{"type":"ok","command":"join","room":"red","members":2,{entered}}}"#),
            "12:31 * you are in red, members: 2",
        ),
        (
            format!(r#"{{"type":"ok","command":"leave","left":"red","room":"lobby","members":3,{entered}}}"#),
            "12:31 * you left red for lobby, members: 3",
        ),
        (r#"{"type":"ok","command":"subscribe","user":"bob"}"#.into(), "12:31 * you follow bob"),
        (r#"{"type":"ok","command":"unsubscribe","user":"bob"}"#.into(), "12:31 * you follow bob no longer"),
        (r#"{"type":"ok","command":"publish","id":41}"#.into(), "12:31 * published as number 41"),
        (r#"{"type":"ok","command":"msg","user":"bob"}"#.into(), "12:31 * sent to bob"),
        (r#"{"type":"ok","command":"broadcast"}"#.into(), "12:31 * sent to everybody"),
        (r#"{"type":"ok","command":"passwd"}"#.into(), "12:31 * your password is changed"),
        (r#"{"type":"error","code":"in-lobby","message":"No","command":"leave"}"#.into(), "12:31 ! No (in-lobby)"),
        (r#"{"type":"bye","code":"kicked","message":"Out"}"#.into(), "12:31 * Out (kicked)"),
        (r#"{"type":"pong","token":"x"}"#.into(), "12:31 * pong x"),
        (r#"{"type":"pong","token":null}"#.into(), "12:31 * pong"),
        (
            r#"{"type":"rooms","rooms":[{"room":"lobby","members":10}]}"#.into(),
            "12:31 * rooms and their members:\n        10  lobby",
        ),
        (r#"{"type":"users","room":"red","users":["ann","bob"]}"#.into(), "12:31 * in red: ann, bob"),
        (r#"{"type":"subscriptions","users":[]}"#.into(), "12:31 * you follow nobody"),
        (r#"{"type":"subscribers","users":["bob"]}"#.into(), "12:31 * you are followed by bob"),
        (
            r#"{"type":"help","commands":[{"usage":"/leave","help":"go back"}]}"#.into(),
            "12:31 * a line without a slash is said to the room; commands:\n    /leave                    go back",
        ),
    ];
    for (json, expected) in cases {
        assert_eq!(shown(&renderer(false), &json).as_deref(), Some(expected), "{json}");
    }
}

#[test]
fn what_people_know_already_is_not_shown() {
    for json in [
        r#"{"type":"ok","command":"message","room":"red","id":1}"#,
        r#"{"type":"ok","command":"format","format":"json"}"#,
    ] {
        assert_eq!(shown(&renderer(false), json), None, "{json}");
    }
}

#[test]
fn history_tells_the_day_unless_it_is_today() {
    let old = r#"{"id":1,"time":"2026-11-21T21:59:00Z","from":"bob","text":"late"}"#;
    let new = r#"{"id":2,"time":"2026-11-21T22:01:00Z","from":"bob","text":"early"}"#;
    let json = format!(r#"{{"type":"history","room":"red","messages":[{old},{new}]}}"#);
    let expected = "2026-11-21 23:59 [red 1] bob: late\n00:01 [red 2] bob: early\n12:31 * end of the history of red, messages shown: 2";
    assert_eq!(shown(&renderer(false), &json).as_deref(), Some(expected));
}

#[test]
fn colours_are_the_only_control_characters() {
    let json = r#"{"type":"message","room":"red","id":1,"time":"2026-11-22T10:30:00Z","from":"bob","text":"\u001b[2Jhi\u0007\u202e"}"#;
    let plain = shown(&renderer(false), json).unwrap();
    assert_eq!(plain, "12:30 [red] bob: [2Jhi");
    let coloured = shown(&renderer(true), json).unwrap();
    assert_eq!(coloured.matches('\x1b').count(), 4);
    assert!(
        coloured.starts_with("\x1b[2m12:30\x1b[0m [red] \x1b[3") && coloured.ends_with("mbob\x1b[0m: [2Jhi"),
        "{coloured:?}"
    );
}

#[test]
fn what_was_missed_is_marked_and_has_its_own_time() {
    let entry = |id, time: &str| format!(r#"{{"id":{id},"time":"{time}","from":"bob","text":"number {id}"}}"#);
    let entries = format!("{},{}", entry(7, "2026-11-20T10:00:00.000Z"), entry(8, "2026-11-22T10:20:00.000Z"));
    let json = format!(r#"{{"type":"history","room":"red","messages":[{entries}]}}"#);
    let Incoming::Event { event: Event::History { room, messages }, .. } = Incoming::parse(json) else { panic!() };
    let entries: Vec<_> = messages.into_iter().map(LogEntry::Message).collect();
    let now = "2026-11-22T10:31:00Z".parse().unwrap();
    let shown = |left_out| renderer(false).missed(&Target::Room(room.clone()), &entries, left_out, now);
    let lines = "2026-11-20 12:00 OLD [red] bob: number 7\n12:20 OLD [red] bob: number 8";
    assert_eq!(shown(0), lines);
    let too_many = "12:31 * said in red meanwhile: 502, of which the newest are shown: 2\n";
    assert_eq!(shown(500), format!("{too_many}{lines}"));
}

fn message(time: &str, text: &str) -> String {
    format!(r#"{{"type":"message","room":"red","id":1,"time":"{time}","from":"bob","text":"{text}"}}"#)
}

#[test]
fn a_line_tells_of_each_new_day_by_the_local_date() {
    let renderer = Renderer { days: Some(Days::default()), ..renderer(false) };
    let old = r#"{"id":1,"time":"2026-11-20T21:59:00Z","from":"bob","text":"late"}"#;
    let new = r#"{"id":2,"time":"2026-11-20T22:01:00Z","from":"bob","text":"early"}"#;
    let history = format!(r#"{{"type":"history","room":"red","messages":[{old},{new}]}}"#);
    let told = "--- 2026-11-20 ---\n23:59 [red 1] bob: late\n--- 2026-11-21 ---\n00:01 [red 2] bob: early\n\
                --- 2026-11-22 ---\n12:31 * end of the history of red, messages shown: 2";
    let cases = [
        // Everybody knows what day it is.
        (message("2026-11-22T10:31:00Z", "hi"), "12:31 [red] bob: hi"),
        (history, told),
        (message("2026-11-22T21:59:00Z", "hi"), "23:59 [red] bob: hi"),
        (message("2026-11-22T22:00:00Z", "hi"), "--- 2026-11-23 ---\n00:00 [red] bob: hi"),
    ];
    for (json, expected) in cases {
        assert_eq!(shown(&renderer, &json).as_deref(), Some(expected), "{json}");
    }
}

#[test]
fn the_own_name_is_bold_where_it_is_a_word() {
    let cases = [
        ("Ann, are you there?", "*Ann*, are you there?"),
        ("thanks @ann and ANN", "thanks @*ann* and *ANN*"),
        ("joann, annual, ann-marie, ann_2, éann", "joann, annual, ann-marie, ann_2, éann"),
        ("é ann…", "é *ann*…"),
    ];
    for (text, expected) in cases {
        let line = shown(&renderer(true), &message("2026-11-22T10:30:00Z", text)).unwrap();
        let said = line.split_once(": ").unwrap().1.replace("\x1b[1m", "*").replace("\x1b[0m", "*");
        assert_eq!(said, expected);
        let plain = shown(&renderer(false), &message("2026-11-22T10:30:00Z", text)).unwrap();
        assert_eq!(plain, format!("12:30 [red] bob: {text}"));
    }
}

#[test]
fn the_bell_rings_for_a_mention_and_a_direct_message_if_it_is_wanted() {
    let time = "2026-11-22T10:30:00Z";
    let direct = format!(r#"{{"type":"direct","time":"{time}","from":"bob","text":"hi"}}"#);
    for (json, rings) in [(message(time, "hi ann"), true), (message(time, "hi all"), false), (direct, true)] {
        let wanted = Renderer { bell: true, ..renderer(false) };
        assert_eq!(shown(&wanted, &json).unwrap().starts_with('\x07'), rings, "{json}");
        assert!(!shown(&renderer(false), &json).unwrap().contains('\x07'), "{json}");
    }
}

/// The answer to `/sync` in these rooms, with so many unread messages of bob.
fn sync(rooms: &[&str], unread: u64) -> Sync {
    let state = r#""epoch":"0000000000000001","last":0,"read":0,"unread":0"#;
    let room = |name: &&str| format!(r#"{{"room":"{name}","members":1,"topic":"","role":"member",{state}}}"#);
    let rooms: Vec<_> = rooms.iter().map(room).collect();
    let json = format!(
        r#"{{"type":"sync","current":"red","rooms":[{}],"directs":[{{"user":"bob","last":2,"read":1,"unread":{unread}}}],"feeds":[],"inbox":{{"epoch":"0000000000000001","last":0}},"lost":[]}}"#,
        rooms.join(",")
    );
    let Incoming::Event { event: Event::Sync(sync), .. } = Incoming::parse(json.clone()) else { panic!("{json}") };
    *sync
}

#[test]
fn the_summary_names_the_current_room_first() {
    let cases = [
        (sync(&["red"], 0), None),
        (sync(&["red"], 2), Some("12:31 * what you say goes to red; unread: @bob 2")),
        (sync(&["blue", "green", "red"], 0), Some("12:31 * what you say goes to red; also open: blue, green")),
    ];
    for (sync, expected) in cases {
        let now = "2026-11-22T10:31:00Z".parse().unwrap();
        assert_eq!(renderer(false).summary(&sync, now).as_deref(), expected);
    }
}

#[test]
fn old_direct_messages_tell_who_wrote_to_whom() {
    let entry = |id, from: &str, to: &str| {
        format!(
            r#"{{"type":"direct","id":{id},"time":"2026-11-22T10:20:00Z","from":"{from}","to":"{to}","text":"hi"}}"#
        )
    };
    let entries = [entry(1, "bob", "ann"), entry(2, "ann", "bob")].join(",");
    let json = format!(
        r#"{{"type":"backlog","target":"@bob","epoch":"0000000000000001","entries":[{entries}],"more":false}}"#
    );
    let lines = "12:20 DM from bob: hi\n12:20 DM to bob: hi\n12:31 * messages shown: 2";
    assert_eq!(shown(&renderer(false), &json).as_deref(), Some(lines));
}

#[test]
fn no_colour_of_a_user_vanishes_on_white_or_black() {
    let vanishing = ["30", "33", "36", "37"];
    assert!(USER_COLOURS.iter().all(|colour| !vanishing.contains(colour)));
}
