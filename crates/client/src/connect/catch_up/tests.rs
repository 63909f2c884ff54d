//! Catching up, event by event.

mod logs;
mod random;
mod rights;

use parlor_proto::{HistoryEntry, RefusalCode, Text, Timestamp, Verb};

use super::log::HELD_MAX;
use super::*;

const EPOCH: Epoch = Epoch(1);

fn room(name: &str) -> RoomName {
    name.parse().unwrap()
}

fn entry(id: u64) -> HistoryEntry {
    let text = Text::sanitise(&format!("number {id}")).unwrap();
    HistoryEntry {
        id: MessageId(id),
        time: Timestamp::from_millis(i64::try_from(id).unwrap()),
        from: "bob".parse().unwrap(),
        text: text.into(),
        edited: None,
        removed: false,
        bot: false,
    }
}

fn message(id: u64) -> Event {
    let HistoryEntry { id, time, from, text, edited, removed, bot } = entry(id);
    Event::Message { room: room("red"), id, time, from, text, edited, removed, bot }
}

fn joined(name: &str, epoch: Epoch, last: u64) -> Event {
    Reply::Join { room: room(name), members: 1, epoch, last: MessageId(last) }.into()
}

fn history(ids: impl Iterator<Item = u64>) -> Event {
    Event::History { room: room("red"), messages: ids.map(entry).collect() }
}

/// The user was in the room red up to message `last` and is back after a pause. The newest message is now `now`.
fn back(last: u64, now: u64) -> CatchUp {
    let mut catch_up = CatchUp::new("ann".parse().unwrap(), 0);
    catch_up.sift(joined("red", EPOCH, last));
    catch_up.disconnected();
    assert_eq!(catch_up.sift(joined("red", EPOCH, now)).len(), 1);
    catch_up.use_way(Way::History);
    catch_up
}

/// Sends the question. Returns its line.
fn ask(catch_up: &mut CatchUp) -> String {
    let (target, line) = catch_up.question().unwrap();
    catch_up.asked(&target);
    assert_eq!(catch_up.question(), None);
    line
}

/// The answer to the question about this room comes.
fn answer(catch_up: &mut CatchUp, name: &str, event: Event) -> Vec<Shown> {
    catch_up.answered(&Target::Room(room(name)), event)
}

/// A short form of the output.
fn told(shown: &[Shown]) -> String {
    let tell = |shown: &Shown| match shown {
        Shown::Event(Event::Message { id, .. }) => format!("{id}"),
        Shown::Event(Event::History { messages, .. }) => format!("history of {}", messages.len()),
        Shown::Event(Event::Error { code, .. }) => code.to_string(),
        Shown::Event(Event::Ok(Reply::Join { room, .. })) => format!("in {room}"),
        Shown::Event(other) => format!("{other:?}"),
        Shown::Missed { entries, left_out, .. } => {
            let ids: Vec<_> = entries.iter().map(|entry| entry.id().to_string()).collect();
            format!("missed {} without {left_out}", ids.join(" "))
        }
        Shown::Recent { entries, .. } => {
            let ids: Vec<_> = entries.iter().map(|entry| entry.id().to_string()).collect();
            format!("recent {}", ids.join(" "))
        }
        Shown::Unavailable(target) => format!("{target} not to be had"),
    };
    shown.iter().map(tell).collect::<Vec<_>>().join(", ")
}

#[test]
fn whoever_missed_nothing_asks_nothing() {
    let mut catch_up = back(3, 3);
    assert_eq!(catch_up.question(), None);
    assert_eq!(told(&catch_up.sift(message(4))), "4");
    catch_up.sift(joined("blue", EPOCH, 9));
    catch_up.sift(joined("red", EPOCH, 9));
    assert_eq!(catch_up.question(), None, "a user who enters another room chooses to miss the messages of this one");
}

#[test]
fn whoever_speaks_where_they_did_not_want_to_be_misses_nothing_there_any_more() {
    let mut catch_up = back(3, 3);
    catch_up.disconnected();
    // The room could not be entered again.
    let said = Reply::Message { room: room("lobby"), id: MessageId(7), repeated: false };
    catch_up.sift(said.into());
    catch_up.disconnected();
    catch_up.begin_in(&room("lobby"), EPOCH, MessageId(9));
    catch_up.use_way(Way::History);
    assert_eq!(ask(&mut catch_up), "/history 22");
    let messages = [7, 8, 9].map(entry).to_vec();
    assert_eq!(
        told(&answer(&mut catch_up, "lobby", Event::History { room: room("lobby"), messages })),
        "missed 8 9 without 0"
    );
}

