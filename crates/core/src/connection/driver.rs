//! One client, as its thread drives it: bytes in, replies into the outbox. It must not read or write sockets.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parlor_proto::{Bye, Encoded, Encoding, Event, Line, LineSplitter, Refusal, TicketCredentials};

use crate::connection::command_processor::CommandProcessor;
use crate::connection::session_cell::SessionCell;
use crate::delivery::outbox::Awaited;
use crate::delivery::peer::{Origin, Peer};
use crate::limits::rate_limit::RateLimiter;
use crate::login::Visitor;
use crate::services::Services;

/// Bytes of unread replies above which the server stops reading from the client.
const MAX_PENDING_REPLY_BYTES: usize = 256 * 1024;

/// How long a client may leave its replies unread after it sent more commands. The server waits longer for a client
/// that reads.
const REPLY_PATIENCE: Duration = Duration::from_secs(60);

/// What the client's thread does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Continues to read.
    Continue,
    /// Ends the connection: a goodbye is queued, or nothing more can be written.
    End,
}

/// One client. Owned by its thread, which calls [`ConnectionDriver::send_hello`] first, then
/// [`ConnectionDriver::receive`] for all bytes that it reads. At the end the thread calls
/// [`ConnectionDriver::leave_all`], writes the goodbye, and calls [`ConnectionDriver::release`]. The hub must know the
/// connection all that time, and as long as anything may still be written.
pub struct ConnectionDriver {
    splitter: LineSplitter,
    pace: Option<RateLimiter>,
    processor: CommandProcessor,
}

impl fmt::Debug for ConnectionDriver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "ConnectionDriver({})", self.processor.handle().peer.connection())
    }
}

impl ConnectionDriver {
    /// A client that has not sent anything.
    pub fn new(services: Arc<Services>, peer: Arc<Peer>, origin: Origin) -> Self {
        let splitter = LineSplitter::new(services.policy.max_line_bytes);
        let rate = services.policy.line_rate;
        let cell = Arc::new(SessionCell::new(services.clone(), peer.clone()));
        let processor = CommandProcessor::new(services, peer, cell, origin);
        let pace = rate.filter(|_| processor.is_limited()).map(RateLimiter::new);
        Self { splitter, pace, processor }
    }

    /// Sends HELLO as the first frame of this encoding, and starts the time limit for the login.
    pub fn send_hello(&mut self, encoding: Encoding) {
        self.processor.start_login_timeout();
        let handle = self.processor.handle();
        let hello = Event::hello(&handle.services.policy.server_name);
        handle.peer.outbox().reply_in(encoding, &Encoded::new(&hello));
        handle.peer.flush();
    }

    /// Whether a user is logged in.
    pub fn is_logged_in(&self) -> bool {
        self.processor.is_logged_in()
    }

    /// Time left for the login; `None` if the client has logged in.
    pub fn time_to_log_in(&self) -> Option<Duration> {
        self.processor.time_to_log_in()
    }

    /// Carries out the client's input. All messages of one call are one append. Blocks on the store, on the hashing of
    /// passwords, while the client is over its rate limit, and while it does not read its replies. For a client that
    /// has not logged in, the waits for the rate limit and for the reader end with the login timeout.
    pub fn receive(&mut self, input: &[u8]) -> Flow {
        self.processor.take_session_up();
        let flow = self.carry_out(input);
        self.processor.lay_session_down();
        flow
    }

    fn carry_out(&mut self, mut input: &[u8]) -> Flow {
        while let Some(line) = self.splitter.next_line(&mut input) {
            if self.processor.is_over() {
                return Flow::End;
            }
            keep_pace(&mut self.pace, &mut self.processor, CommandProcessor::time_to_log_in);
            match line {
                Line::Complete(line) => self.processor.line(line),
                Line::TooLong => {
                    let max = self.processor.handle().services.policy.max_line_bytes;
                    self.processor.refuse(&Refusal::LineTooLong(max), None);
                }
            }
            wait_for_reader(&mut self.processor);
            if self.processor.time_to_log_in().is_some_and(|time| time.is_zero()) {
                self.time_out();
                return Flow::End;
            }
        }
        self.processor.commit();
        self.processor.handle().peer.flush();
        if self.processor.is_over() { Flow::End } else { Flow::Continue }
    }

    /// Begins a session by a ticket that the client showed before its first line. Nothing is said about a ticket that is
    /// not valid: the client can log in as if it had shown none.
    pub fn resume(&mut self, ticket: &TicketCredentials) -> Flow {
        self.processor.take_session_up();
        self.processor.resume(ticket);
        self.processor.commit();
        self.processor.handle().peer.flush();
        self.processor.lay_session_down();
        if self.processor.is_over() { Flow::End } else { Flow::Continue }
    }

