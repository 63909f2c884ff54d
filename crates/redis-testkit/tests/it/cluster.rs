//! A cluster: owners of slots, moving slots, failover.

use parlor_redis_testkit::{Reach, RedisCluster, RedisServer};

use crate::client::Client;

fn another<'a>(cluster: &'a RedisCluster, than: &RedisServer) -> &'a RedisServer {
    cluster.nodes().find(|node| node.port() != than.port()).unwrap()
}

#[test]
fn three_masters_share_the_slots() {
    let cluster = RedisCluster::start();
    assert_eq!((cluster.nodes().count(), cluster.urls().len()), (3, 3));
    for (key, slot, node) in [("bar", 5061, 0), ("c", 7365, 1), ("foo", 12182, 2)] {
        let owner = cluster.master_of(key);
        assert_eq!((cluster.slot_of(key), owner.port()), (slot, cluster.node(node).port()));
        assert_eq!(owner.cli(&["SET", key, "value"]), "OK");
        let refused = another(&cluster, owner).try_cli(&["GET", key]).unwrap_err();
        assert!(refused.contains(&format!("MOVED {slot} 127.0.0.1:{}", owner.port())), "{refused}");
    }
}

#[test]
fn a_slot_moves_with_all_its_keys() {
    let cluster = RedisCluster::start_with(RedisServer::options().password("secret"), Reach::Direct, 0);
    let from = cluster.master_of("{a}");
    for number in 0..250 {
        from.cli(&["SET", &format!("{{a}}{number}"), "value"]);
    }
    let slot = cluster.slot_of("{a}").to_string();
    let to = another(&cluster, from);
    let migration = cluster.begin_migration("{a}", to);
    assert_eq!(from.cli(&["GET", "{a}7"]), "value");
    assert!(from.try_cli(&["GET", "{a}none"]).unwrap_err().contains("ASK "));
    migration.move_keys();
    assert!(from.try_cli(&["GET", "{a}7"]).unwrap_err().contains("ASK "));
    assert_eq!(cluster.master_of("{a}").port(), from.port());
    migration.finish();
    assert_eq!(cluster.master_of("{a}").port(), to.port());
    assert_eq!(
        (to.cli(&["CLUSTER", "COUNTKEYSINSLOT", &slot]), to.cli(&["GET", "{a}7"])),
        ("250".into(), "value".into())
    );
    assert!(from.try_cli(&["GET", "{a}7"]).unwrap_err().contains(&format!("MOVED {slot} 127.0.0.1:{}", to.port())));
    cluster.migrate_slot("{a}", from);
    assert_eq!(from.cli(&["GET", "{a}7"]), "value");
}

#[test]
fn a_replica_takes_over_and_the_old_master_follows_it() {
    let cluster = RedisCluster::start_with(RedisServer::options(), Reach::Direct, 1);
    let old = cluster.master_of("foo");
    old.cli(&["SET", "foo", "value"]);
    old.cli(&["WAIT", "1", "0"]);
    old.kill();
    let new = cluster.wait_for_failover("foo", old);
    assert_eq!((new.port(), new.cli(&["GET", "foo"])), (cluster.node(5).port(), "value".to_owned()));
    old.restart();
    cluster.wait_until_ok();
    assert_eq!(cluster.master_of("foo").port(), new.port());
}

#[test]
fn a_frozen_master_is_replaced() {
    let cluster = RedisCluster::start_with(RedisServer::options(), Reach::Direct, 1);
    let old = cluster.master_of("foo");
    old.pause();
    let new = cluster.wait_for_failover("foo", old);
    old.resume();
    cluster.wait_until_ok();
    assert_eq!(cluster.master_of("foo").port(), new.port());
}

#[test]
fn clients_are_sent_to_proxies_and_the_cluster_is_well_without_them() {
    let cluster = RedisCluster::start_with(RedisServer::options(), Reach::ByProxy, 0);
    let owner = cluster.master_of("foo");
    let proxy = cluster.proxy(owner);
    let refused = another(&cluster, owner).try_cli(&["GET", "foo"]).unwrap_err();
    assert!(refused.contains(&format!("MOVED 12182 127.0.0.1:{}", proxy.port())), "{refused}");
    assert!(cluster.urls().contains(&format!("redis://127.0.0.1:{}/", proxy.port())));
    Client::connect(proxy.port()).ping();
    proxy.down();
    cluster.wait_until_ok();
    Client::connect(proxy.port()).expect_reset();
}