#[test]
fn more_is_asked_for_where_much_was_said_until_the_answer() {
    let mut catch_up = back(3, 6);
    assert_eq!(ask(&mut catch_up), "/history 23");
    assert_eq!(told(&answer(&mut catch_up, "red", history(8..=30))), "");
    assert_eq!(told(&catch_up.sift(message(7))), "");
    assert_eq!(ask(&mut catch_up), "/history 500");
    assert_eq!(told(&answer(&mut catch_up, "red", history(1..=30))), "missed 4 5 6 without 0, 7");
    assert_eq!(told(&catch_up.sift(message(8))), "8");
}

#[test]
fn what_is_not_kept_or_too_much_is_said() {
    let mut catch_up = back(3, 1003);
    assert_eq!(ask(&mut catch_up), "/history 500");
    let told_then = told(&answer(&mut catch_up, "red", history(504..=1003)));
    assert!(told_then.starts_with("missed 504 505 ") && told_then.ends_with(" 1003 without 500"), "{told_then}");
    let mut short_log = back(3, 9);
    ask(&mut short_log);
    assert_eq!(told(&answer(&mut short_log, "red", history(8..=9))), "missed 8 9 without 4");
    let mut no_log = back(3, 9);
    ask(&mut no_log);
    assert_eq!(told(&answer(&mut no_log, "red", history(0..0))), "missed  without 6");
}

#[test]
fn whoever_goes_elsewhere_needs_no_answer() {
    let mut catch_up = back(3, 4);
    ask(&mut catch_up);
    catch_up.sift(message(5));
    assert_eq!(told(&catch_up.sift(joined("blue", EPOCH, 0))), "5, in blue");
    assert_eq!(told(&answer(&mut catch_up, "red", history(1..=5))), "", "the client itself asked for it");
    assert_eq!(told(&catch_up.sift(history(1..=5))), "history of 5");
}

#[test]
fn a_refusal_is_told_and_nothing_is_held_back_any_more() {
    let mut catch_up = back(3, 4);
    ask(&mut catch_up);
    catch_up.sift(message(5));
    let code = RefusalCode::StoreUnavailable;
    let refused = Event::Error { code, message: String::new(), command: Some(Verb::History) };
    assert_eq!(told(&answer(&mut catch_up, "red", refused)), "store-unavailable, #red not to be had, 5");
    assert_eq!(told(&catch_up.sift(message(6))), "6");
}

#[test]
fn what_is_held_back_is_bounded_and_what_does_not_fit_is_missed() {
    let mut catch_up = back(0, 4);
    catch_up.use_way(Way::Backlog);
    assert_eq!(ask(&mut catch_up), "/backlog #red after 0 4");
    let many = 5 + HELD_MAX as u64;
    for id in 5..=many + 1 {
        assert_eq!(catch_up.sift(message(id)), []);
    }
    assert_eq!(told(&answer(&mut catch_up, "red", backlog("#red", 1..=4, true))), "missed 1 2 3 4 without 0");
    assert_eq!(ask(&mut catch_up), "/backlog #red after 4 500");
    let rest = answer(&mut catch_up, "red", backlog("#red", 5..=many, false));
    assert_eq!(told(&rest[1..]), (many + 1).to_string());
}

#[test]
fn a_room_whose_log_began_anew_hides_nothing() {
    let mut catch_up = back(40, 40);
    catch_up.disconnected();
    catch_up.sift(joined("red", Epoch(2), 2));
    catch_up.use_way(Way::History);
    ask(&mut catch_up);
    assert_eq!(told(&answer(&mut catch_up, "red", history(1..=2))), "missed 1 2 without 0");
    assert_eq!(told(&catch_up.sift(message(3))), "3");
}

#[test]
fn own_messages_that_were_acknowledged_are_not_missed() {
    let mut catch_up = back(3, 3);
    let own = HistoryEntry { from: "ann".parse().unwrap(), ..entry(5) };
    catch_up.sift(Reply::Message { room: room("red"), id: own.id, repeated: false }.into());
    catch_up.disconnected();
    catch_up.sift(joined("red", EPOCH, 6));
    catch_up.use_way(Way::History);
    ask(&mut catch_up);
    let messages = vec![entry(4), own, entry(6)];
    assert_eq!(
        told(&answer(&mut catch_up, "red", Event::History { room: room("red"), messages })),
        "missed 4 6 without 0"
    );
}

