//! Archives of the embedded database: what is read of it, and where one can be put. The way from store to store is tested
//! with Redis.

use std::fs;
use std::os::unix::fs::MetadataExt;

use parlor_core::rights::RoomRights;
use parlor_store::archive::{ArchiveSource, ArchiveTarget, Epochs, MovingTarget, Record};
use parlor_store::sqlite::{IMPORT_FILE_NAME, SqliteSource, SqliteTarget};

use super::*;

/// A room of ann, in the order of an archive.
const LINES: [&str; 4] = [
    r##"{"account":{"user":"ann","hash":"$2b$04$ann","operator":false,"created":"1970-01-01T00:00:00.007Z","kicks":1}}"##,
    r##"{"log":{"log":"#red","epoch":"0000000000000007","last":4}}"##,
    r##"{"entry":{"log":"#red","id":3,"time":"1970-01-01T00:00:00.007Z","from":"ann","text":"roses"}}"##,
    r##"{"entry":{"log":"#red","id":4,"time":"1970-01-01T00:00:00.008Z","from":"ann","text":"tulips"}}"##,
];

fn record(line: &str) -> Record {
    serde_json::from_str(line).unwrap()
}

fn store_all(target: &mut SqliteTarget, lines: &[&str]) {
    lines.iter().for_each(|line| target.store(&record(line)).unwrap());
}

/// Fills a directory with some lines.
fn fill(data: &Path, lines: &[&str]) {
    let mut target = SqliteTarget::open(data, "digest", Epochs::Kept).unwrap();
    store_all(&mut target, lines);
    Box::new(target).finish().unwrap();
}

fn export(data: &Path) -> Vec<String> {
    let mut lines = Vec::new();
    let mut source = SqliteSource::open(data).unwrap().unwrap();
    let each = &mut |record: &Record| {
        lines.push(serde_json::to_string(record).unwrap());
        Ok(())
    };
    source.read(None, each).unwrap();
    lines
}

fn names(data: &Path) -> Vec<String> {
    let names = fs::read_dir(data).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn complaint<T>(tried: Result<T, parlor_store::archive::ArchiveError>) -> String {
    tried.err().expect("a complaint").to_string()
}

#[test]
fn a_database_of_another_version_or_none_is_not_read() {
    let data = tempfile::tempdir().unwrap();
    assert!(SqliteSource::open(data.path()).unwrap().is_none());
    assert_eq!(names(data.path()), [""; 0]);
    open(data.path()).unwrap().close().unwrap();
    assert_eq!(export(data.path()), [""; 0]);
    let version: u32 = raw(data.path()).query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    for (version, why) in [(version - 1, "is of an older version"), (version + 1, "newer than version")] {
        raw(data.path()).pragma_update(None, "user_version", version).unwrap();
        let complaint = complaint(SqliteSource::open(data.path()));
        assert!(complaint.contains(why) && complaint.contains(FILE_NAME), "{complaint}");
    }
}

#[test]
fn rooms_that_nobody_would_find_are_left_out() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 10);
    let rooms = ["spoken", "silent", "topical", "emptied"].map(|room| room.parse::<RoomName>().unwrap());
    server.sqlite.store().rooms.enter(&entrant(&server.ann), &rooms, 9).unwrap();
    let owned = RoomRights { owner: Some(person("ann").holder), ..RoomRights::default() };
    let topic = RoomRights { topic: Text::sanitise("tulips").into(), ..owned.clone() };
    for (room, rights) in [("silent", &owned), ("topical", &topic), ("nothing", &RoomRights::default())] {
        raw(data.path()).execute("INSERT INTO rights VALUES (?1, ?2)", [room, &rights.stored()]).unwrap();
    }
    server.say_in(&rooms[0], "hello").unwrap();
    server.say_in(&rooms[3], "bye").unwrap();
    raw(data.path())
        .execute_batch(
            "UPDATE log SET base = 1 WHERE name = 'emptied'; DELETE FROM rights WHERE room = 'emptied';
             DELETE FROM entry WHERE log = (SELECT id FROM log WHERE name = 'emptied')",
        )
        .unwrap();
    let lines = export(data.path());
    let kinds: Vec<&str> = lines.iter().map(|line| line.split('"').nth(1).unwrap()).collect();
    assert_eq!(kinds, ["log", "entry", "rights", "rights"], "{lines:?}");
    let are_found = lines[..3].iter().all(|line| line.contains("spoken")) && lines[3].contains("topical");
    assert!(are_found, "{lines:?}");
}

