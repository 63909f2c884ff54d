//! Failover by Sentinels, as a client that asks them would see it.

use parlor_redis_testkit::{Fsync, Reach, RedisSentinel, RedisServer, wait_until};

fn role(server: &RedisServer) -> Option<String> {
    server.info("role")
}

#[test]
fn a_killed_master_is_replaced_and_comes_back_as_a_replica() {
    let group = RedisSentinel::start();
    let hosts: Vec<_> = group.sentinels().iter().map(|it| format!("127.0.0.1:{}", it.port())).collect();
    assert_eq!(group.url(), format!("redis+sentinel://{}/{}", hosts.join(","), group.name()));
    group.master().cli(&["SET", "key", "value"]);
    wait_until("replication", || group.replica().cli(&["EXISTS", "key"]) == "1");
    let replica = group.replica().port();
    let old = group.kill_master();
    let new = group.wait_for_failover(old);
    assert_eq!((new.port(), new.cli(&["GET", "key"])), (replica, "value".to_owned()));
    old.restart();
    wait_until("the old master to follow", || role(old).as_deref() == Some("slave"));
    old.wait_for_link();
    assert_eq!(group.replica().port(), old.port());
}

#[test]
fn a_failover_can_be_ordered_where_a_password_is_needed() {
    let group = RedisSentinel::start_with(RedisServer::options().password("secret"), Reach::Direct);
    assert!(group.url().starts_with("redis+sentinel://:secret@127.0.0.1:"));
    let old = group.fail_over();
    let new = group.wait_for_failover(old);
    assert_ne!(new.port(), old.port());
    wait_until("the old master to follow", || role(old).as_deref() == Some("slave"));
}

#[test]
fn a_master_that_nobody_reaches_is_replaced_and_wakes_up_as_a_master() {
    let options = RedisServer::options().append_only(Fsync::EverySecond);
    let group = RedisSentinel::start_with(options, Reach::ByProxy);
    let old = group.master();
    group.proxy(old).black_hole();
    let new = group.wait_for_failover(old);
    assert_ne!(new.port(), old.port());
    // The old master was not notified: a client that still reaches it sees a master.
    assert_eq!(role(old).as_deref(), Some("master"));
    group.proxy(old).pass();
    wait_until("the old master to follow", || role(old).as_deref() == Some("slave"));
    old.wait_for_link();
}

#[test]
fn a_frozen_master_is_replaced() {
    let group = RedisSentinel::start();
    let old = group.master();
    old.pause();
    let new = group.wait_for_failover(old);
    old.resume();
    assert_eq!(role(new).as_deref(), Some("master"));
    wait_until("the old master to follow", || role(old).as_deref() == Some("slave"));
}