/// In the lobby, with so many recent messages wanted.
fn in_lobby(recent: usize) -> CatchUp {
    let mut catch_up = CatchUp::new("ann".parse().unwrap(), recent);
    catch_up.begin_in(&room("lobby"), EPOCH, MessageId(0));
    catch_up.use_way(Way::History);
    assert_eq!(catch_up.question(), None, "nothing was ever said there");
    catch_up
}

#[test]
fn what_was_said_before_one_came_is_shown_once_and_before_what_is_said_now() {
    let mut catch_up = in_lobby(3);
    assert_eq!(told(&catch_up.sift(joined("red", EPOCH, 9))), "in red");
    assert_eq!(told(&catch_up.sift(message(10))), "", "it comes behind what was said before");
    assert_eq!(ask(&mut catch_up), "/history 23");
    let shown = answer(&mut catch_up, "red", history(1..=10));
    assert_eq!(told(&shown), "recent 7 8 9, 10");
    assert_eq!(told(&catch_up.sift(message(11))), "11");
}

#[test]
fn of_a_room_that_one_comes_back_to_only_what_is_new_is_shown() {
    let mut catch_up = in_lobby(3);
    catch_up.sift(joined("red", EPOCH, 1));
    ask(&mut catch_up);
    assert_eq!(told(&answer(&mut catch_up, "red", history(1..=1))), "recent 1");
    catch_up.sift(message(2));
    catch_up.sift(joined("blue", EPOCH, 0));
    catch_up.sift(joined("red", EPOCH, 2));
    assert_eq!(catch_up.question(), None);
    catch_up.sift(joined("blue", EPOCH, 0));
    catch_up.sift(joined("red", EPOCH, 4));
    ask(&mut catch_up);
    assert_eq!(told(&answer(&mut catch_up, "red", history(1..=4))), "recent 3 4");
    catch_up.sift(joined("blue", EPOCH, 0));
    catch_up.sift(joined("red", EPOCH, 40));
    ask(&mut catch_up);
    assert_eq!(told(&answer(&mut catch_up, "red", history(18..=40))), "recent 38 39 40");
    // A connection that is lost then is another matter: all that was missed is shown.
    catch_up.disconnected();
    catch_up.sift(joined("red", EPOCH, 45));
    catch_up.use_way(Way::History);
    ask(&mut catch_up);
    assert_eq!(told(&answer(&mut catch_up, "red", history(21..=45))), "missed 41 42 43 44 45 without 0");
}

#[test]
fn rooms_whose_history_is_not_kept_and_users_who_want_none() {
    let mut catch_up = in_lobby(3);
    catch_up.sift(joined("red", EPOCH, 9));
    ask(&mut catch_up);
    assert_eq!(told(&answer(&mut catch_up, "red", history(0..0))), "");
    assert_eq!(told(&catch_up.sift(message(10))), "10");
    let mut none = in_lobby(0);
    none.sift(joined("red", EPOCH, 9));
    assert_eq!(none.question(), None);
}

#[test]
fn only_so_many_rooms_are_remembered() {
    let mut catch_up = in_lobby(1);
    (0..100).for_each(|number| drop(catch_up.sift(joined(&format!("room{number}"), EPOCH, 0))));
    assert_eq!((catch_up.left.len(), catch_up.logs.len()), (LEFT_MAX, LEFT_MAX + 1));
    assert!(!catch_up.left.contains(&room("room99")));
}

fn backlog(target: &str, ids: impl Iterator<Item = u64>, more: bool) -> Event {
    let target: Target = target.parse().unwrap();
    let in_log = |id| match &target {
        Target::Room(_) => LogEntry::Message(entry(id)),
        Target::Feed(_) => LogEntry::Publication(entry(id)),
        Target::Direct(_) => {
            let HistoryEntry { id, time, from, text, .. } = entry(id);
            LogEntry::Direct(parlor_proto::DirectEntry { id, time, from, to: "ann".parse().unwrap(), text })
        }
    };
    let entries = ids.map(in_log).collect();
    Event::Backlog { target: target.clone(), epoch: EPOCH, entries, more }
}

fn direct(id: u64) -> Event {
    let HistoryEntry { id, time, from, text, .. } = entry(id);
    Event::Direct { id: Some(id), time, from, text }
}

