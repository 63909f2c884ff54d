//! The store on a Cluster of three masters, whose slots move and whose masters die. It must not assume which node a key
//! is on.

use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::{Duration, Instant};

use parlor_core::ports::{LogId, UnloggedMessage};
use parlor_proto::{Text, Timestamp};
use parlor_redis_testkit::{Reach, RedisCluster, RedisServer, wait_for, wait_until};
use parlor_store::redis::{Config, Status, open_accounts, status};

use crate::append_under_faults::speak_while;
use crate::harness::{Server, config, log_of, name, numbered};
use crate::{lease_expiry, sessions};

/// One cluster for all tests that leave it unchanged. Each test has rooms and users of its own.
fn shared() -> Arc<RedisCluster> {
    static SHARED: Mutex<Weak<RedisCluster>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap();
    let cluster = shared.upgrade().unwrap_or_else(|| Arc::new(RedisCluster::start()));
    *shared = Arc::downgrade(&cluster);
    cluster
}

/// How long a slot moves while a command waits for it: less than the timeout of a command.
const MOVING: Duration = Duration::from_millis(500);

fn servers<const N: usize>(cluster: &RedisCluster) -> [Server; N] {
    let urls = cluster.urls();
    std::array::from_fn(|number| Server::open(&urls[number % urls.len()]))
}

#[test]
fn logs_on_all_nodes_are_heard_once_and_in_order() {
    // Not shared: connections are killed, and an enter in the meantime is not announced again.
    let cluster = RedisCluster::start();
    let [one, two] = servers(&cluster);
    let (ann, bob) = (one.session_key("order-ann"), two.session_key("order-bob"));
    let rooms = (0..9).map(|number| format!("order-{number}")).collect::<Vec<_>>();
    let logs: Vec<LogId> = rooms.iter().map(|room| log_of(room)).collect();
    let feed = LogId::Feed(name("order-ann"));
    two.follow(&feed);
    for (room, log) in rooms.iter().zip(&logs) {
        one.follow(log);
        two.follow(log);
        one.enter(&ann, room);
        two.enter(&bob, room);
    }
    let nodes = |log: &LogId| cluster.master_of(&format!("parlor:log:{{{}}}", name_of(log))).port();
    let mut used: Vec<u16> = logs.iter().map(nodes).collect();
    used.sort_unstable();
    used.dedup();
    assert_eq!(used.len(), 3, "the rooms are on all nodes");
    let texts = numbered("ann", 60);
    for (number, text) in texts.iter().enumerate() {
        if number % 20 == 10 {
            cluster.nodes().for_each(|node| drop(node.cli(&["CLIENT", "KILL", "TYPE", "pubsub"])));
        }
        for log in logs.iter().chain([&feed]) {
            one.say(&ann, log, text);
        }
    }
    for log in &logs {
        two.say(&bob, log, "end");
        let all: Vec<String> = texts.iter().cloned().chain(["end".to_owned()]).collect();
        one.hears(log, &all);
        two.hears(log, &all);
        assert_eq!(one.sink.entries(log), two.newest(log, 1000).unwrap());
    }
    two.hears(&feed, &texts);
    assert!(rooms.iter().all(|room| one.members(room) == ["order-ann", "order-bob"] && two.has_room(room)));
}

fn name_of(log: &LogId) -> String {
    match log {
        LogId::Room(room) => room.to_string(),
        LogId::Feed(user) | LogId::Inbox(user) => user.to_string(),
    }
}

#[test]
fn only_what_is_followed_is_subscribed_to_at_its_node() {
    let cluster = shared();
    let [one] = servers(&cluster);
    let log = log_of("only-red");
    let channel = "parlor:log:{only-red}";
    let subscribed = || {
        let has = |node: &&RedisServer| node.cli(&["PUBSUB", "SHARDNUMSUB", channel]).ends_with("\n1");
        cluster.nodes().filter(has).map(RedisServer::port).collect::<Vec<_>>()
    };
    assert!(subscribed().is_empty());
    one.follow(&log);
    assert_eq!(subscribed(), [cluster.master_of(channel).port()]);
    one.store.log.unfollow(&log);
    wait_until("the end of it", || subscribed().is_empty());
}

