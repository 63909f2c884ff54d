//! A database that is left for another store: what a migration reads, whom it keeps from writing, and how it is taken back.

use std::fs;

use parlor_proto::Epoch;
use parlor_store::archive::{ArchiveError, ArchiveTarget, Extent, MovingSource, MovingTarget, Record};
use parlor_store::sqlite::{
    IMPORT_FILE_NAME, Left, SqliteMovingSource, SqliteSource, SqliteTarget, left, open_rooms, take_back,
};

use super::*;

/// The name of the directory that gets a database which has moved.
const ASIDE: &str = "aside";

/// A directory in which ann has said something, and no server runs.
fn spoken(texts: &[&str]) -> tempfile::TempDir {
    let data = tempfile::tempdir().unwrap();
    let server = Server::open(data.path(), 100);
    server.sqlite.store().accounts.create(&account("ann")).unwrap();
    for what in texts {
        server.say(what).unwrap();
    }
    server.sqlite.close().unwrap();
    data
}

fn moving(data: &Path) -> SqliteMovingSource {
    SqliteMovingSource::open(data).unwrap()
}

/// Notes for good that everything is elsewhere.
fn leave(data: &Path, to: &str) {
    let mut source = moving(data);
    source.fence(to).unwrap();
    source.leave(to).unwrap();
}

/// What is read of a database: kinds of records, and the numbers of entries. Of each log, entries are wanted from a number on.
fn read(source: &mut SqliteMovingSource, from: Option<u64>) -> Vec<String> {
    let mut found = Vec::new();
    let each = &mut |record: &Record| {
        found.push(match record {
            Record::Entry(entry) => entry.id.to_string(),
            Record::Log(log) => format!("log {} others {}", log.last, log.others),
            other => other.kind().to_owned(),
        });
        Ok(())
    };
    source.read_from(&|_: &Extent| from, each).unwrap();
    found
}

fn complaint<T>(tried: Result<T, ArchiveError>) -> String {
    tried.err().expect("a complaint").to_string()
}

#[test]
fn a_migration_is_known_by_a_mark_that_stays() {
    let (one, two) = (spoken(&[]), spoken(&[]));
    let mark = |data: &Path| moving(data).mark().to_owned();
    let known = mark(one.path());
    assert_eq!((known.len(), mark(one.path())), (16, known.clone()));
    assert_ne!(mark(two.path()), known);
    leave(one.path(), "elsewhere");
    assert_eq!(left(one.path()).unwrap(), Some(Left { to: "elsewhere".to_owned(), mark: known.clone() }));
    assert_eq!(left(two.path()).unwrap(), None);
    assert_eq!(take_back(one.path()).unwrap().as_deref(), Some("elsewhere"));
    assert_eq!(mark(one.path()), known);
}

#[test]
fn the_end_of_each_log_is_read_from_the_number_that_is_wanted() {
    let data = spoken(&["one", "two", "three"]);
    // One of them is no message.
    let other =
        "UPDATE entry SET text = char(1) || 'topic roses' WHERE number = 2; INSERT INTO other_entry VALUES (1, 2, 1)";
    raw(data.path()).execute_batch(other).unwrap();
    let mut source = moving(data.path());
    assert_eq!(read(&mut source, Some(1)), ["account", "log 3 others 0", "1", "2", "3"]);
    assert_eq!(read(&mut source, Some(3)), ["account", "log 3 others 1", "3"]);
    assert_eq!(read(&mut source, Some(4)), ["account", "log 3 others 1"]);
    assert_eq!(read(&mut source, None), ["account"]);
    let entries = source.entries(&lobby(), &[MessageId(3), MessageId(7), MessageId(1)]).unwrap();
    let ids: Vec<u64> = entries.iter().map(|entry| entry.id.0).collect();
    assert_eq!(ids, [3, 1], "those that are gone are left out");
    assert_eq!(source.entries(&LogId::Inbox(name("ann")), &[MessageId(1)]).unwrap(), []);
}

#[test]
fn what_is_said_while_a_migration_reads_is_there_in_its_next_round() {
    let data = spoken(&["one"]);
    let server = Server::open(data.path(), 100);
    let mut source = moving(data.path());
    let mut numbers = Vec::new();
    let each = &mut |record: &Record| {
        if let Record::Entry(entry) = record {
            numbers.push(entry.id.0);
            assert!(server.say("meanwhile").is_ok(), "whoever reads hinders nobody");
        }
        Ok(())
    };
    source.read_from(&|_: &Extent| Some(1), each).unwrap();
    assert_eq!(
        (numbers, read(&mut source, Some(2))),
        (vec![1], vec!["account".into(), "log 2 others 0".into(), "2".into()])
    );
}

