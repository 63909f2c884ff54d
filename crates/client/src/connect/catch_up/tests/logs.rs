//! What is asked for in each log, what is counted as lost, and what is remembered for the next cut.

use super::*;

fn opened(name: &str, last: u64) -> Event {
    let topic = parlor_proto::Note::default();
    Reply::Open { room: room(name), members: 1, epoch: EPOCH, last: MessageId(last), topic }.into()
}

fn closed(name: &str, current: &str) -> Event {
    Reply::Close { room: room(name), current: room(current) }.into()
}

/// The same as [`back`], at a server that knows `/backlog`.
fn back_with_pages(last: u64, now: u64) -> CatchUp {
    let mut catch_up = back(last, now);
    catch_up.use_way(Way::Backlog);
    catch_up
}

/// The connection is lost, and the next session begins in the lobby of a server that knows `/backlog`.
fn cut(catch_up: &mut CatchUp) {
    catch_up.disconnected();
    catch_up.begin_in(&room("lobby"), EPOCH, MessageId(0));
    catch_up.use_way(Way::Backlog);
}

fn answer_about(catch_up: &mut CatchUp, target: &str, event: Event) -> Vec<Shown> {
    catch_up.answered(&target.parse().unwrap(), event)
}

#[test]
fn what_cannot_be_had_is_not_asked_for_again() {
    let mut catch_up = back_with_pages(3, 4);
    ask(&mut catch_up);
    let code = RefusalCode::StoreUnavailable;
    answer(&mut catch_up, "red", Event::Error { code, message: String::new(), command: Some(Verb::Backlog) });
    catch_up.disconnected();
    catch_up.sift(joined("red", EPOCH, 4));
    catch_up.use_way(Way::Backlog);
    assert_eq!(catch_up.question(), None);
}

#[test]
fn a_page_that_has_all_that_was_missed_is_the_last_one_whatever_else_there_is() {
    let mut catch_up = back_with_pages(0, 4);
    assert_eq!(ask(&mut catch_up), "/backlog #red after 0 4");
    answer(&mut catch_up, "red", backlog("#red", 1..=4, true));
    assert_eq!(catch_up.question(), None);
    assert_eq!(told(&catch_up.sift(message(5))), "5");
}

#[test]
fn an_empty_page_is_the_last_one_too() {
    let mut catch_up = back_with_pages(3, 6);
    ask(&mut catch_up);
    catch_up.sift(message(7));
    assert_eq!(told(&answer(&mut catch_up, "red", backlog("#red", 0..0, true))), "missed  without 3, 7");
    assert_eq!(catch_up.question(), None);
}

#[test]
fn what_is_not_kept_is_counted_where_all_numbers_are_of_the_conversation() {
    let mut catch_up = away();
    catch_up.use_way(Way::Backlog);
    catch_up.sift(sync(&[("lobby", 0), ("red", 9)], &[("bob", 9), ("eve", 2)], &[("bob", 9)]));
    let asked = ["/backlog #red after 3 6", "/backlog +bob after 7 2", "/backlog @bob after 5 4"];
    assert_eq!(ask_all(&mut catch_up), asked);
    let in_room = answer(&mut catch_up, "red", backlog("#red", 8..=9, false));
    assert_eq!(told(&in_room), "missed 8 9 without 4");
    let feed = answer_about(&mut catch_up, "+bob", backlog("+bob", 9..=9, false));
    assert_eq!(told(&feed), "missed 9 without 1");
    // Those before may be of the user's talk with eve.
    let direct = answer_about(&mut catch_up, "@bob", backlog("@bob", 9..=9, false));
    assert_eq!(told(&direct), "missed 9 without 0");
}

#[test]
fn pages_of_a_log_that_begins_anew_are_asked_for_from_its_beginning() {
    let mut catch_up = back_with_pages(3, 9);
    ask(&mut catch_up);
    assert_eq!(told(&answer(&mut catch_up, "red", backlog("#red", 4..=6, true))), "missed 4 5 6 without 0");
    catch_up.disconnected();
    catch_up.sift(joined("red", Epoch(2), 9));
    catch_up.use_way(Way::Backlog);
    assert_eq!(ask(&mut catch_up), "/backlog #red after 0 9");
}

