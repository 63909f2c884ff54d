//! Logs with entries that read differently by now, and logs of which the oldest entries are cut off. Redis keeps both beside
//! the stream.

use parlor_core::ports::{Act, ActResult, AppendResult, Content, Deed, PageRequest, SessionKey};
use parlor_core::rights::Denial;
use parlor_proto::PageRange::{After, Before, Newest};
use parlor_proto::{MessageId, Note, Timestamp};
use parlor_redis_testkit::{RedisServer, wait_until};
use parlor_store::redis::Config;
use parlor_testkit::person;

use crate::harness::{Server, config, inbox_of, log_of, name, numbered, pair_by_proxy, room, stored};

/// Removes the text of a message in the room red, and returns the number of the entry that says so.
pub(crate) fn remove(server: &Server, by: &SessionKey, of: u64) -> u64 {
    let deed = Deed::Removal { of: MessageId(of), reason: Note::default() };
    let (actor, time) = (person(by.user.as_str()), Timestamp::from_millis(7));
    let act = Act { room: room("red"), actor, generation: by.generation, time, deed };
    match server.store.governance.act(act).unwrap().result {
        ActResult::Done(Some(id)) => id.0,
        other => panic!("{other:?}"),
    }
}

/// A server whose users may read back so many entries. A thousand are kept in any case, to fill gaps from.
fn forgetful(redis: &RedisServer, history: u64) -> Server {
    Server::try_open(&Config { history, ..config(&redis.url()) }).unwrap()
}

#[test]
fn a_log_with_texts_that_were_removed_is_paged_like_any_other() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    let (ann, red) = (server.member("ann", "red"), log_of("red"));
    server.say_many(&ann, &red, &numbered("message", 12));
    let last = [1, 4, 5, 9, 12].map(|of| remove(&server, &ann, of))[4];
    assert_eq!(last, 17);
    let page = |range, count| {
        let page = server.store.log.page(&PageRequest { log: red.clone(), peer: None, range, count }).unwrap();
        (page.entries.iter().map(|entry| entry.id.0).collect::<Vec<_>>(), page.more)
    };
    for count in [1, 2, 3, 7, 17, 30] {
        for id in 0..=last + 1 {
            let after: Vec<u64> = (id + 1..=last).collect();
            let shown = after.iter().copied().take(count).collect();
            assert_eq!(page(After(MessageId(id)), count), (shown, after.len() > count), "{count} after {id}");
            let before: Vec<u64> = (1..id.min(last + 1)).collect();
            let shown = before[before.len().saturating_sub(count)..].to_vec();
            assert_eq!(page(Before(MessageId(id)), count), (shown, before.len() > count), "{count} before {id}");
        }
        let first = last.saturating_sub(count as u64) + 1;
        assert_eq!(page(Newest, count), ((first..=last).collect(), first > 1));
    }
}

#[test]
fn whoever_missed_entries_hears_them_in_order_as_they_read_by_now() {
    let (_redis, one, two, proxy) = pair_by_proxy();
    let (ann, red) = (one.member("ann", "red"), log_of("red"));
    two.follow(&red);
    proxy.down();
    one.say_many(&ann, &red, &numbered("message", 7));
    assert_eq!([2, 5, 7].map(|of| remove(&one, &ann, of)), [8, 9, 10]);
    proxy.pass();
    wait_until("all entries", || two.sink.ids(&red).len() >= 10);
    assert_eq!(two.sink.ids(&red), (1..=10).collect::<Vec<_>>());
    let heard = two.sink.entries(&red);
    let gone = heard.iter().filter(|entry| entry.content == Content::Gone).map(|entry| entry.id.0);
    assert_eq!(gone.collect::<Vec<_>>(), [2, 5, 7]);
}

#[test]
fn what_is_not_retained_any_more_is_neither_removed_nor_kept_beside_the_stream() {
    let redis = RedisServer::start();
    let server = forgetful(&redis, 1_000);
    let (ann, red) = (server.member("ann", "red"), log_of("red"));
    server.say_many(&ann, &red, &numbered("message", 20));
    assert_eq!([1, 3].map(|of| remove(&server, &ann, of)), [21, 22]);
    server.say_many(&ann, &red, &numbered("message", 990));
    let amended = || {
        redis.cli(&["ZRANGE", "parlor:amended:room:{red}", "0", "-1"]).lines().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(amended().len(), 2, "they go with the next change");
    let late = Deed::Removal { of: MessageId(12), reason: Note::default() };
    let act = Act {
        room: room("red"),
        actor: person("ann"),
        generation: ann.generation,
        time: Timestamp::from_millis(7),
        deed: late,
    };
    assert_eq!(server.store.governance.act(act).unwrap().result, ActResult::Denied(Denial::NoSuchMessage));
    assert_eq!(remove(&server, &ann, 14), 1013);
    assert!(amended().len() == 1 && amended()[0].starts_with("14 "), "{:?}", amended());
    // How many were no messages is known for all that is retained, and the count goes on.
    let others = redis.cli(&["ZRANGE", "parlor:others:room:{red}", "0", "-1"]);
    assert_eq!(others.lines().collect::<Vec<_>>(), ["21 1", "22 2", "1013 3"]);
    server.say_many(&ann, &red, &numbered("message", 20));
    assert_eq!(remove(&server, &ann, 501), 1034);
    let others = redis.cli(&["ZRANGE", "parlor:others:room:{red}", "0", "-1"]);
    assert_eq!(others.lines().collect::<Vec<_>>(), ["22 2", "1013 3", "1034 4"]);
    let between = |after, until| {
        server.store.log.others_between(&[(red.clone(), MessageId(after), MessageId(until))]).unwrap()[0]
    };
    assert_eq!([between(100, 1034), between(1013, 1034), between(100, 1012), between(1034, 1034)], [2, 1, 0, 0]);
}

#[test]
fn an_inbox_and_its_index_are_cut_off_together() {
    let redis = RedisServer::start();
    let server = forgetful(&redis, 10);
    let (bob, ann) = (server.create("bob"), server.session_key("ann"));
    for batch in numbered("message", 1_250).chunks(100) {
        let messages: Vec<_> = batch.iter().map(|text| (&bob, text.clone())).collect();
        server.tell_all(&ann, &messages).into_iter().for_each(|sent| assert!(stored(sent).is_ok()));
    }
    for (owner, peer) in [("ann", "bob"), ("bob", "ann")] {
        let count =
            |command, key: &str| redis.cli(&[command, &format!("parlor:{key}:{{{owner}}}")]).parse::<u64>().unwrap();
        let (kept, indexed) = (count("XLEN", "inbox"), count("ZCARD", "conversation-index"));
        // It is done a hundred at a time, so that not each message pays for it.
        assert!(kept == indexed && (1_000..1_100).contains(&kept), "{owner}: {kept} and {indexed}");
        let range = Before(MessageId(1_251));
        let request = PageRequest { log: inbox_of(owner), peer: Some(name(peer)), range, count: 10 };
        let page = server.store.log.page(&request).unwrap();
        let ids: Vec<u64> = page.entries.iter().map(|entry| entry.id.0).collect();
        assert_eq!(ids, (1_241..=1_250).collect::<Vec<_>>(), "{owner}");
    }
    // The numbers and the unread ones count what is gone, too.
    let talks = server.store.personal.load(&name("bob")).unwrap().conversations;
    assert_eq!((talks[0].last, talks[0].unread), (MessageId(1_250), 1_250));
    assert_eq!(server.try_tell(&ann, &bob, "next"), Ok(AppendResult::Stored(MessageId(1_251))));
}
