//! The rooms of a session, event by event, and the steps to get them back.

use super::*;
use parlor_proto::{Epoch, MessageId, Verb};

fn room(name: &str) -> RoomName {
    name.parse().unwrap()
}

fn me() -> UserName {
    "ann".parse().unwrap()
}

fn joined(name: &str) -> Event {
    Reply::Join { room: room(name), members: 1, epoch: Epoch(1), last: MessageId(0) }.into()
}

fn opened(name: &str) -> Event {
    let topic = parlor_proto::Note::default();
    Reply::Open { room: room(name), members: 1, epoch: Epoch(1), last: MessageId(0), topic }.into()
}

fn switched(name: &str) -> Event {
    Reply::Switch { room: room(name) }.into()
}

fn refusal(code: RefusalCode) -> Event {
    Event::Error { command: Some(Verb::Join), code, message: String::new() }
}

/// The rooms after these answers in a session.
fn after(events: &[Event]) -> Rooms {
    let mut rooms = Rooms::only(&room("lobby"));
    for event in events {
        rooms.note(event, &me());
    }
    rooms
}

/// What a new session says to get to the rooms, where the server remembers `remembered`.
fn steps(goal: &Rooms, remembered: &[&str]) -> Vec<String> {
    let lobby = room("lobby");
    let (mut restore, mut now, mut said) = (Restore::new(goal, &lobby), Rooms::only(&lobby), Vec::new());
    while let Some(step) = restore.step().cloned() {
        let event = match &step {
            Question::Join(room) => joined(room.as_str()),
            Question::Open(room) => opened(room.as_str()),
            Question::Switch(room) => switched(room.as_str()),
            Question::Close(lobby) => {
                Reply::Close { room: lobby.clone(), current: now.current.clone().unwrap() }.into()
            }
            _ => {
                now.open.extend(remembered.iter().map(|name| room(name)));
                Event::Pong { token: None }
            }
        };
        now.note(&event, &me());
        said.push(step.to_string());
        assert_eq!(restore.answered(&event, &now), Then::GoOn);
    }
    assert_eq!((&now.open, &now.current), (&goal.open, &goal.current));
    said
}

#[test]
fn every_room_comes_back() {
    assert_eq!(steps(&after(&[]), &[]), ["/sync"]);
    assert_eq!(steps(&after(&[joined("red")]), &[]), ["/join red", "/sync"]);
    assert_eq!(steps(&after(&[opened("red")]), &["red"]), ["/sync"]);
    assert_eq!(steps(&after(&[opened("red"), switched("red")]), &["red"]), ["/sync", "/switch red"]);
    let both = [joined("blue"), opened("red"), switched("red")];
    assert_eq!(steps(&after(&both), &["red"]), ["/join blue", "/sync", "/switch red"]);
    let back = Reply::Close { room: room("lobby"), current: room("red") }.into();
    let without_lobby = [opened("red"), switched("red"), back];
    assert_eq!(steps(&after(&without_lobby), &["red"]), ["/sync", "/switch red", "/close lobby"]);
    let two_joined = [joined("blue"), opened("red"), switched("red"), joined("green")];
    assert_eq!(steps(&after(&two_joined), &[]), ["/join green", "/sync", "/open blue"]);
}

#[test]
fn a_pipe_gets_the_rooms_of_its_session_and_no_others() {
    let steps = |goal: &Rooms| -> Vec<_> {
        let restore = Restore::of_session(goal, &room("lobby"));
        restore.steps.iter().map(ToString::to_string).collect()
    };
    assert_eq!(steps(&Rooms::wanted(None)), [""; 0]);
    assert_eq!(steps(&after(&[])), [""; 0]);
    assert_eq!(steps(&Rooms::wanted(Some(&room("red")))), ["/join red"]);
    let both = [joined("blue"), opened("red"), switched("red")];
    assert_eq!(steps(&after(&both)), ["/join blue", "/open red", "/switch red"]);
    let back = Reply::Close { room: room("lobby"), current: room("red") }.into();
    assert_eq!(steps(&after(&[opened("red"), switched("red"), back])), ["/open red", "/switch red", "/close lobby"]);
}

fn kicked(name: &str, user: &str) -> Event {
    let json = format!(
        r#"{{"type":"moderated","room":"{name}","id":1,"time":"2026-01-01T10:00:00Z","from":"bob","action":"kick","user":"{user}","until":null,"reason":""}}"#
    );
    serde_json::from_str(&json).unwrap()
}

