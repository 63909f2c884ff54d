//! Each way in which the proxy makes a link fail, seen from the client and from the server.

use std::thread;
use std::time::Duration;

use parlor_redis_testkit::{Direction, FaultProxy, Port, RedisServer, wait_until};

use crate::client::{Client, End};

fn start() -> (RedisServer, FaultProxy, Client) {
    let redis = RedisServer::start();
    let proxy = FaultProxy::start(redis.port());
    let mut client = Client::connect(proxy.port());
    client.ping();
    (redis, proxy, client)
}

#[test]
fn bytes_pass_and_are_counted() {
    let (redis, proxy, first) = start();
    first.close();
    redis.cli(&["SET", "key", "value"]);
    let mut client = Client::connect(proxy.port());
    client.ping();
    let before = (proxy.passed(Direction::ToServer), proxy.passed(Direction::ToClient));
    client.send("GET key");
    client.expect("$5\r\nvalue\r\n");
    assert_eq!(proxy.passed(Direction::ToServer) - before.0, 9);
    assert_eq!(proxy.passed(Direction::ToClient) - before.1, 11);
    assert_eq!(proxy.accepted(), 2);
    wait_until("the first connection to be gone", || proxy.connections() == 1);
}

#[test]
fn much_more_than_a_buffer_passes_unchanged() {
    let (redis, _proxy, mut client) = start();
    redis.cli(&[
        "EVAL",
        "local n = {} for i = 1, 500000 do n[i] = i end redis.call('SET', 'key', table.concat(n, ' '))",
        "0",
    ]);
    client.send("GET key");
    let numbers: Vec<_> = (1..=500_000).map(|number| number.to_string()).collect();
    let value = numbers.join(" ");
    client.expect(&format!("${}\r\n{value}\r\n", value.len()));
}

#[test]
fn a_close_is_passed_on_both_ways() {
    let (redis, proxy, mut client) = start();
    client.send("QUIT");
    assert_eq!(client.rest(), ("+OK\r\n".to_owned(), End::Closed));
    client.close();
    wait_until("the connection to be gone", || proxy.connections() == 0);
    let other = Client::connect(proxy.port());
    // The one that asks is one of the clients.
    wait_until("the server to have a client", || redis.info("connected_clients").as_deref() == Some("2"));
    other.close();
    wait_until("the server to lose its client", || redis.info("connected_clients").as_deref() == Some("1"));
}

#[test]
fn refusing_resets_new_connections_only() {
    let (_redis, proxy, mut client) = start();
    proxy.refuse();
    Client::connect(proxy.port()).expect_reset();
    client.ping();
    proxy.pass();
    Client::connect(proxy.port()).ping();
}

#[test]
fn down_lets_nobody_through() {
    let (redis, proxy, mut client) = start();
    proxy.down();
    client.expect_reset();
    Client::connect(proxy.port()).expect_reset();
    wait_until("the server to lose its client", || redis.info("connected_clients").as_deref() == Some("1"));
    proxy.pass();
    Client::connect(proxy.port()).ping();
}

#[test]
fn a_cut_resets_all_open_connections() {
    let (redis, proxy, mut client) = start();
    let mut other = Client::connect(proxy.port());
    other.ping();
    proxy.cut();
    assert_eq!(proxy.connections(), 0);
    client.expect_reset();
    other.expect_reset();
    wait_until("the server to lose its clients", || redis.info("connected_clients").as_deref() == Some("1"));
    Client::connect(proxy.port()).ping();
}

#[test]
fn a_cut_reaches_a_receiver_that_does_not_read() {
    let (redis, proxy, mut client) = start();
    redis.cli(&["EVAL", "redis.call('SET', 'key', ('x'):rep(30000000))", "0"]);
    let before = proxy.passed(Direction::ToClient);
    client.send("GET key");
    wait_until("bytes on their way", || proxy.passed(Direction::ToClient) > before);
    wait_until("the receiver to be full", || {
        let passed = proxy.passed(Direction::ToClient);
        thread::sleep(Duration::from_millis(200));
        passed == proxy.passed(Direction::ToClient)
    });
    proxy.cut();
    assert_eq!(client.rest().1, End::Reset);
}

#[test]
fn what_a_black_hole_held_arrives_late() {
    let (redis, proxy, mut client) = start();
    proxy.black_hole();
    client.send("SET key value");
    client.expect_silence();
    let mut newcomer = Client::connect(proxy.port());
    newcomer.send("PING");
    newcomer.expect_silence();
    assert_eq!(redis.cli(&["EXISTS", "key"]), "0");
    proxy.pass();
    client.expect("+OK\r\n");
    newcomer.expect("+PONG\r\n");
    assert_eq!(redis.cli(&["GET", "key"]), "value");
}

