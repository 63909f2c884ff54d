//! The uses of an invitation, in Redis and at their edges: the account is made in another slot, so a use is taken first and
//! settled later.

use parlor_core::ports::{InvitationTerms, InvitedResult, PasswordHash, Role, SecretHash};
use parlor_proto::Timestamp;
use parlor_redis_testkit::RedisServer;

use crate::accounts::account;
use crate::harness::{Server, name, room};
use crate::scripts::{millis, run};

const KEY: [&str; 1] = ["parlor:invitation:{00000007}"];

/// Keeps an invitation with a number of uses for an hour.
fn add(redis: &RedisServer, hash: &str, uses: &str) -> Vec<i64> {
    let added = run(redis, &["add_invitation"], &KEY, &[hash, "root", "member", "red", uses, "3600000", "86400000"]);
    added.lines().filter_map(|line| line.parse().ok()).collect()
}

fn take(redis: &RedisServer, hash: &str, user: &str) -> String {
    run(redis, &["use_invitation"], &KEY, &[hash, user])
}

fn settle(redis: &RedisServer, user: &str) -> String {
    run(redis, &["settle_invitation"], &KEY, &[user])
}

#[test]
fn an_invitation_that_is_added_again_has_the_times_of_the_first_one() {
    let redis = RedisServer::start();
    let before = millis(&redis);
    let first = add(&redis, "hash", "3");
    assert!(first[0] >= before && first[1] == first[0] + 3_600_000, "{first:?}");
    assert_eq!(add(&redis, "hash", "3"), first);
    // Another one happens to have the same number.
    assert_eq!(add(&redis, "other", "3"), [0; 0]);
    assert_eq!(redis.cli(&["HGET", KEY[0], "hash"]), "hash");
    let left: i64 = redis.cli(&["PTTL", KEY[0]]).parse().unwrap();
    assert!((3_600_001..=90_000_000).contains(&left), "it is listed for some time after its end: {left}");
}

#[test]
fn a_name_that_waits_for_its_account_takes_one_use_and_one_that_has_it_none() {
    let redis = RedisServer::start();
    assert_eq!(take(&redis, "hash", "ann"), "0", "there is none");
    add(&redis, "hash", "2");
    assert_eq!(
        [take(&redis, "other", "ann"), take(&redis, "hash", "ann"), take(&redis, "hash", "ann")],
        ["0", "1", "1"]
    );
    assert_eq!(take(&redis, "hash", "bob"), "1");
    assert_eq!([take(&redis, "hash", "cyd"), take(&redis, "hash", "ann")], ["0", "1"], "both uses are taken");
    assert_eq!([settle(&redis, "ann"), settle(&redis, "cyd")], ["1", "0"]);
    assert_eq!([take(&redis, "hash", "ann"), take(&redis, "hash", "bob")], ["0", "1"]);
    redis.cli(&["HSET", KEY[0], "expires", &millis(&redis).to_string()]);
    assert_eq!(take(&redis, "hash", "bob"), "0", "it is over");
}

fn terms(code: &str) -> InvitationTerms {
    let (hash, by, rooms) = (SecretHash::of(code), name("root"), vec![room("red")]);
    InvitationTerms { hash, by, role: Role::Member, rooms, uses: 1 }
}

#[test]
fn whoever_lost_the_race_for_a_name_leaves_the_use_to_the_name() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    let (invitations, now) = (&server.store.invitations, Timestamp::from_millis(0));
    let hour = std::time::Duration::from_secs(3600);
    invitations.add(&terms("code"), hour, now).unwrap().unwrap();
    // The server died when it had taken the use, and before the account was made.
    let key = format!("parlor:invitation:{{{}}}", terms("code").id());
    redis.cli(&["HSET", &key, "user ann", "waits"]);
    let ann = account(7);
    assert_eq!(invitations.register(&ann, &terms("code").hash, now).unwrap(), InvitedResult::Made);
    assert_eq!(redis.cli(&["HGET", &key, "user ann"]), "made");
    let other = parlor_core::ports::Account { user: name("bob"), hash: PasswordHash::new("x".to_owned()), ..ann };
    assert_eq!(invitations.register(&other, &terms("code").hash, now).unwrap(), InvitedResult::Void);
}

#[test]
fn an_invitation_that_redis_forgot_leaves_the_index_when_somebody_looks() {
    let redis = RedisServer::start();
    let server = Server::open(&redis.url());
    let (invitations, now) = (&server.store.invitations, Timestamp::from_millis(0));
    let hour = std::time::Duration::from_secs(3600);
    let [first, second] = ["one", "two"].map(|code| invitations.add(&terms(code), hour, now).unwrap().unwrap());
    redis.cli(&["DEL", &format!("parlor:invitation:{{{}}}", first.terms.id())]);
    redis.cli(&["SADD", "parlor:invitations", "no id"]);
    assert_eq!(invitations.invitations(now).unwrap(), std::slice::from_ref(&second));
    let mut left: Vec<String> = redis.cli(&["SMEMBERS", "parlor:invitations"]).lines().map(str::to_owned).collect();
    left.sort();
    assert_eq!(left, [second.terms.id().to_string(), "no id".to_owned()]);
}
