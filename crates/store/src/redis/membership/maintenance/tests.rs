//! The lease, the epoch and the rounds of a server, on a node that answers as the test tells it.

use parlor_testkit::RecordingSink;

use super::*;
use crate::redis::connection::fake_node::{FakeNode, Notes};
use crate::redis::connection::router::Router;

/// The maintenance of a server that has not begun yet.
fn maintenance(node: &FakeNode) -> Maintenance {
    let events = Arc::new(Notes::default());
    let router = Router::start(node.dialer(), events.clone(), false, 0).unwrap();
    let sink = Arc::new(RecordingSink::default());
    Maintenance {
        server: Arc::new(Server::new("test".to_owned(), 100, router, sink, events)),
        dialer: node.dialer(),
        round: 0,
        renewed_at: Instant::now(),
        epoch: None,
        audit_until: 0,
        had_lease: true,
        suspected: BTreeSet::new(),
        sessions_to_audit: Vec::new(),
        away: Vec::new(),
        recovery: None,
    }
}

#[test]
fn redis_lost_everything_if_it_has_another_epoch_than_before() {
    let mut maintenance = maintenance(&FakeNode::start(|_| None));
    let is_another = |maintenance: &mut Maintenance, epoch: Option<&str>| {
        let epoch = epoch.map(str::to_owned).ok_or_else(|| StoreError::new("it is away"));
        maintenance.is_another_epoch(epoch).ok()
    };
    // Without the first one, nothing can be told from then on.
    assert_eq!(is_another(&mut maintenance, None), None);
    assert_eq!(is_another(&mut maintenance, Some("a")), Some(false));
    assert_eq!(is_another(&mut maintenance, Some("a")), Some(false));
    assert_eq!(is_another(&mut maintenance, None), Some(false), "the next renewal asks again");
    assert_eq!(is_another(&mut maintenance, Some("b")), Some(true));
    assert_eq!(is_another(&mut maintenance, Some("b")), Some(false), "it is told once");
}

#[test]
fn a_lease_is_taken_only_where_other_servers_find_it_and_renewed_wherever_it_is() {
    let node = FakeNode::start(|line| match line.split(' ').next() {
        // The lease, and the epoch.
        Some("EVALSHA") if line.contains("parlor:server:") => Some("*3\r\n:1\r\n$1\r\n7\r\n$1\r\n5\r\n".to_owned()),
        Some("EVALSHA") if line.contains("parlor:epoch") => Some("$1\r\na\r\n".to_owned()),
        Some("EVALSHA") if line.contains("parlor:servers") => Some("-ERR it is away\r\n".to_owned()),
        Some("PUBLISH") => Some(":1\r\n".to_owned()),
        _ => None,
    });
    let mut maintenance = maintenance(&node);
    assert!(maintenance.ask_for_lease(true).is_err());
    assert!(!maintenance.server.lease.is_held());
    assert_eq!(maintenance.ask_for_lease(false), Ok((true, false)));
    maintenance.server.lease.hold();
    assert!(maintenance.server.lease.is_held());
    // Redis's clock stands at 7 s and 5 µs.
    let deadline = maintenance.server.lease.deadline(Duration::ZERO);
    assert!((6_990_000..16_000_000).contains(&deadline), "{deadline}");
}

#[test]
fn what_is_due_in_each_third_round_is_due_in_no_other() {
    let mut maintenance = maintenance(&FakeNode::start(|_| None));
    let due: Vec<u64> = (1..=10)
        .filter(|round| {
            maintenance.round = *round;
            maintenance.is_due(3)
        })
        .collect();
    assert_eq!(due, [3, 6, 9]);
}

#[test]
fn the_rounds_end_at_once_when_the_server_ends() {
    let signal = Arc::new(StopSignal::default());
    let waiting = {
        let signal = signal.clone();
        thread::spawn(move || while signal.wait() {})
    };
    signal.end();
    parlor_redis_testkit::wait_until("the end of the rounds", || waiting.is_finished());
    assert!(!signal.wait(), "and stay ended");
}
