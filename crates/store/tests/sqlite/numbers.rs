//! Numbers, rooms and rights go on after a restart, whatever was deleted before it.

use parlor_core::ports::Recipient;

use super::*;

/// The server again, after the end of its process.
fn restarted(server: Server, data: &Path, history: u64) -> Server {
    drop(server);
    Server::open(data, history)
}

fn room(room: &str) -> RoomName {
    room.parse().unwrap()
}

fn enter(server: &Server, into: &str) {
    let entered = server.sqlite.store().rooms.enter(&entrant(&server.ann), &[room(into)], 9).unwrap();
    assert!(matches!(entered[..], [EnterResult::Member { .. }]), "{entered:?}");
}

fn owner(server: &Server, of: &str) -> Option<UserName> {
    server.sqlite.store().governance.rights(&[room(of)]).unwrap().remove(0)?.owner.map(|owner| owner.user)
}

/// Has ann say something outside of rooms, and returns its number.
fn send(server: &Server, to: Destination, what: &str) -> u64 {
    let content = Content::Said(Text::sanitise(what).unwrap());
    let (author, generation, time) = (server.ann.user.clone(), server.ann.generation, Timestamp::from_millis(7));
    let report = server.sqlite.store().log.append(vec![Append { to, author, generation, time, content, once: None }]);
    match report.outcomes[..] {
        [Ok(AppendResult::Stored(id))] => id.0,
        ref other => panic!("{other:?}"),
    }
}

/// Where ann sends notes to herself.
fn herself() -> Destination {
    Destination::Direct(Recipient { user: name("ann"), created: account("ann").created })
}

#[test]
fn a_room_belongs_to_its_maker_from_its_first_message_on() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 10);
    enter(&server, "red");
    let server = restarted(server, data.path(), 10);
    assert_eq!(server.sqlite.store().governance.rights(&[room("red")]).unwrap(), [None], "nothing was said there");
    enter(&server, "red");
    assert_eq!(server.say_in(&room("red"), "hello"), Ok(1));
    let server = restarted(server, data.path(), 10);
    assert_eq!(owner(&server, "red"), Some(name("ann")));
    // The lobby has no owner, whoever speaks there first.
    assert_eq!(server.say("hello"), Ok(1));
    assert_eq!(owner(&restarted(server, data.path(), 10), "lobby"), None);
}

#[test]
fn the_numbers_of_a_deleted_user_go_on_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 10);
    let accounts = server.sqlite.store().accounts.clone();
    accounts.create(&account("ann")).unwrap();
    assert_eq!((send(&server, Destination::Feed, "a"), send(&server, Destination::Feed, "b")), (1, 2));
    assert_eq!(send(&server, herself(), "milk"), 1);
    assert!(accounts.delete(&name("ann")).unwrap());
    drop(accounts);
    let server = restarted(server, data.path(), 10);
    server.sqlite.store().accounts.create(&account("ann")).unwrap();
    assert_eq!((send(&server, Destination::Feed, "c"), send(&server, herself(), "eggs")), (3, 2));
    for (log, expected) in [(LogId::Feed(name("ann")), (3, "c")), (LogId::Inbox(name("ann")), (2, "eggs"))] {
        let request = PageRequest { log, peer: None, range: PageRange::Newest, count: 9 };
        let page = server.sqlite.store().log.page(&request).unwrap();
        let said: Vec<_> = page.entries.iter().map(|entry| (entry.id.0, entry.said().to_string())).collect();
        assert_eq!(said, [(expected.0, expected.1.to_owned())]);
    }
}

#[test]
fn entries_beyond_the_history_leave_their_tables() {
    let data = tempfile::tempdir().unwrap();
    // Many are deleted at a time, so there may be some more.
    let expect_few = |when: &str| {
        for table in ["entry", "direct"] {
            let sql = format!("SELECT count(*) FROM {table}");
            let count: u64 = raw(data.path()).query_row(&sql, [], |row| row.get(0)).unwrap();
            assert!((2..=18).contains(&count), "{when}: {count} in {table}");
        }
    };
    let speak = |server: &Server, times: usize| {
        for _ in 0..times {
            server.say("x").unwrap();
            send(server, herself(), "x");
        }
    };
    let server = Server::open(data.path(), 2);
    speak(&server, 40);
    expect_few("at first");
    // What was there before the start counts, too.
    let server = restarted(server, data.path(), 2);
    speak(&server, 17);
    expect_few("after the restart");
    assert_eq!(server.texts(), ["56 x", "57 x"]);
}

#[test]
fn with_a_longer_history_entries_are_kept_that_were_hidden() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 5);
    for number in 1..=5 {
        assert_eq!(server.say("x"), Ok(number));
    }
    let server = restarted(server, data.path(), 2);
    assert_eq!(server.texts(), ["4 x", "5 x"]);
    let server = restarted(server, data.path(), 5);
    assert_eq!(server.texts().len(), 5);
}

#[test]
fn what_was_said_in_memory_only_leaves_the_database_as_it_was() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 10);
    let before = head(&server.sqlite);
    assert_eq!(server.say("kept"), Ok(1));
    let server = restarted(server, data.path(), 0);
    assert_ne!(head(&server.sqlite).epoch, before.epoch);
    assert_eq!((server.texts(), server.say("lost")), (vec![], Ok(1)));
    let server = restarted(server, data.path(), 10);
    assert_eq!(head(&server.sqlite), Head { last: MessageId(1), ..before });
    assert_eq!((server.texts(), server.say("next")), (vec!["1 kept".to_owned()], Ok(2)));
}
