//! Databases of earlier versions are migrated when they are opened, and lose nothing.

use std::path::Path;
use std::sync::Arc;

use parlor_core::ports::{Account, AppendResult, LogId, PageRequest, PasswordHash, Role, Store};
use parlor_proto::{MessageId, PageRange, RoomName, Timestamp, UserName};
use parlor_testkit::RecordingSink;
use rusqlite::Connection;

use super::MIGRATIONS;
use crate::sqlite::{Durability, FILE_NAME, Sqlite};

/// A database as a program wrote it whose newest version of the schema was `version`.
fn written_by(version: usize, data: &Path) -> Connection {
    let connection = Connection::open(data.join(FILE_NAME)).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    for migration in &MIGRATIONS[..version] {
        connection.execute_batch(migration).unwrap();
    }
    connection.pragma_update(None, "user_version", version).unwrap();
    connection
        .execute_batch(
            "INSERT INTO account (name, hash, role, created) VALUES ('ann', 'one', 'operator', 7), ('bob', 'two', 'member', 8);
             INSERT INTO follow VALUES ('bob', 'ann');
             INSERT INTO log (id, kind, name) VALUES (3, 'room', 'red'), (5, 'feed', 'ann'), (9, 'room', 'empty');
             INSERT INTO entry (log, number, time, author, text)
                 VALUES (3, 41, 100, 'ann', 'a'), (3, 42, 101, 'bob', 'b'), (5, 1, 102, 'ann', 'c');",
        )
        .unwrap();
    connection
}

fn name(user: &str) -> UserName {
    user.parse().unwrap()
}

fn lines(store: &Store, log: &LogId) -> Vec<String> {
    let request = PageRequest { log: log.clone(), peer: None, range: PageRange::Newest, count: 10 };
    let page = store.log.page(&request).unwrap();
    page.entries.iter().map(|it| format!("{} {} {} {}", it.id, it.time.as_millis(), it.author, it.said())).collect()
}

#[test]
fn a_database_of_each_version_before_is_migrated_and_loses_nothing() {
    for version in 1..MIGRATIONS.len() {
        let data = tempfile::tempdir().unwrap();
        drop(written_by(version, data.path()));
        let sink = Arc::new(RecordingSink::default());
        let sqlite = Sqlite::open(data.path(), 10, Durability::Process, sink).unwrap();
        let store = sqlite.store();
        let red: RoomName = "red".parse().unwrap();
        let (room, feed) = (LogId::Room(red.clone()), LogId::Feed(name("ann")));
        let heads = store.log.heads(&[room.clone(), feed.clone(), LogId::Inbox(name("ann"))]).unwrap();
        assert_eq!(heads.iter().map(|head| head.last.0).collect::<Vec<_>>(), [42, 1, 0], "version {version}");
        assert_eq!(lines(store, &room), ["41 100 ann a", "42 101 bob b"]);
        assert_eq!(lines(store, &feed), ["1 102 ann c"]);
        let account = |user, hash: &str, role, created| Account {
            user: name(user),
            hash: PasswordHash::new(hash.to_owned()),
            role,
            created: Timestamp::from_millis(created),
            kicks: 0,
            suspension: None,
        };
        let accounts = [account("ann", "one", Role::Operator, 7), account("bob", "two", Role::Member, 8)];
        assert_eq!(store.accounts.accounts().unwrap(), accounts);
        assert_eq!(store.follows.subscriptions(&name("bob")).unwrap(), [name("ann")]);
        goes_on(store, &red);
    }
}

/// Uses what the versions have brought since.
fn goes_on(store: &Store, red: &RoomName) {
    use parlor_core::ports::{Append, Claim, ClaimResult, Destination, EnterResult, Recipient, SessionKey};
    let user = name("ann");
    let claim = Claim {
        user: &user,
        connection: parlor_core::ConnectionId(1),
        policy: parlor_core::DuplicateLogin::Takeover,
        takeovers: None,
        at: std::time::Duration::ZERO,
    };
    let ClaimResult::Granted(generation) = store.sessions.claim(&claim).unwrap() else { panic!() };
    let session_key = SessionKey { user: user.clone(), generation };
    // The room that has a log counts, so there is a place for it and for no other one.
    let entered =
        store.rooms.enter(&parlor_testkit::entrant(&session_key), &[red.clone(), "new".parse().unwrap()], 2).unwrap();
    assert!(matches!(entered[..], [EnterResult::Member { .. }, EnterResult::TooManyRooms]), "{entered:?}");
    let say = |to| {
        let time = Timestamp::from_millis(200);
        let content = parlor_core::ports::Content::Said(parlor_proto::Text::sanitise("d").unwrap());
        let once = Some("key".parse().unwrap());
        let append = Append { to, author: user.clone(), generation, time, content, once };
        store.log.append(vec![append]).outcomes.remove(0).unwrap()
    };
    assert_eq!(say(Destination::Room(red.clone())), AppendResult::Stored(MessageId(43)));
    assert_eq!(say(Destination::Feed), AppendResult::Stored(MessageId(2)));
    let bob = Recipient { user: name("bob"), created: Timestamp::from_millis(8) };
    assert_eq!(say(Destination::Direct(bob)), AppendResult::Stored(MessageId(1)));
    assert_eq!(lines(store, &LogId::Inbox(name("bob"))), ["1 200 ann d"]);
    assert!(store.accounts.kick(&name("bob")).unwrap() && store.accounts.delete(&name("bob")).unwrap());
}