    /// What the client needs to get a ticket without a session, within the time limit for a login.
    pub fn visit(&self) -> (&Services, Visitor<'_>) {
        let handle = self.processor.handle();
        let deadline = handle.services.clock.elapsed() + handle.services.policy.login_timeout;
        let (connection, patience) = (handle.peer.connection(), &*handle.peer);
        (&handle.services, Visitor { origin: self.processor.origin(), connection, deadline, patience })
    }

    /// Takes the client for one at `origin`, since a trusted proxy says so. The limits of its connection stay as they were.
    pub fn set_origin(&mut self, origin: Origin) {
        self.processor.set_origin(origin);
    }

    /// Makes a client wait that sends faster than its rate limit: one call for each request. The time limit for the login
    /// has nothing to do with requests.
    pub fn keep_pace(&mut self) {
        keep_pace(&mut self.pace, &mut self.processor, |_| None);
    }

    /// If `needed`, flushes pending TLS records (alerts, key updates) even if the outbox is empty.
    pub fn flush_wire(&self, needed: bool) {
        let peer = &self.processor.handle().peer;
        if needed && peer.outbox().acquire() {
            peer.transport().flush(peer.outbox());
        }
    }

    /// Queues a frame of the transport itself among the events, and flushes. For the connection's own thread.
    pub fn send_frame(&self, frame: Arc<[u8]>) {
        let peer = &self.processor.handle().peer;
        peer.send_frame(frame).run();
    }

    /// Refuses with `login-timeout` and queues the goodbye, since the time limit for the login has ended.
    pub fn time_out(&mut self) {
        let seconds = self.processor.handle().services.policy.login_timeout.as_secs();
        self.processor.refuse(&Refusal::LoginTimeout(seconds), None);
        self.hang_up(Bye::LoginTimeout);
    }

    /// Queues the goodbye. The caller must call [`ConnectionDriver::leave_all`] afterwards.
    pub fn hang_up(&mut self, bye: Bye) {
        self.processor.hang_up(bye);
    }

    /// Leaves the room: members see one PART. Must be called once, before the goodbye is written.
    pub fn leave_all(&mut self) {
        self.processor.handle().peer.outbox().leave();
        self.processor.take_session_up();
        if let Some((session, handle)) = self.processor.session_mut() {
            session.leave_all(handle);
        }
    }

    /// Releases the session. Must be called once the client can receive nothing more from others.
    pub fn release(mut self) {
        self.processor.take_session_up();
        let session = self.processor.take_session();
        let handle = self.processor.handle();
        if let Some(session) = session {
            let why = handle.peer.outbox().goodbye();
            handle.services.observer.session_ended(handle.peer.connection(), session.user(), why);
            session.release(handle);
        }
    }
}

/// Makes a client wait that sends faster than its rate limit, but not longer than `time_left`, if that is limited.
fn keep_pace(
    pace: &mut Option<RateLimiter>,
    processor: &mut CommandProcessor,
    time_left: fn(&CommandProcessor) -> Option<Duration>,
) {
    let Some(pace) = pace else { return };
    let delay = pace.delay(processor.handle().services.clock.elapsed());
    if !delay.is_zero() {
        processor.commit();
        let peer = &processor.handle().peer;
        peer.flush();
        peer.transport().pause(delay.min(time_left(processor).unwrap_or(delay)));
    }
}

