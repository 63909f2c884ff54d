//! Whatever was not written by a backup, or is not as it was written, makes no database.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use parlor_core::ports::{Account, LogId, PasswordHash, Role};
use parlor_proto::{MessageId, RoomName, Timestamp};
use parlor_testkit::NoopSink;
use tempfile::TempDir;

use super::*;
use crate::administration::{RoomOrder, RoomRequest};
use crate::sqlite::tests::Place;
use crate::sqlite::{Database, Durability, Note, Sqlite};

/// A server, and a backup of its database.
struct Backup {
    place: Place,
    scratch: TempDir,
    facts: BackupFacts,
}

impl Backup {
    fn made() -> Self {
        let (place, scratch) = (Place::with(10), tempfile::tempdir().unwrap());
        let account = Account {
            user: place.ann.user.clone(),
            hash: PasswordHash::new("hash".to_owned()),
            role: Role::Member,
            created: Timestamp::from_millis(7),
            kicks: 0,
            suspension: None,
        };
        place.server.store().accounts.create(&account).unwrap();
        let facts = back_up(place.data.path(), &scratch.path().join("today"), |_, _| ()).unwrap();
        Self { place, scratch, facts }
    }

    fn path(&self) -> PathBuf {
        self.scratch.path().join("today")
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).unwrap()
    }

    /// Where the last line begins.
    fn end(&self) -> usize {
        let line = serde_json::to_vec(&End::Backup(self.facts.clone())).unwrap();
        self.bytes().len() - line.len() - 1
    }

    /// A backup with the same database and another last line.
    fn with_end(&self, facts: BackupFacts) -> Vec<u8> {
        let mut bytes = self.bytes()[..self.end()].to_vec();
        bytes.extend(serde_json::to_vec(&End::Backup(facts)).unwrap());
        bytes.push(b'\n');
        bytes
    }
}

/// What comes of some bytes.
fn tried(bytes: &[u8]) -> Result<BackupFacts, BackupError> {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("some");
    fs::write(&path, bytes).unwrap();
    unpack(&mut File::open(&path).unwrap(), place.path())
}

fn complaint(bytes: &[u8]) -> String {
    tried(bytes).unwrap_err().to_string()
}

