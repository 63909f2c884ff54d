//! Archives from store to store: whatever the way, the digest stays, and so does what clients know. It must not depend on how
//! a store keeps something.
#![cfg(feature = "sqlite")]

use std::path::Path;

use parlor_core::ports::{LogId, PageRequest, SecretHash};
use parlor_proto::{HookId, MessageId, PageRange, Timestamp};
use parlor_redis_testkit::{RedisCluster, RedisServer};
use parlor_store::archive::{self, ArchiveError, ArchiveSource, ArchiveTarget, ArchiveWriter, Epochs, Record, Summary};
use parlor_store::redis::{OpenError, RedisSource, RedisTarget};
use parlor_store::sqlite::{Durability, FILE_NAME, IMPORT_FILE_NAME, Sqlite, SqliteSource, SqliteTarget};
use parlor_testkit::RecordingSink;

use crate::harness::{Server, config, log_of, name};

/// Records of every kind, in the order of an archive.
const RECORDS: &str = r##"
{"account":{"user":"ann","hash":"$2b$04$ann","operator":true,"created":"2026-11-01T00:00:00.001Z","kicks":0}}
{"ticket":{"user":"ann","hash":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","label":"my  laptop","made":"2026-11-02T00:00:00.000Z","used":"2026-11-03T00:00:00.000Z","address":"192.0.2.7","lifetime":86400000,"revoked":false}}
{"ticket":{"user":"ann","hash":"ca7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","label":"","made":"2026-11-02T00:00:00.000Z","used":null,"address":null,"lifetime":null,"revoked":true}}
{"address":{"user":"ann","address":"192.0.2.7","seen":"2026-11-20T00:00:00.003Z"}}
{"follow":{"user":"ann","publisher":"bob"}}
{"block":{"user":"ann","blocked":"cyd"}}
{"remembered":{"user":"ann","room":"garden"}}
{"mark":{"user":"ann","log":"#garden","read":3}}
{"mark":{"user":"ann","log":"+bob","read":1}}
{"account":{"user":"bob","hash":"$2b$04$bob","operator":false,"created":"2026-11-01T00:00:00.002Z","kicks":2,"suspension":{"until":"2027-01-01T00:00:00.000Z","reason":"spam"}}}
{"account":{"user":"cyd","hash":"$2b$04$cyd","operator":false,"created":"2026-11-01T00:00:00.003Z","kicks":0,"suspension":{"until":null,"reason":""}}}
{"invitation":{"hash":"aa7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","by":"ann","operator":false,"rooms":["garden","hall"],"uses":3,"made":"2026-11-04T00:00:00.000Z","expires":"2126-11-11T00:00:00.000Z","used":["bob","gone"]}}
{"invitation":{"hash":"da7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","by":"ann","operator":true,"rooms":[],"uses":1,"made":"2026-11-05T00:00:00.000Z","expires":"2126-11-11T00:00:00.000Z","used":[]}}
{"log":{"log":"#garden","epoch":"958e70836b6620b8","last":7,"others":2}}
{"entry":{"log":"#garden","id":3,"time":"2026-11-05T00:00:00.000Z","from":"ann","text":"roses"}}
{"entry":{"log":"#garden","id":4,"time":"2026-11-05T00:00:01.000Z","from":"bob","text":"\u0001amended 1793836805000 5 tulips, \"too\""}}
{"entry":{"log":"#garden","id":5,"time":"2026-11-05T00:00:02.000Z","from":"bob","text":"\u0001edit 4 tulips, \"too\""}}
{"entry":{"log":"#garden","id":6,"time":"2026-11-05T00:00:03.000Z","from":"gone","text":"\u0001gone"}}
{"entry":{"log":"#garden","id":7,"time":"2026-11-05T00:00:04.000Z","from":"ann","text":"\u0001removal 6 spam"}}
{"once":{"log":"#garden","author":"ann","key":"K-1","id":3,"time":"2026-11-05T00:00:00.000Z"}}
{"rights":{"room":"garden","rights":{"owner":{"user":"ann","account":"2026-11-01T00:00:00.001Z"},"moderators":[{"user":"bob","account":"2026-11-01T00:00:00.002Z"}],"topic":"Roses","access":"private","post":"moderators","invited":["dan"],"banned":{"eve":null},"muted":{"cyd":"2027-01-01T00:00:00.000Z"},"created":"2026-11-01T00:00:00.000Z","outhooks":[{"secret":"plo_07","url":"https://bot.example/in","by":"bob","made":"2026-11-03T00:00:00.000Z","after":4}]}}}
{"rights":{"room":"hall","rights":{"owner":null,"moderators":[],"topic":"Nobody has spoken here","access":"public","post":"everyone","invited":[],"banned":{},"muted":{},"created":null}}}
{"log":{"log":"#lobby","epoch":"0000000000000007","last":41}}
{"entry":{"log":"#lobby","id":40,"time":"2026-11-04T00:00:00.000Z","from":"ann","text":"é ¿?"}}
{"entry":{"log":"#lobby","id":41,"time":"2026-11-06T00:00:00.000Z","from":"bob","text":"hello"}}
{"log":{"log":"+bob","epoch":"3c6880770011d897","last":1}}
{"entry":{"log":"+bob","id":1,"time":"2026-11-05T00:00:00.000Z","from":"bob","text":"news"}}
{"once":{"log":"+bob","author":"bob","key":"a","id":1,"time":"2026-11-05T00:00:00.000Z"}}
{"log":{"log":"+cyd","epoch":"3c6880770011d898","last":9}}
{"log":{"log":"@ann","epoch":"42d3f05ed00b1fa9","last":3}}
{"entry":{"log":"@ann","id":1,"time":"2026-11-05T00:00:00.000Z","from":"ann","to":"bob","text":"psst"}}
{"entry":{"log":"@ann","id":2,"time":"2026-11-05T00:00:01.000Z","from":"ann","to":"ann","text":"a note to myself"}}
{"entry":{"log":"@ann","id":3,"time":"2026-11-05T00:00:02.000Z","from":"bob","to":"ann","text":"what?"}}
{"conversation":{"owner":"ann","peer":"ann","last":2,"read":2,"unread":0}}
{"conversation":{"owner":"ann","peer":"bob","last":3,"read":1,"unread":1}}
{"log":{"log":"@bob","epoch":"42d3f05ed00b1faa","last":2}}
{"entry":{"log":"@bob","id":1,"time":"2026-11-05T00:00:00.000Z","from":"ann","to":"bob","text":"psst"}}
{"entry":{"log":"@bob","id":2,"time":"2026-11-05T00:00:02.000Z","from":"bob","to":"ann","text":"what?"}}
{"conversation":{"owner":"bob","peer":"ann","last":2,"read":2,"unread":0}}
"##;

/// The kinds of records that there are.
const KINDS: usize = 13;

fn archive_of(records: impl Iterator<Item = Record>) -> (Vec<u8>, Summary) {
    let mut bytes = Vec::new();
    let mut writer = ArchiveWriter::begin(&mut bytes, None).unwrap();
    for record in records {
        writer.write(&record).unwrap();
    }
    let summary = writer.finish().unwrap();
    (bytes, summary)
}

fn full() -> (Vec<u8>, Summary) {
    let lines = RECORDS.lines().filter(|line| !line.is_empty());
    let (bytes, summary) = archive_of(lines.map(|line| serde_json::from_str(line).unwrap()));
    assert_eq!(summary.records.len(), KINDS, "{summary:?}");
    (bytes, summary)
}

/// An archive whose room has many entries.
fn long(entries: u64) -> (Vec<u8>, Summary) {
    let account = RECORDS.lines().nth(1).unwrap().to_owned();
    let log = format!(r##"{{"log":{{"log":"#garden","epoch":"0000000000000007","last":{entries}}}}}"##);
    let entry = |id| {
        let text = if id % 3 == 0 { format!("\\u0001removal {id} x") } else { format!("message {id}") };
        format!(
            r##"{{"entry":{{"log":"#garden","id":{id},"time":"2026-11-05T00:00:00.000Z","from":"ann","text":"{text}"}}}}"##
        )
    };
    let lines = [account, log].into_iter().chain((1..=entries).map(entry));
    archive_of(lines.map(|line| serde_json::from_str(&line).unwrap()))
}

/// A place for everything.
enum Place {
    Directory(tempfile::TempDir),
    One(Box<RedisServer>),
    Cluster(RedisCluster),
}

impl Place {
    /// A Redis of its own.
    fn one() -> Self {
        Self::One(Box::new(RedisServer::start()))
    }

    fn directory() -> Self {
        Self::Directory(tempfile::tempdir().unwrap())
    }

    fn url(&self) -> String {
        match self {
            Self::Directory(_) => panic!("a directory has no URL"),
            Self::One(redis) => redis.url(),
            Self::Cluster(cluster) => cluster.urls().remove(0),
        }
    }

    fn target(&self, summary: &Summary, epochs: Epochs) -> Result<Box<dyn ArchiveTarget>, ArchiveError> {
        match self {
            Self::Directory(data) => {
                SqliteTarget::open(data.path(), &summary.sha256, epochs).map(|target| Box::new(target) as _)
            }
            _ => {
                let config = config(&self.url());
                RedisTarget::open(&config, &summary.sha256, epochs).map(|target| Box::new(target) as _)
            }
        }
    }

    fn fill(&self, (bytes, summary): &(Vec<u8>, Summary)) {
        let target = self.target(summary, Epochs::Kept).unwrap();
        assert_eq!(archive::import(bytes.as_slice(), target, |_| ()).unwrap(), *summary);
    }

    fn export_since(&self, since: Option<Timestamp>) -> (Vec<u8>, Summary) {
        let mut source: Box<dyn ArchiveSource> = match self {
            Self::Directory(data) => Box::new(SqliteSource::open(data.path()).unwrap().unwrap()),
            _ => Box::new(RedisSource::open(&config(&self.url())).unwrap()),
        };
        let mut bytes = Vec::new();
        let summary = archive::export(&mut *source, since, &mut bytes, |_| ()).unwrap();
        (bytes, summary)
    }

    fn export(&self) -> (Vec<u8>, Summary) {
        self.export_since(None)
    }

    /// The complaint about an archive that cannot be imported.
    fn complaint(&self, (_, summary): &(Vec<u8>, Summary)) -> String {
        self.target(summary, Epochs::Kept).err().unwrap().to_string()
    }
}

fn lines(bytes: &[u8]) -> Vec<&str> {
    std::str::from_utf8(bytes).unwrap().lines().collect()
}

#[test]
fn every_way_from_store_to_store_keeps_every_record_and_the_digest() {
    let mut archive = full();
    let cluster = Place::Cluster(RedisCluster::start());
    let ways = [Place::directory(), Place::one(), Place::one(), cluster, Place::directory(), Place::directory()];
    for place in ways {
        place.fill(&archive);
        let exported = place.export();
        assert_eq!(lines(&exported.0), lines(&archive.0));
        assert_eq!(exported.1, archive.1);
        assert!(place.complaint(&archive).contains("has accounts or messages already"));
        archive = exported;
    }
}

#[test]
fn an_outgoing_hook_begins_no_later_than_the_log_that_was_copied() {
    let archive = full();
    let place = Place::one();
    place.fill(&archive);
    let Place::One(redis) = &place else { panic!() };
    // A server posts what was said behind the head that is read, or a failover has lost what was posted.
    let id = SecretHash::of("plo_07").number();
    redis.cli(&["HSET", "parlor:outhooks:{garden}", &HookId(id).to_string(), "9"]);
    let ahead = place.export();
    let (before, after) = (lines(&archive.0), lines(&ahead.0));
    let rights = |lines: &[&str]| lines.iter().find(|line| line.contains("plo_07")).unwrap().to_string();
    assert_eq!(rights(&after), rights(&before).replace("\"after\":4", "\"after\":7"));
    let directory = Place::directory();
    directory.fill(&ahead);
    let Place::Directory(data) = &directory else { panic!() };
    let database = rusqlite::Connection::open(data.path().join(FILE_NAME)).unwrap();
    database.execute("UPDATE outhook SET position = 9", []).unwrap();
    assert_eq!(directory.export().1, ahead.1);
}

#[test]
fn what_is_older_is_left_out_but_the_newest_of_each_log_stays() {
    let archive = full();
    let time = Timestamp::try_from("2026-11-05T00:00:02Z".to_owned()).unwrap();
    let mut exported = Vec::new();
    for place in [Place::directory(), Place::one()] {
        place.fill(&archive);
        exported.push(place.export_since(Some(time)));
    }
    let [(bytes, summary), (_, other)] = &exported[..] else { panic!() };
    assert_eq!(summary, other);
    let entries: Vec<&str> = lines(bytes).into_iter().filter(|line| line.starts_with("{\"entry\"")).collect();
    let of = |log: &str| -> Vec<u64> {
        let found = entries.iter().filter(|line| line.contains(&format!("\"log\":\"{log}\"")));
        let id = |line: &&str| line.split("\"id\":").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
        found.map(id).collect()
    };
    assert_eq!((of("#garden"), of("#lobby"), of("+bob")), (vec![5, 6, 7], vec![41], vec![1]));
    assert!(lines(bytes).iter().any(|line| line.contains("\"last\":7,\"others\":2")), "{:?}", lines(bytes));
}

/// The beginning of an archive, as a reader finds it whose other end died.
fn broken_off(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len() - 100]
}

#[test]
fn nothing_can_be_seen_of_an_import_that_broke_off_and_the_next_one_goes_on() {
    let archive = long(21_000);
    let others = full();
    for place in [Place::directory(), Place::one()] {
        let target = place.target(&archive.1, Epochs::Kept).unwrap();
        let broken = archive::import(broken_off(&archive.0), target, |_| ()).unwrap_err();
        assert!(matches!(broken, ArchiveError::Incomplete { .. }), "{broken}");
        match &place {
            Place::Directory(data) => {
                assert!(!data.path().join(FILE_NAME).exists() && data.path().join(IMPORT_FILE_NAME).exists());
            }
            _ => {
                let refused = Server::try_open(&config(&place.url())).err().unwrap();
                assert!(matches!(refused, OpenError::Unsuitable(_)), "{refused}");
                assert!(RedisSource::open(&config(&place.url())).is_err());
                assert!(place.complaint(&others).contains("an import of another archive has not come to its end"));
            }
        }
        let target = place.target(&archive.1, Epochs::Kept).unwrap();
        assert!(target.stored() >= 20_000 && target.stored() < 21_000, "{}", target.stored());
        archive::import(archive.0.as_slice(), target, |_| ()).unwrap();
        assert_eq!(place.export().1, archive.1);
    }
}

#[test]
fn an_import_of_another_archive_into_a_directory_begins_anew() {
    let (one, other) = (long(21_000), full());
    let place = Place::directory();
    let target = place.target(&one.1, Epochs::Kept).unwrap();
    archive::import(broken_off(&one.0), target, |_| ()).unwrap_err();
    place.fill(&other);
    assert_eq!(place.export().1, other.1);
}

#[test]
fn nothing_is_imported_into_a_redis_with_a_server() {
    let place = Place::one();
    let server = Server::open(&place.url());
    assert!(place.complaint(&full()).contains("a server runs on this Redis"));
    server.close();
    // The refused import has left nothing behind.
    drop(Server::open(&place.url()));
}

fn open(data: &Path) -> Sqlite {
    Sqlite::open(data, 100, Durability::Process, std::sync::Arc::new(RecordingSink::default())).unwrap()
}

#[test]
fn a_server_goes_on_with_the_numbers_and_epochs_of_the_archive() {
    let archive = full();
    let garden = log_of("garden");
    let inbox = LogId::Inbox(name("ann"));
    let directory = tempfile::tempdir().unwrap();
    let target = SqliteTarget::open(directory.path(), &archive.1.sha256, Epochs::Kept).unwrap();
    archive::import(archive.0.as_slice(), Box::new(target), |_| ()).unwrap();
    let redis = Place::one();
    redis.fill(&archive);
    let (sqlite, server) = (open(directory.path()), Server::open(&redis.url()));
    assert_eq!(sqlite.notes(), []);
    for store in [sqlite.store(), &server.store] {
        let heads = store.log.heads(&[garden.clone(), inbox.clone(), LogId::Feed(name("cyd"))]).unwrap();
        let heads: Vec<String> = heads.iter().map(|head| format!("{} {}", head.epoch, head.last)).collect();
        assert_eq!(heads, ["958e70836b6620b8 7", "42d3f05ed00b1fa9 3", "3c6880770011d898 9"]);
        let range = [(garden.clone(), MessageId(3), MessageId(7))];
        assert_eq!(store.log.others_between(&range).unwrap(), [2]);
        let request = PageRequest { log: inbox.clone(), peer: Some(name("bob")), range: PageRange::Newest, count: 10 };
        let said: Vec<String> =
            store.log.page(&request).unwrap().entries.iter().map(|entry| entry.said().to_string()).collect();
        assert_eq!(said, ["psst", "what?"]);
        let rights = store.governance.rights(&["garden".parse().unwrap()]).unwrap().remove(0).unwrap();
        assert_eq!(rights.topic.as_str(), "Roses");
        assert_eq!(store.personal.unread(&name("ann")).unwrap(), [(name("bob"), 1)]);
    }
}

#[test]
fn with_new_epochs_no_log_keeps_its_own() {
    let archive = full();
    for place in [Place::directory(), Place::one()] {
        let target = place.target(&archive.1, Epochs::Renewed).unwrap();
        archive::import(archive.0.as_slice(), target, |_| ()).unwrap();
        let (bytes, summary) = place.export();
        assert_eq!(summary.records, archive.1.records);
        let epochs = |bytes| lines(bytes).into_iter().filter(|line| line.starts_with("{\"log\"")).map(str::to_owned);
        for (new, old) in epochs(&bytes).zip(epochs(&archive.0)) {
            assert_ne!(new, old);
        }
    }
}