#[test]
fn what_a_black_hole_held_can_be_lost() {
    let (redis, proxy, mut client) = start();
    proxy.black_hole();
    client.send("SET key value");
    client.expect_silence();
    proxy.pass_without_held();
    client.expect_reset();
    Client::connect(proxy.port()).ping();
    assert_eq!(redis.cli(&["EXISTS", "key"]), "0");
}

#[test]
fn a_black_hole_hides_that_the_server_died() {
    let (redis, proxy, mut client) = start();
    proxy.black_hole();
    redis.kill();
    client.expect_silence();
    proxy.pass();
    assert_eq!(client.rest().0, "");
}

#[test]
fn held_replies_are_missing_though_the_commands_were_carried_out() {
    let (redis, proxy, mut client) = start();
    proxy.hold(Direction::ToClient);
    client.send("SET key value");
    wait_until("the command to be carried out", || redis.cli(&["EXISTS", "key"]) == "1");
    client.expect_silence();
    proxy.pass();
    client.expect("+OK\r\n");
}

#[test]
fn held_requests_do_not_hinder_what_comes_from_the_server() {
    let (redis, proxy, mut client) = start();
    client.send("SUBSCRIBE news");
    client.expect("*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    proxy.hold(Direction::ToServer);
    client.send("PING");
    assert_eq!(redis.cli(&["PUBLISH", "news", "x"]), "1");
    client.expect("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$1\r\nx\r\n");
    client.expect_silence();
    proxy.pass();
    client.expect("*2\r\n$4\r\npong\r\n$0\r\n\r\n");
}

#[test]
fn a_reply_can_be_cut_in_its_middle() {
    let (redis, proxy, mut client) = start();
    let mut other = Client::connect(proxy.port());
    other.ping();
    redis.cli(&["SET", "key", "value"]);
    proxy.cut_after_bytes(Direction::ToClient, 11 + 4);
    client.send("GET key");
    client.expect("$5\r\nvalue\r\n");
    client.send("GET key");
    proxy.wait_for_cut();
    assert_eq!(client.rest(), ("$5\r\n".to_owned(), End::Reset));
    other.ping();
}

#[test]
fn a_command_can_be_carried_out_without_any_reply() {
    let (redis, proxy, mut client) = start();
    proxy.cut_after_bytes(Direction::ToClient, 0);
    client.send("INCR key");
    client.expect_reset();
    assert_eq!(redis.cli(&["GET", "key"]), "1");
}

#[test]
fn the_last_byte_that_may_pass_cuts_nothing_yet() {
    let (redis, proxy, mut client) = start();
    proxy.cut_after_bytes(Direction::ToClient, 4);
    client.send("INCR key");
    client.expect(":1\r\n");
    client.send("INCR key");
    client.expect_reset();
    assert_eq!(redis.cli(&["GET", "key"]), "2");
}

#[test]
fn a_command_can_be_cut_in_its_middle() {
    let (redis, proxy, mut client) = start();
    proxy.cut_after_bytes(Direction::ToServer, 4);
    client.send("INCR key");
    client.expect_reset();
    assert_eq!(redis.cli(&["EXISTS", "key"]), "0");
}

#[test]
fn delayed_bytes_come_later_and_in_order() {
    let (_redis, proxy, mut client) = start();
    // The delay in each direction is longer than `expect_silence` waits.
    proxy.delay(Duration::from_millis(400));
    client.send("PING");
    client.expect_silence();
    client.send("ECHO x");
    client.expect("+PONG\r\n$1\r\nx\r\n");
    proxy.delay(Duration::from_secs(3600));
    client.send("PING");
    client.expect_silence();
    proxy.pass();
    client.expect("+PONG\r\n");
}

#[test]
fn a_server_that_is_not_there_is_a_reset() {
    let nobody = Port::free();
    let proxy = FaultProxy::start(nobody.number());
    Client::connect(proxy.port()).expect_reset();
}

#[test]
fn dropping_it_ends_all_connections() {
    let (redis, proxy, mut client) = start();
    proxy.black_hole();
    client.send("SET key value");
    drop(proxy);
    client.expect_reset();
    assert_eq!(redis.cli(&["EXISTS", "key"]), "0");
}

#[test]
fn many_cuts_among_busy_clients_leave_no_connection_behind() {
    let (_redis, proxy, first) = start();
    first.close();
    thread::scope(|scope| {
        let ask_often = || {
            for _ in 0..50 {
                let mut client = Client::connect(proxy.port());
                // The connection may be cut already.
                let _ = client.try_send("PING");
                let (reply, _) = client.rest();
                assert!(reply.is_empty() || reply == "+PONG\r\n", "{reply:?}");
            }
        };
        let clients: Vec<_> = (0..4).map(|_| scope.spawn(ask_often)).collect();
        wait_until("the clients", || {
            proxy.cut();
            clients.iter().all(|client| client.is_finished())
        });
    });
    assert_eq!(proxy.accepted(), 201);
    wait_until("all connections to be gone", || proxy.connections() == 0);
}
