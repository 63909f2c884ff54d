//! Failover by Sentinels: servers find the new master automatically, and no accepted message is lost.

use parlor_redis_testkit::{RedisSentinel, wait_until};
use parlor_store::redis::Config;

use crate::append_under_faults::speak_while;
use crate::harness::{Server, config, log_of};

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
