//! Servers that are considered dead: their sessions are ended once, and a server that comes back recovers. These tests
//! wait for leases to expire.

use parlor_core::DuplicateLogin::Reject;
use parlor_core::ports::{AppendResult, ClaimResult, EnterResult};
use parlor_redis_testkit::{RedisServer, wait_for, wait_until};
use parlor_store::redis::Note;

use crate::accounts::account;
use crate::harness::{Server, granted, log_of, pair_by_proxy};
use parlor_testkit::Reported;

#[test]
fn what_a_dead_server_leaves_is_ended_once() {
    let redis = RedisServer::start();
    let servers = [0; 3].map(|_| Server::open(&redis.url()));
    die(servers, "");
    wait_until("the dead server's removal", || redis.cli(&["SCARD", "parlor:servers"]) == "2");
    assert_eq!(redis.cli(&["KEYS", "parlor:server:*:sessions"]).lines().count(), 1, "only ann's");
}

/// The death of the last of three servers, as the others see it.
pub(crate) fn die([one, two, dead]: [Server; 3], suffix: &str) {
    let named = |name: &str| format!("{name}{suffix}");
    let (red, ann, bob, cat) = (named("red"), named("ann"), named("bob"), named("cat"));
    one.member(&bob, &red);
    two.follow(&log_of(&red));
    dead.member(&ann, &red);
    dead.member(&cat, &red);
    // A session that was displaced and never released.
    one.session_key(&ann);
    dead.session_key(&ann);
    drop(dead);
    assert_eq!(one.claim(&ann, 9, Reject), Ok(ClaimResult::AlreadyLoggedIn));
    let new = wait_for("the name to be free", || match one.claim(&ann, 9, Reject).unwrap() {
        ClaimResult::AlreadyLoggedIn => None,
        claimed => Some(granted(&ann, claimed)),
    });
    one.store.rooms.evict_predecessors(&new).unwrap();
    wait_until("the others to go", || !two.is_online(&cat) && two.members(&red) == [bob.clone()]);
    for server in [&one, &two] {
        wait_until("the news", || server.sink.changes(&red).contains(&format!("-{cat}")));
        let mut gone = server.sink.changes(&red);
        gone.retain(|change| change.starts_with('-'));
        gone.sort();
        assert_eq!(gone, [format!("-{ann}"), format!("-{cat}")]);
    }
    assert!(two.is_online(&ann), "the new session must stay");
    one.enter(&new, &red);
    assert_eq!(two.members(&red), [ann, bob]);
    let reaped = |note: &Note| matches!(note, Note::Reaped { .. });
    wait_until("the Reaped event", || [&one, &two].iter().any(|server| server.notes().iter().any(reaped)));
}

#[test]
fn a_server_that_comes_back_from_the_dead_tells_who_was_kicked_meanwhile() {
    let (redis, one, two, proxy) = pair_by_proxy();
    one.store.accounts.create(&account(7)).unwrap();
    let session = two.session_at("ann", 7);
    proxy.black_hole();
    wait_until("her to be gone", || !one.is_online("ann"));
    // A kick whose news nobody hears.
    redis.cli(&["HINCRBY", "parlor:user:{ann}", "kicks", "1"]);
    redis.cli(&["HSET", "parlor:user:{ann}", "generation", &(session.generation.0 + 1).to_string()]);
    two.tells("the LeaseLapsed event", |note| matches!(note, Note::LeaseLapsed { .. }));
    proxy.pass();
    wait_until("the displacement notice", || two.sink.displaced() == [7]);
    assert_eq!(two.sink.kicked().first(), Some(&("ann".to_owned(), 1)));
}

#[test]
fn a_server_that_comes_back_from_the_dead_finds_its_place() {
    let (_redis, one, two, proxy) = pair_by_proxy();
    let red = log_of("red");
    let cat = one.member("cat", "red");
    let (old, bob) = (two.session_at("ann", 7), two.session_at("bob", 8));
    two.follow(&red);
    two.enter(&old, "red");
    two.enter(&bob, "red");
    one.say(&cat, &red, "before");
    two.hears(&red, &["before".to_owned()]);
    proxy.black_hole();
    wait_until("both to be gone", || one.members("red") == ["cat"] && !one.is_online("bob"));
    let new = one.session_at("ann", 9);
    one.enter(&new, "red");
    one.say(&new, &red, "meanwhile");
    two.tells("the LeaseLapsed event", |note| matches!(note, Note::LeaseLapsed { .. }));
    assert!(two.try_say(&bob, &red, "refused").is_err() && two.try_enter(&bob, "blue").is_err());
    proxy.pass();
    two.tells("LeaseRegained", |note| *note == Note::LeaseRegained { kept: 1, displaced: 1 });
    two.hears(&red, &["before", "meanwhile"].map(str::to_owned));
    let told = two.sink.reported().into_iter().position(|event| matches!(event, Reported::Displaced(7)));
    let heard = two.sink.reported().into_iter().rposition(|event| matches!(event, Reported::Entry(..)));
    assert!(told.unwrap() < heard.unwrap(), "the notice comes before later messages");
    assert!(two.sink.displaced().iter().all(|connection| *connection == 7));
    assert_eq!(one.members("red"), ["ann", "bob", "cat"]);
    assert_eq!(two.try_say(&old, &red, "late"), Ok(AppendResult::Fenced));
    assert_eq!(two.try_enter(&old, "red"), Ok(EnterResult::Fenced));
    two.release(&old).unwrap();
    two.say(&bob, &red, "after");
    one.hears(&red, &["before", "meanwhile", "after"].map(str::to_owned));
    assert!(one.is_online("ann") && one.is_online("bob"));
    let changes = one.sink.changes("red");
    assert_eq!(changes[..3], ["+cat", "+ann", "+bob"]);
    let count = |change: &str| changes.iter().filter(|told| *told == change).count();
    assert_eq!([count("-ann"), count("-bob"), count("+ann"), count("+bob"), changes.len()], [1, 1, 2, 2, 7]);
}

#[test]
fn a_server_that_is_alone_loses_nothing_by_a_lapse() {
    let redis = RedisServer::start();
    let proxy = parlor_redis_testkit::FaultProxy::start(redis.port());
    let two = Server::open(&redis.url_by(&proxy));
    let (bob, red) = (two.member("bob", "red"), log_of("red"));
    // Enters are published by Pub/Sub, which the cut would swallow, and presence is in no log.
    wait_until("the enter event", || two.sink.changes("red") == ["+bob"]);
    proxy.down();
    two.tells("the LeaseLapsed event", |note| matches!(note, Note::LeaseLapsed { .. }));
    wait_until("the lease to end", || redis.cli(&["KEYS", "parlor:server:*}"]).is_empty());
    proxy.pass();
    two.tells("LeaseRegained", |note| *note == Note::LeaseRegained { kept: 1, displaced: 0 });
    assert_eq!(two.say(&bob, &red, "after"), 1);
    two.hears(&red, &["after".to_owned()]);
    assert_eq!(two.sink.changes("red"), ["+bob"]);
    // The old run owns nothing any more, and its removal ends no session.
    wait_until("the old run's removal", || redis.cli(&["SCARD", "parlor:servers"]) == "1");
    assert!(two.is_online("bob") && two.members("red") == ["bob"]);
    two.close();
    assert_eq!(redis.cli(&["EXISTS", "parlor:servers"]), "1", "a session was left to other servers");
}
