//! How programs other than the server look at its database: they make nothing and change nothing where no server runs, and
//! say what is damaged.

use std::fs;
use std::io::{Seek, SeekFrom, Write};

use parlor_core::ports::Suspension;
use parlor_core::rights::{Holder, RoomRights};
use parlor_store::sqlite::{Damage, Probe, inspect, overview, probe};

use super::*;

/// The names and the contents of all files of a directory.
fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<_> =
        entries.map(|it| (it.file_name().into_string().unwrap(), fs::read(it.path()).unwrap())).collect();
    files.sort();
    files
}

/// Brings everything into the one file, and overwrites the first page of a table in it.
fn overwrite(data: &Path, table: &str) {
    let database = raw(data);
    database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    let number = |sql: &str| database.query_row(sql, [], |row| row.get::<_, u64>(0)).unwrap();
    let root = format!("SELECT rootpage FROM sqlite_schema WHERE name = '{table}'");
    let (size, page) = (number("PRAGMA page_size"), number(&root));
    drop(database);
    let mut file = fs::OpenOptions::new().write(true).open(data.join(FILE_NAME)).unwrap();
    file.seek(SeekFrom::Start((page - 1) * size)).unwrap();
    file.write_all(&vec![0xa5; usize::try_from(size).unwrap()]).unwrap();
}

/// The complaint about a damaged database.
fn complaint(looked: Result<(), OpenError>) -> String {
    match looked {
        Err(OpenError::Damaged { damage, .. }) => damage.parts(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn where_there_is_no_database_nothing_is_wrong_and_nothing_is_made() {
    let directory = tempfile::tempdir().unwrap();
    for data in [directory.path().to_owned(), directory.path().join("nowhere")] {
        inspect(&data).unwrap();
        assert!(matches!(probe(&data).unwrap(), Probe::Absent));
        let overview = overview(&data).unwrap();
        assert!(overview.operators.is_empty() && overview.ownerless_rooms.is_empty());
    }
    assert_eq!(files(directory.path()), []);
}

#[test]
fn a_database_at_rest_is_looked_at_without_a_trace_wherever_it_is() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["plain", "a b", "100%25", "what?immutable=0", "#1", "é"] {
        let data = directory.path().join(name);
        let server = open(&data).unwrap();
        let ann = Account { role: Role::Operator, ..account("ann") };
        server.store().accounts.create(&ann).unwrap();
        server.close().unwrap();
        drop(server);
        let before = files(&data);
        inspect(&data).unwrap();
        assert!(matches!(probe(&data).unwrap(), Probe::Absent), "nobody uses it");
        let operators = overview(&data).unwrap().operators;
        assert_eq!(operators.into_iter().map(|it| it.user).collect::<Vec<_>>(), [ann.user], "{name}");
        assert!(files(&data) == before, "{name}");
    }
}

#[test]
fn a_probe_reads_and_writes_where_a_server_runs() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 10);
    assert_eq!(server.say("hello"), Ok(1));
    let checked =
        || raw(data.path()).query_row("SELECT count(*) FROM meta WHERE key = 'checked'", [], |row| row.get(0));
    assert_eq!(checked(), Ok(0));
    for _ in 0..2 {
        assert!(matches!(probe(data.path()).unwrap(), Probe::Sound));
        assert_eq!(checked(), Ok(1));
    }
    inspect(data.path()).unwrap();
    assert_eq!((server.texts(), server.say("and on")), (vec!["1 hello".to_owned()], Ok(2)));
}

#[test]
fn what_is_damaged_is_named_and_nothing_else_is() {
    let parts = [("account", "accounts"), ("entry", "messages"), ("block", "table block")];
    for (table, named) in parts {
        let data = tempfile::tempdir().unwrap();
        let server = Server::open(data.path(), 10);
        server.sqlite.store().accounts.create(&account("bob")).unwrap();
        assert_eq!(server.say("hello"), Ok(1));
        overwrite(data.path(), table);
        let (in_use, everything) = (complaint(probe(data.path()).map(drop)), complaint(inspect(data.path())));
        for found in [in_use, everything] {
            assert!(found.starts_with(&format!("{named} (")), "{found}");
            assert!(parts.iter().all(|(_, other)| *other == named || !found.contains(other)), "{found}");
        }
        drop(server);
        let Err(refused) = open(data.path()) else { panic!("opened a damaged database") };
        let refused = refused.to_string();
        assert!(refused.contains(named) && refused.ends_with(Damage::way_out()), "{refused}");
    }
}

