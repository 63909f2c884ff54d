//! A Cluster with one unreachable node, without a replica: everything on the other nodes continues. It must not place
//! keys that all servers need on that node.

use std::time::{Duration, Instant};

use parlor_core::DuplicateLogin::{Reject, Takeover};
use parlor_core::ports::ClaimResult;
use parlor_redis_testkit::{Fsync, Reach, RedisCluster, RedisOptions, RedisServer, wait_until};

use parlor_store::redis::Note;

use crate::harness::{Server, inbox_of, log_of, stored};

/// The keys that all servers need are on the other nodes.
const MISSING: usize = 0;

fn cluster() -> RedisCluster {
    cluster_of(RedisServer::options())
}

fn cluster_of(options: RedisOptions) -> RedisCluster {
    reached(options, Reach::Direct)
}

fn reached(options: RedisOptions, reach: Reach) -> RedisCluster {
    let options = options.config("cluster-require-full-coverage", "no");
    let cluster = RedisCluster::start_with(options, reach, 0);
    for key in ["parlor:epoch", "parlor:servers", "parlor:rooms"] {
        assert!(!is_missing(&cluster, key), "{key}");
    }
    cluster
}

/// Whether a key is on the node that will be unreachable: the first node has the first third of the slots.
fn is_missing(cluster: &RedisCluster, key: &str) -> bool {
    cluster.slot_of(key) < 16_384 / 3
}

fn ids(cluster: &RedisCluster) -> Vec<String> {
    let ids = cluster.master_of("parlor:servers").cli(&["SMEMBERS", "parlor:servers"]);
    ids.lines().filter(|id| !id.is_empty()).map(str::to_owned).collect()
}

fn pulse(id: &str) -> String {
    format!("parlor:pulse:{id}")
}

/// A server whose lease is on the node that will be unreachable, or elsewhere. Its pulse is elsewhere.
fn server(cluster: &RedisCluster, is_wanted: bool) -> Server {
    loop {
        let before = ids(cluster);
        let server = Server::open(&cluster.urls()[1]);
        let id = ids(cluster).into_iter().find(|id| !before.contains(id)).unwrap();
        if is_missing(cluster, &format!("{{{id}}}")) == is_wanted && !is_missing(cluster, &pulse(&id)) {
            return server;
        }
        server.close();
    }
}

/// A user whose session is on the node that will be unreachable, or elsewhere.
fn user(cluster: &RedisCluster, label: &str, is_wanted: bool) -> String {
    let mut names = (0..).map(|number| format!("{label}-{number}"));
    names.find(|name| is_missing(cluster, &format!("{{{name}}}")) == is_wanted).unwrap()
}

#[test]
fn whoever_can_be_reached_is_reaped() {
    let cluster = cluster();
    let one = server(&cluster, false);
    // No server can determine whether the last one is dead.
    let (dead, unknown) = (server(&cluster, false), server(&cluster, true));
    let [ann, bob, cat] = [("ann", true), ("bob", false), ("cat", false)].map(|(n, is)| user(&cluster, n, is));
    let (room, other) = (user(&cluster, "room", false), user(&cluster, "room", true));
    dead.member(&ann, &room);
    dead.member(&bob, &room);
    let session_key = dead.member(&cat, &room);
    dead.enter(&session_key, &other);
    let dan = dead.member(&user(&cluster, "dan", false), &room);
    drop((dead, unknown));
    cluster.node(MISSING).kill();
    let (bob, dan) = (bob.as_str(), dan.user.as_str());
    wait_until("both to be gone", || !one.is_online(bob) && !one.is_online(dan));
    assert!(one.is_online(&cat), "it may still be in the other room");
    // A user whose node is unreachable is still a member, and the server is checked again.
    assert_eq!(one.members(&room), [ann.as_str()]);
    assert_eq!(ids(&cluster).len(), 3);
    cluster.node(MISSING).restart();
    wait_until("the rest to be gone", || ids(&cluster).len() == 1 && !one.is_online(&cat));
}

#[test]
fn what_can_be_undone_does_not_wait_for_what_cannot() {
    let cluster = cluster();
    let (one, two) = (server(&cluster, false), server(&cluster, false));
    let [ann, bob] = ["ann", "bob"].map(|label| user(&cluster, label, false));
    let room = user(&cluster, "room", true);
    let session_key = one.member(&ann, &room);
    two.session_key(&bob);
    cluster.node(MISSING).kill();
    assert!(one.leave(&session_key, &room).is_err());
    assert_eq!(one.claim(&bob, 9, Reject), Ok(ClaimResult::AlreadyLoggedIn));
    wait_until("only one server to be asked for bob", || seats_of(&cluster, &bob) == 1);
}

