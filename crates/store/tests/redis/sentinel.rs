//! Failover by Sentinels: servers find the new master automatically, and no accepted message is lost.

use std::io::{BufRead, BufReader, Write};
use std::iter::{repeat, repeat_n};
use std::net::TcpListener;
use std::thread;

use parlor_core::ports::AppendResult;
use parlor_proto::{Tickets as Which, Timestamp};
use parlor_redis_testkit::{RedisSentinel, RedisServer, wait_for, wait_until};
use parlor_store::redis::Config;

use crate::accounts::{account, is_current};
use crate::append_under_faults::speak_while;
use crate::harness::{Server, config, log_of, name};
use crate::tickets::{add_ticket, by_ticket};

#[test]
fn after_a_failover_all_goes_on_at_the_new_master() {
    let group = RedisSentinel::start();
    let config = Config { replicas: 1, ..config(&group.url()) };
    let (one, two) = (Server::try_open(&config).unwrap(), Server::try_open(&config).unwrap());
    let (ann, bob, red) = (one.member("ann", "red"), two.member("bob", "red"), log_of("red"));
    let speech = speak_while(&one, &ann, &red, || {
        let old = group.kill_master();
        group.wait_for_failover(old);
        // Messages are accepted once a replica has them, so there must be a replica.
        old.restart();
    });
    speech.check_after_failover(&red, &[&one, &two]);
    wait_until("the other server", || two.try_say(&bob, &red, "there").is_ok());
    wait_until("its delivery", || one.sink.texts(&red).last().map(String::as_str) == Some("there"));
    assert_eq!(two.members("red"), ["ann", "bob"]);
    let new = two.session_key("ann");
    assert!(ann.generation < new.generation);
    wait_until("the displacement notice", || one.sink.displaced().len() == 1);
}

#[test]
fn tickets_and_their_revocations_outlive_a_failover() {
    let group = RedisSentinel::start();
    let config = Config { replicas: 1, ..config(&group.url()) };
    let (one, two) = (Server::try_open(&config).unwrap(), Server::try_open(&config).unwrap());
    one.store.accounts.create(&account(7)).unwrap();
    let (revoked, kept) = (add_ticket(&one, "revoked"), add_ticket(&one, "kept"));
    let session = by_ticket(&one, &revoked);
    assert_eq!(two.store.tickets.revoke(&name("ann"), Which::One(revoked.id()), None).unwrap(), 1);
    let old = group.kill_master();
    group.wait_for_failover(old);
    old.restart();
    let find = |server: &Server, id| server.store.tickets.find(&name("ann"), id);
    for server in [&one, &two] {
        wait_until("the new master", || find(server, kept.id()).is_ok());
        assert_eq!(find(server, kept.id()).unwrap().unwrap(), kept);
        assert_eq!(find(server, revoked.id()).unwrap(), None);
    }
    wait_until("a replica", || two.store.tickets.note_use(&name("ann"), &kept, Timestamp::from_millis(9), "-").is_ok());
    assert!(!is_current(&one, &session));
    wait_until("an answer", || one.try_say(&session, &log_of("red"), "after").is_ok());
    assert_eq!(one.try_say(&session, &log_of("red"), "after"), Ok(AppendResult::Fenced));
    assert_eq!(two.store.tickets.revoke(&name("ann"), Which::All, None).unwrap(), 1);
    assert_eq!(find(&one, kept.id()).unwrap(), None);
}

/// A Sentinel that is asked in the middle of failovers: each second time, at first, it names a master that was replaced. Returns
/// its port.
fn sentinel_of_a_failover(before: u16, after: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut masters = repeat_n([before, after], 6).flatten().chain(repeat(after));
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let mut line = String::new();
            while stream.read_line(&mut line).is_ok_and(|read| read > 0) {
                if line.starts_with("get-master-addr-by-name") {
                    let master = masters.next().unwrap().to_string();
                    let answer = format!("*2\r\n$9\r\n127.0.0.1\r\n${}\r\n{master}\r\n", master.len());
                    stream.get_mut().write_all(answer.as_bytes()).unwrap();
                } else if line.starts_with("SETINFO") {
                    stream.get_mut().write_all(b"+OK\r\n").unwrap();
                }
                line.clear();
            }
        }
    });
    port
}

#[test]
fn a_master_that_was_replaced_and_started_again_is_not_believed() {
    let (old, new) = (RedisServer::start(), RedisServer::start());
    let port = sentinel_of_a_failover(old.port(), new.port());
    let config = config(&format!("redis+sentinel://127.0.0.1:{port}/parlor"));
    let server = wait_for("the new master", || Server::try_open(&config).ok());
    drop(server.member("ann", "red"));
    let statistics = old.cli(&["INFO", "commandstats"]);
    assert!(!statistics.contains("cmdstat_evalsha") && !statistics.contains("subscribe"), "{statistics}");
    assert_ne!(new.cli(&["DBSIZE"]), "0");
}