#[test]
fn an_index_that_has_another_row_is_found_by_the_look_at_everything() {
    const INDEX: &str = "FROM sqlite_schema WHERE name = 'follow_by_publisher'";
    let data = tempfile::tempdir().unwrap();
    let server = open(data.path()).unwrap();
    server.store().follows.subscribe(&name("ann"), &name("bob")).unwrap();
    server.close().unwrap();
    drop(server);
    inspect(data.path()).unwrap();
    // The index is hidden while the row is changed.
    let hide = raw(data.path());
    let columns = |row: &rusqlite::Row<'_>| Ok((row.get::<_, u32>(0)?, row.get::<_, String>(1)?));
    let (page, sql) = hide.query_row(&format!("SELECT rootpage, sql {INDEX}"), [], columns).unwrap();
    let begin = "PRAGMA writable_schema = ON;";
    hide.execute_batch(&format!("{begin} DELETE {INDEX}; PRAGMA schema_version = 1000")).unwrap();
    drop(hide);
    assert_eq!(raw(data.path()).execute("UPDATE follow SET publisher = 'cyd'", []), Ok(1));
    let show = raw(data.path());
    show.execute_batch(begin).unwrap();
    let insert = "INSERT INTO sqlite_schema VALUES ('index', 'follow_by_publisher', 'follow', ?1, ?2)";
    show.execute(insert, rusqlite::params![page, sql]).unwrap();
    show.execute_batch("PRAGMA schema_version = 1001").unwrap();
    drop(show);
    let found = complaint(inspect(data.path()));
    assert!(found.starts_with("follows (") && found.contains("follow_by_publisher"), "{found}");
    // It hinders no start: the rows themselves are sound.
    open(data.path()).unwrap();
}

#[test]
fn an_audit_sees_operators_who_may_log_in_and_when_they_did() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 10);
    let (accounts, attempts) = (&server.sqlite.store().accounts, &server.sqlite.store().attempts);
    for (user, role) in
        [("zoe", Role::Operator), ("ann", Role::Operator), ("eve", Role::Operator), ("bob", Role::Member)]
    {
        accounts.create(&Account { role, ..account(user) }).unwrap();
    }
    let suspension = Suspension { until: None, reason: Text::sanitise("left").into() };
    assert!(accounts.suspend(&name("eve"), Some(&suspension)).unwrap());
    for (user, address, millis) in [("ann", "192.0.2.1", 2000), ("ann", "192.0.2.2", 1000), ("bob", "192.0.2.1", 9000)]
    {
        let (user, now) = (name(user), Timestamp::from_millis(millis));
        let at = Duration::from_secs(1);
        attempts.note_known_address(&Attempt { user: &user, address, is_address_limited: false, at, now }).unwrap();
    }
    let seen = |data: &Path| -> Vec<_> {
        let operators = overview(data).unwrap().operators.into_iter();
        operators.map(|it| (it.user, it.created.as_millis(), it.last_login.map(Timestamp::as_millis))).collect()
    };
    assert_eq!(seen(data.path()), [(name("ann"), 7, Some(2000)), (name("zoe"), 7, None)]);
    // A server brings a database of another version to its own first.
    let version: u32 = raw(data.path()).query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    raw(data.path()).pragma_update(None, "user_version", version - 1).unwrap();
    assert_eq!(seen(data.path()), []);
}

#[test]
fn an_audit_sees_the_rooms_that_nobody_can_moderate() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 10);
    server.sqlite.store().accounts.create(&account("ann")).unwrap();
    let holder = |user: &str| person(user).holder;
    let later = Holder { account: Timestamp::from_millis(8), ..holder("ann") };
    let keep = |room: &str, owner: Option<Holder>, moderators: Vec<Holder>| {
        let rights = RoomRights { owner, moderators, ..RoomRights::default() };
        raw(data.path()).execute("INSERT INTO rights VALUES (?1, ?2)", [room, &rights.stored()]).unwrap();
    };
    keep("yellow", Some(holder("bob")), vec![holder("cyd")]);
    keep("red", Some(holder("ann")), vec![]);
    keep("green", Some(holder("bob")), vec![holder("cyd"), holder("ann")]);
    // An account of the same name that was made at another time is another one.
    keep("blue", Some(later), vec![]);
    keep("lobby", None, vec![]);
    let rooms = overview(data.path()).unwrap().ownerless_rooms;
    let expected = [("blue", "ann"), ("yellow", "bob")];
    assert_eq!(rooms, expected.map(|(room, owner)| (room.parse().unwrap(), name(owner))));
    // One moderator with an account is enough.
    server.sqlite.store().accounts.create(&account("cyd")).unwrap();
    assert_eq!(overview(data.path()).unwrap().ownerless_rooms.len(), 1);
}