fn moved() -> Event {
    let (epoch, last, reason) = (Epoch(1), MessageId(0), parlor_proto::Note::default());
    Event::Moved { room: room("lobby"), members: 1, epoch, last, reason }
}

#[test]
fn who_is_removed_from_a_room_does_not_come_back_to_it() {
    let in_both = [joined("red"), opened("blue")];
    let events = [&in_both[..], &[kicked("red", "eve")]].concat();
    assert_eq!(steps(&after(&events), &["blue"]), ["/join red", "/sync"]);
    let events = [&in_both[..], &[kicked("blue", "ann")]].concat();
    assert_eq!(steps(&after(&events), &[]), ["/join red", "/sync"]);
    let events = [&in_both[..], &[kicked("red", "ann"), moved()]].concat();
    assert_eq!(steps(&after(&events), &["blue"]), ["/sync"]);
}

#[test]
fn a_room_that_one_is_banned_from_is_told_of_once_and_not_asked_for_in_another_way() {
    let json = r#"{"type":"sync","current":"lobby","rooms":[],"directs":[],"feeds":[],"inbox":{"epoch":"0000000000000001","last":0},"lost":[{"room":"red","code":"banned"},{"room":"blue","code":"invite-only"}]}"#;
    let sync: Event = serde_json::from_str(json).unwrap();
    let Event::Sync(lost) = &sync else { panic!("{json}") };
    let goal = after(&[joined("red"), opened("blue")]);
    let mut restore = Restore::new(&goal, &room("lobby"));
    restore.answered(&refusal(RefusalCode::Banned), &Rooms::only(&room("lobby")));
    let told: Vec<_> = restore.newly_lost(&lost.lost).into_iter().map(|lost| lost.room).collect();
    assert_eq!(told, [room("blue")]);
    restore.answered(&sync, &Rooms::only(&room("lobby")));
    assert_eq!(restore.step(), None);
    assert!(restore.is_barred(&room("red")) && restore.is_barred(&room("blue")));
}

#[test]
fn while_the_store_is_away_a_step_is_tried_again_but_not_for_ever() {
    let (goal, now) = (Rooms::wanted(Some(&room("red"))), Rooms::only(&room("lobby")));
    let mut restore = Restore::new(&goal, &room("lobby"));
    let away = refusal(RefusalCode::StoreUnavailable);
    let again = (0..=REPEATS).take_while(|_| restore.answered(&away, &now) == Then::Again).count();
    assert_eq!((again, restore.step()), (REPEATS as usize, Some(&Question::Sync)));
    assert_eq!(restore.answered(&away, &now), Then::Reconnect);
}

#[test]
fn a_room_that_is_refused_is_not_asked_for_in_another_way() {
    let (goal, now) = (after(&[joined("red")]), Rooms::only(&room("lobby")));
    let mut restore = Restore::new(&goal, &room("lobby"));
    restore.answered(&refusal(RefusalCode::LimitReached), &now);
    restore.answered(&Event::Pong { token: None }, &now);
    assert_eq!(restore.step(), None);
}

#[test]
fn whoever_closes_the_current_room_is_in_the_one_that_takes_its_place() {
    let closed = Reply::Close { room: room("red"), current: room("lobby") }.into();
    assert_eq!(after(&[joined("red"), closed]), Rooms { joined: Some(room("red")), ..Rooms::only(&room("lobby")) });
}

#[test]
fn the_server_says_where_the_user_is() {
    let state = r#""members":1,"topic":"","role":"member","epoch":"0000000000000001","last":0,"read":0,"unread":0"#;
    let json = format!(
        r#"{{"type":"sync","current":"red","rooms":[{{"room":"red",{state}}}],"directs":[],"feeds":[],"inbox":{{"epoch":"0000000000000001","last":0}},"lost":[]}}"#
    );
    assert_eq!(after(&[opened("blue"), serde_json::from_str(&json).unwrap()]), Rooms::only(&room("red")));
}