#[test]
fn one_recipient_gets_its_copy_and_the_other_when_its_node_is_back() {
    let cluster = cluster_of(RedisServer::options().append_only(Fsync::Always));
    let one = server(&cluster, false);
    let [bob, cyd] = [("bob", true), ("cyd", false)].map(|(label, is)| one.create(&user(&cluster, label, is)));
    let ann = one.session_key(&user(&cluster, "ann", false));
    cluster.node(MISSING).kill();
    for text in ["a", "b", "c"] {
        let outcomes = one.tell_all(&ann, &[(&bob, format!("{text} to bob")), (&cyd, format!("{text} to cyd"))]);
        outcomes.into_iter().for_each(|outcome| assert!(stored(outcome).is_ok()));
    }
    assert_eq!(one.inbox(cyd.user.as_str()), ["a to cyd", "b to cyd", "c to cyd"]);
    let began = Instant::now();
    assert!(stored(one.try_tell(&ann, &cyd, "d to cyd")).is_ok());
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}: nobody waits for that node", began.elapsed());
    assert_eq!(one.inbox(cyd.user.as_str()).len(), 4);
    cluster.node(MISSING).restart();
    let is_there = || one.newest(&inbox_of(bob.user.as_str()), 10).is_ok_and(|entries| entries.len() == 3);
    wait_until("the copies", is_there);
    assert_eq!(one.inbox(bob.user.as_str()), ["a to bob", "b to bob", "c to bob"]);
}

#[test]
fn a_node_that_hangs_fails_its_own_commands_and_no_others() {
    let cluster = reached(RedisServer::options(), Reach::ByProxy);
    let one = server(&cluster, false);
    let ann = one.session_key(&user(&cluster, "ann", false));
    let [hung, well] = [user(&cluster, "hung", true), user(&cluster, "well", false)];
    one.enter(&ann, &hung);
    one.enter(&ann, &well);
    // The other node is as far away as another data centre.
    cluster.proxy(cluster.master_of(&format!("{{{well}}}"))).delay(Duration::from_millis(50));
    cluster.proxy(cluster.node(MISSING)).black_hole();
    let mut outcomes = one.say_in_each(&ann, &[log_of(&hung), log_of(&well)], "hello").into_iter();
    assert!(outcomes.next().unwrap().is_err());
    assert_eq!(stored(outcomes.next().unwrap()), Ok(1), "it is on another node");
}

/// Ends the lease of the only server, as a lapse does.
fn end_lease(cluster: &RedisCluster) {
    let id = ids(cluster).remove(0);
    let lease = format!("parlor:server:{{{id}}}");
    assert_eq!(cluster.master_of(&lease).cli(&["DEL", &lease]), "1");
}

fn is_regained(note: &Note) -> bool {
    matches!(note, Note::LeaseRegained { .. })
}

#[test]
fn a_server_that_comes_back_serves_those_whose_nodes_are_there() {
    let cluster = cluster_of(RedisServer::options().append_only(Fsync::Always));
    let one = server(&cluster, false);
    let [red, blue] = ["red", "blue"].map(|label| user(&cluster, label, false));
    let ann = one.member(&user(&cluster, "ann", true), &red);
    let bob = one.member(&user(&cluster, "bob", false), &red);
    cluster.node(MISSING).kill();
    wait_until("the node to be missed", || one.try_enter(&ann, &blue).is_err());
    end_lease(&cluster);
    one.tells("LeaseRegained", is_regained);
    one.say(&bob, &log_of(&red), "hello");
    one.enter(&bob, &blue);
    // Nobody knows whether a later login has displaced her.
    assert!(one.try_enter(&ann, &blue).is_err());
    assert!(one.claim(ann.user.as_str(), 9, Takeover).is_err());
    cluster.node(MISSING).restart();
    wait_until("the other session", || one.try_enter(&ann, &blue).is_ok());
    assert!(one.sink.displaced().is_empty());
    wait_until("the old run's removal", || ids(&cluster).len() == 1);
    assert_eq!((one.members(&red).len(), one.members(&blue).len()), (2, 2));
}

#[test]
fn a_server_whose_lease_cannot_be_reached_takes_another_one() {
    let cluster = cluster_of(RedisServer::options().append_only(Fsync::Always));
    let one = server(&cluster, true);
    let red = user(&cluster, "red", false);
    let bob = one.member(&user(&cluster, "bob", false), &red);
    cluster.node(MISSING).kill();
    one.tells("LeaseLapsed", |note| matches!(note, Note::LeaseLapsed { .. }));
    one.tells("LeaseRegained", is_regained);
    one.say(&bob, &log_of(&red), "hello");
    one.hears(&log_of(&red), &["hello".to_owned()]);
    cluster.node(MISSING).restart();
    wait_until("the old run's removal", || ids(&cluster).len() == 1);
    assert!(one.is_online(bob.user.as_str()) && one.members(&red).len() == 1);
    one.say(&bob, &log_of(&red), "still here");
}

/// The number of servers that would be checked for a user if they died.
fn seats_of(cluster: &RedisCluster, user: &str) -> usize {
    let has = |node: &RedisServer, key: &str| node.cli(&["SMEMBERS", key]).contains(user);
    let nodes = cluster.nodes().filter(|node| !node.is_killed());
    nodes
        .map(|node| {
            let keys = node.cli(&["KEYS", "parlor:server:*:sessions"]);
            keys.lines().filter(|key| has(node, key)).count()
        })
        .sum()
}
