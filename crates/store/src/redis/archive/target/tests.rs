//! What is kept of each record, wherever servers look for it later.

use super::*;
use crate::redis::connection::fake_node::{FakeNode, Notes, shown};

/// A Redis that is being filled.
pub(in crate::redis::archive) fn target(node: &FakeNode, epochs: Epochs) -> RedisTarget {
    let router = Router::start(node.dialer(), Arc::new(Notes::default()), false, 0).unwrap();
    let (commands, once) = (Vec::new(), HashMap::new());
    RedisTarget { router, archive: "digest".to_owned(), epochs, stored: 0, waiting: 0, commands, others: 0, once }
}

/// The commands that wait.
pub(in crate::redis::archive) fn waiting(target: &RedisTarget) -> Vec<String> {
    target.commands.iter().map(shown).collect()
}

fn record(line: &str) -> Record {
    serde_json::from_str(line).unwrap()
}

/// The commands that keep some records.
fn kept(records: &[&str]) -> Vec<String> {
    let mut target = target(&FakeNode::start(|_| None), Epochs::Kept);
    records.iter().for_each(|line| target.store(&record(line)).unwrap());
    waiting(&target)
}

const GARDEN: &str = r##"{"log":{"log":"#garden","epoch":"958e70836b6620b8","last":7,"others":2}}"##;

fn entry(id: u64, text: &str) -> String {
    let time = "2026-11-23T00:00:00.007Z";
    format!(r##"{{"entry":{{"log":"#garden","id":{id},"time":"{time}","from":"ann","text":"{text}"}}}}"##)
}

#[test]
fn follows_and_blocks_are_kept_for_both_sides() {
    let lines = [r#"{"follow":{"user":"ann","publisher":"bob"}}"#, r#"{"block":{"user":"ann","blocked":"cyd"}}"#];
    let expected = [
        "SADD parlor:following:{ann} bob",
        "SADD parlor:followers:{bob} ann",
        "SADD parlor:blocks:{ann} cyd",
        "SADD parlor:blocked-by:{cyd} ann",
    ];
    assert_eq!(kept(&lines), expected);
}

#[test]
fn a_suspension_without_an_end_is_one() {
    let account = r#"{"account":{"user":"ann","hash":"x","operator":true,"created":"1970-01-01T00:00:00.007Z","kicks":2,
        "suspension":{"until":null,"reason":"two  words"}}}"#;
    let expected = [
        "SADD parlor:users ann",
        "HSET parlor:user:{ann} hash x role operator created 7 kicks 2",
        "HSET parlor:user:{ann} suspended 0 suspended_for two  words",
    ];
    assert_eq!(kept(&[account]), expected);
}

#[test]
fn a_room_with_rights_is_indexed_wherever_it_is_looked_for() {
    let rights = r##"{"rights":{"room":"garden","rights":{"owner":{"user":"ann","account":"2026-11-01T00:00:00.001Z"},
        "moderators":[],"topic":"","access":"private","post":"everyone","invited":["dan"],"banned":{"eve":null},"muted":{},
        "created":null,"retention":3600,"outhooks":[{"secret":"plo_07","url":"https://bot.example/in","by":"bob",
        "made":"2026-11-03T00:00:00.000Z","after":4}]}}}"##;
    let commands = kept(&[rights]);
    assert!(
        commands[1].starts_with("HSET parlor:log-meta:{garden} rights {") && commands[1].ends_with("} rights_seq 1")
    );
    let rest = [&commands[..1], &commands[2..]].concat();
    let expected = [
        "ZADD parlor:rooms -1 garden",
        "SADD parlor:outhook-rooms garden",
        "SADD parlor:retention-rooms garden",
        "HSET parlor:room-gen:{garden} ! -p",
        "HSET parlor:room-gen:{garden} ann+ w",
        "HSET parlor:room-gen:{garden} dan+ i",
        "HSET parlor:room-gen:{garden} eve! b0",
    ];
    assert_eq!(rest, expected);
}

