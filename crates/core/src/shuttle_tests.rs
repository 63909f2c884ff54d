//! The delivery path under a model checker, which tries many schedules of a few threads: outbox, topic, flush workers,
//! and entering a room while others send. Run with `--cfg shuttle`. A schedule in which threads wait for ever fails as
//! a deadlock. The tests must not rely on time, which does not pass here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parlor_proto::{Action, Encoded, Epoch, Event, MessageId, Note, Text, Timestamp, UserName};
use shuttle::thread::{self, JoinHandle};

use crate::delivery::flush::Flush;
use crate::delivery::hub::Hub;
use crate::delivery::outbox::{Outbox, Settled, Taken};
use crate::delivery::peer::{ConnectionId, Peer};
use crate::ports::{Change, Content, Entry, FlushWorkers, Head, LogId, Moderation, Presence, Sink, Transport};

/// Number of schedules to try, of each of two kinds.
const SCHEDULES: usize = 3_000;

fn explore(model: fn()) {
    shuttle::check_random(model, SCHEDULES);
    shuttle::check_pct(model, SCHEDULES, 3);
}

/// Threads that were started and must be joined. The lock is the standard one: it is held only while no other thread
/// can run.
#[derive(Default)]
struct Crew(std::sync::Mutex<Vec<JoinHandle<()>>>);

impl Crew {
    fn start(&self, work: impl FnOnce() + Send + 'static) {
        let handle = thread::spawn(work);
        self.0.lock().unwrap().push(handle);
    }

    fn await_all(&self) {
        loop {
            let Some(handle) = self.0.lock().unwrap().pop() else { return };
            handle.join().unwrap();
        }
    }
}

impl FlushWorkers for Crew {
    fn submit(&self, flush: Flush) {
        self.start(|| flush.run());
    }

    fn run_errand(&self, errand: Box<dyn FnOnce() + Send>) {
        self.start(errand);
    }

    fn count(&self) -> usize {
        2
    }
}

/// What a client received, and how often its socket will still be full.
#[derive(Default)]
struct ClientBuffer {
    written: std::sync::Mutex<Vec<u8>>,
    is_flushing: AtomicBool,
    full: AtomicUsize,
    crew: Arc<Crew>,
}

struct ModelTransport {
    tap: Arc<ClientBuffer>,
    peer: Arc<std::sync::OnceLock<std::sync::Weak<Peer>>>,
}

impl Transport for ModelTransport {
    fn flush(&self, outbox: &Outbox) {
        assert!(!self.tap.is_flushing.swap(true, Ordering::SeqCst), "two threads flush one outbox");
        loop {
            let is_full = self.tap.full.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |full| full.checked_sub(1));
            if is_full.is_ok() {
                self.tap.is_flushing.store(false, Ordering::SeqCst);
                outbox.hand_over();
                return self.drain_later();
            }
            let mut frames = Vec::new();
            if outbox.take(8, &mut frames) != Taken::Nothing {
                self.tap.written.lock().unwrap().extend(frames.concat());
                continue;
            }
            // Once it is settled, another thread may flush.
            self.tap.is_flushing.store(false, Ordering::SeqCst);
            match outbox.release_if_empty() {
                Settled::Idle => return,
                Settled::More => self.tap.is_flushing.store(true, Ordering::SeqCst),
            }
        }
    }

    fn interrupt(&self) {}

    fn pause(&self, _time: std::time::Duration) {}
}

impl ModelTransport {
    /// Does the work of the drain thread.
    fn drain_later(&self) {
        let peer = self.peer.get().and_then(std::sync::Weak::upgrade).unwrap();
        self.tap.crew.start(move || {
            peer.outbox().take_back();
            peer.transport().flush(peer.outbox());
        });
    }
}

/// A client whose socket will be full this many times.
struct Person {
    peer: Arc<Peer>,
    tap: Arc<ClientBuffer>,
}

