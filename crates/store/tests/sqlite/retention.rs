//! Entries that are too old leave the file.

use parlor_core::ports::Recipient;
use parlor_core::rights::RoomRights;

use super::*;

/// The size of the database on the disk, once everything is in the one file.
fn settled_size(data: &Path) -> u64 {
    raw(data).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    std::fs::metadata(data.join(FILE_NAME)).unwrap().len()
}

/// Fills the lobby with entries of these times, in milliseconds.
fn fill(data: &Path, count: u32, millis: i64) {
    let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
        INSERT INTO entry (log, number, time, author, text)
        SELECT log.id, (SELECT coalesce(max(number), 0) FROM entry) + i, ?2, 'ann', hex(zeroblob(500)) FROM n, log
        WHERE kind = 'room' AND name = 'lobby'";
    raw(data).execute(sql, rusqlite::params![count, millis]).unwrap();
}

/// Deletes everything from before a time, and what is older than the retention of its room.
fn forget_all_older(sqlite: &Sqlite, millis: i64) {
    while sqlite.forget_older(Timestamp::from_millis(millis), Some(Duration::ZERO)).unwrap() {}
}

/// Deletes what is older than the retention of its room.
fn forget_by_rooms(sqlite: &Sqlite, now: i64) {
    while sqlite.forget_older(Timestamp::from_millis(now), None).unwrap() {}
}

#[test]
fn old_entries_leave_the_file_and_the_newest_one_stays() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 100_000);
    server.say("first").unwrap();
    fill(data.path(), 6000, 100);
    fill(data.path(), 3, 2000);
    let full = settled_size(data.path());
    forget_all_older(&server.sqlite, 1000);
    let shrunk = settled_size(data.path());
    assert!(full > 6 << 20 && shrunk < full / 20, "{full} bytes became {shrunk}");
    assert_eq!(server.texts().len(), 3);
    forget_all_older(&server.sqlite, i64::MAX);
    assert_eq!(server.texts().len(), 1);
    let before = head(&server.sqlite);
    assert_eq!(before.last, MessageId(6004));
    // The numbers go on, also after a restart.
    drop(server);
    let server = Server::open(data.path(), 100_000);
    assert_eq!((head(&server.sqlite), server.say("next")), (before, Ok(6005)));
}

#[test]
fn a_room_keeps_its_messages_for_its_retention() {
    const HOUR: i64 = 60 * 60 * 1000;
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 100_000);
    let blue: RoomName = "blue".parse().unwrap();
    server.sqlite.store().rooms.enter(&entrant(&server.ann), std::slice::from_ref(&blue), 9).unwrap();
    let in_blue = || {
        let request = PageRequest { log: LogId::Room(blue.clone()), peer: None, range: PageRange::Newest, count: 500 };
        server.sqlite.store().log.page(&request).unwrap().entries.len()
    };
    server.say("first").unwrap();
    server.keep_for(Retention::find("1h"));
    fill(data.path(), 6000, 100);
    fill(data.path(), 3, 2000);
    for _ in 0..2 {
        server.say_in(&blue, "stays").unwrap();
    }
    let full = settled_size(data.path());
    forget_by_rooms(&server.sqlite, HOUR + 7);
    assert_eq!(server.texts().len(), 500, "nothing is as old");
    forget_by_rooms(&server.sqlite, HOUR + 1000);
    let shrunk = settled_size(data.path());
    assert!(full > 6 << 20 && shrunk < full / 20, "{full} bytes became {shrunk}");
    assert_eq!((server.texts().len(), in_blue()), (3, 2));
    // The shorter time wins, whoever wants it.
    while server.sqlite.forget_older(Timestamp::from_millis(HOUR + 1000), Some(Duration::from_secs(9999))).unwrap() {}
    assert_eq!((server.texts().len(), in_blue()), (3, 2));
    forget_all_older(&server.sqlite, 1000);
    assert_eq!((server.texts().len(), in_blue()), (3, 1));
    drop(server);
    // It holds after a restart, until it is taken away.
    let server = Server::open(data.path(), 100_000);
    forget_by_rooms(&server.sqlite, i64::MAX);
    assert_eq!(server.texts().len(), 1);
    server.keep_for(None);
    forget_by_rooms(&server.sqlite, i64::MAX);
    assert_eq!(server.texts().len(), 2);
}

#[test]
fn a_small_database_of_an_earlier_version_can_shrink_after_the_next_start() {
    let data = tempfile::tempdir().unwrap();
    drop(Server::open(data.path(), 100_000));
    let connection = raw(data.path());
    connection.pragma_update(None, "auto_vacuum", 0).unwrap();
    connection.execute_batch("VACUUM").unwrap();
    drop(connection);
    let kind = || raw(data.path()).query_row("PRAGMA auto_vacuum", [], |row| row.get::<_, u32>(0)).unwrap();
    assert_eq!(kind(), 0);
    drop(Server::open(data.path(), 100_000));
    assert_eq!(kind(), 2);
}

#[test]
fn feeds_and_inboxes_are_kept_for_the_time_of_the_operator_only() {
    const HOUR: i64 = 60 * 60 * 1000;
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 100);
    let store = server.sqlite.store();
    let room: RoomName = "ann".parse().unwrap();
    store.rooms.enter(&entrant(&server.ann), std::slice::from_ref(&room), 9).unwrap();
    let oneself = Recipient { user: name("ann"), created: Timestamp::from_millis(7) };
    for _ in 0..2 {
        for to in [Destination::Room(room.clone()), Destination::Feed, Destination::Direct(oneself.clone())] {
            let content = Content::Said(Text::sanitise("hello").unwrap());
            let (author, generation, time) = (name("ann"), server.ann.generation, Timestamp::from_millis(7));
            let report = store.log.append(vec![Append { to, author, generation, time, content, once: None }]);
            assert!(matches!(report.outcomes[..], [Ok(AppendResult::Stored(_))]));
        }
    }
    // The room has the name of the user, who is of no concern to it.
    let kept = RoomRights { retention: Retention::find("1h"), ..RoomRights::default() };
    raw(data.path()).execute("UPDATE rights SET rights = ?1 WHERE room = 'ann'", [kept.stored()]).unwrap();
    let count = |log: LogId| {
        let request = PageRequest { log, peer: None, range: PageRange::Newest, count: 9 };
        store.log.page(&request).unwrap().entries.len()
    };
    let counts = || [LogId::Room(room.clone()), LogId::Feed(name("ann")), LogId::Inbox(name("ann"))].map(count);
    forget_by_rooms(&server.sqlite, HOUR + 7);
    assert_eq!(counts(), [2, 2, 2], "none is older than an hour");
    forget_by_rooms(&server.sqlite, HOUR + 8);
    assert_eq!(counts(), [1, 2, 2]);
    forget_all_older(&server.sqlite, 8);
    assert_eq!(counts(), [1, 1, 1]);
}

#[test]
fn a_call_deletes_so_many_and_says_whether_there_are_more() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 100_000);
    server.say("first").unwrap();
    let fill = "WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 20003)
        INSERT INTO entry (log, number, time, author, text) SELECT log.id, i, 7, 'ann', 'x' FROM n, log";
    raw(data.path()).execute(fill, []).unwrap();
    let count = || raw(data.path()).query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, u64>(0)).unwrap();
    let forget = || server.sqlite.forget_older(Timestamp::from_millis(8), Some(Duration::ZERO)).unwrap();
    assert_eq!((count(), forget(), count()), (20_003, true, 3));
    assert_eq!((forget(), count(), forget()), (false, 1, false));
}
