//! A direct message lies in two inboxes, in two slots. Whoever dies between the two steps, it is in both once, in the order
//! of its sender.

use parlor_core::ports::{Account, AppendResult, Content, Destination, Recipient, SessionKey};
use parlor_proto::{MessageId, Timestamp};
use parlor_redis_testkit::{Direction, RedisServer, wait_until};
use parlor_store::redis::Config;

use crate::harness::{Server, config, inbox_of, name, numbered, pair, pair_by_proxy, stored};

/// What the script that appends copies for a user reads first. While it is of another type, each copy is refused.
fn received(user: &str) -> String {
    format!("parlor:received:{{{user}}}")
}

fn refuse_copies(redis: &RedisServer, to: &str) {
    assert_eq!(redis.cli(&["SET", &received(to), "of another type"]), "OK");
}

fn take_copies(redis: &RedisServer, to: &str) {
    assert_eq!(redis.cli(&["DEL", &received(to)]), "1");
}

/// How many messages of a sender are without a copy.
fn undelivered(redis: &RedisServer, by: &str) -> String {
    redis.cli(&["HLEN", &format!("parlor:undelivered:{{{by}}}")])
}

/// Sends a message whose copy is refused.
fn send_the_first_half(redis: &RedisServer, server: &Server, by: &SessionKey, to: &Account, text: &str) {
    refuse_copies(redis, to.user.as_str());
    assert!(stored(server.try_tell(by, to, text)).is_ok(), "it is accepted");
    assert_eq!(undelivered(redis, by.user.as_str()), "1");
    assert!(server.inbox(to.user.as_str()).is_empty());
    assert_eq!(server.inbox(by.user.as_str()), [text]);
}

/// Notes again that the copy of a message is to be appended, as if its first note had not been removed.
fn note_again(redis: &RedisServer, by: &str, id: u64, to: &Account, text: &str) {
    let key = format!("parlor:inbox:{{{by}}}");
    let entry = redis.cli(&["XRANGE", &key, &format!("{id}-0"), &format!("{id}-0")]);
    let lines: Vec<&str> = entry.lines().collect();
    let mark = lines[lines.iter().position(|line| *line == "by").unwrap() + 1];
    let note = format!("{} {} {mark} 7 {text}", to.user, to.created.as_millis());
    redis.cli(&["HSET", &format!("parlor:undelivered:{{{by}}}"), &id.to_string(), &note]);
}

#[test]
fn the_maintenance_of_the_senders_server_completes_what_failed() {
    let (redis, one, two) = pair();
    let bob = one.create("bob");
    two.follow(&inbox_of("bob"));
    send_the_first_half(&redis, &one, &one.session_key("ann"), &bob, "a");
    take_copies(&redis, "bob");
    wait_until("the copy", || two.inbox("bob") == ["a"]);
    two.hears(&inbox_of("bob"), &["a".to_owned()]);
    wait_until("the end of the note", || undelivered(&redis, "ann") == "0");
}

#[test]
fn the_next_message_completes_those_before_it_first() {
    let (redis, one, two) = pair();
    let bob = one.create("bob");
    send_the_first_half(&redis, &one, &one.session_key("ann"), &bob, "a");
    // Only the other server is left, and it does not end the sessions of this one at once.
    drop(one);
    take_copies(&redis, "bob");
    let ann = two.session_key("ann");
    assert_eq!(two.try_tell(&ann, &bob, "b"), Ok(AppendResult::Stored(MessageId(2))));
    assert_eq!((two.inbox("bob"), undelivered(&redis, "ann")), (vec!["a".to_owned(), "b".to_owned()], "0".to_owned()));
}

#[test]
fn a_message_to_somebody_else_completes_those_before_it_too() {
    let (redis, one, two) = pair();
    let (bob, cyd) = (one.create("bob"), one.create("cyd"));
    send_the_first_half(&redis, &one, &one.session_key("ann"), &bob, "a");
    drop(one);
    take_copies(&redis, "bob");
    let ann = two.session_key("ann");
    let batch = [(&cyd, "b".to_owned()), (&bob, "c".to_owned()), (&cyd, "d".to_owned())];
    two.tell_all(&ann, &batch).into_iter().for_each(|outcome| assert!(stored(outcome).is_ok()));
    assert_eq!((two.inbox("bob"), two.inbox("cyd")), (vec!["a".into(), "c".into()], vec!["b".into(), "d".into()]));
}

