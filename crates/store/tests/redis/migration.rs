//! Migrations into each store: whatever changed at the source since the copy began, the target has it in the end, and nothing
//! else. It must not depend on how a store keeps something; the sources of the stores are tried with servers, in
//! `crates/server/tests/it/migration.rs`.
#![cfg(feature = "sqlite")]

use parlor_core::ports::LogId;
use parlor_proto::MessageId;
use parlor_redis_testkit::{RedisCluster, RedisServer};
use parlor_store::archive::{
    self, ArchiveError, ArchiveResult, ArchiveSource, ArchiveWriter, EntryRecord, Extent, Migration, MovingSource,
    MovingTarget, Record, Wanted,
};
use parlor_store::redis::{OpenError, RedisSource, RedisTarget, take_back};
use parlor_store::sqlite::{self, FILE_NAME, IMPORT_FILE_NAME, SqliteSource, SqliteTarget};

use crate::harness::{Server, config};

/// Everything before.
const BEFORE: &str = r##"
{"account":{"user":"ann","hash":"$2b$04$ann","operator":true,"created":"2026-11-01T00:00:00.001Z","kicks":0}}
{"ticket":{"user":"ann","hash":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","label":"laptop","made":"2026-11-02T00:00:00.000Z","used":"2026-11-03T00:00:00.000Z","address":"192.0.2.7","lifetime":86400000,"revoked":false}}
{"ticket":{"user":"ann","hash":"ca7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","label":"","made":"2026-11-02T00:00:00.000Z","used":null,"address":null,"lifetime":null,"revoked":true}}
{"address":{"user":"ann","address":"192.0.2.7","seen":"2026-11-20T00:00:00.003Z"}}
{"address":{"user":"ann","address":"192.0.2.8","seen":"2026-11-20T00:00:00.003Z"}}
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
{"entry":{"log":"#garden","id":3,"time":"2026-11-05T00:00:00.000Z","from":"ann","text":"a secret"}}
{"entry":{"log":"#garden","id":4,"time":"2026-11-05T00:00:01.000Z","from":"bob","text":"\u0001amended 1793836805000 5 tulips, too"}}
{"entry":{"log":"#garden","id":5,"time":"2026-11-05T00:00:02.000Z","from":"bob","text":"\u0001edit 4 tulips, too"}}
{"entry":{"log":"#garden","id":6,"time":"2026-11-05T00:00:03.000Z","from":"ann","text":"six"}}
{"entry":{"log":"#garden","id":7,"time":"2026-11-05T00:00:04.000Z","from":"ann","text":"seven"}}
{"once":{"log":"#garden","author":"ann","key":"K-1","id":6,"time":"2026-11-05T00:00:00.000Z"}}
{"rights":{"room":"garden","rights":{"owner":{"user":"ann","account":"2026-11-01T00:00:00.001Z"},"moderators":[{"user":"bob","account":"2026-11-01T00:00:00.002Z"}],"topic":"Roses","access":"private","post":"moderators","invited":["dan"],"banned":{"eve":null},"muted":{"cyd":"2027-01-01T00:00:00.000Z"},"created":"2026-11-01T00:00:00.000Z","outhooks":[{"secret":"plo_07","url":"https://bot.example/in","by":"bob","made":"2026-11-03T00:00:00.000Z","after":5}]}}}
{"rights":{"room":"hall","rights":{"owner":null,"moderators":[],"topic":"Nobody has spoken here","access":"public","post":"everyone","invited":[],"banned":{},"muted":{},"created":null}}}
{"log":{"log":"#lobby","epoch":"0000000000000007","last":41}}
{"entry":{"log":"#lobby","id":40,"time":"2026-11-04T00:00:00.000Z","from":"ann","text":"forty"}}
{"entry":{"log":"#lobby","id":41,"time":"2026-11-06T00:00:00.000Z","from":"bob","text":"hello"}}
{"log":{"log":"#shed","epoch":"0000000000000001","last":2}}
{"entry":{"log":"#shed","id":1,"time":"2026-11-04T00:00:00.000Z","from":"ann","text":"old"}}
{"entry":{"log":"#shed","id":2,"time":"2026-11-06T00:00:00.000Z","from":"bob","text":"older"}}
{"once":{"log":"#shed","author":"ann","key":"K-2","id":1,"time":"2026-11-05T00:00:00.000Z"}}
{"log":{"log":"#tool","epoch":"0000000000000001","last":1}}
{"entry":{"log":"#tool","id":1,"time":"2026-11-04T00:00:00.000Z","from":"ann","text":"old"}}
{"log":{"log":"+bob","epoch":"3c6880770011d897","last":1}}
{"entry":{"log":"+bob","id":1,"time":"2026-11-05T00:00:00.000Z","from":"bob","text":"news"}}
{"log":{"log":"+cyd","epoch":"3c6880770011d898","last":9}}
{"log":{"log":"@ann","epoch":"42d3f05ed00b1fa9","last":2}}
{"entry":{"log":"@ann","id":1,"time":"2026-11-05T00:00:00.000Z","from":"ann","to":"bob","text":"psst"}}
{"entry":{"log":"@ann","id":2,"time":"2026-11-05T00:00:02.000Z","from":"bob","to":"ann","text":"what?"}}
{"conversation":{"owner":"ann","peer":"bob","last":2,"read":1,"unread":1}}
{"log":{"log":"@bob","epoch":"42d3f05ed00b1faa","last":2}}
{"entry":{"log":"@bob","id":1,"time":"2026-11-05T00:00:00.000Z","from":"ann","to":"bob","text":"psst"}}
{"entry":{"log":"@bob","id":2,"time":"2026-11-05T00:00:02.000Z","from":"bob","to":"ann","text":"what?"}}
{"conversation":{"owner":"bob","peer":"ann","last":2,"read":2,"unread":0}}
"##;

/// Everything afterwards: of every kind something is new, something is gone, and something is another.
const AFTER: &str = r##"
{"account":{"user":"ann","hash":"$2b$04$new","operator":false,"created":"2026-11-01T00:00:00.001Z","kicks":1}}
{"ticket":{"user":"ann","hash":"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","label":"laptop","made":"2026-11-02T00:00:00.000Z","used":"2026-11-04T00:00:00.000Z","address":"192.0.2.9","lifetime":86400000,"revoked":false}}
{"address":{"user":"ann","address":"192.0.2.7","seen":"2026-11-21T00:00:00.003Z"}}
{"address":{"user":"ann","address":"192.0.2.9","seen":"2026-11-20T00:00:00.003Z"}}
{"follow":{"user":"ann","publisher":"cyd"}}
{"block":{"user":"ann","blocked":"dan"}}
{"remembered":{"user":"ann","room":"lobby"}}
{"mark":{"user":"ann","log":"#garden","read":7}}
{"account":{"user":"cyd","hash":"$2b$04$cyd","operator":false,"created":"2026-11-01T00:00:00.003Z","kicks":0}}
{"account":{"user":"dan","hash":"$2b$04$dan","operator":false,"created":"2026-11-07T00:00:00.003Z","kicks":0}}
{"ticket":{"user":"dan","hash":"ea7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","label":"","made":"2026-11-02T00:00:00.000Z","used":null,"address":null,"lifetime":null,"revoked":false}}
{"invitation":{"hash":"aa7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","by":"ann","operator":false,"rooms":["garden","hall"],"uses":3,"made":"2026-11-04T00:00:00.000Z","expires":"2126-11-11T00:00:00.000Z","used":["bob","dan","gone"]}}
{"log":{"log":"#garden","epoch":"958e70836b6620b8","last":11,"others":2}}
{"entry":{"log":"#garden","id":4,"time":"2026-11-05T00:00:01.000Z","from":"bob","text":"\u0001amended 1793836809000 8 lilies"}}
{"entry":{"log":"#garden","id":5,"time":"2026-11-05T00:00:02.000Z","from":"bob","text":"\u0001edit 4 "}}
{"entry":{"log":"#garden","id":6,"time":"2026-11-05T00:00:03.000Z","from":"ann","text":"\u0001gone"}}
{"entry":{"log":"#garden","id":7,"time":"2026-11-05T00:00:04.000Z","from":"ann","text":"seven"}}
{"entry":{"log":"#garden","id":8,"time":"2026-11-05T00:00:09.000Z","from":"bob","text":"\u0001edit 4 lilies"}}
{"entry":{"log":"#garden","id":9,"time":"2026-11-05T00:00:09.000Z","from":"ann","text":"\u0001removal 6 "}}
{"entry":{"log":"#garden","id":10,"time":"2026-11-05T00:00:09.000Z","from":"ann","text":"ten"}}
{"entry":{"log":"#garden","id":11,"time":"2026-11-05T00:00:09.000Z","from":"ann","text":"\u0001topic Lilies"}}
{"once":{"log":"#garden","author":"ann","key":"K-1","id":6,"time":"2026-11-05T00:00:00.000Z"}}
{"once":{"log":"#garden","author":"ann","key":"K-3","id":10,"time":"2026-11-05T00:00:09.000Z"}}
{"rights":{"room":"garden","rights":{"owner":{"user":"ann","account":"2026-11-01T00:00:00.001Z"},"moderators":[],"topic":"Lilies","access":"public","post":"everyone","invited":[],"banned":{"cyd":null},"muted":{},"created":"2026-11-01T00:00:00.000Z","outhooks":[{"secret":"plo_07","url":"https://bot.example/in","by":"bob","made":"2026-11-03T00:00:00.000Z","after":10}]}}}
{"log":{"log":"#lobby","epoch":"0000000000000007","last":42}}
{"entry":{"log":"#lobby","id":41,"time":"2026-11-06T00:00:00.000Z","from":"bob","text":"hello"}}
{"entry":{"log":"#lobby","id":42,"time":"2026-11-06T00:00:00.000Z","from":"dan","text":"hello, too"}}
{"log":{"log":"#shed","epoch":"0000000000000002","last":2}}
{"entry":{"log":"#shed","id":1,"time":"2026-11-07T00:00:00.000Z","from":"dan","text":"new"}}
{"entry":{"log":"#shed","id":2,"time":"2026-11-07T00:00:00.000Z","from":"ann","text":"newer"}}
{"log":{"log":"+cyd","epoch":"3c6880770011d898","last":10}}
{"entry":{"log":"+cyd","id":10,"time":"2026-11-07T00:00:00.000Z","from":"cyd","text":"news"}}
{"log":{"log":"@ann","epoch":"42d3f05ed00b1fa9","last":3}}
{"entry":{"log":"@ann","id":2,"time":"2026-11-05T00:00:02.000Z","from":"bob","to":"ann","text":"what?"}}
{"entry":{"log":"@ann","id":3,"time":"2026-11-07T00:00:02.000Z","from":"dan","to":"ann","text":"hi"}}
{"conversation":{"owner":"ann","peer":"bob","last":2,"read":2,"unread":0}}
{"conversation":{"owner":"ann","peer":"dan","last":3,"read":0,"unread":1}}
{"log":{"log":"@dan","epoch":"42d3f05ed00b1fab","last":1}}
{"entry":{"log":"@dan","id":1,"time":"2026-11-07T00:00:02.000Z","from":"dan","to":"ann","text":"hi"}}
{"conversation":{"owner":"dan","peer":"ann","last":1,"read":1,"unread":0}}
"##;

fn records(lines: &str) -> Vec<Record> {
    lines.lines().filter(|line| !line.is_empty()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A source that says something else in each round, and in the last one for good.
struct Rounds(Vec<Vec<Record>>);

impl Rounds {
    fn of(rounds: &[&str]) -> Box<Self> {
        Box::new(Self(rounds.iter().rev().map(|lines| records(lines)).collect()))
    }

    fn now(&self) -> &[Record] {
        self.0.last().unwrap()
    }

    fn entries_of<'a>(records: &'a [Record], of: &'a LogId) -> impl Iterator<Item = &'a EntryRecord> {
        records.iter().filter_map(move |record| match record {
            Record::Entry(entry) if entry.log == *of => Some(entry),
            _ => None,
        })
    }
}

impl MovingSource for Rounds {
    fn read_from(
        &mut self,
        wanted: Wanted<'_>,
        each: &mut dyn FnMut(&Record) -> ArchiveResult<()>,
    ) -> ArchiveResult<()> {
        let (mut from, all) = (None, self.now().to_vec());
        for record in &all {
            match record {
                Record::Log(head) => {
                    let entries = || Self::entries_of(&all, &head.log);
                    let first = entries().next().map_or(head.last.0 + 1, |entry| entry.id.0);
                    let extent = Extent { log: head.log.clone(), epoch: head.epoch, first, last: head.last };
                    from = wanted(&extent);
                    let Some(from) = from else { continue };
                    let others = entries().filter(|entry| entry.id.0 < from && !entry.text.is_message()).count() as u64;
                    let mut head = head.clone();
                    head.others += others;
                    each(&Record::Log(head))?;
                }
                Record::Entry(EntryRecord { id, .. }) if from.is_none_or(|from| id.0 < from) => {}
                Record::Once(once) if from.is_none_or(|from| once.id.0 < from) => {}
                record => each(record)?,
            }
        }
        if self.0.len() > 1 {
            self.0.pop();
        }
        Ok(())
    }

    fn entries(&mut self, log: &LogId, ids: &[MessageId]) -> ArchiveResult<Vec<EntryRecord>> {
        Ok(Self::entries_of(self.now(), log).filter(|entry| ids.contains(&entry.id)).cloned().collect())
    }

    fn fence(&mut self, _to: &str) -> ArchiveResult<()> {
        Ok(())
    }

    fn leave(&mut self, _to: &str) -> ArchiveResult<()> {
        Ok(())
    }
}

/// Where everything goes.
enum Place {
    Directory(tempfile::TempDir),
    One(Box<RedisServer>),
    Cluster(RedisCluster),
}

impl Place {
    fn all() -> [Self; 3] {
        let directory = Self::Directory(tempfile::tempdir().unwrap());
        [directory, Self::One(Box::new(RedisServer::start())), Self::Cluster(RedisCluster::start())]
    }

    fn url(&self) -> String {
        match self {
            Self::Directory(_) => panic!("a directory has no URL"),
            Self::One(redis) => redis.url(),
            Self::Cluster(cluster) => cluster.urls().remove(0),
        }
    }

    fn target(&self, migration: &str) -> Result<Box<dyn MovingTarget>, ArchiveError> {
        Ok(match self {
            Self::Directory(data) => Box::new(SqliteTarget::moving(data.path(), migration, "aside")?),
            _ => Box::new(RedisTarget::moving(&config(&self.url()), migration, "aside:")?),
        })
    }

    fn finish(&self, migration: &str) -> ArchiveResult<bool> {
        match self {
            Self::Directory(data) => SqliteTarget::finish_sealed(data.path(), migration, "aside"),
            _ => RedisTarget::finish_sealed(&config(&self.url()), migration),
        }
    }

    /// Why no server starts on it.
    fn refusal(&self) -> String {
        match self {
            Self::Directory(data) => {
                sqlite::open_accounts(data.path()).err().expect("a database that refuses").to_string()
            }
            _ => Server::try_open(&config(&self.url())).err().expect("a Redis that refuses").to_string(),
        }
    }

    fn export(&self) -> Vec<String> {
        let mut source: Box<dyn ArchiveSource> = match self {
            Self::Directory(data) => Box::new(SqliteSource::open(data.path()).unwrap().unwrap()),
            _ => Box::new(RedisSource::open(&config(&self.url())).unwrap()),
        };
        let mut bytes = Vec::new();
        archive::export(&mut *source, None, &mut bytes, |_| ()).unwrap();
        lines(&bytes)
    }
}

fn lines(bytes: &[u8]) -> Vec<String> {
    std::str::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect()
}

fn archive_of(text: &str) -> Vec<String> {
    let mut bytes = Vec::new();
    let mut writer = ArchiveWriter::begin(&mut bytes, None).unwrap();
    for record in records(text) {
        writer.write(&record).unwrap();
    }
    writer.finish().unwrap();
    lines(&bytes)
}

/// Moves what is there in a few rounds.
fn migrate(place: &Place, rounds: &[&str]) {
    let mut moving = Migration::new(Rounds::of(rounds), place.target("one").unwrap());
    for round in 1..rounds.len() {
        assert!(moving.catch_up(|_| ()).unwrap() > 0, "round {round} changed nothing");
    }
    moving.settle().unwrap();
    let moved = moving.switch("elsewhere").unwrap();
    assert!(moved.accounts >= 3 && moved.entries > 10, "{moved:?}");
}

#[test]
fn what_changed_since_the_copy_is_there_in_the_end_and_nothing_else() {
    for place in Place::all() {
        migrate(&place, &[BEFORE, AFTER]);
        assert_eq!(place.export(), archive_of(AFTER));
    }
}

#[test]
fn what_comes_and_goes_and_comes_again_is_there() {
    for place in Place::all() {
        migrate(&place, &[AFTER, BEFORE, AFTER]);
        assert_eq!(place.export(), archive_of(AFTER));
    }
}

#[test]
fn a_text_that_was_removed_does_not_survive_in_the_target() {
    let directory = Place::Directory(tempfile::tempdir().unwrap());
    migrate(&directory, &[BEFORE, AFTER]);
    let Place::Directory(data) = &directory else { panic!() };
    let mut found = vec![std::fs::read(data.path().join(FILE_NAME)).unwrap()];
    let one = Place::One(Box::new(RedisServer::start()));
    migrate(&one, &[BEFORE, AFTER]);
    let Place::One(redis) = &one else { panic!() };
    found.push(redis.cli(&["XRANGE", "parlor:log:{garden}", "-", "+"]).into_bytes());
    found.push(redis.cli(&["ZRANGE", "parlor:amended:room:{garden}", "0", "-1"]).into_bytes());
    let has = |bytes: &[u8], text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    for text in ["a secret", "tulips, too"] {
        assert!(found.iter().all(|bytes| !has(bytes, text)), "{text}");
    }
    for kept in ["seven", "lilies"] {
        assert!(has(&found[0], kept) && found[1..].iter().any(|bytes| has(bytes, kept)), "{kept}");
    }
}

#[test]
fn a_migration_that_broke_off_begins_anew_and_nobody_serves_what_it_left() {
    for place in Place::all() {
        let mut moving = Migration::new(Rounds::of(&[BEFORE]), place.target("one").unwrap());
        moving.catch_up(|_| ()).unwrap();
        moving.settle().unwrap();
        drop(moving);
        match &place {
            Place::Directory(data) => assert!(!data.path().join(FILE_NAME).exists()),
            _ => {
                let refused = Server::try_open(&config(&place.url())).err().unwrap();
                assert!(matches!(refused, OpenError::Unsuitable(_)), "{refused}");
                let other = place.target("another").err().unwrap().to_string();
                assert!(other.contains("has not come to its end"), "{other}");
            }
        }
        migrate(&place, &[BEFORE, AFTER]);
        assert_eq!(place.export(), archive_of(AFTER));
        let refused = place.target("one").err().unwrap().to_string();
        assert!(refused.contains("has accounts or messages already"), "{refused}");
    }
}

/// A message and two edits, each of which comes between two rounds.
const EDITED: [&str; 4] = [
    r##"
{"log":{"log":"#garden","epoch":"958e70836b6620b8","last":1}}
{"entry":{"log":"#garden","id":1,"time":"2026-11-05T00:00:00.000Z","from":"ann","text":"roses"}}
"##,
    r##"
{"log":{"log":"#garden","epoch":"958e70836b6620b8","last":2}}
{"entry":{"log":"#garden","id":1,"time":"2026-11-05T00:00:00.000Z","from":"ann","text":"\u0001amended 1793836805000 2 secret"}}
{"entry":{"log":"#garden","id":2,"time":"2026-11-05T00:00:02.000Z","from":"ann","text":"\u0001edit 1 secret"}}
"##,
    r##"
{"log":{"log":"#garden","epoch":"958e70836b6620b8","last":3}}
{"entry":{"log":"#garden","id":1,"time":"2026-11-05T00:00:00.000Z","from":"ann","text":"\u0001amended 1793836805000 3 tulips"}}
{"entry":{"log":"#garden","id":2,"time":"2026-11-05T00:00:02.000Z","from":"ann","text":"\u0001edit 1 "}}
{"entry":{"log":"#garden","id":3,"time":"2026-11-05T00:00:03.000Z","from":"ann","text":"\u0001edit 1 tulips"}}
"##,
    r##"
{"log":{"log":"#garden","epoch":"958e70836b6620b8","last":4}}
{"entry":{"log":"#garden","id":1,"time":"2026-11-05T00:00:00.000Z","from":"ann","text":"\u0001gone"}}
{"entry":{"log":"#garden","id":2,"time":"2026-11-05T00:00:02.000Z","from":"ann","text":"\u0001edit 1 "}}
{"entry":{"log":"#garden","id":3,"time":"2026-11-05T00:00:03.000Z","from":"ann","text":"\u0001edit 1 "}}
{"entry":{"log":"#garden","id":4,"time":"2026-11-05T00:00:04.000Z","from":"ann","text":"\u0001removal 1 "}}
"##,
];

/// While a round rewrites what its edits name, the next edit may be there already.
#[test]
fn an_edit_between_the_steps_of_a_round_leaves_no_text_behind() {
    for place in Place::all() {
        let mut moving = Migration::new(Rounds::of(&EDITED), place.target("one").unwrap());
        for _ in 1..EDITED.len() {
            moving.catch_up(|_| ()).unwrap();
        }
        moving.switch("elsewhere").unwrap();
        assert_eq!(place.export(), archive_of(EDITED[3]));
    }
}

#[test]
fn a_migration_that_broke_off_before_its_last_step_is_finished_by_the_next_run() {
    for place in Place::all() {
        let mut target = place.target("one").unwrap();
        records(BEFORE).iter().for_each(|record| target.store(record).unwrap());
        target.settle().unwrap();
        target.seal().unwrap();
        drop(target);
        let refused = place.refusal();
        assert!(refused.contains("parlor migrate") || refused.contains("has not come to its end"), "{refused}");
        assert!(!place.finish("another").unwrap(), "it is not its own");
        assert!(place.finish("one").unwrap());
        assert_eq!(place.export(), archive_of(BEFORE));
        assert!(place.finish("one").unwrap(), "it is done already");
        assert!(!place.finish("another").unwrap(), "it is not its own");
        if let Place::One(redis) = &place {
            redis.cli(&["FLUSHALL"]);
            assert!(!place.finish("one").unwrap(), "nothing is there any more");
        }
    }
}

#[test]
fn what_was_said_in_a_directory_meanwhile_is_not_replaced_by_a_migration_that_is_finished() {
    let data = tempfile::tempdir().unwrap();
    let place = Place::Directory(tempfile::tempdir().unwrap());
    migrate(&place, &[AFTER]);
    let Place::Directory(other) = &place else { panic!() };
    let mut target = SqliteTarget::moving(data.path(), "one", "aside").unwrap();
    records(BEFORE).iter().for_each(|record| archive::ArchiveTarget::store(&mut target, record).unwrap());
    target.settle().unwrap();
    target.seal().unwrap();
    drop(target);
    // A database is put there, as by a restore.
    std::fs::copy(other.path().join(FILE_NAME), data.path().join(FILE_NAME)).unwrap();
    let refused = SqliteTarget::finish_sealed(data.path(), "one", "aside").err().unwrap().to_string();
    assert!(refused.contains("has accounts or messages already"), "{refused}");
    assert!(data.path().join(IMPORT_FILE_NAME).exists());
}

/// The Redis has been left, and everything moves into it again.
#[test]
fn what_was_left_is_put_aside_in_one_piece_wherever_that_breaks_off() {
    let redis = RedisServer::start();
    let place = Place::One(Box::new(redis));
    migrate(&place, &[BEFORE]);
    let Place::One(redis) = &place else { panic!() };
    redis.cli(&["HSET", "parlor:moved", "to", "/somewhere", "done", "1"]);
    // This user may give another name to all keys but one.
    let rules = ["on", ">pw", "+@all", "&*", "~parlor:*", "~first:[^{]*", "~first:{parlor:[^u]*"];
    redis.cli(&[&["ACL", "SETUSER", "mover"], &rules[..]].concat());
    let url = format!("redis://mover:pw@127.0.0.1:{}", redis.port());
    let failed = RedisTarget::moving(&config(&url), "one", "first:").err().unwrap().to_string();
    assert!(failed.contains("ACL") || failed.contains("permission"), "{failed}");
    let refused = place.refusal();
    assert!(refused.contains("has moved to /somewhere") || refused.contains("has not come to its end"), "{refused}");
    assert_eq!(redis.cli(&["EXISTS", "parlor:moved"]), "1");
    let refused = take_back(&config(&place.url())).err().unwrap().to_string();
    assert!(refused.contains("has not come to its end"), "{refused}");
    // The next run finds another name for what it puts aside, and keeps the first.
    let mut moving = Migration::new(
        Rounds::of(&[AFTER]),
        Box::new(RedisTarget::moving(&config(&place.url()), "one", "second:").unwrap()),
    );
    moving.catch_up(|_| ()).unwrap();
    moving.switch("elsewhere").unwrap();
    assert_eq!(place.export(), archive_of(AFTER));
    assert_eq!(redis.cli(&["KEYS", "second:*"]), "");
    let aside = redis.cli(&["KEYS", "first:*"]);
    assert!(aside.contains("{parlor:users}") && aside.contains("{parlor:moved}"), "{aside}");
}

#[test]
fn what_a_migration_may_have_left_and_cannot_be_read_keeps_servers_away() {
    let data = tempfile::tempdir().unwrap();
    let import = data.path().join(IMPORT_FILE_NAME);
    // A loss of power leaves this, and a migration that is not finished does not.
    std::fs::write(&import, [7; 4096]).unwrap();
    sqlite::open_accounts(data.path()).unwrap();
    std::fs::remove_file(&import).unwrap();
    // Not even root can read this.
    std::fs::create_dir(&import).unwrap();
    let refused = sqlite::open_accounts(data.path()).err().unwrap().to_string();
    assert!(refused.contains(IMPORT_FILE_NAME), "{refused}");
    assert!(SqliteTarget::finish_sealed(data.path(), "one", "aside").is_err());
}
