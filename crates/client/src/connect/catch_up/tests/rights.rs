//! Catching up with edits, removals, topics and what moderators do: they have numbers in the logs like messages.

use super::*;

/// An entry of the log of the room red.
fn json(kind: &str, id: u64, rest: &str) -> String {
    format!(r#"{{"type":"{kind}","room":"red","id":{id},"time":"2026-01-01T10:00:0{id}Z","from":"bob",{rest}}}"#)
}

fn event(json: &str) -> Event {
    serde_json::from_str(json).unwrap()
}

fn edited(id: u64) -> String {
    json("edited", id, r#""of":1,"text":"x""#)
}

fn kick(id: u64, user: &str) -> String {
    json("moderated", id, &format!(r#""action":"kick","user":"{user}","until":null,"reason":"""#))
}

/// One of each kind, from the number `first` on.
fn others(first: u64) -> Vec<String> {
    vec![
        edited(first),
        json("removed", first + 1, r#""of":1,"reason":"""#),
        json("topic", first + 2, r#""text":"roses""#),
        kick(first + 3, "eve"),
    ]
}

fn page(entries: &[String]) -> Event {
    let entries = entries.join(",");
    event(&format!(r##"{{"type":"backlog","target":"#red","epoch":"{EPOCH}","entries":[{entries}],"more":false}}"##))
}

/// Back in the rooms after a cut, as the server tells it.
fn come_back(catch_up: &mut CatchUp, red: u64, directs: &[(&str, u64)]) {
    catch_up.disconnected();
    catch_up.begin_in(&room("lobby"), EPOCH, MessageId(0));
    catch_up.use_way(Way::Backlog);
    catch_up.sift(sync(&[("lobby", 0), ("red", red)], directs, &[]));
}

/// In the rooms lobby and red.
fn in_both(red: u64, directs: &[(&str, u64)]) -> CatchUp {
    let mut catch_up = in_lobby(0);
    come_back(&mut catch_up, red, directs);
    catch_up
}

#[test]
fn what_is_no_message_counts_too() {
    for (id, json) in (4..).zip(others(4)) {
        let mut catch_up = in_both(id - 1, &[]);
        assert_eq!(catch_up.sift(event(&json)), [Shown::Event(event(&json))]);
        come_back(&mut catch_up, id, &[]);
        assert_eq!(ask_all(&mut catch_up), [""; 0], "{json}");
    }
}

#[test]
fn what_the_user_does_counts_too() {
    let about = r#""room":"red","user":"bob""#;
    for reply in [
        r#""command":"edit","room":"red","of":1"#.to_owned(),
        r#""command":"remove","room":"red","of":1"#.to_owned(),
        r#""command":"topic","room":"red","topic":"roses""#.to_owned(),
        r#""command":"access","room":"red","access":"private""#.to_owned(),
        r#""command":"post","room":"red","post":"everyone""#.to_owned(),
        r#""command":"retention","room":"red","retention":null"#.to_owned(),
    ]
    .into_iter()
    .chain(
        ["invite", "kick", "ban", "unban", "mute", "unmute", "moderator", "unmoderator", "owner"]
            .map(|command| format!(r#""command":"{command}",{about}"#)),
    ) {
        let mut catch_up = in_both(3, &[]);
        catch_up.sift(event(&format!(r#"{{"type":"ok",{reply},"id":4,"inbox":0}}"#)));
        come_back(&mut catch_up, 4, &[]);
        assert_eq!(ask_all(&mut catch_up), [""; 0], "{reply}");
    }
}

#[test]
fn what_was_missed_is_shown_once_whatever_it_is() {
    let mut catch_up = in_both(3, &[]);
    come_back(&mut catch_up, 7, &[]);
    assert_eq!(ask_all(&mut catch_up), ["/backlog #red after 3 4"]);
    // What the server says of the log is ahead of what it delivers.
    for json in &others(4)[2..] {
        assert_eq!(catch_up.sift(event(json)), [], "it has to wait");
    }
    let shown = answer(&mut catch_up, "red", page(&others(4)));
    assert_eq!(told(&shown), "missed 4 5 6 7 without 0");
    assert_eq!(catch_up.sift(event(&others(4)[3])), []);
    assert_eq!(catch_up.sift(event(&edited(8))), [Shown::Event(event(&edited(8)))]);
}

#[test]
fn who_is_removed_from_a_room_hears_and_waits_for_nothing_more() {
    let mut catch_up = in_both(3, &[]);
    come_back(&mut catch_up, 4, &[]);
    assert_eq!(ask_all(&mut catch_up), ["/backlog #red after 3 1"]);
    assert_eq!(catch_up.sift(message(5)), []);
    let kicked = event(&kick(6, "ann"));
    assert_eq!(catch_up.sift(kicked.clone()), [Shown::Event(message(5)), Shown::Event(kicked)]);
    let refused = r#"{"type":"error","code":"not-in-room","message":"No","command":"backlog"}"#;
    assert_eq!(answer(&mut catch_up, "red", event(refused)), []);
    assert!(catch_up.logs[&LogName::Room(room("red"))].is_left());
}

#[test]
fn who_is_moved_to_the_lobby_is_there() {
    let mut catch_up = in_both(3, &[]);
    catch_up.sift(joined("red", EPOCH, 3));
    assert!(catch_up.logs[&LogName::Room(room("lobby"))].is_left());
    catch_up.sift(event(&kick(4, "ann")));
    let moved = r#"{"type":"moved","room":"lobby","members":1,"epoch":"0000000000000001","last":7,"reason":""}"#;
    catch_up.sift(event(moved));
    assert_eq!(catch_up.current, Some(room("lobby")));
    assert!(!catch_up.logs[&LogName::Room(room("lobby"))].is_left());
    assert!(catch_up.logs[&LogName::Room(room("red"))].is_left());
}

#[test]
fn invitations_are_of_the_inbox_and_ones_own_are_no_news() {
    let invited = |id: u64, from: &str, to: &str| {
        format!(
            r#"{{"type":"invited","id":{id},"time":"2026-01-01T10:00:0{id}Z","from":"{from}","to":"{to}","room":"red"}}"#
        )
    };
    let mut catch_up = in_both(3, &[("bob", 5)]);
    catch_up.sift(event(&invited(6, "bob", "ann")));
    come_back(&mut catch_up, 3, &[("bob", 6)]);
    assert_eq!(ask_all(&mut catch_up), [""; 0]);
    come_back(&mut catch_up, 3, &[("bob", 8)]);
    assert_eq!(ask_all(&mut catch_up), ["/backlog @bob after 6 2"]);
    let entries = [invited(7, "ann", "bob"), invited(8, "bob", "ann")].join(",");
    let page = format!(r#"{{"type":"backlog","target":"@bob","epoch":"{EPOCH}","entries":[{entries}],"more":false}}"#);
    let shown = catch_up.answered(&"@bob".parse().unwrap(), event(&page));
    assert_eq!(told(&shown), "missed 8 without 0");
}

#[test]
fn a_removal_from_a_room_that_is_not_known_is_shown_all_the_same() {
    let kicked = event(&kick(1, "ann"));
    assert_eq!(in_lobby(0).sift(kicked.clone()), [Shown::Event(kicked)]);
}