#[test]
fn whoever_reaps_a_dead_server_completes_the_messages_of_its_sessions() {
    let (redis, one, two) = pair();
    let bob = one.create("bob");
    let (ann, cyd) = (one.session_key("ann"), one.session_key("cyd"));
    send_the_first_half(&redis, &one, &ann, &bob, "of one who is here");
    assert!(stored(one.try_tell(&cyd, &bob, "of one who has left")).is_ok());
    one.release(&cyd).unwrap();
    drop(one);
    take_copies(&redis, "bob");
    wait_until("both copies", || two.inbox("bob").len() == 2);
    let mut texts = two.inbox("bob");
    texts.sort();
    assert_eq!(texts, ["of one who has left", "of one who is here"]);
    wait_until("the end of both sessions", || !two.is_online("ann") && !two.is_online("cyd"));
    assert_eq!((undelivered(&redis, "ann"), undelivered(&redis, "cyd")), ("0".to_owned(), "0".to_owned()));
}

#[test]
fn a_session_ends_before_its_messages_are_complete_and_they_are_completed_all_the_same() {
    let (redis, one, two) = pair();
    let bob = one.create("bob");
    let ann = one.session_key("ann");
    send_the_first_half(&redis, &one, &ann, &bob, "a");
    one.release(&ann).unwrap();
    assert!(!two.is_online("ann"));
    take_copies(&redis, "bob");
    wait_until("the copy", || two.inbox("bob") == ["a"]);
}

#[test]
fn a_copy_whose_note_stayed_is_not_appended_twice() {
    let (redis, one, two) = pair();
    let bob = one.create("bob");
    let ann = one.session_key("ann");
    assert!(stored(one.try_tell(&ann, &bob, "a")).is_ok());
    note_again(&redis, "ann", 1, &bob, "a");
    assert!(stored(one.try_tell(&ann, &bob, "b")).is_ok());
    assert_eq!((two.inbox("bob"), undelivered(&redis, "ann")), (vec!["a".to_owned(), "b".to_owned()], "0".to_owned()));
}

#[test]
fn a_late_delivery_by_a_server_that_hung_is_not_doubled() {
    let (redis, one, two) = pair();
    let bob = one.create("bob");
    let ann = one.session_key("ann");
    for text in ["a", "b"] {
        assert!(stored(one.try_tell(&ann, &bob, text)).is_ok());
    }
    // The later session has smaller operation numbers and a larger generation.
    let later = two.session_key("ann");
    assert!(stored(two.try_tell(&later, &bob, "c")).is_ok());
    note_again(&redis, "ann", 1, &bob, "a");
    note_again(&redis, "ann", 2, &bob, "b");
    assert!(stored(two.try_tell(&later, &bob, "d")).is_ok());
    assert_eq!(
        (two.inbox("bob"), undelivered(&redis, "ann")),
        (["a", "b", "c", "d"].map(Into::into).into(), "0".to_owned())
    );
}

#[test]
fn a_message_whose_recipient_is_gone_is_not_for_the_next_owner_of_the_name() {
    let (redis, one, two) = pair();
    let bob = one.create("bob");
    let ann = one.session_key("ann");
    send_the_first_half(&redis, &one, &ann, &bob, "a");
    assert!(two.store.accounts.delete(&bob.user).unwrap());
    let next = Account { created: Timestamp::from_millis(8), ..bob };
    assert!(two.store.accounts.create(&next).unwrap());
    assert!(stored(one.try_tell(&ann, &next, "b")).is_ok());
    assert_eq!(two.inbox("bob"), ["b"]);
    wait_until("the end of the note", || undelivered(&redis, "ann") == "0");
}

#[test]
fn a_deletion_of_the_sender_waits_for_no_copy_and_loses_none() {
    let (redis, one, two) = pair();
    let (ann, bob) = (one.create("ann"), one.create("bob"));
    send_the_first_half(&redis, &one, &one.session_key("ann"), &bob, "a");
    assert!(two.store.accounts.delete(&ann.user).unwrap());
    assert!(two.inbox("bob").is_empty(), "the copy is refused");
    take_copies(&redis, "bob");
    wait_until("the copy", || two.inbox("bob") == ["a"]);
    // What can be completed is complete at once.
    let (cyd, dan) = (one.create("cyd"), one.create("dan"));
    send_the_first_half(&redis, &one, &one.session_key("cyd"), &dan, "b");
    drop(one);
    take_copies(&redis, "dan");
    assert!(two.store.accounts.delete(&cyd.user).unwrap());
    assert_eq!(two.inbox("dan"), ["b"]);
}

