//! What operators see of rooms and do with them from a program beside the server, or while none runs.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use parlor_core::ports::{Change, Entry, Moderation, PersonalState};
use parlor_core::rights::{Holder, RoomRights};
use parlor_proto::{Action, Note as Reason};
use parlor_store::administration::{RoomFacts, RoomOrder, RoomRequest, Verdict};
use parlor_store::sqlite::open_rooms;

use super::*;

fn room(room: &str) -> RoomName {
    room.parse().unwrap()
}

fn holder(user: &str) -> Holder {
    person(user).holder
}

fn request(of: &str, order: RoomOrder) -> RoomRequest {
    RoomRequest { room: room(of), by: UserName::operator(), time: Timestamp::from_millis(9), order }
}

/// A server with ann in the rooms red and green; she has spoken in red.
fn ann_in_red(data: &Path, history: u64) -> Server {
    let server = Server::open(data, history);
    let entered = server.sqlite.store().rooms.enter(&entrant(&server.ann), &["red", "green"].map(room), 9).unwrap();
    assert!(matches!(entered[..], [EnterResult::Member { .. }, EnterResult::Member { .. }]), "{entered:?}");
    assert_eq!(server.say_in(&room("red"), "hello"), Ok(1));
    server
}

fn rights(server: &Server, of: &str) -> Option<RoomRights> {
    server.sqlite.store().governance.rights(&[room(of)]).unwrap().remove(0)
}

fn entries(server: &Server, of: &str) -> Vec<Entry> {
    let request = PageRequest { log: LogId::Room(room(of)), peer: None, range: PageRange::Newest, count: 500 };
    server.sqlite.store().log.page(&request).unwrap().entries
}

#[test]
fn rooms_are_listed_with_what_is_kept_of_them() {
    let data = tempfile::tempdir().unwrap();
    let server = ann_in_red(data.path(), 10);
    for what in ["two", "three"] {
        server.say_in(&room("red"), what).unwrap();
    }
    // The oldest entry was forgotten. In another room something is set, though nobody has spoken there.
    raw(data.path()).execute("DELETE FROM entry WHERE number = 1", []).unwrap();
    let topic = RoomRights { topic: Text::sanitise("tulips").into(), ..RoomRights::default() };
    raw(data.path()).execute("INSERT INTO rights VALUES ('blue', ?1)", [topic.stored()]).unwrap();
    for (is_served, members) in [(true, None), (false, Some(0))] {
        let rooms = open_rooms(data.path(), is_served).unwrap();
        let row = |it: RoomFacts| (it.room.to_string(), it.members, it.last.0, it.entries);
        let found: Vec<_> = rooms.rooms().unwrap().into_iter().map(row).collect();
        let expected = [("blue", 0, 0), ("lobby", 0, 0), ("red", 3, 2)];
        assert_eq!(found, expected.map(|(room, last, entries)| (room.to_owned(), members, last, entries)));
        assert_eq!(rooms.inside(&room("red")).unwrap(), members.map(|_| Vec::new()));
        let known = |of: &str| rooms.room(&room(of)).unwrap().map(|facts| facts.rights);
        assert_eq!(known("red").unwrap().owner, Some(holder("ann")));
        assert_eq!((known("blue"), known("green")), (Some(topic.clone()), None));
    }
}

#[test]
fn a_room_changes_hands_while_no_server_runs() {
    for (has_account, moderators) in [(true, vec![holder("ann")]), (false, vec![])] {
        let data = tempfile::tempdir().unwrap();
        let server = ann_in_red(data.path(), 10);
        if has_account {
            server.sqlite.store().accounts.create(&account("ann")).unwrap();
        }
        drop(server);
        let rooms = open_rooms(data.path(), false).unwrap();
        let ask = |of: &str| rooms.carry_out(&request(of, RoomOrder::Transfer(Some(holder("bob"))))).unwrap();
        assert_eq!(ask("red"), Verdict::Done);
        assert_eq!(ask("red"), Verdict::Refused("this user owns the room red already".to_owned()));
        let unknown = "there is no room green; parlor room list shows all";
        assert_eq!(ask("green"), Verdict::Refused(unknown.to_owned()));
        drop(rooms);
        let server = Server::open(data.path(), 10);
        let known = rights(&server, "red").unwrap();
        assert_eq!((known.owner, known.moderators), (Some(holder("bob")), moderators));
        let told = entries(&server, "red").remove(1);
        assert_eq!((told.id, told.author, told.time.as_millis()), (MessageId(2), UserName::operator(), 9));
        let (action, user) = (Action::Owner, Some(name("bob")));
        let expected = Moderation { action, user, until: None, reason: Reason::default() };
        assert_eq!(told.content, Content::Moderation(expected));
        // It counts as no message.
        let range = [(LogId::Room(room("red")), MessageId(0), MessageId(2))];
        assert_eq!(server.sqlite.store().log.others_between(&range).unwrap(), [1]);
    }
}