#[test]
fn a_feed_is_known_from_its_first_publication_on_where_the_server_does_not_say_where_it_begins() {
    let HistoryEntry { id, time, from, text, .. } = entry(4);
    let mut catch_up = in_lobby(0);
    let refusal = Event::Error { code: RefusalCode::UnknownCommand, message: String::new(), command: None };
    catch_up.begins_at(&"+bob".parse().unwrap(), &refusal);
    catch_up.sift(Event::Publication { id, time, from, text });
    cut(&mut catch_up);
    catch_up.sift(sync(&[("lobby", 0)], &[], &[("bob", 6)]));
    assert_eq!(ask_all(&mut catch_up), ["/backlog +bob after 4 2"]);
}

#[test]
fn what_waits_for_an_answer_that_never_comes_is_shown_once_the_rooms_are_back() {
    let mut catch_up = away();
    assert_eq!(catch_up.sift(direct(6)), []);
    assert_eq!(catch_up.sift(message(4)), []);
    assert_eq!(catch_up.is_restored(), [message(4), direct(6)].map(Shown::Event));
    assert_eq!(catch_up.sift(direct(7)), [Shown::Event(direct(7))]);
}

#[test]
fn what_waits_when_the_connection_is_lost_is_handed_back_and_nothing_is_asked_meanwhile() {
    let mut catch_up = back(3, 4);
    catch_up.sift(message(5));
    assert_eq!(catch_up.disconnected(), [message(5)]);
    assert_eq!(catch_up.question(), None);
    assert_eq!(catch_up.disconnected(), []);
}

#[test]
fn whoever_leaves_a_room_sees_what_was_said_in_the_lobby() {
    let mut catch_up = in_lobby(3);
    catch_up.sift(joined("red", EPOCH, 0));
    let left = Reply::Leave { left: room("red"), room: room("lobby"), members: 1, epoch: EPOCH, last: MessageId(2) };
    catch_up.sift(left.into());
    assert_eq!(ask(&mut catch_up), "/history 22");
    let messages = [1, 2].map(entry).to_vec();
    let shown = answer(&mut catch_up, "lobby", Event::History { room: room("lobby"), messages });
    assert_eq!(told(&shown), "recent 1 2");
    assert!(catch_up.logs[&LogName::Room(room("red"))].is_left());
}

#[test]
fn whoever_closes_a_room_is_in_the_one_that_takes_its_place() {
    let mut catch_up = in_lobby(0);
    catch_up.sift(opened("red", 3));
    catch_up.disconnected();
    catch_up.begin_in(&room("lobby"), EPOCH, MessageId(2));
    catch_up.use_way(Way::History);
    catch_up.sift(opened("red", 3));
    catch_up.sift(Reply::Switch { room: room("red") }.into());
    assert_eq!(catch_up.question(), None, "only the current room can be asked about");
    catch_up.sift(closed("red", "lobby"));
    assert_eq!(ask(&mut catch_up), "/history 22");
}

#[test]
fn a_room_that_was_left_before_a_cut_is_not_caught_up_with() {
    let mut catch_up = back_with_pages(3, 3);
    catch_up.sift(joined("blue", EPOCH, 0));
    catch_up.disconnected();
    catch_up.sift(joined("blue", EPOCH, 0));
    catch_up.use_way(Way::Backlog);
    catch_up.sift(joined("red", EPOCH, 9));
    assert_eq!(catch_up.question(), None);
}

#[test]
fn a_room_that_one_came_back_to_is_not_forgotten_for_others_that_were_left() {
    let mut catch_up = in_lobby(0);
    for name in ["red", "blue", "red"] {
        catch_up.sift(joined(name, EPOCH, 3));
    }
    for number in 0..2 * LEFT_MAX {
        catch_up.sift(opened(&format!("room{number}"), 0));
        catch_up.sift(closed(&format!("room{number}"), "red"));
    }
    catch_up.disconnected();
    catch_up.sift(joined("red", EPOCH, 5));
    catch_up.use_way(Way::Backlog);
    assert_eq!(ask(&mut catch_up), "/backlog #red after 3 2");
}