#[test]
fn one_takes_over_from_another_server() {
    let cluster = shared();
    for round in 0..3 {
        let [one, two] = servers(&cluster);
        sessions::take_over(&one, &two, &format!("over-{round}"), &format!("over-{round}"));
    }
}

#[test]
fn a_session_of_another_server_is_kept() {
    let cluster = shared();
    for round in 0..3 {
        let [one, two] = servers(&cluster);
        sessions::keep(&one, &two, &format!("keep-{round}"));
    }
}

#[test]
fn what_a_dead_server_leaves_is_ended_once() {
    let cluster = shared();
    lease_expiry::die(servers(&cluster), "-dies");
}

#[test]
fn what_is_said_to_all_is_heard_after_its_slot_has_moved() {
    // Not the shared one: a server that starts there while this slot moves would fail.
    let cluster = RedisCluster::start();
    let servers: [Server; 2] = servers(&cluster);
    let key = "parlor:everybody";
    let home = cluster.master_of(key);
    let other = cluster.nodes().find(|node| node.port() != home.port()).unwrap();
    let notice = message("tea");
    for to in [other, home] {
        cluster.migrate_slot(key, to);
        let before = servers.each_ref().map(|server| server.sink.notices().len());
        let is_heard = || {
            servers[0].store.bus.broadcast(&notice).unwrap();
            thread::sleep(Duration::from_millis(100));
            servers.iter().zip(before).all(|(server, before)| server.sink.notices().len() > before)
        };
        wait_until("the broadcast to arrive", is_heard);
    }
}

fn message(text: &str) -> UnloggedMessage {
    UnloggedMessage { time: Timestamp::from_millis(7), from: name("ann"), text: Text::sanitise(text).unwrap() }
}

/// The control channel of the user's server.
fn control_of(cluster: &RedisCluster, user: &str) -> String {
    let session = format!("parlor:session:{{{user}}}");
    format!("parlor:control:{{{}}}", cluster.master_of(&session).cli(&["HGET", &session, "server"]))
}

/// Waits until a channel is subscribed to at one node only.
fn wait_for_only(cluster: &RedisCluster, channel: &str, node: &RedisServer) {
    wait_until("exactly one subscription", || is_only(cluster, channel, node));
}

/// Whether a channel is subscribed to at this node only.
fn is_only(cluster: &RedisCluster, channel: &str, node: &RedisServer) -> bool {
    let listeners = |node: &RedisServer| node.cli(&["PUBSUB", "NUMSUB", channel]).ends_with("\n1");
    cluster.nodes().all(|other| listeners(other) == (other.port() == node.port()))
}

#[test]
fn a_direct_message_of_an_old_server_comes_once_wherever_the_slot_of_the_server_is() {
    let cluster = shared();
    let [server] = servers(&cluster);
    server.session_key("direct-ann");
    let key = control_of(&cluster, "direct-ann");
    let home = cluster.master_of(&key);
    let other = cluster.nodes().find(|node| node.port() != home.port()).unwrap();
    for (to, text) in [(other, "there"), (home, "back")] {
        cluster.migrate_slot(&key, to);
        wait_for_only(&cluster, &key, to);
        comes_once(&cluster, &server, &key, text);
    }
}

/// Sends a direct message on the control channel of a server, as servers of a version before inboxes do, until the
/// server listens. No text comes twice, and the last one comes.
fn comes_once(cluster: &RedisCluster, server: &Server, control: &str, text: &str) {
    let mut sent = String::new();
    let mut attempts = 0..;
    wait_until("the message to be sent", || {
        sent = format!("{text} {}", attempts.next().unwrap_or_default());
        let news = format!("direct direct-ann 7 bob {sent}");
        cluster.master_of(control).cli(&["PUBLISH", control, &news]) != "0"
    });
    wait_until("the message", || server.sink.direct_texts().contains(&sent));
    thread::sleep(MOVING);
    let mut texts = server.sink.direct_texts();
    texts.sort();
    assert!(texts.windows(2).all(|pair| pair[0] != pair[1]), "{texts:?}");
}

