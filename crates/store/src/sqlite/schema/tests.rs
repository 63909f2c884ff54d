//! Databases of earlier versions are migrated when they are opened, and lose nothing.

use std::path::Path;
use std::sync::Arc;

use parlor_core::ports::{Account, AppendResult, LogId, PageRequest, PasswordHash, Role, Store};
use parlor_proto::{MessageId, PageRange, RoomName, Timestamp, UserName};
use parlor_testkit::RecordingSink;
use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::MIGRATIONS;
use crate::sqlite::{Durability, FILE_NAME, Sqlite};

/// The first digits of the digest of each released migration, whatever the spaces between its words.
const RELEASED: [&str; 11] = [
    "a7b22e4438be6d68",
    "3bb5972baa6d5199",
    "135cca0b86f7fc98",
    "d80c1f542753396a",
    "f5b75d8fa67fd963",
    "363e41bddf701d08",
    "41dfaedfefe010fa",
    "fb7255a13a766e47",
    "42f5d1615aaa104a",
    "1a81f76ad29392c8",
    "b93daf8fc9ea4423",
];

/// What programs of a version wrote, what tells of it, and the number that this has to be.
const BROUGHT: [(usize, &str, &str, i64); 14] = [
    (2, "INSERT INTO usual_address VALUES ('bob', '192.0.2.1', 5)", "seen FROM usual_address", 5),
    (3, "INSERT INTO deletion (name, created) VALUES ('cyd', 6)", "created FROM deletion", 6),
    (4, "UPDATE account SET kicks = 3 WHERE name = 'bob'", "kicks FROM account WHERE name = 'bob'", 3),
    (5, "UPDATE log SET base = 77 WHERE name = 'empty'", "base FROM log WHERE name = 'empty'", 77),
    (5, "INSERT INTO direct VALUES (9, 4, 5, 'ann', 'x', 'ann')", "number FROM direct WHERE peer = 'ann'", 4),
    (5, "INSERT INTO once VALUES (3, 'ann', 'key', 41, 100)", "number FROM once WHERE key = 'key'", 41),
    (5, "INSERT INTO conversation VALUES ('bob', 'ann', 4, 1, 2)", "unread FROM conversation", 2),
    (5, "INSERT INTO mark VALUES ('bob', 'room', 'red', 41)", "number FROM mark WHERE name = 'red'", 41),
    (5, "INSERT INTO block VALUES ('bob', 'cyd')", "count(*) FROM block WHERE blocked = 'cyd'", 1),
    (6, "INSERT INTO other_entry VALUES (3, 41, 8)", "count FROM other_entry WHERE number = 41", 8),
    (6, "INSERT INTO suspension VALUES ('bob', 9, 'spam')", "until FROM suspension WHERE reason = 'spam'", 9),
    (8, "INSERT INTO ticket VALUES ('bob', 1, 'h', '', 7, 8, NULL, NULL, 1)", "used FROM ticket WHERE revoked", 8),
    (9, "UPDATE log SET epoch = '0007' WHERE id = 3", "epoch FROM log WHERE id = 3", 7),
    (10, "INSERT INTO invitation VALUES (1, 'h', 'ann', 'member', 'red', 5, 7, 8)", "uses FROM invitation", 5),
];

/// Brings a database to a version, as programs of that time did.
pub(in crate::sqlite) fn migrate_to(connection: &Connection, version: usize) {
    let from = super::version(connection).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    for migration in &MIGRATIONS[from..version] {
        connection.execute_batch(migration).unwrap();
    }
    connection.pragma_update(None, "user_version", version).unwrap();
}

/// A database as a program wrote it whose newest version of the schema was `version`.
fn written_by(version: usize, data: &Path) -> Connection {
    let connection = Connection::open(data.join(FILE_NAME)).unwrap();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    migrate_to(&connection, version);
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

#[test]
fn a_released_migration_is_never_changed() {
    let digest = |migration: &&str| {
        let words = migration.split_whitespace().collect::<Vec<_>>().join(" ");
        Sha256::digest(words.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>()
    };
    // A new one adds its digest with its release.
    let digests: Vec<String> = MIGRATIONS.iter().take(RELEASED.len()).map(digest).collect();
    assert_eq!(digests, RELEASED);
}

#[test]
fn what_a_version_has_brought_is_carried_through_those_after_it() {
    for version in 1..MIGRATIONS.len() {
        let data = tempfile::tempdir().unwrap();
        let mut connection = written_by(version, data.path());
        let known = || BROUGHT.iter().filter(|(since, ..)| *since <= version);
        for (_, write, ..) in known() {
            connection.execute(write, []).unwrap();
        }
        super::migrate(&mut connection).unwrap();
        for (_, _, read, expected) in known() {
            let sql = format!("SELECT CAST({}", read.replacen(" FROM", " AS INTEGER) FROM", 1));
            let found: i64 = connection.query_row(&sql, [], |row| row.get(0)).unwrap();
            assert_eq!(found, *expected, "{read} of version {version}");
        }
    }
}

#[test]
fn a_migration_that_fails_leaves_everything_as_it_was_until_it_succeeds() {
    let data = tempfile::tempdir().unwrap();
    let mut connection = written_by(2, data.path());
    // A table of this name is in the way of version 4.
    connection.execute_batch("CREATE TABLE kick (mine TEXT)").unwrap();
    assert!(super::migrate(&mut connection).is_err());
    let has_version_3 = |connection: &Connection| connection.prepare("SELECT created FROM deletion").is_ok();
    assert_eq!((super::version(&connection).unwrap(), has_version_3(&connection)), (2, false));
    connection.execute_batch("DROP TABLE kick").unwrap();
    super::migrate(&mut connection).unwrap();
    assert_eq!((super::version(&connection).unwrap(), has_version_3(&connection)), (super::VERSION, true));
    // An entry still needs its log.
    connection.execute("INSERT INTO entry VALUES (3, 43, 7, 'ann', 'x')", []).unwrap();
    assert!(connection.execute("INSERT INTO entry VALUES (4, 1, 7, 'ann', 'x')", []).is_err());
    let broken = connection.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap();
    assert!(!broken);
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