fn person(number: u64, full: usize, crew: &Arc<Crew>) -> Person {
    let tap = Arc::new(ClientBuffer { full: AtomicUsize::new(full), crew: crew.clone(), ..ClientBuffer::default() });
    let cell = Arc::new(std::sync::OnceLock::new());
    let transport = ModelTransport { tap: tap.clone(), peer: cell.clone() };
    let peer = Arc::new(Peer::new(ConnectionId(number), 1 << 20, Arc::new(transport)));
    cell.set(Arc::downgrade(&peer)).unwrap();
    Person { peer, tap }
}

impl Person {
    /// The received lines, after all threads have finished.
    fn lines(&self) -> Vec<String> {
        assert!(self.peer.outbox().is_empty(), "frames were never flushed");
        assert!(self.peer.outbox().acquire(), "the outbox has an owner, but no thread flushes it");
        let written = self.tap.written.lock().unwrap().clone();
        String::from_utf8(written).unwrap().lines().map(str::to_owned).collect()
    }
}

fn pong(token: &str) -> Event {
    Event::Pong { token: Some(token.to_owned()) }
}

fn of<'a>(lines: &'a [String], pusher: &str) -> Vec<&'a str> {
    lines.iter().map(String::as_str).filter(|line| line.contains(pusher)).collect()
}

/// Two threads push events while the client's own thread replies and a full socket is drained.
fn outbox() {
    let crew = Arc::new(Crew::default());
    let ann = person(1, 1, &crew);
    for pusher in ["a", "b"] {
        let peer = ann.peer.clone();
        crew.start(move || {
            for number in 1..=2 {
                peer.send(&Encoded::new(&pong(&format!("{pusher}{number}")))).run();
            }
        });
    }
    for number in 1..=2 {
        ann.peer.reply(&pong(&format!("r{number}")));
        ann.peer.flush();
    }
    crew.await_all();
    let lines = ann.lines();
    assert_eq!(lines.len(), 6, "{lines:?}");
    for pusher in ["a", "b", "r"] {
        assert_eq!(of(&lines, pusher), [format!("PONG {pusher}1"), format!("PONG {pusher}2")]);
    }
}

#[test]
fn nothing_in_an_outbox_is_lost_reordered_or_forgotten() {
    explore(outbox);
}

/// A log that behaves like the embedded store: an entry can be read before it is delivered, and deliveries do not
/// overlap.
struct ModelLog {
    hub: Arc<Hub>,
    order: shuttle::sync::Mutex<()>,
    last: shuttle::sync::Mutex<u64>,
}

impl ModelLog {
    fn new(crew: &Arc<Crew>) -> Arc<Self> {
        let hub = Arc::new(Hub::new(crew.clone(), 100));
        Arc::new(Self { hub, order: shuttle::sync::Mutex::new(()), last: shuttle::sync::Mutex::new(0) })
    }

    fn append(&self) {
        self.append_with("");
    }

    /// Appends an entry whose text is its number and `more`.
    fn append_with(&self, more: &str) {
        let order = self.order.lock().unwrap();
        let mut last = self.last.lock().unwrap();
        *last += 1;
        let id = MessageId(*last);
        drop(last);
        let text = Text::sanitise(&format!("{id}{more}")).unwrap();
        let entry = Entry {
            id,
            time: Timestamp::from_millis(0),
            author: name("author"),
            to: None,
            content: Content::Said(text),
        };
        let flush = self.hub.deliver(&room(), &[entry]);
        drop(order);
        flush.run();
    }

    fn follow(&self) -> Head {
        Head { epoch: Epoch(1), last: MessageId(*self.last.lock().unwrap()) }
    }

    /// Enters as a session does, and returns the number that the reply contains.
    fn join(&self, peer: &Arc<Peer>, user: &str) -> u64 {
        let topic = self.hub.listen(&room(), peer, &name(user));
        topic.set_start(peer.connection(), self.follow());
        let mut told = None;
        let reply = |start: crate::ports::Head| {
            told = Some(start.last.0);
            Some(pong("entered"))
        };
        topic.activate(peer.connection(), None, reply).run();
        peer.flush();
        told.unwrap()
    }
}

