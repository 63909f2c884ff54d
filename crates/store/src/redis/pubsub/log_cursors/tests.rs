//! Whatever arrives in whatever order: each entry is delivered once, in order, and what is missing is requested.

use parlor_core::ConnectionId;
use parlor_core::ports::{AccountVersion, Content, Presence, UnloggedMessage};
use parlor_proto::{Bye, Generation, Text, TicketId, Timestamp, UserName};

use super::*;

fn head(epoch: u64, last: u64) -> Head {
    Head { epoch: Epoch(epoch), last: MessageId(last) }
}

fn entry(id: u64) -> Entry {
    let (author, content) = ("ann".parse().unwrap(), Content::Said(Text::sanitise("hello").unwrap()));
    Entry { id: MessageId(id), time: Timestamp::from_millis(7), author, to: None, content }
}

/// Notes what a hub is told, in order.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Told {
    fn all(&self) -> Vec<String> {
        lock(&self.0).clone()
    }
}

impl Sink for Told {
    fn deliver(&self, _log: &LogId, entries: &[Entry]) -> Flush {
        lock(&self.0).extend(entries.iter().map(|entry| format!("entry {}", entry.id)));
        Flush::default()
    }

    fn restarted(&self, _log: &LogId, epoch: Epoch) {
        lock(&self.0).push(format!("epoch {}", epoch.0));
    }

    fn presence(&self, _presence: &Presence) -> Flush {
        Flush::default()
    }

    fn direct(&self, _to: &UserName, _message: &UnloggedMessage) -> Option<Flush> {
        None
    }

    fn notice(&self, _message: &UnloggedMessage) -> Flush {
        Flush::default()
    }

    fn displaced(&self, _connection: ConnectionId) -> Flush {
        Flush::default()
    }

    fn account_deleted(&self, _user: &UserName, _created: Timestamp) -> Flush {
        Flush::default()
    }

    fn session_kicked(&self, _user: &UserName, _version: AccountVersion, _bye: Bye) -> Flush {
        Flush::default()
    }

    fn tickets_revoked(&self, _user: &UserName, _tickets: &[TicketId], _by: Option<Generation>) -> Flush {
        Flush::default()
    }
}

#[test]
fn of_two_first_listeners_both_learn_from_where_on_the_log_is_heard() {
    let cursors = LogCursors::default();
    let log = LogId::Room("red".parse().unwrap());
    let ((cursor, is_first), (_, is_second)) = (cursors.add(&log), cursors.add(&log));
    assert!(is_first && !is_second);
    assert_eq!(cursor.begin(head(1, 7)), (head(1, 7), false));
    assert_eq!(cursor.begin(head(1, 5)), (head(1, 7), false));
}

#[test]
fn what_comes_late_of_an_epoch_that_is_over_is_not_delivered_behind_the_next_one() {
    let (cursors, told) = (LogCursors::default(), Told::default());
    let (cursor, _) = cursors.add(&LogId::Room("red".parse().unwrap()));
    cursor.begin(head(1, 7));
    let repair = |next| matches!(next, Next::Repair(position) if position == head(2, 0));
    assert!(matches!(cursor.repair(), Next::Repair(position) if position == head(1, 7)));
    // Somebody who begins to listen reads a head of the next epoch.
    assert!(cursor.restart(Epoch(2), &told) && !cursor.restart(Epoch(2), &told));
    // A message and an answer from before are still under way.
    assert_eq!(cursor.hear(Epoch(1), &entry(8), &told).1, Next::Good, "a request is under way");
    assert!(repair(cursor.repaired(head(1, 7), head(1, 9), &[entry(8), entry(9)], &told).1));
    assert_eq!(told.all(), ["epoch 2"]);
    assert_eq!(cursor.repaired(head(2, 0), head(2, 2), &[entry(1), entry(2)], &told).1, Next::Good);
    cursor.hear(Epoch(2), &entry(3), &told).0.run();
    assert_eq!(told.all(), ["epoch 2", "entry 1", "entry 2", "entry 3"]);
}

fn red() -> LogId {
    LogId::Room("red".parse().unwrap())
}

/// A log that is heard up to an entry of its first epoch.
fn cursor_at(last: u64) -> Arc<LogCursor> {
    let (cursor, _) = LogCursors::default().add(&red());
    cursor.begin(head(1, last));
    cursor
}

fn node(port: u16) -> Option<Address> {
    Some(Address { host: "a".to_owned(), port })
}

