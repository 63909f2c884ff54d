//! The topic of one log: who flushes its recipients, and who waits for them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use parlor_proto::{RoomName, Text};
use parlor_testkit::World;

use super::*;
use crate::delivery::outbox::Outbox;
use crate::ports::{Content, Transport};

/// The numbers of connections, in the order in which they were flushed.
#[derive(Clone, Default)]
struct Flushed(Arc<Mutex<Vec<u64>>>);

impl Flushed {
    fn take(&self) -> Vec<u64> {
        std::mem::take(&mut *lock(&self.0))
    }
}

/// A connection that takes everything, and does something once while it is flushed.
struct Writer {
    number: u64,
    flushed: Flushed,
    deed: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Transport for Writer {
    fn flush(&self, outbox: &Outbox) {
        lock(&self.flushed.0).push(self.number);
        let deed = lock(&self.deed).take();
        if let Some(deed) = deed {
            deed();
        }
        outbox.take(usize::MAX, &mut Vec::new());
        outbox.release_if_empty();
    }

    fn interrupt(&self) {}

    fn pause(&self, _time: Duration) {}
}

/// Flush workers that keep what they are given.
#[derive(Default)]
struct Idle {
    kept: Mutex<Vec<Flush>>,
    count: usize,
}

impl Idle {
    fn take(&self) -> Vec<Flush> {
        std::mem::take(&mut *lock(&self.kept))
    }
}

impl FlushWorkers for Idle {
    fn submit(&self, flush: Flush) {
        lock(&self.kept).push(flush);
    }

    fn run_errand(&self, _errand: Box<dyn FnOnce() + Send>) {}

    fn count(&self) -> usize {
        self.count
    }
}

/// A topic whose recipients are the users `a` and `b` on the connections 1 and 2.
struct Setting {
    topic: Arc<Topic>,
    workers: Arc<Idle>,
    flushed: Flushed,
    writers: [Arc<Writer>; 2],
}

fn setting() -> Setting {
    let (workers, flushed) = (Arc::new(Idle::default()), Flushed::default());
    let topic = Arc::new(Topic::new(LogId::Room(RoomName::lobby()), workers.clone(), Arc::default()));
    let writers = [(1, "a"), (2, "b")].map(|(number, user)| {
        let writer = Arc::new(Writer { number, flushed: flushed.clone(), deed: Mutex::default() });
        let peer = Arc::new(Peer::new(ConnectionId(number), 1 << 20, writer.clone()));
        topic.add_buffered(peer, user.parse().unwrap());
        topic.activate(ConnectionId(number), None, |_| None).run();
        writer
    });
    Setting { topic, workers, flushed, writers }
}

impl Setting {
    /// Delivers an entry of the user `from`, which the other one gets.
    fn deliver(&self, id: u64, from: &str, bytes: usize) -> Flush {
        deliver(&self.topic, id, from, bytes)
    }
}

fn deliver(topic: &Arc<Topic>, id: u64, from: &str, bytes: usize) -> Flush {
    let (id, time, author) = (MessageId(id), Timestamp::from_millis(0), from.parse().unwrap());
    let content = Content::Said(Text::sanitise(&"x".repeat(bytes)).unwrap());
    topic.deliver(&[Entry { id, time, author, to: None, content }], None).0
}

#[test]
fn while_a_thread_has_the_token_it_flushes_those_who_wait_for_others_too() {
    let setting = setting();
    let first = setting.deliver(1, "b", 1);
    assert!(setting.deliver(2, "a", 1).is_empty());
    assert_eq!(setting.flushed.take(), [0; 0]);
    first.run();
    assert_eq!(setting.flushed.take(), [1, 2]);
    assert!(!setting.deliver(3, "b", 1).is_empty(), "the token is free again");
}

#[test]
fn who_waits_for_a_pass_that_nobody_makes_is_flushed_by_the_next_one() {
    let setting = setting();
    drop(setting.deliver(1, "b", 1));
    setting.deliver(2, "a", 1).run();
    assert_eq!(setting.flushed.take(), [1, 2]);
}

#[test]
fn a_busy_room_does_not_keep_the_thread_of_a_sender() {
    let setting = setting();
    let topic = setting.topic.clone();
    *lock(&setting.writers[0].deed) = Some(Box::new(move || drop(deliver(&topic, 2, "a", 1))));
    setting.deliver(1, "b", 1).run();
    assert_eq!(setting.flushed.take(), [1]);
    let passes = setting.workers.take();
    assert_eq!(passes.len(), 1);
    passes.into_iter().for_each(Flush::run);
    assert_eq!(setting.flushed.take(), [2]);
    assert!(setting.workers.take().is_empty());
}

#[test]
fn senders_are_behind_once_more_than_a_bound_waits_for_a_pass() {
    let setting = setting();
    let is_behind = || setting.topic.lock().is_behind();
    let pass = setting.deliver(1, "b", MAX_BACKLOG);
    assert!(!is_behind());
    drop(setting.deliver(1, "b", MAX_BACKLOG));
    assert!(!is_behind(), "what comes again is not pushed again");
    drop(setting.deliver(2, "b", 1));
    assert!(is_behind());
    pass.run();
    assert!(!is_behind());
    // Without a pass nobody is behind, however much was pushed.
    setting.deliver(3, "b", 1).run();
    drop(setting.deliver(4, "b", MAX_BACKLOG + 1));
    assert!(!is_behind());
}

#[test]
fn a_sender_waits_while_passes_are_behind() {
    let (setting, is_over) = (setting(), AtomicBool::new(false));
    let pass = setting.deliver(1, "b", MAX_BACKLOG + 1);
    let blocked = || setting.topic.lock().blocked_publishers;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                setting.topic.wait_for_backpressure();
            }
        });
        let begin = Instant::now();
        let mut waits = false;
        while !waits && begin.elapsed() < Duration::from_secs(20) {
            waits = blocked() == 1;
            std::thread::yield_now();
        }
        is_over.store(true, Ordering::SeqCst);
        pass.run();
        assert!(waits, "the sender does not wait");
    });
    assert_eq!(blocked(), 0);
}