#[test]
fn messages_whose_replies_are_lost_are_in_both_inboxes_once() {
    let (redis, one, two, proxy) = pair_by_proxy();
    let (bob, ann) = (one.create("bob"), two.session_key("ann"));
    let texts = numbered("ann", 60);
    for (text, number) in texts.iter().zip(1..) {
        proxy.cut_after_bytes(Direction::ToClient, number % 14);
        assert_eq!(stored(two.try_tell(&ann, &bob, text)), Ok(number));
    }
    assert_eq!(one.inbox("ann"), texts);
    wait_until("all copies", || undelivered(&redis, "ann") == "0");
    assert_eq!(one.inbox("bob"), texts);
}

#[test]
fn messages_whose_results_are_unknown_are_in_both_inboxes_or_in_none() {
    let (redis, one, two, proxy) = pair_by_proxy();
    let (bob, ann) = (one.create("bob"), two.session_key("ann"));
    proxy.hold(Direction::ToClient);
    assert!(two.try_tell(&ann, &bob, "a").is_err());
    assert_eq!((one.inbox("ann").len(), one.inbox("bob").len(), undelivered(&redis, "ann").as_str()), (1, 0, "1"));
    proxy.pass_without_held();
    wait_until("the copy", || one.inbox("bob") == ["a"]);
}

#[test]
fn a_batch_of_which_the_replies_are_lost_gets_the_answers_of_the_first_time() {
    let (redis, one, two, proxy) = pair_by_proxy();
    let (bob, cyd, ann) = (one.create("bob"), one.create("cyd"), two.session_key("ann"));
    one.store.personal.block(&cyd.user, &ann.user).unwrap();
    assert_eq!(two.tell_once(&ann, &bob, "a", "key"), Ok(AppendResult::Stored(MessageId(1))));
    for round in 0..40 {
        proxy.cut_after_bytes(Direction::ToClient, round % 20);
        let append = |to: &Account, key: Option<String>| parlor_core::ports::Append {
            to: Destination::Direct(Recipient { user: to.user.clone(), created: to.created }),
            author: name("ann"),
            generation: ann.generation,
            time: Timestamp::from_millis(7),
            content: Content::Said(parlor_proto::Text::sanitise("x").unwrap()),
            once: key.map(|key| key.parse().unwrap()),
        };
        let new = format!("new-{round}");
        let batch =
            vec![append(&bob, Some("key".to_owned())), append(&cyd, None), append(&bob, Some(new)), append(&bob, None)];
        let outcomes = two.store.log.append(batch).outcomes;
        let id = 2 + 2 * round;
        let expected = [
            Ok(AppendResult::Repeated(MessageId(1))),
            Ok(AppendResult::Blocked),
            Ok(AppendResult::Stored(MessageId(id))),
            Ok(AppendResult::Stored(MessageId(id + 1))),
        ];
        assert_eq!(outcomes, expected, "round {round}");
    }
    wait_until("all copies", || undelivered(&redis, "ann") == "0");
    assert_eq!(one.inbox("bob").len(), 81);
}

#[test]
fn what_a_replica_does_not_have_is_not_accepted_and_comes_once() {
    let redis = RedisServer::start();
    let replica = RedisServer::options().replica_of(&redis).start();
    replica.wait_for_link();
    redis.wait_for_replica();
    let server = Server::try_open(&Config { replicas: 1, ..config(&redis.url()) }).unwrap();
    let (bob, ann) = (server.create("bob"), server.session_key("ann"));
    assert_eq!(server.tell_once(&ann, &bob, "a", "key"), Ok(AppendResult::Stored(MessageId(1))));
    replica.pause();
    assert!(server.try_tell(&ann, &bob, "b").is_err());
    assert!(server.tell_once(&ann, &bob, "a", "key").is_err(), "it is not known whether the replica has it");
    // The copy of what the replica does not have stays noted.
    assert_eq!(undelivered(&redis, "ann"), "1");
    replica.resume();
    wait_until("the copy", || undelivered(&redis, "ann") == "0");
    assert_eq!(server.tell_once(&ann, &bob, "a", "key"), Ok(AppendResult::Repeated(MessageId(1))));
    assert_eq!(server.inbox("bob"), ["a", "b"]);
}