#[test]
fn where_too_much_has_to_wait_for_two_conversations_it_waits_no_longer() {
    let mut catch_up = away();
    catch_up.use_way(Way::Backlog);
    catch_up.sift(sync(&[("lobby", 0), ("red", 3)], &[("bob", 9), ("eve", 8)], &[("bob", 7)]));
    assert_eq!(ask_all(&mut catch_up), ["/backlog @eve after 5 3"]);
    let full = 10 + HELD_MAX as u64;
    for id in 10..full {
        assert_eq!(catch_up.sift(direct(id)), []);
    }
    let shown = catch_up.sift(direct(full));
    assert_eq!(shown.len(), HELD_MAX + 2);
    assert_eq!(shown[..2], [Shown::Unavailable("@ann".parse().unwrap()), Shown::Event(direct(10))]);
    assert_eq!(catch_up.sift(direct(full + 1)), [Shown::Event(direct(full + 1))]);
}

#[test]
fn what_is_too_much_before_it_is_known_what_is_missing_costs_no_memory() {
    let mut catch_up = in_lobby(0);
    catch_up.sift(joined("red", EPOCH, 3));
    catch_up.disconnected();
    let last = 4 + HELD_MAX as u64 + 1;
    for id in 4..=last {
        assert_eq!(catch_up.sift(message(id)), []);
    }
    // The server would say that more is missing, and all would be found with it.
    let shown = catch_up.sift(joined("red", EPOCH, 3));
    assert_eq!(told(&shown), format!("in red, {last}"));
}

#[test]
fn only_the_newest_entries_of_pages_are_known_again() {
    let mut catch_up = back_with_pages(0, 1500);
    for first in [1, 501, 1001] {
        ask(&mut catch_up);
        answer(&mut catch_up, "red", backlog("#red", first..=first + 499, first < 1001));
    }
    assert_eq!(told(&catch_up.sift(message(500))), "500");
    assert_eq!([501, 1500].map(|id| told(&catch_up.sift(message(id)))), ["", ""]);
}

#[test]
fn what_the_user_said_before_the_cut_and_is_answered_after_it_is_not_missed() {
    let mut catch_up = back(3, 4);
    catch_up.sift(Reply::Message { room: room("red"), id: MessageId(4), repeated: true }.into());
    ask(&mut catch_up);
    let messages = vec![HistoryEntry { from: "ann".parse().unwrap(), ..entry(4) }];
    assert_eq!(answer(&mut catch_up, "red", Event::History { room: room("red"), messages }), []);
}

#[test]
fn numbers_of_the_inbox_that_are_of_no_conversation_are_not_asked_for() {
    let mut catch_up = away();
    let Event::Sync(mut state) = sync(&[("lobby", 0), ("red", 3)], &[("bob", 5)], &[("bob", 7)]) else { panic!() };
    // Whom the user invites gets an entry in the user's inbox, too.
    state.inbox.last = MessageId(9);
    catch_up.sift(Event::Sync(state));
    catch_up.use_way(Way::Backlog);
    assert_eq!(ask_all(&mut catch_up), [""; 0]);
    cut(&mut catch_up);
    catch_up.sift(sync(&[("lobby", 0), ("red", 3)], &[("bob", 10)], &[("bob", 7)]));
    assert_eq!(ask_all(&mut catch_up), ["/backlog @bob after 9 1"]);
}

#[test]
fn what_the_user_writes_to_somebody_counts_if_the_server_says_its_number() {
    let sent = |id: &str| -> Event {
        serde_json::from_str(&format!(r#"{{"type":"ok","command":"msg","user":"bob"{id}}}"#)).unwrap()
    };
    for (id, asked) in [(r#","id":6"#, None), ("", Some("/backlog @bob after 5 1"))] {
        let mut catch_up = away();
        catch_up.use_way(Way::Backlog);
        catch_up.sift(sync(&[("lobby", 0), ("red", 3)], &[("bob", 5)], &[("bob", 7)]));
        catch_up.sift(sent(id));
        cut(&mut catch_up);
        catch_up.sift(sync(&[("lobby", 0), ("red", 3)], &[("bob", 6)], &[("bob", 7)]));
        assert_eq!(ask_all(&mut catch_up), asked.into_iter().collect::<Vec<_>>(), "{id}");
    }
}
