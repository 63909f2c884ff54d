//! Catching up, event by event.

use parlor_proto::{RefusalCode, Text, Timestamp};

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
        text,
    }
}

fn message(id: u64) -> Event {
    let HistoryEntry { id, time, from, text } = entry(id);
    Event::Message { room: room("red"), id, time, from, text }
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
    catch_up
}

/// Sends the question. Returns its `/history` line.
fn ask(catch_up: &mut CatchUp) -> String {
    let question = catch_up.question().unwrap();
    catch_up.asked();
    assert_eq!(catch_up.question(), None);
    let (ping, asked) = question.split_once('\n').unwrap();
    let token = ping.strip_prefix("/ping ").unwrap().to_owned();
    assert_eq!(catch_up.sift(Event::Pong { token: Some(token) }), []);
    asked.to_owned()
}

/// A short form of the output.
fn told(shown: &[Shown]) -> String {
    let tell = |shown: &Shown| match shown {
        Shown::Event(Event::Message { id, .. }) => format!("{id}"),
        Shown::Event(Event::History { messages, .. }) => format!("history of {}", messages.len()),
        Shown::Event(Event::Error { code, .. }) => code.to_string(),
        Shown::Event(Event::Ok(Reply::Join { room, .. })) => format!("in {room}"),
        Shown::Event(other) => format!("{other:?}"),
        Shown::Missed { messages, left_out, .. } => {
            let ids: Vec<_> = messages.iter().map(|entry| entry.id.to_string()).collect();
            format!("missed {} without {left_out}", ids.join(" "))
        }
        Shown::Recent { messages, .. } => {
            let ids: Vec<_> = messages.iter().map(|entry| entry.id.to_string()).collect();
            format!("recent {}", ids.join(" "))
        }
        Shown::HistoryUnavailable(room) => format!("{room} not to be had"),
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
    let said = Reply::Message { room: room("lobby"), id: MessageId(7) };
    catch_up.sift(said.into());
    catch_up.disconnected();
    catch_up.enter(&room("lobby"), EPOCH, MessageId(9));
    assert_eq!(ask(&mut catch_up), "/history 22");
    let messages = [7, 8, 9].map(entry).to_vec();
    assert_eq!(told(&catch_up.sift(Event::History { room: room("lobby"), messages })), "missed 8 9 without 0");
}

#[test]
fn more_is_asked_for_where_much_was_said_until_the_answer() {
    let mut catch_up = back(3, 6);
    assert_eq!(ask(&mut catch_up), "/history 23");
    assert_eq!(told(&catch_up.sift(history(8..=30))), "");
    assert_eq!(told(&catch_up.sift(message(7))), "");
    assert_eq!(ask(&mut catch_up), "/history 500");
    assert_eq!(told(&catch_up.sift(history(1..=30))), "missed 4 5 6 without 0, 7");
    assert_eq!(told(&catch_up.sift(message(8))), "8");
}

#[test]
fn what_is_not_kept_or_too_much_is_said() {
    let mut catch_up = back(3, 1003);
    assert_eq!(ask(&mut catch_up), "/history 500");
    let told_then = told(&catch_up.sift(history(504..=1003)));
    assert!(told_then.starts_with("missed 504 505 ") && told_then.ends_with(" 1003 without 500"), "{told_then}");
    let mut short_log = back(3, 9);
    ask(&mut short_log);
    assert_eq!(told(&short_log.sift(history(8..=9))), "missed 8 9 without 4");
    let mut no_log = back(3, 9);
    ask(&mut no_log);
    assert_eq!(told(&no_log.sift(history(0..0))), "missed  without 6");
}

#[test]
fn only_the_answer_to_the_own_question_counts() {
    let mut catch_up = back(3, 4);
    assert_eq!(told(&catch_up.sift(history(1..=2))), "history of 2", "the client has not asked yet");
    catch_up.question().unwrap();
    catch_up.asked();
    assert_eq!(told(&catch_up.sift(history(1..=4))), "history of 4", "the answer to the user");
    let pong = Event::Pong { token: Some("mine".to_owned()) };
    assert_eq!(catch_up.sift(pong.clone()), [Shown::Event(pong)]);
    let token = Some(catch_up.token.clone());
    catch_up.sift(Event::Pong { token });
    assert_eq!(told(&catch_up.sift(history(1..=4))), "missed 4 without 0");
    assert_eq!(told(&catch_up.sift(history(1..=4))), "history of 4");
}

#[test]
fn whoever_goes_elsewhere_needs_no_answer() {
    let mut catch_up = back(3, 4);
    ask(&mut catch_up);
    catch_up.sift(message(5));
    assert_eq!(told(&catch_up.sift(joined("blue", EPOCH, 0))), "5, in blue");
    assert_eq!(told(&catch_up.sift(history(1..=5))), "", "the client itself asked for it");
    assert_eq!(told(&catch_up.sift(history(1..=5))), "history of 5");
}

#[test]
fn a_refusal_is_told_and_nothing_is_held_back_any_more() {
    let mut catch_up = back(3, 4);
    ask(&mut catch_up);
    catch_up.sift(message(5));
    let code = RefusalCode::StoreUnavailable;
    let refused = Event::Error { code, message: String::new(), command: Some(Verb::History) };
    assert_eq!(told(&catch_up.sift(refused)), "store-unavailable, red not to be had, 5");
    assert_eq!(told(&catch_up.sift(message(6))), "6");
}

#[test]
fn what_is_held_back_is_bounded() {
    let mut catch_up = back(0, 4);
    ask(&mut catch_up);
    for id in 5..5 + HELD_MAX as u64 {
        assert_eq!(catch_up.sift(message(id)), []);
    }
    let shown = catch_up.sift(message(5 + HELD_MAX as u64));
    assert_eq!((shown.len(), told(&shown[..3])), (HELD_MAX + 2, "red not to be had, 5, 6".to_owned()));
    assert_eq!(catch_up.sift(history(1..=4)), [], "the answer is too late");
    assert_eq!(told(&catch_up.sift(message(90_000))), "90000");
}

#[test]
fn a_room_whose_log_began_anew_hides_nothing() {
    let mut catch_up = back(40, 40);
    catch_up.disconnected();
    catch_up.sift(joined("red", Epoch(2), 2));
    ask(&mut catch_up);
    assert_eq!(told(&catch_up.sift(history(1..=2))), "missed 1 2 without 0");
    assert_eq!(told(&catch_up.sift(message(3))), "3");
}

#[test]
fn own_messages_that_were_acknowledged_are_not_missed() {
    let mut catch_up = back(3, 3);
    let own = HistoryEntry { from: "ann".parse().unwrap(), ..entry(5) };
    catch_up.sift(Reply::Message { room: room("red"), id: own.id }.into());
    catch_up.disconnected();
    catch_up.sift(joined("red", EPOCH, 6));
    ask(&mut catch_up);
    let messages = vec![entry(4), own, entry(6)];
    assert_eq!(told(&catch_up.sift(Event::History { room: room("red"), messages })), "missed 4 6 without 0");
}

/// In the lobby, with so many recent messages wanted.
fn in_lobby(recent: usize) -> CatchUp {
    let mut catch_up = CatchUp::new("ann".parse().unwrap(), recent);
    catch_up.enter(&room("lobby"), EPOCH, MessageId(0));
    assert_eq!(catch_up.question(), None, "nothing was ever said there");
    catch_up
}

#[test]
fn what_was_said_before_one_came_is_shown_once_and_before_what_is_said_now() {
    let mut catch_up = in_lobby(3);
    assert_eq!(told(&catch_up.sift(joined("red", EPOCH, 9))), "in red");
    assert_eq!(told(&catch_up.sift(message(10))), "", "it comes behind what was said before");
    assert_eq!(ask(&mut catch_up), "/history 23");
    let answer = catch_up.sift(history(1..=10));
    assert_eq!(told(&answer), "recent 7 8 9, 10");
    assert_eq!(told(&catch_up.sift(message(11))), "11");
}

#[test]
fn of_a_room_that_one_comes_back_to_only_what_is_new_is_shown() {
    let mut catch_up = in_lobby(3);
    catch_up.sift(joined("red", EPOCH, 1));
    ask(&mut catch_up);
    assert_eq!(told(&catch_up.sift(history(1..=1))), "recent 1");
    catch_up.sift(message(2));
    catch_up.sift(joined("blue", EPOCH, 0));
    catch_up.sift(joined("red", EPOCH, 2));
    assert_eq!(catch_up.question(), None);
    catch_up.sift(joined("blue", EPOCH, 0));
    catch_up.sift(joined("red", EPOCH, 4));
    ask(&mut catch_up);
    assert_eq!(told(&catch_up.sift(history(1..=4))), "recent 3 4");
    catch_up.sift(joined("blue", EPOCH, 0));
    catch_up.sift(joined("red", EPOCH, 40));
    ask(&mut catch_up);
    assert_eq!(told(&catch_up.sift(history(18..=40))), "recent 38 39 40");
    // A connection that is lost then is another matter: all that was missed is shown.
    catch_up.disconnected();
    catch_up.sift(joined("red", EPOCH, 45));
    ask(&mut catch_up);
    assert_eq!(told(&catch_up.sift(history(21..=45))), "missed 41 42 43 44 45 without 0");
}

#[test]
fn rooms_whose_history_is_not_kept_and_users_who_want_none() {
    let mut catch_up = in_lobby(3);
    catch_up.sift(joined("red", EPOCH, 9));
    ask(&mut catch_up);
    assert_eq!(told(&catch_up.sift(history(0..0))), "");
    assert_eq!(told(&catch_up.sift(message(10))), "10");
    let mut none = in_lobby(0);
    none.sift(joined("red", EPOCH, 9));
    assert_eq!(none.question(), None);
}

#[test]
fn only_so_many_rooms_are_remembered() {
    let mut catch_up = in_lobby(1);
    (0..100).for_each(|number| drop(catch_up.sift(joined(&format!("room{number}"), EPOCH, 0))));
    assert_eq!(catch_up.left.len(), LEFT_MAX);
    assert!(catch_up.left.iter().all(|seen| seen.room().as_str() != "room99"));
}