fn names(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

fn open_server(data: &Path) -> Sqlite {
    Sqlite::open(data, 10, Durability::Process, Arc::new(NoopSink)).unwrap()
}

#[test]
fn a_backup_of_a_running_server_becomes_a_database_of_another_life() {
    let Backup { place, scratch, facts } = Backup::made();
    assert_eq!((facts.accounts, facts.logs, facts.entries, facts.sha256.len()), (1, 1, 1, 64));
    assert_eq!(facts.to_string(), format!("1 accounts, 1 logs, 1 entries; sha256 {}", facts.sha256));
    let into = tempfile::tempdir().unwrap();
    let path = scratch.path().join("today");
    assert_eq!(unpack(&mut File::open(&path).unwrap(), into.path()).unwrap(), facts);
    assert_eq!(names(into.path()), [FILE_NAME]);
    assert_eq!(fs::metadata(into.path().join(FILE_NAME)).unwrap().permissions().mode() & 0o777, 0o600);
    let (old, new) = (place.server.store(), open_server(into.path()));
    let head = |store: &parlor_core::ports::Store| store.log.heads(&[Place::log()]).unwrap()[0];
    assert_eq!((head(old).last, head(new.store()).last), (MessageId(1), MessageId(1)));
    assert_ne!(head(old).epoch, head(new.store()).epoch, "its numbers may be given out again");
    assert_eq!(new.notes(), [], "it is no older copy of what is there");
    assert_eq!(old.accounts.accounts(), new.store().accounts.accounts());
    assert_eq!(new.store().governance.rights(&["red".parse().unwrap()]).unwrap(), [place.rights()]);
    // Where there is a database, none is unpacked.
    assert!(matches!(unpack(&mut File::open(&path).unwrap(), into.path()), Err(BackupError::File(_))));
}

#[test]
fn nothing_goes_on_that_the_server_was_at() {
    let place = Place::with(10);
    let database = Database::open(place.data.path(), Durability::Process).unwrap();
    let (room, by): (RoomName, _) = ("red".parse().unwrap(), "op".parse().unwrap());
    let order = RoomOrder::Delete;
    database.add_request(&RoomRequest { room, by, time: Timestamp::from_millis(7), order }).unwrap();
    place.spoil("UPDATE log SET epoch = '0000000000000007'; INSERT INTO meta VALUES ('checked', 'now')");
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("today");
    back_up(place.data.path(), &path, |_, _| ()).unwrap();
    unpack(&mut File::open(&path).unwrap(), scratch.path()).unwrap();
    let unpacked = Database::open(scratch.path(), Durability::Process).unwrap();
    assert_eq!(unpacked.open_requests().unwrap(), []);
    let keys = "SELECT group_concat(key) FROM (SELECT key FROM meta ORDER BY key)";
    let told = unpacked.read(|connection| {
        let epochs: u64 = connection.query_row("SELECT count(epoch) FROM log", [], |row| row.get(0))?;
        Ok((connection.query_row(keys, [], |row| row.get::<_, String>(0))?, epochs))
    });
    assert_eq!(told.unwrap(), ("epoch".to_owned(), 0));
}

#[test]
fn every_cut_of_a_backup_is_noticed() {
    let backup = Backup::made();
    let (bytes, end) = (backup.bytes(), backup.end());
    assert!(tried(&bytes).is_ok());
    for (length, why) in [
        (0, "this is no backup of Parlor"),
        (HEADER - 1, "this is no backup of Parlor"),
        (HEADER, "the backup is incomplete: its end is missing"),
        (end / 2, "the backup is incomplete: its end is missing"),
        (end, "the backup is incomplete: its end is missing"),
        (end + 9, "the backup is incomplete: its end is missing"),
        (bytes.len() - 1, "the backup is incomplete: its end is missing"),
    ] {
        assert_eq!(complaint(&bytes[..length]), why, "{length} of {}", bytes.len());
    }
    let more = [&bytes[..], b"more\n"].concat();
    assert_eq!(complaint(&more), "the backup is damaged: its last line is another one");
    let much_more = [&bytes[..], &vec![b' '; 5000], b"\n"].concat();
    assert_eq!(complaint(&much_more), "the backup is incomplete: its end is missing");
}

#[test]
fn every_flip_of_a_bit_is_noticed() {
    let backup = Backup::made();
    let (bytes, end) = (backup.bytes(), backup.end());
    // All of the header and of the last line, and something of each page.
    let places = (0..HEADER).chain((HEADER..end).step_by(1999)).chain(end..bytes.len());
    for at in places {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(tried(&flipped).is_err(), "byte {at} of {}", bytes.len());
    }
    let mut flipped = bytes;
    flipped[end / 2] ^= 1;
    assert_eq!(complaint(&flipped), "the backup is damaged: its digest is another one");
}

#[test]
fn a_last_line_that_does_not_fit_is_noticed() {
    let backup = Backup::made();
    let facts = &backup.facts;
    assert!(tried(&backup.with_end(facts.clone())).is_ok());
    let newer = backup.with_end(BackupFacts { version: 2, ..facts.clone() });
    assert!(complaint(&newer).contains("of version 2, newer than version 1 of this program"));
    for other in [
        BackupFacts { accounts: 2, ..facts.clone() },
        BackupFacts { logs: 0, ..facts.clone() },
        BackupFacts { entries: 9, ..facts.clone() },
    ] {
        assert_eq!(complaint(&backup.with_end(other)), "the backup is damaged: it has other counts");
    }
    // What a later program says of it is not ignored.
    let line = String::from_utf8(backup.bytes()[backup.end()..].to_vec()).unwrap();
    let more = line.replace("\"version\":1", "\"version\":1,\"more\":1");
    let more = [&backup.bytes()[..backup.end()], more.as_bytes()].concat();
    assert_eq!(complaint(&more), "the backup is damaged: its last line is another one");
}

#[test]
fn what_cannot_be_backed_up_says_why() {
    let scratch = tempfile::tempdir().unwrap();
    let file = scratch.path().join("today");
    let made = |data: &Path| back_up(data, &file, |_, _| ());
    assert!(matches!(made(scratch.path()), Err(BackupError::File(error)) if error.kind() == ErrorKind::NotFound));
    let place = Place::with(10);
    place.spoil("INSERT INTO meta VALUES ('moved', 'elsewhere')");
    assert!(matches!(made(place.data.path()), Err(BackupError::Database(OpenError::Moved { .. }))));
    place.spoil("DELETE FROM meta WHERE key = 'moved'");
    // Nothing is written over.
    fs::write(&file, "something else").unwrap();
    assert!(matches!(made(place.data.path()), Err(BackupError::Database(_))));
    assert_eq!(fs::read(&file).unwrap(), b"something else");
    fs::write(&file, "").unwrap();
    assert!(made(place.data.path()).is_ok());
}

#[test]
fn a_database_is_put_aside_with_all_that_belongs_to_it_and_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let aside = data.path().join("aside");
    fs::write(data.path().join("parlor.lock"), "").unwrap();
    assert!(!put_aside(data.path(), &aside).unwrap());
    assert!(!aside.exists(), "there was nothing to put there");
    let belongs =
        ["parlor.db", "parlor.db-journal", "parlor.db-shm", "parlor.db-wal", "parlor.db.import", "parlor.db.stamp"];
    for name in belongs {
        fs::write(data.path().join(name), name).unwrap();
    }
    assert!(put_aside(data.path(), &aside).unwrap());
    assert_eq!(
        (names(&aside), names(data.path())),
        (belongs.map(str::to_owned).to_vec(), vec!["aside".into(), "parlor.lock".into()])
    );
    assert_eq!(fs::metadata(&aside).unwrap().permissions().mode() & 0o777, 0o700);
    // What was put there before is not replaced.
    fs::write(data.path().join(FILE_NAME), "new").unwrap();
    assert!(put_aside(data.path(), &aside).is_err());
    assert_eq!(fs::read(data.path().join(FILE_NAME)).unwrap(), b"new");
    let other = tempfile::tempdir().unwrap();
    fs::rename(data.path().join(FILE_NAME), other.path().join(FILE_NAME)).unwrap();
    put_in_place(other.path(), data.path()).unwrap();
    assert_eq!(fs::read(data.path().join(FILE_NAME)).unwrap(), b"new");
}

