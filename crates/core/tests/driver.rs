//! One client, as the thread of its connection drives it: what is written when, for how long the thread waits, and what
//! operators are told.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod common;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use parlor_core::ports::{Clock, LogKind, Observer, Transport};
use parlor_core::{ConnectionDriver, ConnectionId, Flow, Origin, Outbox, Peer, Services, Settled, Taken};
use parlor_proto::{Encoding, Format, Framing, RefusalCode, TicketCredentials, TicketSecret, Timestamp, UserName};
use parlor_testkit::{World, login_line};

use common::changed;

/// A socket that takes everything, unless it is full. The thread of its client does not wait; how long it was to is kept.
#[derive(Default)]
struct Wire {
    written: Mutex<Vec<u8>>,
    flushes: AtomicUsize,
    is_full: AtomicBool,
    /// How long the thread was to wait, and what was written by then.
    pauses: Mutex<Vec<(Duration, String)>>,
}

impl Transport for Wire {
    fn flush(&self, outbox: &Outbox) {
        self.flushes.fetch_add(1, Ordering::SeqCst);
        if self.is_full.load(Ordering::SeqCst) {
            return outbox.hand_over();
        }
        let mut frames = Vec::new();
        while outbox.take(usize::MAX, &mut frames) != Taken::Nothing || outbox.release_if_empty() == Settled::More {}
        self.written.lock().unwrap().extend(frames.concat());
    }

    fn interrupt(&self) {}

    fn pause(&self, time: Duration) {
        let written = String::from_utf8(self.written.lock().unwrap().clone()).unwrap();
        self.pauses.lock().unwrap().push((time, written));
    }
}

impl Wire {
    fn read(&self) -> Vec<String> {
        let written = std::mem::take(&mut *self.written.lock().unwrap());
        String::from_utf8(written).unwrap().lines().map(str::to_owned).collect()
    }

    fn flushes(&self) -> usize {
        self.flushes.load(Ordering::SeqCst)
    }

    fn longest_pause(&self) -> Duration {
        let pauses = self.pauses.lock().unwrap();
        pauses.iter().map(|(time, _)| *time).max().unwrap_or_default()
    }
}

struct Client {
    driver: ConnectionDriver,
    peer: Arc<Peer>,
    wire: Arc<Wire>,
}

fn origin(address: &str) -> Origin {
    Origin { address: address.to_owned(), network: address.to_owned(), is_loopback: address == "127.0.0.1" }
}

/// A new client, which was greeted.
fn client(services: &Arc<Services>, address: &str) -> Client {
    let wire = Arc::new(Wire::default());
    let peer = Arc::new(Peer::new(ConnectionId(1000), services.policy.max_queued_bytes, wire.clone()));
    services.hub.connect(peer.clone());
    let mut driver = ConnectionDriver::new(services.clone(), peer.clone(), origin(address));
    driver.send_hello(Encoding::default());
    assert_eq!(wire.read(), ["HELLO parlor/1 test"]);
    Client { driver, peer, wire }
}

impl Client {
    fn ask(&mut self, lines: &str) -> Vec<String> {
        self.driver.receive(format!("{lines}\n").as_bytes());
        self.wire.read()
    }
}

/// A ticket of ann, whose account the world has.
fn ticket(world: &World) -> TicketCredentials {
    let told = world.login("ann").ask("/ticket").pop().unwrap();
    shown(told.strip_prefix("OK ticket ").unwrap())
}

fn shown(secret: &str) -> TicketCredentials {
    TicketCredentials { user: "ann".parse().unwrap(), secret: TicketSecret::given(secret) }
}

/// What operators hear of lines and sessions.
#[derive(Default)]
struct Operators(Mutex<Vec<String>>);