#[test]
fn the_room_from_which_the_user_was_removed_is_left_before_the_others_are_opened() {
    let goal = after(&[joined("red"), opened("blue")]);
    let (mut restore, mut now, pong) =
        (Restore::new(&goal, &room("lobby")), Rooms::only(&room("lobby")), Event::Pong { token: None });
    now.note(&joined("red"), &me());
    restore.answered(&joined("red"), &now);
    restore.answered(&pong, &now);
    restore.look_into(room("red"), MessageId(3));
    assert_eq!(restore.step().map(ToString::to_string).as_deref(), Some("/backlog #red after 3 500"));
    restore.answered(&pong, &now);
    restore.leave(&room("red"));
    assert_eq!(restore.step(), Some(&Question::Close(room("red"))));
    let closed = Reply::Close { room: room("red"), current: room("lobby") }.into();
    now.note(&closed, &me());
    restore.answered(&closed, &now);
    assert_eq!(restore.steps, [Question::Open(room("blue"))]);
}

#[test]
fn a_removal_counts_unless_it_is_of_somebody_else_or_the_user_spoke_after_it() {
    let entry = |id: u64, rest: &str| -> LogEntry {
        serde_json::from_str(&format!(r#"{{"id":{id},"time":"2026-01-01T10:00:00Z",{rest}}}"#)).unwrap()
    };
    let act = |id, action: &str, user: &str| {
        let rest = format!(r#""action":"{action}","user":"{user}","until":null,"reason":"""#);
        entry(id, &format!(r#""type":"moderated","from":"bob",{rest}"#))
    };
    let said = |id, from: &str| entry(id, &format!(r#""type":"message","from":"{from}","text":"x""#));
    let cases = [
        (vec![act(1, "kick", "ann"), said(2, "bob")], Some(1)),
        (vec![said(1, "ann"), act(2, "ban", "ann")], Some(2)),
        (vec![act(1, "kick", "ann"), said(2, "ann")], None),
        (vec![act(1, "kick", "eve")], None),
        (vec![act(1, "mute", "ann")], None),
    ];
    for (entries, expected) in cases {
        assert_eq!(removal_in(&entries, &me()).map(|entry| entry.id.0), expected, "{entries:?}");
    }
}

#[test]
fn whoever_leaves_a_room_does_not_come_back_to_it() {
    let left = Reply::Leave { left: room("red"), room: room("lobby"), members: 1, epoch: Epoch(1), last: MessageId(0) };
    assert_eq!(steps(&after(&[joined("red"), left.clone().into()]), &[]), ["/sync"]);
    let others = [joined("red"), opened("blue"), left.into()];
    assert_eq!(steps(&after(&others), &["blue"]), ["/sync"]);
}

#[test]
fn only_a_room_that_is_closed_to_the_user_is_not_wanted_any_more() {
    let now = Rooms::only(&room("lobby"));
    for (code, is_barred) in
        [(RefusalCode::Banned, true), (RefusalCode::InviteOnly, true), (RefusalCode::LimitReached, false)]
    {
        for goal in [after(&[joined("red")]), after(&[opened("red")])] {
            let mut restore = Restore::of_session(&goal, &room("lobby"));
            assert_eq!(restore.answered(&refusal(code), &now), Then::GoOn);
            assert_eq!((restore.is_barred(&room("red")), restore.step()), (is_barred, None), "{code}");
        }
    }
}

#[test]
fn each_room_in_which_something_was_missed_is_looked_into_before_any_other_step() {
    let goal = after(&[joined("red"), opened("blue"), opened("green")]);
    let (mut restore, mut now) = (Restore::new(&goal, &room("lobby")), Rooms::only(&room("lobby")));
    let pong = Event::Pong { token: None };
    now.note(&joined("red"), &me());
    restore.answered(&joined("red"), &now);
    now.open.insert(room("blue"));
    restore.answered(&pong, &now);
    for name in ["red", "blue"] {
        restore.look_into(room(name), MessageId(3));
    }
    restore.answered(&pong, &now);
    restore.leave(&room("blue"));
    let steps: Vec<_> = restore.steps.iter().map(ToString::to_string).collect();
    assert_eq!(steps, ["/close blue", "/backlog #red after 3 500"]);
    now.note(&Reply::Close { room: room("blue"), current: room("red") }.into(), &me());
    restore.answered(&Reply::Close { room: room("blue"), current: room("red") }.into(), &now);
    let steps: Vec<_> = restore.steps.iter().map(ToString::to_string).collect();
    assert_eq!(steps, ["/backlog #red after 3 500", "/open green"]);
}