fn room() -> LogId {
    LogId::Room("red".parse().unwrap())
}

fn name(user: &str) -> UserName {
    user.parse().unwrap()
}

fn messages(numbers: std::ops::RangeInclusive<u64>) -> Vec<String> {
    numbers.map(|number| format!("MSG red author {number}")).collect()
}

/// A member is kicked while others leave.
fn kick() {
    let crew = Arc::new(Crew::default());
    let log = ModelLog::new(&crew);
    let kicked = person(1, 0, &crew);
    log.join(&kicked.peer, "kicked");
    let (kicker, leaver) = (log.clone(), log);
    crew.start(move || {
        let kick =
            Moderation { action: Action::Kick, user: Some(name("kicked")), until: None, reason: Note::default() };
        let (id, time, author) = (MessageId(1), Timestamp::from_millis(0), name("author"));
        let entry = Entry { id, time, author, to: None, content: Content::Moderation(kick) };
        kicker.hub.deliver(&room(), &[entry]).run();
    });
    crew.start(move || {
        for version in 1..=2 {
            let (user, change) = (name(&format!("user{version}")), Change::Left);
            let presence = Presence { room: "red".parse().unwrap(), user, change, members: 3, version };
            leaver.hub.presence(&presence).run();
        }
    });
    crew.await_all();
    let lines = kicked.lines();
    assert!(lines.last().unwrap().starts_with("MODERATED red kicked kick author"), "{lines:?}");
}

#[test]
fn who_is_removed_hears_nothing_after_it() {
    explore(kick);
}

/// Two threads send to two members. The socket of one member is full once.
fn topic() {
    let crew = Arc::new(Crew::default());
    let log = ModelLog::new(&crew);
    let people = [person(1, 1, &crew), person(2, 0, &crew)];
    for (number, person) in people.iter().enumerate() {
        log.join(&person.peer, &format!("user{number}"));
    }
    for _ in 0..2 {
        let log = log.clone();
        crew.start(move || (0..2).for_each(|_| log.append()));
    }
    crew.await_all();
    for person in people {
        assert_eq!(person.lines()[1..], messages(1..=4));
    }
}

#[test]
fn whatever_a_channel_pushed_is_flushed_in_its_order() {
    explore(topic);
}

/// One client enters while another sends and a third, who was alone in the room, leaves.
fn joining() {
    let crew = Arc::new(Crew::default());
    let log = ModelLog::new(&crew);
    let (early, late) = (person(1, 0, &crew), person(2, 0, &crew));
    log.join(&early.peer, "early");
    log.append();
    let (speaking, leaving) = (log.clone(), log.clone());
    crew.start(move || (0..3).for_each(|_| speaking.append()));
    crew.start(move || {
        let topic = leaving.hub.listen(&room(), &early.peer, &name("early"));
        leaving.hub.unlisten(&topic, early.peer.connection());
        leaving.hub.unlisten(&topic, early.peer.connection());
    });
    let told = log.join(&late.peer, "late");
    crew.await_all();
    let lines = late.lines();
    assert_eq!(lines[0], "PONG entered");
    assert_eq!(lines[1..], messages(told + 1..=4), "the reply contained {told}");
}

#[test]
fn whoever_enters_gets_all_from_the_number_it_was_told_on() {
    explore(joining);
}

/// Two threads send faster than passes run, and wait for the passes.
fn backlog() {
    let crew = Arc::new(Crew::default());
    let log = ModelLog::new(&crew);
    let ann = person(1, 1, &crew);
    log.join(&ann.peer, "ann");
    for _ in 0..2 {
        let log = log.clone();
        crew.start(move || {
            for _ in 0..2 {
                log.append_with(&"!".repeat(40_000));
                log.hub.wait_for_backpressure(&room());
            }
        });
    }
    crew.await_all();
    assert_eq!(ann.lines().len(), 1 + 4);
}

#[test]
fn whoever_waits_for_a_pass_hears_of_its_end() {
    explore(backlog);
}