#[test]
fn a_log_is_followed_until_its_last_listener_is_gone() {
    let cursors = LogCursors::default();
    let feed = LogId::Feed("red".parse().unwrap());
    cursors.add(&red()).0.begin(head(1, 7));
    cursors.add(&red());
    cursors.add(&feed);
    assert_eq!((cursors.len(), cursors.all().len()), (2, 2));
    assert!(!cursors.remove(&red()) && cursors.remove(&red()) && !cursors.remove(&red()));
    assert!(cursors.find("parlor:log:{red}").is_none() && cursors.find("parlor:feed:{red}").is_some());
    // Whoever follows it again knows nothing of before.
    let (again, is_first) = cursors.add(&red());
    assert!(is_first && again.position().is_none());
}

#[test]
fn an_append_names_what_was_heard_of_a_log_that_is_followed() {
    let cursors = LogCursors::default();
    let known = || cursors.known_position("parlor:log:{red}");
    assert_eq!(known(), "");
    let (cursor, _) = cursors.add(&red());
    assert_eq!(known(), "", "its head is not known yet");
    cursor.begin(head(255, 7));
    assert_eq!(known(), "00000000000000ff 7");
    cursor.hear(Epoch(255), &entry(8), &Told::default()).0.run();
    assert_eq!(known(), "00000000000000ff 8");
}

#[test]
fn entries_are_heard_once_and_a_gap_is_requested_once() {
    let (cursor, told) = (cursor_at(7), Told::default());
    let hear = |id| cursor.hear(Epoch(1), &entry(id), &told).1;
    assert_eq!([hear(8), hear(8), hear(7), hear(9)], [Next::Good, Next::Good, Next::Good, Next::Good]);
    assert_eq!(told.all(), ["entry 8", "entry 9"]);
    assert_eq!([hear(11), hear(12), hear(11)], [Next::Repair(head(1, 9)), Next::Good, Next::Good]);
    // What comes in time is delivered all the same.
    assert_eq!(hear(10), Next::Good);
    let (_, next) = cursor.repaired(head(1, 9), head(1, 12), &[entry(10), entry(11), entry(12)], &told);
    assert_eq!((next, hear(14)), (Next::Good, Next::Repair(head(1, 12))));
    assert_eq!(told.all(), ["entry 8", "entry 9", "entry 10", "entry 11", "entry 12"]);
}

#[test]
fn nothing_is_delivered_before_the_head_is_known() {
    let (cursor, _) = LogCursors::default().add(&red());
    let told = Told::default();
    assert_eq!(cursor.hear(Epoch(1), &entry(1), &told).1, Next::Good);
    assert_eq!(cursor.repaired(head(1, 0), head(1, 1), &[entry(1)], &told).1, Next::Good);
    assert!(!cursor.restart(Epoch(2), &told));
    assert_eq!(
        (cursor.subscribed(None), cursor.repair(), cursor.audit(head(1, 9))),
        (Next::Good, Next::Good, (0, false))
    );
    assert!(told.all().is_empty() && cursor.position().is_none());
    // Between the subscription and the read of the head something may have come.
    assert_eq!(cursor.begin(head(1, 3)), (head(1, 3), true));
}

#[test]
fn an_entry_of_another_epoch_is_requested_and_not_delivered() {
    let (cursor, told) = (cursor_at(7), Told::default());
    assert_eq!(cursor.hear(Epoch(2), &entry(8), &told).1, Next::Repair(head(1, 7)));
    assert!(told.all().is_empty());
    let (_, next) = cursor.repaired(head(1, 7), head(2, 1), &[entry(1)], &told);
    assert_eq!((next, cursor.position()), (Next::Good, Some(head(2, 1))));
    assert_eq!(told.all(), ["epoch 2", "entry 1"]);
}

#[test]
fn an_answer_with_a_part_is_followed_by_the_request_for_the_rest() {
    let (cursor, told) = (cursor_at(7), Told::default());
    assert_eq!(cursor.repair(), Next::Repair(head(1, 7)));
    let (_, next) = cursor.repaired(head(1, 7), head(1, 12), &[entry(8), entry(9)], &told);
    assert_eq!(next, Next::Repair(head(1, 9)));
    // Redis does not keep all of the rest any more: it goes on where there is something.
    let (_, next) = cursor.repaired(head(1, 9), head(1, 12), &[entry(11), entry(12)], &told);
    assert_eq!((next, cursor.position()), (Next::Good, Some(head(1, 12))));
    // Nothing is kept at all, or everything was lost but the number.
    assert_eq!(cursor.repair(), Next::Repair(head(1, 12)));
    assert_eq!(cursor.repaired(head(1, 12), head(1, 20), &[], &told).1, Next::Good);
    assert_eq!(cursor.position(), Some(head(1, 20)));
    // An answer that is older than what was heard meanwhile takes nothing back.
    assert_eq!(cursor.repaired(head(1, 12), head(1, 13), &[entry(13)], &told).1, Next::Good);
    assert_eq!((cursor.position(), told.all().len()), (Some(head(1, 20)), 4));
}