#[test]
fn a_database_is_settled_in_its_one_file_unless_it_is_newer_or_none() {
    let Place { server, data, .. } = Place::with(10);
    let wal = data.path().join(format!("{FILE_NAME}-wal"));
    assert!(fs::metadata(&wal).unwrap().len() > 0);
    // As a kill leaves it: nobody brought the log into the file.
    let copy = tempfile::tempdir().unwrap();
    for name in [FILE_NAME.to_owned(), format!("{FILE_NAME}-wal")] {
        fs::copy(data.path().join(&name), copy.path().join(&name)).unwrap();
    }
    drop(server);
    settle(copy.path()).unwrap();
    assert_eq!(names(copy.path()), [FILE_NAME]);
    let server = open_server(copy.path());
    assert_eq!(server.notes(), [Note::WentBack], "it is a copy");
    assert_eq!(server.store().log.heads(&[LogId::Room("red".parse().unwrap())]).unwrap()[0].last, MessageId(1));
    drop(server);
    let raw = Connection::open(copy.path().join(FILE_NAME)).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(settle(copy.path()), Err(OpenError::Newer { found: 99, .. })));
    assert!(settle(&copy.path().join("nowhere")).is_err());
}

#[test]
fn the_length_of_a_database_is_read_from_its_header() {
    let header = |size: u16, pages: u32| {
        let mut header = [0xff; HEADER];
        header[16..18].copy_from_slice(&size.to_be_bytes());
        header[28..32].copy_from_slice(&pages.to_be_bytes());
        database_length(&header)
    };
    assert_eq!((header(4096, 3), header(512, 1)), (12_288, 512));
    // The largest size of a page does not fit into its place.
    assert_eq!((header(1, 2), header(1, u32::MAX)), (131_072, 65_536 * u64::from(u32::MAX)));
}
