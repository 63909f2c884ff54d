//! A Redis that is left for another store: its servers end, nobody serves it meanwhile or afterwards, and it can be taken back.

use std::thread;

use parlor_core::ports::LogId;
use parlor_proto::MessageId;
use parlor_redis_testkit::RedisServer;
use parlor_store::archive::{Extent, MovingSource, Record};
use parlor_store::redis::{
    Note, OpenError, RedisMovingSource, RedisSource, drop_aside, moved_to, open_accounts, open_invitations, open_rooms,
    open_tickets, put_aside, take_back,
};

use crate::amended::remove;
use crate::harness::{Server, config, log_of, name, pair};

fn leaving(redis: &RedisServer) -> RedisMovingSource {
    RedisMovingSource::open(&config(&redis.url())).unwrap()
}

/// Why nobody may serve here, or change anything from outside.
fn refusals(redis: &RedisServer) -> Vec<OpenError> {
    let config = config(&redis.url());
    let all = [
        Server::try_open(&config).err(),
        open_accounts(&config).err(),
        open_tickets(&config).err(),
        open_invitations(&config).err(),
        open_rooms(&config).err(),
        RedisSource::open(&config).err(),
        RedisMovingSource::open(&config).err(),
    ];
    all.into_iter().flatten().collect()
}

#[test]
fn servers_end_when_everything_moves_and_nobody_comes_meanwhile() {
    let (redis, one, two) = pair();
    let ann = one.session_key("ann");
    let mut source = leaving(&redis);
    let is_moving = |note: &Note| *note == Note::Moving;
    thread::scope(|scope| {
        let fencing = scope.spawn(|| source.fence("the file"));
        for server in [&one, &two] {
            server.tells("the move", is_moving);
        }
        one.release(&ann).unwrap();
        one.close();
        assert!(!fencing.is_finished(), "the other one serves still");
        two.close();
        fencing.join().unwrap().unwrap();
    });
    let refused = refusals(&redis);
    assert_eq!(refused.len(), 7);
    let moves =
        |error: &OpenError| matches!(error, OpenError::Unreachable(why) if why.contains("being moved to the file"));
    assert!(refused.iter().all(moves), "{refused:?}");
    assert_eq!(moved_to(&config(&redis.url())).unwrap(), None);
    // Whoever gives up lets them come back.
    drop(source);
    assert!(refusals(&redis).is_empty());
}

#[test]
fn the_sessions_of_a_server_that_died_are_over_when_everything_moves() {
    let (redis, one, two) = pair();
    let ann = one.member("ann", "red");
    one.say(&ann, &log_of("red"), "hello");
    two.close();
    let id = redis.cli(&["HGET", "parlor:session:{ann}", "server"]);
    drop(one);
    redis.cli(&["DEL", &format!("parlor:server:{{{id}}}")]);
    leaving(&redis).fence("the file").unwrap();
    assert_eq!(redis.cli(&["EXISTS", "parlor:session:{ann}", "parlor:room:{red}", "parlor:servers"]), "0");
}

#[test]
fn a_redis_that_was_left_is_served_by_nobody_until_it_is_taken_back() {
    let (redis, one, two) = pair();
    let (ann, red) = (one.member("ann", "red"), log_of("red"));
    one.say(&ann, &red, "hello");
    let old = one.store.log.heads(std::slice::from_ref(&red)).unwrap()[0];
    one.release(&ann).unwrap();
    [one, two].iter().for_each(Server::close);
    let mut source = leaving(&redis);
    source.fence("the file").unwrap();
    source.leave("the file").unwrap();
    drop(source);
    assert_eq!(moved_to(&config(&redis.url())).unwrap().as_deref(), Some("the file"));
    assert_eq!(redis.cli(&["TTL", "parlor:moved"]), "-1", "the note stays");
    let refused = refusals(&redis);
    let has_moved =
        |error: &OpenError| matches!(error, OpenError::Unsuitable(why) if why.contains("has moved to the file"));
    assert!(refused.len() == 7 && refused.iter().all(has_moved), "{refused:?}");
    assert_eq!(take_back(&config(&redis.url())).unwrap().as_deref(), Some("the file"));
    assert_eq!(take_back(&config(&redis.url())).unwrap(), None);
    // Numbers that were given out elsewhere meanwhile may be given out again, in another epoch.
    let server = Server::open(&redis.url());
    let new = server.store.log.heads(&[red]).unwrap()[0];
    assert!(new.epoch != old.epoch && new.last == old.last, "{new:?} {old:?}");
    // A log that nobody has looked at is not made.
    assert_eq!(redis.cli(&["EXISTS", "parlor:log-meta:{lobby}", "parlor:feed-meta:{ann}"]), "0");
}

#[test]
fn of_two_migrations_one_goes_on() {
    let redis = RedisServer::start();
    let (mut one, mut two) = (leaving(&redis), leaving(&redis));
    one.fence("the file").unwrap();
    let refused = two.fence("elsewhere").unwrap_err().to_string();
    assert!(refused.contains("another migration of this Redis runs"), "{refused}");
    // The one that was refused takes no note of the other away.
    drop(two);
    assert_eq!(redis.cli(&["HGET", "parlor:moved", "to"]), "the file");
    one.leave("the file").unwrap();
    assert_eq!(redis.cli(&["HGET", "parlor:moved", "done"]), "1");
}