#[test]
fn a_room_is_remembered_for_a_user_by_another_program() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 10);
    let rooms = open_rooms(data.path(), true).unwrap();
    // The last one is one too many.
    for number in 0..=64 {
        rooms.remember(&name("ann"), &room(&format!("room{number}")), MessageId(7)).unwrap();
    }
    let state = server.sqlite.store().personal.load(&name("ann")).unwrap();
    assert_eq!((state.rooms.len(), state.marks.len()), (64, 64));
    assert_eq!(state.marks[&LogId::Room(room("room0"))], MessageId(7));
}

#[test]
fn a_room_that_was_deleted_at_rest_is_a_new_one_with_higher_numbers() {
    let data = tempfile::tempdir().unwrap();
    let server = ann_in_red(data.path(), 10);
    let personal = server.sqlite.store().personal.clone();
    assert!(personal.remember(&name("ann"), &room("red"), MessageId(1), 9).unwrap());
    drop((server, personal));
    let rooms = open_rooms(data.path(), false).unwrap();
    let delete = |of: &str| rooms.carry_out(&request(of, RoomOrder::Delete)).unwrap();
    assert_eq!(delete("red"), Verdict::Done);
    assert!(matches!(delete("red"), Verdict::Refused(why) if why.contains("no room red")));
    assert!(matches!(delete("lobby"), Verdict::Refused(why) if why.contains("lobby")));
    assert!(rooms.room(&room("red")).unwrap().is_none());
    drop(rooms);
    let server = Server::open(data.path(), 10);
    let store = server.sqlite.store();
    assert_eq!((rights(&server, "red"), entries(&server, "red")), (None, vec![]));
    assert_eq!(store.personal.load(&name("ann")).unwrap(), PersonalState::default());
    // It takes no place among the rooms any more, and whoever makes it again owns it from the first message on.
    let bob = session(&server.sqlite, "bob");
    for (into, max) in [("blue", 1), ("red", 2)] {
        let entered = store.rooms.enter(&entrant(&bob), &[room(into)], max).unwrap();
        assert!(matches!(entered[..], [EnterResult::Member { .. }]), "{into}: {entered:?}");
    }
    let server = Server { ann: bob, ..server };
    assert_eq!(server.say_in(&room("red"), "new"), Ok(2));
    drop(server);
    let server = Server::open(data.path(), 10);
    assert_eq!(rights(&server, "red").unwrap().owner, Some(holder("bob")));
    assert_eq!(entries(&server, "red").len(), 1);
}

#[test]
fn a_running_server_is_asked_and_answers() {
    let data = tempfile::tempdir().unwrap();
    let server = ann_in_red(data.path(), 10);
    let rooms = open_rooms(data.path(), true).unwrap();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                server.sqlite.notice_changes().unwrap();
                thread::sleep(Duration::from_millis(5));
            }
        });
        let asked = [RoomOrder::Delete, RoomOrder::Admit(name("bob"))].map(|order| {
            // Whatever comes of it, the server stops looking.
            let asked = rooms.carry_out(&request("red", order));
            asked.unwrap_or_else(|error| Verdict::Refused(error.to_string()))
        });
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(asked[0], Verdict::Done);
        assert!(matches!(&asked[1], Verdict::Refused(why) if why.contains("no room red")), "{asked:?}");
    });
    let changes: Vec<Change> =
        server.sink.presences().iter().filter(|it| it.room == room("red")).map(|it| it.change).collect();
    assert_eq!(changes, [Change::Entered, Change::Left]);
    assert_eq!(rights(&server, "red"), None);
    let open: u64 = raw(data.path()).query_row("SELECT count(*) FROM room_request", [], |row| row.get(0)).unwrap();
    assert_eq!(open, 0, "an answer that was read is gone");
}