#[test]
fn a_large_flush_is_split_evenly_among_the_workers() {
    let shares = |peers: usize, count: usize| {
        let (workers, flushed) = (Idle { count, ..Idle::default() }, Flushed::default());
        let peer = |number| {
            let writer = Writer { number, flushed: flushed.clone(), deed: Mutex::default() };
            Arc::new(Peer::new(ConnectionId(number), 1000, Arc::new(writer)))
        };
        flush_peers((0..peers as u64).map(peer).collect(), &workers);
        let mut all = flushed.take();
        let own = all.len();
        let mut shares: Vec<usize> = Vec::new();
        for share in workers.take() {
            share.run();
            let flushed = flushed.take();
            shares.push(flushed.len());
            all.extend(flushed);
        }
        all.sort_unstable();
        assert_eq!(all, (0..peers as u64).collect::<Vec<_>>(), "each is flushed once");
        (own, shares)
    };
    assert_eq!(shares(SPLIT_FROM, 3), (170, vec![171, 171]));
    assert_eq!(shares(SPLIT_FROM - 1, 3), (SPLIT_FROM - 1, vec![]));
    assert_eq!(shares(SPLIT_FROM, 1), (SPLIT_FROM, vec![]));
}

#[test]
fn who_comes_and_goes_is_told_up_to_a_number_of_members() {
    let world = World::builder().presence_limit(2).build();
    let (ann, bob) = (world.login("ann"), world.login("bob"));
    let cyd = world.login("cyd");
    assert_eq!(ann.read(), ["JOIN lobby bob"]);
    cyd.disconnect();
    assert_eq!(ann.read(), ["PART lobby cyd"]);
    bob.send("/join red");
    assert_eq!(ann.read(), ["PART lobby bob"]);
}

#[test]
fn large_rooms_are_flushed_by_flush_workers_too() {
    let world = World::builder().presence_limit(0).queued_flush_workers().build();
    let people: Vec<_> = (0..=SPLIT_FROM).map(|number| world.login(&format!("user{number}"))).collect();
    people[0].send("hello");
    assert_ne!(world.run_flush_workers(), 0);
    for person in &people[1..] {
        assert_eq!(person.read(), ["MSG lobby user0 hello"]);
    }
    people[0].send("again");
    world.run_flush_workers();
    assert_eq!(people[SPLIT_FROM].read(), ["MSG lobby user0 again"]);
}