#[test]
fn a_room_in_which_nothing_is_set_ends_with_its_last_member_and_the_lobby_is_in_no_index() {
    let bare = |room: &str| {
        let rights = r#"{"owner":null,"moderators":[],"topic":"","access":"public","post":"everyone","invited":[],"banned":{},
            "muted":{},"created":null}"#;
        kept(&[&format!(r#"{{"rights":{{"room":"{room}","rights":{rights}}}}}"#)])
    };
    let garden = bare("garden");
    assert!(garden.contains(&"HSET parlor:log-meta:{garden} bare 1".to_owned()), "{garden:?}");
    assert!(garden.contains(&"ZADD parlor:rooms -1 garden".to_owned()), "{garden:?}");
    assert!(!bare("lobby").iter().any(|command| command.contains("parlor:rooms")));
    assert!(!garden.iter().any(|command| command.contains("outhook-rooms") || command.contains("retention-rooms")));
}

#[test]
fn what_is_no_message_is_counted_on_from_the_head_also_behind_a_break() {
    let [said, removal, topic] = [entry(5, "roses"), entry(6, "\\u0001removal 4 spam"), entry(7, "\\u0001topic Roses")];
    let commands = kept(&[GARDEN, &said, &removal, &topic]);
    let counts: Vec<&String> = commands.iter().filter(|command| command.contains("parlor:others:")).collect();
    let others = "ZADD parlor:others:room:{garden}";
    assert_eq!(counts, [&format!("{others} 0 0 2"), &format!("{others} 6 6 3"), &format!("{others} 7 7 4")]);
    // What is stored already counts as well.
    let mut target = target(&FakeNode::start(|_| None), Epochs::Kept);
    [GARDEN, &said, &removal].iter().for_each(|line| target.skip(&record(line)));
    target.store(&record(&topic)).unwrap();
    assert_eq!(waiting(&target).pop().unwrap(), format!("{others} 7 7 4"));
}

#[test]
fn a_message_of_an_inbox_is_in_the_index_of_its_conversation() {
    let line = |id: u64, from: &str, to: &str| {
        let time = "1970-01-01T00:00:00.007Z";
        format!(r#"{{"entry":{{"log":"@ann","id":{id},"time":"{time}","from":"{from}","to":"{to}","text":"a  b"}}}}"#)
    };
    let commands = kept(&[&line(1, "ann", "bob"), &line(2, "bob", "ann"), &line(3, "ann", "ann")]);
    assert_eq!(commands[0], "XADD parlor:inbox:{ann} 1-0 from ann time 7 text a  b by 0 0 to bob");
    let index = |at: usize| commands[2 * at + 1].strip_prefix("ZADD parlor:conversation-index:{ann} 0 ");
    let members = ["bob:0000000000000001o", "bob:0000000000000002i", "ann:0000000000000003o"];
    assert_eq!([0, 1, 2].map(index), members.map(Some));
    assert_eq!(commands.len(), 6);
}

#[test]
fn keys_of_messages_are_forgotten_in_their_time_and_known_for_each_log() {
    let once = r##"{"once":{"log":"#garden","author":"ann","key":"K-1","id":3,"time":"1970-01-01T00:00:00.007Z"}}"##;
    let mut target = target(&FakeNode::start(|_| None), Epochs::Kept);
    target.store(&record(once)).unwrap();
    let (ids, times) = ("parlor:once:room:{garden}:ann", "parlor:once-times:room:{garden}:ann");
    let expected = [
        format!("HSET {ids} K-1 3"),
        format!("ZADD {times} 7 K-1"),
        format!("EXPIRE {ids} {ONCE_EXPIRY}"),
        format!("EXPIRE {times} {ONCE_EXPIRY}"),
    ];
    assert_eq!(waiting(&target), expected);
    let authors = target.once.get(&LogId::Room("garden".parse().unwrap()));
    assert_eq!(authors, Some(&BTreeSet::from(["ann".parse().unwrap()])));
}

#[test]
fn how_far_an_import_came_is_noted_behind_each_batch() {
    let node = FakeNode::start(|line| line.starts_with("HSET").then(|| ":1\r\n".to_owned()));
    let mut target = target(&node, Epochs::Kept);
    let noted = || node.heard().into_iter().filter(|line| line.starts_with("HSET parlor:import")).collect::<Vec<_>>();
    // Each has two commands.
    let follow = record(r#"{"follow":{"user":"ann","publisher":"bob"}}"#);
    for _ in 1..BATCH / 2 {
        target.store(&follow).unwrap();
    }
    assert_eq!(noted(), [""; 0]);
    target.store(&follow).unwrap();
    assert_eq!((noted(), target.stored()), (vec!["HSET parlor:import stored 250".to_owned()], 250));
    target.store(&follow).unwrap();
    target.send().unwrap();
    assert_eq!(noted().pop().unwrap(), "HSET parlor:import stored 251");
    assert_eq!(node.count("SADD"), 2 * 251);
}

#[test]
fn an_import_of_which_a_command_is_refused_does_not_say_that_it_is_stored() {
    let node = FakeNode::start(|line| line.starts_with("SADD").then(|| "-OOM used memory\r\n".to_owned()));
    let mut target = target(&node, Epochs::Kept);
    target.store(&record(r#"{"follow":{"user":"ann","publisher":"bob"}}"#)).unwrap();
    assert!(target.send().is_err());
    assert_eq!((target.stored(), node.count("HSET")), (0, 0));
}

#[test]
fn only_an_entry_that_is_there_already_is_no_failure() {
    let reply = |line: &str| Ok(::redis::parse_redis_value(format!("{line}\r\n").as_bytes()).unwrap());
    let there = "-ERR The ID specified in XADD is equal or smaller than the target stream top item";
    assert!(accept(reply(there)).is_ok() && accept(reply(":1")).is_ok() && accept(reply("$-1")).is_ok());
    assert!(accept(reply("-ERR unknown command")).is_err() && accept(Err(StoreError::new("reset"))).is_err());
    assert!(!any(vec![]).unwrap() && !any(vec![reply(":0"), reply(":0")]).unwrap());
    assert!(any(vec![reply(":0"), reply(":2")]).unwrap());
    assert!(any(vec![reply(":1"), Err(StoreError::new("reset"))]).is_err(), "the other may have something");
}

#[test]
fn a_log_begins_a_new_epoch_only_where_that_is_wanted() {
    let head = |epochs| {
        let mut target = target(&FakeNode::start(|_| None), epochs);
        target.store(&record(GARDEN)).unwrap();
        waiting(&target).remove(0)
    };
    let old = "HSET parlor:log-meta:{garden} epoch 958e70836b6620b8 top 7";
    assert_eq!(head(Epochs::Kept), old);
    let [one, two] = [head(Epochs::Renewed), head(Epochs::Renewed)];
    assert!(one != two && one != old && one.ends_with(" top 7"), "{one} {two}");
}