/// The answer to `/sync`: rooms, direct messages and feeds with their newest numbers. The last of the direct ones is
/// the number of the inbox.
fn sync(rooms: &[(&str, u64)], directs: &[(&str, u64)], feeds: &[(&str, u64)]) -> Event {
    let state = |last: u64| format!(r#""last":{last},"read":0,"unread":0"#);
    let room = |&(name, last): &(&str, u64)| {
        format!(r#"{{"room":"{name}","members":1,"topic":"","role":"member","epoch":"{EPOCH}",{}}}"#, state(last))
    };
    let direct = |&(name, last): &(&str, u64)| format!(r#"{{"user":"{name}",{}}}"#, state(last));
    let feed = |&(name, last): &(&str, u64)| format!(r#"{{"user":"{name}","epoch":"{EPOCH}",{}}}"#, state(last));
    let newest = directs.iter().map(|(_, last)| *last).max().unwrap_or_default();
    let list = |items: Vec<String>| items.join(",");
    let json = format!(
        r#"{{"type":"sync","current":"lobby","rooms":[{}],"directs":[{}],"feeds":[{}],"inbox":{{"epoch":"{EPOCH}","last":{newest}}},"lost":[]}}"#,
        list(rooms.iter().map(room).collect()),
        list(directs.iter().map(direct).collect()),
        list(feeds.iter().map(feed).collect()),
    );
    serde_json::from_str(&json).unwrap()
}

/// The lines of all questions, which are sent.
fn ask_all(catch_up: &mut CatchUp) -> Vec<String> {
    std::iter::from_fn(|| {
        let (target, line) = catch_up.question()?;
        catch_up.asked(&target);
        Some(line)
    })
    .collect()
}

/// In two rooms, with direct messages and a feed; the connection was lost once.
fn away() -> CatchUp {
    let mut catch_up = in_lobby(0);
    catch_up.use_way(Way::Backlog);
    catch_up.sift(sync(&[("lobby", 0), ("red", 3)], &[("bob", 5), ("eve", 2)], &[("bob", 7)]));
    assert_eq!(ask_all(&mut catch_up), [""; 0], "what was said before is told by a number only");
    catch_up.disconnected();
    catch_up.begin_in(&room("lobby"), EPOCH, MessageId(0));
    catch_up
}

#[test]
fn in_every_log_only_what_is_missing_is_asked_for() {
    let mut catch_up = away();
    assert_eq!(told(&catch_up.sift(message(5))), "", "what is missing is not known yet");
    catch_up.sift(sync(&[("lobby", 0), ("red", 4)], &[("bob", 9), ("eve", 2)], &[("bob", 7)]));
    catch_up.use_way(Way::Backlog);
    assert_eq!(ask_all(&mut catch_up), ["/backlog #red after 3 1", "/backlog @bob after 5 4"]);
    assert_eq!(told(&catch_up.sift(direct(10))), "");
    assert_eq!(told(&answer(&mut catch_up, "red", backlog("#red", 4..=4, false))), "missed 4 without 0, 5");
    let bob = "@bob".parse().unwrap();
    let shown = catch_up.answered(&bob, backlog("@bob", 6..=10, false));
    assert!(told(&shown).starts_with("missed 6 7 8 9 without 0, Direct"), "{shown:?}");
    catch_up.disconnected();
    catch_up.begin_in(&room("lobby"), EPOCH, MessageId(0));
    catch_up.use_way(Way::Backlog);
    catch_up.sift(sync(&[("lobby", 0), ("red", 5)], &[("bob", 10), ("eve", 2)], &[("bob", 7)]));
    assert_eq!(ask_all(&mut catch_up), [""; 0], "all that is known");
}

#[test]
fn a_cut_between_two_pages_shows_nothing_twice() {
    let mut catch_up = away();
    catch_up.use_way(Way::Backlog);
    catch_up.sift(sync(&[("lobby", 0), ("red", 9)], &[("bob", 9), ("eve", 8)], &[("bob", 8)]));
    let asked = ["/backlog #red after 3 6", "/backlog +bob after 7 1", "/backlog @eve after 5 3"];
    assert_eq!(ask_all(&mut catch_up), asked);
    answer(&mut catch_up, "red", backlog("#red", 4..=6, true));
    catch_up.answered(&"@eve".parse().unwrap(), backlog("@eve", 8..=8, false));
    assert_eq!(ask_all(&mut catch_up), ["/backlog #red after 6 3", "/backlog @bob after 5 4"]);
    catch_up.disconnected();
    catch_up.begin_in(&room("lobby"), EPOCH, MessageId(0));
    catch_up.use_way(Way::Backlog);
    catch_up.sift(sync(&[("lobby", 0), ("red", 9)], &[("bob", 9), ("eve", 8)], &[("bob", 8)]));
    let asked = ["/backlog #red after 6 3", "/backlog +bob after 7 1", "/backlog @bob after 5 4"];
    assert_eq!(ask_all(&mut catch_up), asked);
}

#[test]
fn a_room_that_is_not_open_any_more_is_not_waited_for() {
    let mut catch_up = away();
    catch_up.use_way(Way::Backlog);
    catch_up.sift(sync(&[("lobby", 0)], &[("bob", 5)], &[]));
    assert_eq!(catch_up.is_restored(), []);
    assert_eq!(ask_all(&mut catch_up), [""; 0]);
    assert!(!catch_up.logs.contains_key(&LogName::Feed("bob".parse().unwrap())));
}

#[test]
fn what_is_followed_is_known_from_the_first_publication_on() {
    let mut catch_up = in_lobby(0);
    catch_up.begins_at(&"+bob".parse().unwrap(), &backlog("+bob", 4..=4, false));
    catch_up.disconnected();
    catch_up.begin_in(&room("lobby"), EPOCH, MessageId(0));
    catch_up.use_way(Way::Backlog);
    catch_up.sift(sync(&[("lobby", 0)], &[], &[("bob", 6)]));
    assert_eq!(ask_all(&mut catch_up), ["/backlog +bob after 4 2"]);
}

#[test]
fn what_a_page_has_shown_is_not_shown_again_as_it_is_delivered() {
    let mut catch_up = away();
    catch_up.use_way(Way::Backlog);
    assert_eq!(told(&catch_up.sift(direct(8))), "", "what is missing is not known yet");
    catch_up.sift(sync(&[("lobby", 0), ("red", 3)], &[("bob", 9)], &[]));
    assert_eq!(ask_all(&mut catch_up), ["/backlog @bob after 5 4"]);
    let shown = catch_up.answered(&"@bob".parse().unwrap(), backlog("@bob", 6..=9, false));
    assert_eq!(told(&shown), "missed 6 7 8 9 without 0");
    assert_eq!(catch_up.sift(direct(9)), []);
    assert_eq!(catch_up.sift(direct(10)), [Shown::Event(direct(10))]);
    catch_up.disconnected();
    catch_up.begin_in(&room("lobby"), EPOCH, MessageId(0));
    catch_up.use_way(Way::Backlog);
    catch_up.sift(sync(&[("lobby", 0), ("red", 3)], &[("bob", 10)], &[]));
    assert_eq!(ask_all(&mut catch_up), [""; 0]);
}

#[test]
fn what_waited_is_shown_where_nothing_is_missing() {
    let mut catch_up = away();
    assert_eq!(told(&catch_up.sift(direct(6))), "");
    let shown = catch_up.sift(sync(&[("lobby", 0), ("red", 3)], &[("bob", 5)], &[]));
    assert_eq!(shown[1..], [Shown::Event(direct(6))]);
}

#[test]
fn without_backlog_a_room_is_asked_about_once_it_is_the_current_one() {
    let opened = |last| -> Event {
        let topic = parlor_proto::Note::default();
        Reply::Open { room: room("red"), members: 1, epoch: EPOCH, last: MessageId(last), topic }.into()
    };
    let mut catch_up = in_lobby(0);
    catch_up.sift(opened(3));
    catch_up.disconnected();
    catch_up.begin_in(&room("lobby"), EPOCH, MessageId(0));
    catch_up.use_way(Way::History);
    catch_up.sift(opened(5));
    assert_eq!(catch_up.question(), None);
    catch_up.sift(Reply::Switch { room: room("red") }.into());
    assert_eq!(ask(&mut catch_up), "/history 22");
}

#[test]
fn whoever_follows_somebody_again_misses_nothing_of_the_time_between() {
    let mut catch_up = away();
    catch_up.use_way(Way::Backlog);
    catch_up.sift(sync(&[("lobby", 0), ("red", 3)], &[("bob", 5)], &[("bob", 7)]));
    catch_up.sift(Reply::Unsubscribe { user: "bob".parse().unwrap() }.into());
    catch_up.begins_at(&"+bob".parse().unwrap(), &backlog("+bob", 9..=9, false));
    catch_up.disconnected();
    catch_up.begin_in(&room("lobby"), EPOCH, MessageId(0));
    catch_up.use_way(Way::Backlog);
    catch_up.sift(sync(&[("lobby", 0), ("red", 3)], &[("bob", 5)], &[("bob", 10)]));
    assert_eq!(ask_all(&mut catch_up), ["/backlog +bob after 9 1"]);
}