#[test]
fn an_archive_takes_the_place_of_a_database_without_content_only() {
    let data = tempfile::tempdir().unwrap();
    let server = open(data.path()).unwrap();
    server.notice_changes().unwrap();
    drop(server);
    // A server that starts now finds a database of another past, and does not take it for an older copy.
    fill(data.path(), &LINES);
    assert_eq!(names(data.path()), [FILE_NAME]);
    assert_eq!(fs::metadata(data.path().join(FILE_NAME)).unwrap().mode() & 0o777, 0o600);
    assert_eq!(export(data.path()), LINES);
    let server = open(data.path()).unwrap();
    assert_eq!(server.notes(), []);
    server.close().unwrap();
    let refused = complaint(SqliteTarget::open(data.path(), "digest", Epochs::Kept));
    assert!(refused.contains("has accounts or messages already"), "{refused}");
    // A message of nobody is content, too.
    raw(data.path()).execute("DELETE FROM account", []).unwrap();
    assert!(SqliteTarget::open(data.path(), "digest", Epochs::Kept).is_err());
    raw(data.path()).execute("DELETE FROM entry", []).unwrap();
    assert!(SqliteTarget::open(data.path(), "digest", Epochs::Kept).is_ok());
}

#[test]
fn an_import_goes_on_behind_what_the_disk_has_if_it_is_the_same() {
    let data = tempfile::tempdir().unwrap();
    let import = data.path().join(IMPORT_FILE_NAME);
    let begin = |archive: &str| SqliteTarget::open(data.path(), archive, Epochs::Kept).unwrap();
    let mut target = begin("one");
    store_all(&mut target, &LINES[..2]);
    target.settle().unwrap();
    store_all(&mut target, &LINES[2..3]);
    drop(target);
    assert_eq!(names(data.path()), [IMPORT_FILE_NAME]);
    assert_eq!(fs::metadata(&import).unwrap().mode() & 0o777, 0o600);
    // What was not settled has to be stored again.
    let mut target = begin("one");
    assert_eq!(target.stored(), 2);
    store_all(&mut target, &LINES[2..]);
    Box::new(target).finish().unwrap();
    assert_eq!((export(data.path()), import.exists()), (LINES.map(str::to_owned).to_vec(), false));
    // Of another archive nothing is kept.
    let elsewhere = tempfile::tempdir().unwrap();
    let mut target = SqliteTarget::open(elsewhere.path(), "one", Epochs::Kept).unwrap();
    store_all(&mut target, &LINES[..2]);
    target.settle().unwrap();
    drop(target);
    let target = SqliteTarget::open(elsewhere.path(), "other", Epochs::Kept).unwrap();
    assert_eq!(target.stored(), 0);
    Box::new(target).finish().unwrap();
    assert_eq!(export(elsewhere.path()), [""; 0]);
}

#[test]
fn a_database_is_replaced_where_that_is_asked_for() {
    let data = tempfile::tempdir().unwrap();
    fill(data.path(), &LINES);
    let mut target = SqliteTarget::replacing(data.path(), "digest").unwrap();
    store_all(&mut target, &LINES[..1]);
    assert_eq!(export(data.path()), LINES, "not before the end");
    Box::new(target).finish().unwrap();
    assert_eq!(export(data.path()), LINES[..1]);
}

#[test]
fn what_does_not_follow_the_order_of_an_archive_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let mut target = SqliteTarget::open(data.path(), "digest", Epochs::Kept).unwrap();
    assert!(target.store(&record(LINES[2])).is_err(), "an entry without its log");
    store_all(&mut target, &LINES[..3]);
    for line in &LINES[..3] {
        assert!(target.store(&record(line)).is_err(), "twice: {line}");
    }
    assert_eq!(target.stored(), 3);
}

#[test]
fn a_log_goes_on_behind_its_archive_in_its_epoch_or_in_a_new_one() {
    for (epochs, is_kept) in [(Epochs::Kept, true), (Epochs::Renewed, false)] {
        let data = tempfile::tempdir().unwrap();
        let mut target = SqliteTarget::open(data.path(), "digest", epochs).unwrap();
        store_all(&mut target, &LINES);
        Box::new(target).finish().unwrap();
        let server = Server::open(data.path(), 10);
        let red: RoomName = "red".parse().unwrap();
        let heads = server.sqlite.store().log.heads(&[LogId::Room(red.clone()), lobby()]).unwrap();
        assert_eq!((heads[0].last, heads[0].epoch.0 == 7), (MessageId(4), is_kept));
        // Other logs have the epoch of the database.
        assert_eq!(heads[0].epoch == heads[1].epoch, !is_kept);
        server.sqlite.store().rooms.enter(&entrant(&server.ann), std::slice::from_ref(&red), 9).unwrap();
        assert_eq!(server.say_in(&red, "lilies"), Ok(5));
    }
}