/// Waits for a client that does not read its replies, and closes it as a slow consumer in the end. For a client that
/// has not logged in, the login timeout applies instead.
fn wait_for_reader(processor: &mut CommandProcessor) {
    let peer = processor.handle().peer.clone();
    if peer.outbox().has_capacity(MAX_PENDING_REPLY_BYTES) {
        return;
    }
    peer.flush();
    loop {
        let time = processor.time_to_log_in();
        match peer.outbox().await_capacity(MAX_PENDING_REPLY_BYTES, time.unwrap_or(REPLY_PATIENCE)) {
            Awaited::Progress if time.is_none_or(|time| !time.is_zero()) => {}
            Awaited::Stuck if time.is_none() => return peer.close(Bye::SlowConsumer).run(),
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use parlor_testkit::{World, login_line};

    #[test]
    fn lines_end_with_lf_or_crlf_and_come_in_any_pieces() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        for piece in ["o", "ne\r", "\ntw", "o\nunfini"] {
            ann.send_raw(piece.as_bytes());
        }
        ann.disconnect();
        assert_eq!(bob.read(), ["MSG lobby ann one", "MSG lobby ann two", "PART lobby ann"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_refused_at_once_and_dropped() {
        let world = World::builder().max_line_bytes(64).build();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.read();
        ann.send_raw("x".repeat(64).as_bytes());
        assert_eq!(ann.read(), ["ERR line-too-long A line has at most 64 bytes"]);
        ann.send_raw(b"still the same line\nhello\n");
        ann.send("x".repeat(63).as_str());
        assert_eq!((ann.read(), bob.read()[1..].len()), (vec![], 1));
    }

    #[test]
    fn bytes_that_are_no_utf_8_are_refused() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        ann.read();
        ann.send_raw(b"caf\xe9\ncaf\xc3\xa9\n");
        assert_eq!(ann.read(), ["ERR invalid-utf8 The line is not UTF-8"]);
        assert_eq!(bob.read(), ["MSG lobby ann café"]);
    }

    #[test]
    fn who_sends_too_fast_is_read_more_slowly_and_loses_nothing() {
        let world = World::builder().line_rate(10, 5).build();
        let bob = world.login("bob");
        world.account("ann");
        let ann = world.from_address("192.0.2.1");
        ann.send(&login_line("ann"));
        let before = world.elapsed_millis();
        ann.send_raw("hi\n".repeat(24).as_bytes());
        assert_eq!(world.elapsed_millis() - before, 2000);
        assert_eq!(bob.read().len(), 1 + 24);
        let before = world.elapsed_millis();
        bob.send_raw("hi\n".repeat(24).as_bytes());
        assert_eq!(world.elapsed_millis(), before);
    }

    #[test]
    fn who_does_not_read_is_cut_off_and_slows_nobody_down() {
        let world = World::builder().max_queued_bytes(200).build();
        let (ann, bob, cyd) = (world.login("ann"), world.login("bob"), world.login("cyd"));
        bob.read();
        bob.stick(true);
        for number in 0..20 {
            ann.send(&format!("message {number}"));
        }
        assert!(!bob.is_open());
        assert_eq!(bob.read(), Vec::<String>::new());
        bob.stick(false);
        assert_eq!(bob.read(), ["BYE slow-consumer Too much waited to be read"]);
        let heard = cyd.read();
        assert_eq!(heard.iter().filter(|line| line.starts_with("MSG ")).count(), 20);
        assert_eq!(heard.iter().filter(|line| *line == "PART lobby bob").count(), 1);
    }

    #[test]
    fn who_reads_late_but_in_time_misses_nothing() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.stick(true);
        ann.send_raw(b"one\ntwo\n");
        bob.send("/ping");
        ann.send("three");
        assert_eq!(bob.read(), Vec::<String>::new());
        bob.stick(false);
        assert_eq!(bob.read(), ["MSG lobby ann one", "MSG lobby ann two", "PONG", "MSG lobby ann three"]);
    }

    #[test]
    fn the_time_for_logging_in_ends() {
        let world = World::builder().login_timeout(7).build();
        let stranger = world.connect();
        stranger.time_out();
        assert_eq!(
            stranger.read(),
            ["ERR login-timeout Not logged in within 7 s", "BYE login-timeout Nobody logged in in time"]
        );
        assert_eq!(world.connections(), 0);
    }

    #[test]
    fn when_the_server_stops_everybody_is_told() {
        let world = World::new();
        let (ann, stranger) = (world.login("ann"), world.connect());
        world.shut_down();
        for connection in [&ann, &stranger] {
            assert_eq!(connection.read(), ["BYE server-shutdown The server stops"]);
            assert!(!connection.is_open());
        }
        assert_eq!((world.connections(), world.topics()), (0, 0));
    }

    #[test]
    fn a_deleted_account_is_thrown_out() {
        let world = World::new();
        let (ann, bob) = (world.login("ann"), world.login("bob"));
        bob.send("/subscribe ann");
        bob.read();
        world.delete_account("ann");
        assert_eq!(ann.read()[1..], ["BYE kicked An operator ended this session"]);
        assert_eq!(bob.read(), ["PART lobby ann"]);
        assert_eq!(bob.ask("/subscriptions"), ["OK subscriptions 0"]);
    }

    #[test]
    fn no_line_extends_the_time_for_logging_in() {
        let world = World::builder().login_timeout(7).build();
        let (stranger, ann) = (world.connect(), world.login("ann"));
        world.advance(6);
        assert_eq!(stranger.ask("PING"), ["PONG"]);
        world.advance(1);
        let told = ["PONG", "ERR login-timeout Not logged in within 7 s", "BYE login-timeout Nobody logged in in time"];
        assert_eq!(stranger.ask("PING\nPING"), told);
        assert!(!stranger.is_open() && ann.is_open());
        assert_eq!(ann.ask("/ping"), ["PONG"]);
    }
}
