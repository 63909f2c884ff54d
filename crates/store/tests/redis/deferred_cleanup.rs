//! A cleanup that fails while Redis is unreachable is done afterwards: no ghost stays.

use parlor_core::DuplicateLogin::Takeover;
use parlor_redis_testkit::{Direction, RedisServer, wait_until};

use crate::harness::{granted, log_of, pair_by_proxy};

/// The number of session entries that other servers would check if a server died.
fn seats(redis: &RedisServer) -> usize {
    let keys = redis.cli(&["KEYS", "parlor:server:*:sessions"]);
    keys.lines().map(|key| redis.cli(&["SCARD", key]).parse::<usize>().unwrap()).sum()
}

#[test]
fn whoever_left_during_an_outage_is_gone_after_it() {
    let (redis, one, two, proxy) = pair_by_proxy();
    let ann = one.member("ann", "red");
    let bob = two.member("bob", "red");
    two.enter(&bob, "blue");
    proxy.down();
    assert!(two.leave(&bob, "red").is_err());
    assert!(two.leave(&bob, "blue").is_err());
    // The connection of this session is over, so an error does not matter.
    drop(two.release(&bob));
    assert!(one.is_online("bob") && one.members("red") == ["ann", "bob"]);
    proxy.pass();
    wait_until("bob to be gone", || !one.is_online("bob"));
    assert_eq!(one.members("red"), ["ann"]);
    wait_until("the rooms", || !one.has_room("blue") && one.has_room("red"));
    wait_until("the news", || one.sink.changes("red").len() >= 3);
    assert_eq!(one.sink.changes("red"), ["+ann", "+bob", "-bob"]);
    one.release(&ann).unwrap();
    wait_until("an empty index", || seats(&redis) == 0);
}

#[test]
fn a_release_that_failed_is_made_up_for() {
    let (redis, one, two, proxy) = pair_by_proxy();
    let bob = two.session_key("bob");
    proxy.black_hole();
    assert!(two.release(&bob).is_err());
    assert!(one.is_online("bob"));
    proxy.pass();
    wait_until("bob to be gone", || !one.is_online("bob"));
    wait_until("an empty index", || seats(&redis) == 0);
}

#[test]
fn a_claim_that_nobody_heard_of_is_given_up() {
    let (redis, one, two, proxy) = pair_by_proxy();
    let old = one.session_at("ann", 7);
    proxy.hold(Direction::ToClient);
    assert!(two.claim("ann", 8, Takeover).is_err());
    proxy.pass_without_held();
    let new = wait_until_granted(&two);
    one.release(&old).unwrap();
    wait_until("the one claim to be left", || seats(&redis) == 1);
    two.member("bob", "red");
    assert!(one.is_online("ann"), "the second claim must stay");
    assert!(two.sink.displaced().is_empty());
    two.release(&new).unwrap();
    assert!(!one.is_online("ann"));
    assert_eq!(redis.cli(&["EXISTS", "parlor:ending:{ann}"]), "0");
}

fn wait_until_granted(server: &crate::harness::Server) -> parlor_core::ports::SessionKey {
    let claim = || server.claim("ann", 9, Takeover).ok();
    granted("ann", parlor_redis_testkit::wait_for("the link", claim))
}

#[test]
fn a_claim_that_was_carried_out_and_not_answered_leaves_no_ghost() {
    let (redis, one, two, proxy) = pair_by_proxy();
    // The reply to the claim is lost, or cut.
    for (bytes, connection) in [(0, 1), (5, 2)] {
        proxy.cut_after_bytes(Direction::ToClient, bytes);
        proxy.refuse();
        let outcome = two.claim("ann", connection, Takeover);
        proxy.pass();
        // The cut may have hit the other connection.
        if let Ok(claimed) = outcome {
            two.release(&granted("ann", claimed)).unwrap();
        }
        wait_until("no session to be left", || !one.is_online("ann"));
        wait_until("an empty index", || seats(&redis) == 0);
    }
}

#[test]
fn an_enter_that_was_not_answered_leaves_no_ghost() {
    let (_redis, one, two, proxy) = pair_by_proxy();
    // The lost reply is that of the membership, or that of the index of rooms. Into the lobby nothing comes before it.
    for (into, bytes) in [("red", 9), ("red", 24), ("lobby", 1)] {
        one.follow(&log_of(into));
        let bob = two.session_key("bob");
        proxy.cut_after_bytes(Direction::ToClient, bytes);
        proxy.refuse();
        // The cut may have hit the other connection.
        let outcome = two.try_enter(&bob, into);
        proxy.pass();
        if outcome.is_ok() {
            two.leave(&bob, into).unwrap();
        }
        wait_until("the link", || two.release(&bob).is_ok());
        wait_until("bob to be gone", || !one.is_online("bob"));
        assert_eq!(one.members(into), Vec::<String>::new());
        wait_until("the news", || one.sink.changes(into).len().is_multiple_of(2));
        let changes = one.sink.changes(into);
        assert!(changes.chunks(2).all(|pair| pair == ["+bob", "-bob"]), "{changes:?}");
    }
    let bob = two.session_key("bob");
    wait_until("the link", || two.try_enter(&bob, "red").is_ok());
    assert_eq!(one.members("red"), ["bob"]);
}