#[test]
fn a_migration_whose_note_is_gone_does_not_say_that_everything_has_moved() {
    let redis = RedisServer::start();
    let mut source = leaving(&redis);
    source.fence("the file").unwrap();
    let left: i64 = redis.cli(&["PTTL", "parlor:moved"]).parse().unwrap();
    assert!((1..=30_000).contains(&left), "{left}");
    // It was stopped for longer than the note holds.
    redis.cli(&["DEL", "parlor:moved"]);
    let refused = source.leave("the file").unwrap_err().to_string();
    assert!(refused.contains("interrupted for too long"), "{refused}");
    assert_eq!(redis.cli(&["EXISTS", "parlor:moved"]), "0");
    // By now another one has begun, whose note stays.
    redis.cli(&["HSET", "parlor:moved", "by", "another", "to", "elsewhere"]);
    assert!(source.leave("the file").is_err());
    drop(source);
    assert_eq!(redis.cli(&["HGET", "parlor:moved", "by"]), "another");
}

#[test]
fn of_each_log_the_part_that_is_wanted_is_read_as_it_reads_now() {
    let (redis, one, two) = pair();
    let (ann, red) = (one.member("ann", "red"), log_of("red"));
    one.create("ann");
    for text in ["one", "two", "three", "four"] {
        one.say(&ann, &red, text);
    }
    one.say(&ann, &LogId::Feed(name("ann")), "news");
    assert_eq!(remove(&one, &ann, 2), 5);
    one.release(&ann).unwrap();
    [one, two].iter().for_each(Server::close);
    let mut source = leaving(&redis);
    let read = |source: &mut RedisMovingSource, wanted: &dyn Fn(&Extent) -> Option<u64>| {
        let mut read = Vec::new();
        let each = &mut |record: &Record| {
            match record {
                Record::Log(head) => read.push(format!("{} to {}, {} before", head.log.name(), head.last, head.others)),
                Record::Entry(entry) => {
                    read.push(format!("{} {}", entry.id, entry.text.stored().replace('\u{1}', "!")))
                }
                _ => {}
            }
            Ok(())
        };
        source.read_from(wanted, each).unwrap();
        read
    };
    let all = [
        "red to 5, 0 before",
        "1 one",
        "2 !gone",
        "3 three",
        "4 four",
        "5 !removal 2 ",
        "ann to 1, 0 before",
        "1 news",
    ];
    assert_eq!(read(&mut source, &|extent| Some(extent.first)), all);
    let end = read(&mut source, &|extent| (extent.log == red).then_some(extent.last.0));
    assert_eq!(end, ["red to 5, 0 before", "5 !removal 2 "]);
    assert_eq!(read(&mut source, &|_| Some(6)), ["red to 5, 1 before", "ann to 1, 0 before"]);
    assert_eq!(read(&mut source, &|_| None), [""; 0]);
    let entries = source.entries(&red, &[2, 9, 4].map(MessageId)).unwrap();
    assert_eq!(entries.iter().map(|entry| entry.id.0).collect::<Vec<_>>(), [2, 4]);
}

#[test]
fn what_is_put_aside_is_out_of_the_way_and_only_while_no_server_runs() {
    let (redis, one, two) = pair();
    let ann = one.create("ann");
    redis.cli(&["SET", "other", "of somebody else"]);
    let config = config(&redis.url());
    let refused = put_aside(&config, "old:").unwrap_err().to_string();
    assert!(refused.contains("a server runs on this Redis; nothing was changed"), "{refused}");
    [one, two].iter().for_each(Server::close);
    let before: u64 = redis.cli(&["DBSIZE"]).parse().unwrap();
    assert_eq!(put_aside(&config, "old:").unwrap(), before - 1);
    assert_eq!((redis.cli(&["KEYS", "parlor:*"]).as_str(), redis.cli(&["EXISTS", "other"]).as_str()), ("", "1"));
    assert_eq!(redis.cli(&["HGET", "old:parlor:user:{ann}", "created"]), ann.created.as_millis().to_string());
    assert_eq!(put_aside(&config, "old:").unwrap(), 0);
    // Somebody begins anew; what was put aside is deleted, and nothing else.
    let three = Server::open(&redis.url());
    assert!(three.store.accounts.find(&ann.user).unwrap().is_none());
    let ann = three.create("ann");
    assert!(drop_aside(&config, "old:").is_err());
    three.close();
    assert_eq!(drop_aside(&config, "old:").unwrap(), before - 1);
    assert_eq!(redis.cli(&["KEYS", "old:*"]), "");
    assert_eq!(open_accounts(&config).unwrap().accounts().unwrap(), [ann]);
    assert_eq!(redis.cli(&["EXISTS", "other"]), "1");
}