impl Operators {
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Observer for Operators {
    fn accepted(&self, kind: LogKind) {
        self.note(format!("accepted {}", kind.word()));
    }

    fn refused(&self, code: RefusalCode) {
        self.note(format!("refused {code}"));
    }

    fn session_began(&self, _connection: ConnectionId, user: &UserName, origin: &Origin) {
        self.note(format!("{user} from {}", origin.address));
    }
}

#[test]
fn the_greeting_is_the_first_frame_in_the_encoding_of_the_client() {
    let world = World::new();
    let mut ann = client(&changed(&world, |_| ()), "192.0.2.1");
    ann.driver.send_hello(Encoding { format: Format::Json, framing: Framing::WebSocket });
    let frame = std::mem::take(&mut *ann.wire.written.lock().unwrap());
    let text = r#"{"type":"hello","protocol":"parlor/1","server":"test"}"#;
    assert_eq!(frame, Framing::WebSocket.frame(format!("{text}\n").as_bytes())[..]);
    ann.driver.receive(b"PING\n");
    let frame = std::mem::take(&mut *ann.wire.written.lock().unwrap());
    assert_eq!(frame, Framing::WebSocket.frame(b"{\"type\":\"pong\",\"token\":null}\n")[..]);
}

#[test]
fn the_time_for_logging_in_begins_with_the_greeting_and_ends_with_the_login() {
    let world = World::new();
    world.account("ann");
    let mut ann = client(&changed(&world, |_| ()), "192.0.2.1");
    world.advance(7);
    assert_eq!(ann.driver.time_to_log_in(), Some(Duration::from_secs(3)));
    ann.driver.send_hello(Encoding::default());
    assert_eq!(ann.driver.time_to_log_in(), Some(Duration::from_secs(10)));
    world.advance(11);
    assert_eq!(ann.driver.time_to_log_in(), Some(Duration::ZERO));
    ann.driver.send_hello(Encoding::default());
    ann.ask(&login_line("ann"));
    assert_eq!((ann.driver.time_to_log_in(), ann.driver.is_logged_in()), (None, true));
}

#[test]
fn a_ticket_that_comes_with_the_connection_begins_a_session() {
    let world = World::new();
    let ticket = ticket(&world);
    let mut ann = client(&changed(&world, |_| ()), "192.0.2.1");
    assert_eq!(ann.driver.resume(&ticket), Flow::Continue);
    assert_eq!((ann.wire.read(), ann.driver.is_logged_in()), (vec!["OK login ann lobby".to_owned()], true));
    assert_eq!(ann.ask("/who"), ["USER ann", "OK who lobby 1"]);
}

#[test]
fn of_a_void_ticket_nothing_is_said_however_often_and_a_password_still_logs_in() {
    let world = World::new();
    world.account("ann");
    let mut ann = client(&changed(&world, |_| ()), "192.0.2.1");
    for _ in 0..4 {
        assert_eq!(ann.driver.resume(&shown("plt_00")), Flow::Continue);
        assert_eq!((ann.wire.read(), ann.driver.is_logged_in()), (vec![], false));
    }
    assert_eq!(world.reports(), ["failed ann from 192.0.2.1"; 4]);
    assert_eq!(ann.ask(&login_line("ann")), ["OK login ann lobby"]);
}

#[test]
fn a_right_ticket_that_begins_no_session_is_told_why() {
    let world = World::new();
    world.operator("op");
    let (ticket, op) = (ticket(&world), world.login("op"));
    let mut ann = client(&changed(&world, |_| ()), "192.0.2.1");
    world.fail_store(true);
    assert_eq!(ann.driver.resume(&ticket), Flow::Continue);
    assert_eq!(ann.wire.read(), ["ERR store-unavailable The store cannot be reached; try again later"]);
    world.fail_store(false);
    op.send("/suspend ann");
    assert_eq!(ann.driver.resume(&ticket), Flow::Continue);
    assert_eq!(ann.wire.read(), ["ERR suspended This account is suspended"]);
}

#[test]
fn a_client_at_the_door_has_as_much_time_as_for_a_login_whenever_it_comes() {
    let world = World::new();
    let ann = client(&changed(&world, |_| ()), "192.0.2.1");
    world.advance(60);
    let (_, visitor) = ann.driver.visit();
    assert_eq!(visitor.deadline, Duration::from_secs(60 + 10));
    assert_eq!((visitor.origin.address.as_str(), visitor.connection), ("192.0.2.1", ConnectionId(1000)));
    // A delay is waited for by its own thread.
    visitor.patience.pause(Duration::from_secs(2));
    assert_eq!(ann.wire.longest_pause(), Duration::from_secs(2));
}

#[test]
fn behind_a_trusted_proxy_the_address_is_the_client_s_and_the_limit_of_lines_the_proxy_s() {
    let world = World::builder().line_rate(1, 1).build();
    world.account("ann");
    let operators = Arc::new(Operators::default());
    let services = changed(&world, |services| services.observer = operators.clone());
    let mut ann = client(&services, "127.0.0.1");
    ann.driver.set_origin(origin("192.0.2.1"));
    ann.ask(&login_line("ann"));
    ann.ask(&"/ping\n".repeat(30));
    assert_eq!((operators.take(), ann.wire.longest_pause()), (vec!["ann from 192.0.2.1".to_owned()], Duration::ZERO));
    // Failures count for the address of the client.
    for number in 0..24 {
        world.from_address("192.0.2.1").ask(&format!("LOGIN user{number} wrong"));
    }
    let mut other = client(&services, "127.0.0.1");
    other.driver.set_origin(origin("192.0.2.1"));
    assert!(other.ask("LOGIN other wrong")[0].starts_with("ERR too-many-attempts "));
}

#[test]
fn whoever_sends_too_fast_gets_the_answers_so_far_before_the_wait() {
    let world = World::builder().line_rate(10, 1).build();
    let mut ann = client(&changed(&world, |_| ()), "192.0.2.1");
    ann.driver.receive(b"PING 1\nPING 2\nPING 3\n");
    let millis = Duration::from_millis;
    let expected = [(millis(100), "PONG 1\n".to_owned()), (millis(200), "PONG 1\nPONG 2\n".to_owned())];
    assert_eq!(*ann.wire.pauses.lock().unwrap(), expected);
}

#[test]
fn no_wait_for_the_rate_of_lines_is_longer_than_the_time_for_logging_in() {
    let world = World::builder().line_rate(1, 1).build();
    world.account("ann");
    let services = changed(&world, |_| ());
    let mut stranger = client(&services, "192.0.2.1");
    stranger.ask(&"PING\n".repeat(30));
    assert_eq!(stranger.wire.longest_pause(), Duration::from_secs(10));
    // In a session, and for requests, there is no such time.
    let mut ann = client(&services, "192.0.2.1");
    ann.ask(&login_line("ann"));
    ann.ask(&"/ping\n".repeat(30));
    assert!(ann.wire.longest_pause() >= Duration::from_secs(29));
    let mut visitor = client(&services, "192.0.2.1");
    (0..30).for_each(|_| visitor.driver.keep_pace());
    assert_eq!(visitor.wire.longest_pause(), Duration::from_secs(29));
}

#[test]
fn who_does_not_read_before_the_login_is_no_slow_consumer() {
    /// The time for the login never ends, and is short.
    struct Stopped;

    impl Clock for Stopped {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }

        fn elapsed(&self) -> Duration {
            Duration::ZERO
        }
    }