#[test]
fn a_direct_message_of_an_old_server_comes_once_after_a_replica_has_taken_over() {
    let cluster = RedisCluster::start_with(RedisServer::options(), Reach::Direct, 1);
    let [server] = servers(&cluster);
    server.session_key("direct-ann");
    let key = control_of(&cluster, "direct-ann");
    let old = cluster.master_of(&key);
    let number = cluster.nodes().position(|node| node.port() == old.port()).unwrap();
    assert_eq!(cluster.node(number + 3).cli(&["CLUSTER", "FAILOVER", "TAKEOVER"]), "OK");
    cluster.wait_for_failover(&key, old);
    wait_until("the old master to be left", || old.cli(&["PUBSUB", "CHANNELS", "parlor:pulse:*"]).is_empty());
    // If its lease ended meanwhile, the server has another channel now.
    let key = wait_for("exactly one subscription", || {
        let key = control_of(&cluster, "direct-ann");
        is_only(&cluster, &key, cluster.master_of(&key)).then_some(key)
    });
    comes_once(&cluster, &server, &key, "hello");
}

#[test]
fn who_did_not_hear_what_was_said_to_all_looks_after_its_sessions() {
    // Not shared: connections are killed.
    let cluster = RedisCluster::start();
    let node = cluster.master_of("parlor:everybody");
    let controls = || node.cli(&["PUBSUB", "CHANNELS", "parlor:control:*"]).lines().count();
    // A server whose control channel is on another node.
    let (mut others, mut before) = (Vec::new(), controls());
    let server = loop {
        let [server] = servers(&cluster);
        thread::sleep(Duration::from_secs(2));
        if controls() == std::mem::replace(&mut before, controls()) {
            break server;
        }
        others.push(server);
    };
    let began = Instant::now();
    let ann = server.session_at("everybody-ann", 5);
    thread::sleep(Duration::from_secs(2));
    // This simulates a deletion of the account while no message was received.
    let user = "parlor:user:{everybody-ann}";
    cluster.master_of(user).cli(&["HSET", user, "generation", &(ann.generation.0 + 1).to_string()]);
    node.cli(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    wait_until("a displacement notice", || server.sink.displaced() == [5]);
    // The test must not pass only because of the periodic check of all sessions, 30 s after the start.
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_slot_moves_while_people_speak() {
    let cluster = shared();
    let [one, two] = servers(&cluster);
    let (ann, bob, log) = (one.member("move-ann", "move"), two.member("move-bob", "move"), log_of("move"));
    let key = "parlor:log:{move}";
    let home = cluster.master_of(key);
    let other = cluster.nodes().find(|node| node.port() != home.port()).unwrap();
    let speech = speak_while(&one, &ann, &log, || {
        for to in [other, home, other] {
            let migration = cluster.begin_migration(key, to);
            two.say(&bob, &log, "before");
            migration.move_keys();
            two.say(&bob, &log, "between");
            two.leave(&bob, "move").unwrap();
            thread::scope(|scope| {
                // The client asks for a missing key. Redis rejects that during the move, so the client retries.
                let entering = scope.spawn(|| two.enter(&bob, "move"));
                thread::sleep(MOVING);
                migration.finish();
                entering.join().unwrap();
            });
            two.say(&bob, &log, "after");
        }
    });
    speech.check(&log, &[&one, &two]);
    assert_eq!(speech.unknown(), 0, "the slot had an owner all the time");
    two.leave(&bob, "move").unwrap();
    wait_until("the news", || one.sink.changes("move").last().map(String::as_str) == Some("-move-bob"));
    cluster.migrate_slot(key, home);
}

#[test]
fn quiet_followers_find_where_a_slot_went() {
    let cluster = shared();
    let [one, two] = servers(&cluster);
    let (ann, log) = (one.member("quiet-ann", "quiet"), log_of("quiet"));
    two.follow(&log);
    one.say(&ann, &log, "before");
    let key = "parlor:log:{quiet}";
    let home = cluster.master_of(key);
    let other = cluster.nodes().find(|node| node.port() != home.port()).unwrap();
    cluster.migrate_slot(key, other);
    one.say(&ann, &log, "after");
    two.hears(&log, &["before", "after"].map(str::to_owned));
    cluster.migrate_slot(key, home);
    let bob = two.session_key("quiet-bob");
    two.enter(&bob, "quiet");
    two.say(&bob, &log, "at home");
    one.hears(&log, &["before", "after", "at home"].map(str::to_owned));
}

#[test]
fn a_master_dies_and_its_replica_takes_over() {
    let cluster = RedisCluster::start_with(RedisServer::options(), Reach::Direct, 1);
    let config = |node: usize| Config { replicas: 1, ..config(&cluster.urls()[node]) };
    let (one, two) = (Server::try_open(&config(0)).unwrap(), Server::try_open(&config(1)).unwrap());
    let (ann, bob, red) = (one.member("ann", "red"), two.member("bob", "red"), log_of("red"));
    let old = cluster.master_of("parlor:log:{red}");
    let speech = speak_while(&one, &ann, &red, || {
        old.kill();
        cluster.wait_for_failover("parlor:log:{red}", old);
        // Messages are accepted once a replica has them, so there must be a replica.
        old.restart();
    });
    speech.check_after_failover(&red, &[&one, &two]);
    wait_until("the other server", || two.try_say(&bob, &red, "there").is_ok());
    wait_until("its delivery", || one.sink.texts(&red).last().map(String::as_str) == Some("there"));
    // Keys of any kind on the node that died.
    thread::scope(|scope| {
        for number in 0..6 {
            let (one, two) = (&one, &two);
            scope.spawn(move || {
                let user = format!("user{number}");
                let old = one.session_key(&user);
                let new = two.session_key(&user);
                one.release(&old).unwrap();
                two.enter(&new, &user);
                assert_eq!(one.members(&user), [user]);
            });
        }
    });
    assert_eq!(two.members("red"), ["ann", "bob"]);
    wait_until("all notices", || one.sink.displaced().len() == 6);
}

#[test]
fn where_a_slot_has_moved_away_no_replica_is_waited_for() {
    let cluster = RedisCluster::start_with(RedisServer::options(), Reach::Direct, 1);
    let server = Server::try_open(&Config { replicas: 1, ..config(&cluster.urls()[0]) }).unwrap();
    let (ann, red, key) = (server.member("ann", "red"), log_of("red"), "parlor:log:{red}");
    server.say(&ann, &red, "before");
    let home = cluster.master_of(key).port();
    let number = (0..3).find(|number| cluster.node(*number).port() == home).unwrap();
    // The master that cannot serve any more has no replica; the one that can serve has one.
    cluster.node(number + 3).kill();
    cluster.migrate_slot(key, cluster.node((number + 1) % 3));
    server.say(&ann, &red, "after");
    server.hears(&red, &["before", "after"].map(str::to_owned));
}

#[test]
fn a_cluster_of_which_another_node_throws_keys_away_is_refused() {
    let cluster = RedisCluster::start();
    let url = &cluster.urls()[0];
    let evicting = cluster.node(2);
    evicting.cli(&["CONFIG", "SET", "maxmemory", "200mb", "maxmemory-policy", "allkeys-lru"]);
    let told = Server::try_open(&config(url)).map(|_| ()).unwrap_err().to_string();
    assert!(told.contains(&format!("127.0.0.1:{} throws keys away", evicting.port())), "{told}");
    evicting.cli(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    assert!(Server::try_open(&config(url)).is_ok());
}

#[test]
fn an_operator_sees_what_is_known_while_nodes_are_away() {
    let options = RedisServer::options().config("cluster-require-full-coverage", "no");
    let cluster = RedisCluster::start_with(options, Reach::Direct, 0);
    let [one] = servers(&cluster);
    let [servers_at, rooms_at] = ["parlor:servers", "parlor:rooms"].map(|key| cluster.master_of(key));
    let free = cluster.nodes().find(|node| ![servers_at.port(), rooms_at.port()].contains(&node.port())).unwrap();
    let names: Vec<String> = (0..9).map(|number| format!("room-{number}")).collect();
    let ann = one.session_key("ann");
    names.iter().for_each(|room| one.enter(&ann, room));
    let is_free = |room: &&String| cluster.master_of(&format!("parlor:room:{{{room}}}")).port() == free.port();
    let lost: Vec<String> = names.iter().filter(is_free).cloned().collect();
    let look = || status(&config(&rooms_at.url())).unwrap();
    let all = look();
    assert!(all.problems.is_empty() && all.redis.iter().all(|node| node.facts.is_some()), "{all:?}");
    free.kill();
    let some = look();
    let away = |status: &Status| status.redis.iter().filter(|node| node.facts.is_none()).count();
    let rooms = some.rooms.as_ref().unwrap().iter().filter(|room| names.contains(&room.room.to_string()));
    let (known, unknown): (Vec<_>, Vec<_>) = rooms.partition(|room| room.members == Some(1));
    assert_eq!((away(&some), known.len() + unknown.len()), (1, names.len()), "{some:?}");
    let unknown: Vec<String> = unknown.iter().map(|room| room.room.to_string()).collect();
    assert_eq!((unknown, some.servers.as_ref().map(Vec::len)), (lost, Some(1)));
    assert!(some.problems[0].contains(&free.port().to_string()), "{some:?}");
    free.restart();
    cluster.wait_until_ok();
    servers_at.kill();
    let few = look();
    assert_eq!((away(&few), few.servers.is_none(), few.rooms.is_some()), (1, true, true), "{few:?}");
}

#[test]
fn a_node_that_was_removed_and_lives_on_is_not_believed() {
    let cluster = RedisCluster::start();
    let mut nodes: Vec<&RedisServer> = cluster.nodes().collect();
    nodes.sort_by_key(|node| node.port());
    let (removed, heir) = (nodes[0], nodes[1]);
    let id = removed.cli(&["CLUSTER", "MYID"]);
    // These have no maintenance rounds, so no node is asked anything in between.
    let accounts = nodes.iter().map(|node| open_accounts(&config(&node.url())).unwrap()).collect::<Vec<_>>();
    let users: Vec<_> = (0..12).map(|number| name(&format!("user-{number}"))).collect();
    for accounts in &accounts {
        assert!(users.iter().all(|user| accounts.find(user).unwrap().is_none()));
    }
    give_all_slots(removed, heir);
    wait_until("all to know", || nodes[1..].iter().all(|node| is_without_slots(node, &id)));
    removed.cli(&["CLUSTER", "RESET", "SOFT"]);
    nodes[1..].iter().for_each(|node| drop(node.cli(&["CLUSTER", "FORGET", &id])));
    for accounts in &accounts {
        wait_until("the slots to be found", || users.iter().all(|user| accounts.find(user).is_ok()));
    }
}

/// Makes `heir` the owner of all slots of a node without keys.
fn give_all_slots(node: &RedisServer, heir: &RedisServer) {
    let row = node.cli(&["CLUSTER", "NODES"]).lines().find(|row| row.contains("myself")).unwrap().to_owned();
    let range: Vec<&str> = row.split(' ').next_back().unwrap().split('-').collect();
    // If two nodes claim a slot, the one with the newer epoch wins.
    heir.cli(&["CLUSTER", "BUMPEPOCH"]);
    // The old owner may announce the slots again before the heir takes them.
    let take = |how| heir.try_cli(&["CLUSTER", how, range[0], range[1]]).is_ok();
    wait_until("the heir to take the slots", || take("DELSLOTSRANGE") & take("ADDSLOTSRANGE"));
}

/// Whether a node knows that another node owns no slots any more.
fn is_without_slots(node: &RedisServer, id: &str) -> bool {
    let nodes = node.cli(&["CLUSTER", "NODES"]);
    nodes.lines().filter(|row| row.starts_with(id)).all(|row| row.split(' ').count() == 8)
}