#[test]
fn with_a_new_subscription_the_answer_of_the_connection_before_is_not_waited_for() {
    let cursor = cursor_at(7);
    assert_eq!([cursor.repair(), cursor.repair()], [Next::Repair(head(1, 7)), Next::Good]);
    assert_eq!(cursor.subscribed(node(1)), Next::Repair(head(1, 7)));
    assert_eq!(cursor.repair(), Next::Good);
}

#[test]
fn a_subscription_is_at_one_node_until_it_ends() {
    let (cursor, _) = LogCursors::default().add(&red());
    assert!(!cursor.is_subscribed_at(&None) && !cursor.await_subscription(Duration::ZERO));
    cursor.subscribed(None);
    assert!(cursor.is_subscribed_at(&None) && !cursor.is_subscribed_at(&node(1)));
    cursor.subscribed(node(1));
    assert!(cursor.is_subscribed_at(&node(1)) && !cursor.is_subscribed_at(&node(2)) && !cursor.is_subscribed_at(&None));
    assert!(cursor.await_subscription(Duration::ZERO));
    cursor.unsubscribed();
    assert!(!cursor.is_subscribed_at(&node(1)) && !cursor.await_subscription(Duration::ZERO));
}

#[test]
fn a_log_is_stuck_that_lags_at_the_same_entry_twice() {
    let (cursor, told) = (cursor_at(7), Told::default());
    assert_eq!([cursor.audit(head(1, 7)), cursor.audit(head(1, 5))], [(0, false), (0, false)]);
    assert_eq!(cursor.audit(head(1, 9)), (2, false));
    cursor.hear(Epoch(1), &entry(8), &told).0.run();
    assert_eq!(cursor.audit(head(1, 9)), (1, false), "it moves");
    assert_eq!(cursor.audit(head(1, 12)), (4, true));
    // In between it was well.
    assert_eq!([cursor.audit(head(1, 8)), cursor.audit(head(1, 9))], [(0, false), (1, false)]);
    // The head of another epoch may be smaller, and is missing all the same.
    let other = cursor_at(7);
    assert_eq!([other.audit(head(2, 3)), other.audit(head(2, 3))], [(0, false), (0, true)]);
}

#[test]
fn what_a_stuck_log_waited_for_is_requested_again() {
    let cursor = cursor_at(7);
    assert_eq!(cursor.repair(), Next::Repair(head(1, 7)));
    assert_eq!([cursor.audit(head(1, 9)), cursor.audit(head(1, 9))], [(2, false), (2, true)]);
    assert_eq!(cursor.repair(), Next::Repair(head(1, 7)));
}

/// A log in Redis: its entries are published in order, but some messages are lost, and answers come late.
#[test]
fn whatever_is_lost_and_whenever_answers_come_all_is_delivered_once_in_order() {
    let mut state = 7u64;
    let mut below = |end: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % end
    };
    for round in 0..200 {
        let (cursor, told) = (cursor_at(0), Told::default());
        let (mut last, mut asked) = (0, Vec::new());
        let note = |next, asked: &mut Vec<Head>| {
            if let Next::Repair(position) = next {
                asked.push(position);
            }
        };
        for _ in 0..40 {
            match below(4) {
                // An answer has all that comes after the position, or only a page of it.
                0 if !asked.is_empty() => {
                    let position: Head = asked.remove(0);
                    let page = (position.last.0 + 1..=last).take(1 + below(5) as usize).map(entry).collect::<Vec<_>>();
                    note(cursor.repaired(position, head(1, last), &page, &told).1, &mut asked);
                }
                lost_or_not => {
                    last += 1;
                    if lost_or_not != 1 {
                        note(cursor.hear(Epoch(1), &entry(last), &told).1, &mut asked);
                    }
                }
            }
            assert!(asked.len() <= 1, "two requests at once");
        }
        // At last somebody looks whether anything is missing.
        note(cursor.repair(), &mut asked);
        while let Some(position) = asked.pop() {
            let all = (position.last.0 + 1..=last).map(entry).collect::<Vec<_>>();
            note(cursor.repaired(position, head(1, last), &all, &told).1, &mut asked);
        }
        let expected: Vec<String> = (1..=last).map(|id| format!("entry {id}")).collect();
        assert_eq!(told.all(), expected, "round {round}");
    }
}