#[test]
fn a_fence_keeps_everybody_from_writing_until_it_is_dropped() {
    let data = spoken(&["one"]);
    let mut source = moving(data.path());
    source.fence("elsewhere").unwrap();
    let other = raw(data.path());
    other.busy_timeout(Duration::ZERO).unwrap();
    let write = || other.execute("INSERT INTO follow VALUES ('ann', 'bob')", []);
    assert!(write().is_err());
    assert_eq!(read(&mut source, Some(1)), ["account", "log 1 others 0", "1"], "it can still read");
    assert_eq!(source.entries(&lobby(), &[MessageId(1)]).unwrap().len(), 1);
    drop(source);
    assert_eq!(write(), Ok(1));
    // Nothing was noted.
    assert_eq!(left(data.path()).unwrap(), None);
    drop(other);
    assert_eq!(Server::open(data.path(), 100).say("on"), Ok(2));
}

#[test]
fn a_database_that_was_left_is_used_by_nobody_and_taken_back_with_other_epochs() {
    let data = spoken(&["one"]);
    let epoch = |data: &Path| -> Epoch {
        let store = open(data).unwrap();
        let head = head(&store);
        store.close().unwrap();
        assert_eq!(head.last, MessageId(1));
        head.epoch
    };
    let before = epoch(data.path());
    leave(data.path(), "redis://elsewhere");
    let opened: [Result<(), OpenError>; 3] =
        [open(data.path()).map(drop), open_accounts(data.path()).map(drop), open_rooms(data.path(), false).map(drop)];
    for refused in opened.map(|opened| opened.unwrap_err()) {
        assert!(matches!(&refused, OpenError::Moved { to, .. } if to == "redis://elsewhere"), "{refused}");
    }
    assert!(complaint(SqliteSource::open(data.path())).contains("has moved to redis://elsewhere"));
    assert!(complaint(SqliteMovingSource::open(data.path())).contains("has moved to redis://elsewhere"));
    assert_eq!(take_back(data.path()).unwrap().as_deref(), Some("redis://elsewhere"));
    assert_eq!(take_back(data.path()).unwrap(), None, "it is back already");
    let after = epoch(data.path());
    assert_ne!(after, before, "numbers may have been given out elsewhere");
    assert_eq!(epoch(data.path()), after);
}

#[test]
fn nothing_is_taken_back_where_nothing_is() {
    let data = tempfile::tempdir().unwrap();
    assert_eq!((left(data.path()).unwrap(), take_back(data.path()).unwrap()), (None, None));
    assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
    assert!(SqliteMovingSource::open(data.path()).is_err());
}

#[test]
fn a_migration_into_a_place_begins_anew_unless_another_one_is_about_to_end_there() {
    let account =
        r#"{"account":{"user":"ann","hash":"h","operator":false,"created":"1970-01-01T00:00:00.007Z","kicks":0}}"#;
    let account: Record = serde_json::from_str(account).unwrap();
    let data = tempfile::tempdir().unwrap();
    let begin = |migration: &str| SqliteTarget::moving(data.path(), migration, ASIDE);
    let mut target = begin("one").unwrap();
    target.store(&account).unwrap();
    target.settle().unwrap();
    drop(target);
    // What an earlier run brought may have changed since.
    let mut target = begin("one").unwrap();
    assert_eq!(target.stored(), 0);
    target.store(&account).unwrap();
    target.settle().unwrap();
    target.seal().unwrap();
    drop(target);
    assert!(complaint(begin("two")).contains("a migration into it has not come to its end there"));
    // Its own next run knows what is there, and begins anew all the same.
    let target = begin("one").unwrap();
    assert_eq!(target.stored(), 0);
    Box::new(target).finish().unwrap();
    assert!(!data.path().join(IMPORT_FILE_NAME).exists());
    // An empty database is no obstacle.
    assert!(begin("two").is_ok());
}

#[test]
fn a_database_that_was_left_is_put_aside_in_one_piece_for_what_moves_in() {
    let data = spoken(&["one"]);
    leave(data.path(), "elsewhere");
    let target = SqliteTarget::moving(data.path(), "one", ASIDE).unwrap();
    Box::new(target).finish().unwrap();
    let aside = data.path().join(ASIDE);
    let texts = raw(&aside).query_row("SELECT group_concat(text) FROM entry", [], |row| row.get::<_, String>(0));
    assert_eq!(texts.unwrap(), "one");
    assert_eq!(left(&aside).unwrap().map(|left| left.to).as_deref(), Some("elsewhere"));
    assert_eq!(left(data.path()).unwrap(), None);
    let store = open(data.path()).unwrap();
    assert_eq!((store.store().accounts.accounts(), head(&store).last), (Ok(vec![]), MessageId(0)));
}