    let services = changed(&World::new(), |services| {
        services.clock = Arc::new(Stopped);
        services.policy.login_timeout = Duration::from_millis(1);
    });
    let mut stranger = client(&services, "192.0.2.1");
    let help: usize = stranger.ask("HELP").iter().map(|line| line.len() + 1).sum();
    stranger.wire.is_full.store(true, Ordering::SeqCst);
    // As much as may wait to be read, and a few more.
    let lines = 256 * 1024 / help + 4;
    assert_eq!(stranger.driver.receive("HELP\n".repeat(lines).as_bytes()), Flow::Continue);
    assert_eq!((stranger.peer.outbox().goodbye(), stranger.wire.read()), (None, vec![]));
}

#[test]
fn what_the_transport_needs_is_written_though_there_is_no_line_and_by_one_thread_at_a_time() {
    let world = World::new();
    let ann = client(&changed(&world, |_| ()), "192.0.2.1");
    let before = ann.wire.flushes();
    ann.driver.flush_wire(false);
    assert_eq!(ann.wire.flushes(), before);
    ann.driver.flush_wire(true);
    assert_eq!(ann.wire.flushes(), before + 1);
    // Somebody else is about to write.
    ann.peer.outbox().push_frame(Arc::from(&b"from another thread\n"[..]));
    ann.driver.flush_wire(true);
    ann.driver.send_frame(Arc::from(&b"from its own\n"[..]));
    assert_eq!((ann.wire.flushes(), ann.wire.read()), (before + 1, vec![]));
    ann.peer.transport().flush(ann.peer.outbox());
    assert_eq!(ann.wire.read(), ["from another thread", "from its own"]);
    ann.driver.send_frame(Arc::from(&b"alone\n"[..]));
    assert_eq!(ann.wire.read(), ["alone"]);
}

#[test]
fn nothing_is_carried_out_for_a_connection_that_broke() {
    let world = World::new();
    world.account("ann");
    let mut ann = client(&changed(&world, |_| ()), "192.0.2.1");
    ann.ask(&login_line("ann"));
    ann.peer.outbox().kill();
    assert_eq!(ann.driver.receive(b"hello\nhello\n"), Flow::End);
    assert_eq!(world.appends(), 0);
}

#[test]
fn operators_hear_what_was_accepted_and_what_was_refused() {
    let world = World::new();
    world.account("ann");
    let bob = world.login("bob");
    bob.send("/block ann");
    let operators = Arc::new(Operators::default());
    let mut ann = client(&changed(&world, |services| services.observer = operators.clone()), "192.0.2.1");
    ann.ask(&format!("hello\n{}", login_line("ann")));
    ann.ask("hello\n/publish news\n/msg ann a note\n/edit lobby 1 hi");
    let accepted = ["accepted room", "accepted feed", "accepted inbox", "accepted room"];
    assert_eq!(operators.take(), [&["refused login-required", "ann from 192.0.2.1"][..], &accepted].concat());
    ann.ask(&format!("/nonsense\n/msg bob hi\n/edit lobby 7 hi\n{}\n/kick lobby bob", "x".repeat(4096)));
    let refused = ["unknown-command", "blocked", "no-such-message", "line-too-long", "bad-argument"];
    assert_eq!(operators.take(), refused.map(|code| format!("refused {code}")));
    world.fail_store(true);
    ann.ask("hello");
    world.fail_store(false);
    assert_eq!(operators.take(), ["refused store-unavailable"]);
}

#[test]
fn an_owner_chooses_a_retention_where_the_operator_lets_owners() {
    let world = World::new();
    world.account("ann");
    let mut ann = client(&changed(&world, |services| services.policy.room_retention = true), "192.0.2.1");
    ann.ask(&format!("{}\n/join red", login_line("ann")));
    assert_eq!(ann.ask("/retention red 30d"), ["OK retention red 30d"]);
    // In the lobby operators decide, here too.
    assert!(ann.ask("/retention lobby 30d")[0].starts_with("ERR not-allowed "));
}
