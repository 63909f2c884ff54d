//! Where the user is and wants to be, event by event.

use super::*;
use crate::connect::network::Places;

fn room(name: &str) -> RoomName {
    name.parse().unwrap()
}

fn event(json: &str) -> Event {
    serde_json::from_str(json).unwrap()
}

fn ok(command: &str, fields: &str) -> Event {
    event(&format!(r#"{{"type":"ok","command":"{command}",{fields}}}"#))
}

const LOG: &str = r#""members":1,"epoch":"0000000000000001","last":0"#;

fn joined(name: &str) -> Event {
    ok("join", &format!(r#""room":"{name}",{LOG}"#))
}

fn opened(name: &str) -> Event {
    ok("open", &format!(r#""room":"{name}","topic":"",{LOG}"#))
}

fn said_in(name: &str) -> Event {
    ok("message", &format!(r#""room":"{name}","id":1"#))
}

fn kicked(name: &str) -> Event {
    let rest = r#""time":"2026-01-01T10:00:00Z","from":"bob","action":"kick","user":"ann","until":null,"reason":"""#;
    event(&format!(r#"{{"type":"moderated","room":"{name}","id":1,{rest}}}"#))
}

/// In the lobby, since red, where the user wants to be, could not be entered.
fn astray() -> Places {
    let (now, goal) = (Rooms::only(&room("lobby")), Rooms::wanted(Some(&room("red"))));
    Places { now, goal, is_astray: true, ..Places::default() }
}

/// Whether the user still wants to be in red after these events, and which rooms the next session opens.
fn after(mut places: Places, events: &[Event]) -> (bool, Vec<String>) {
    let me = "ann".parse().unwrap();
    for event in events {
        places.note(event, &me);
    }
    let open = places.goal.open.iter().map(ToString::to_string).collect();
    (places.goal.current == Some(room("red")), open)
}

#[test]
fn a_room_that_is_wanted_stays_wanted_until_the_user_settles_elsewhere() {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let cases: [(&[Event], bool, &[&str]); 6] = [
        (&[opened("blue")], true, &["blue"]),
        (&[opened("blue"), kicked("blue")], true, &[]),
        (&[opened("blue"), said_in("blue")], true, &["blue"]),
        (&[opened("blue"), said_in("lobby")], false, &["blue", "lobby"]),
        (&[joined("green")], false, &["green"]),
        (&[ok("switch", r#""room":"lobby""#), opened("blue")], false, &["blue", "lobby"]),
    ];
    for (events, is_wanted, open) in cases {
        assert_eq!(after(astray(), events), (is_wanted, names(open)), "{events:?}");
    }
}

#[test]
fn what_the_user_wants_does_not_change_while_the_rooms_are_entered() {
    let mut places = Places { is_astray: false, ..astray() };
    places.restore = Some(Restore::new(&places.goal, &room("lobby")));
    let me = "ann".parse().unwrap();
    assert!(places.note(&joined("red"), &me));
    assert!(!places.note(&kicked("red"), &me));
    assert_eq!(places.goal, Rooms::wanted(Some(&room("red"))));
    assert!(places.restore.is_some_and(|restore| restore.is_barred(&room("red"))));
}

#[test]
fn the_rooms_of_an_answer_are_those_that_it_opens_and_the_current_one_is_where_lines_go_from_then_on() {
    let state = r#""members":1,"topic":"","role":"member","epoch":"0000000000000001","last":0,"read":0,"unread":0"#;
    let sync = format!(
        r#"{{"type":"sync","current":"red","rooms":[{{"room":"blue",{state}}},{{"room":"red",{state}}}],"directs":[],"feeds":[],"inbox":{{"epoch":"0000000000000001","last":0}},"lost":[]}}"#
    );
    let cases: [(Event, Option<&str>, &[&str]); 8] = [
        (joined("red"), Some("red"), &[]),
        (ok("leave", &format!(r#""left":"red","room":"lobby",{LOG}"#)), Some("lobby"), &[]),
        (ok("switch", r#""room":"red""#), Some("red"), &[]),
        (ok("close", r#""room":"red","current":"blue""#), Some("blue"), &[]),
        (event(&format!(r#"{{"type":"moved","room":"lobby","reason":"",{LOG}}}"#)), Some("lobby"), &[]),
        (event(&sync), Some("red"), &["blue", "red"]),
        (opened("blue"), None, &["blue"]),
        (said_in("red"), None, &[]),
    ];
    for (event, current, open) in cases {
        assert_eq!(current_after(&event).map(RoomName::as_str), current, "{event:?}");
        assert_eq!(rooms_of(&event), open.iter().map(|name| room(name)).collect::<Vec<_>>(), "{event:?}");
    }
}
