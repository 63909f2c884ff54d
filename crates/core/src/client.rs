//! One client, as its thread drives it: bytes in, answers into the outbox. It must not read or write sockets.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parlor_proto::{Bye, Event, Line, LineSplitter, Refusal};

use crate::dialogue::Dialogue;
use crate::pace::Pace;
use crate::parlor::Parlor;
use crate::peer::{Origin, Peer};
use crate::session::Place;

/// Bytes of replies that may wait before a client is read on: it gets no further ahead of itself.
const REPLY_ROOM: usize = 256 * 1024;

/// How long a client may leave its replies unread while it has asked for more.
const REPLY_PATIENCE: Duration = Duration::from_secs(60);

/// What the client's thread does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Reads on.
    Continue,
    /// Ends the connection: a goodbye is queued, or nothing can be written any more.
    End,
}

/// One client. Owned by its thread, which calls [`Client::greet`] first, then [`Client::receive`] for all that
/// it reads, and at the end [`Client::depart`], the goodbye on the wire, and [`Client::release`].
pub struct Client {
    splitter: LineSplitter,
    pace: Option<Pace>,
    dialogue: Dialogue,
}

impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Client({})", self.dialogue.place().peer.connection())
    }
}

impl Client {
    /// A client that has not said anything; the hub knows it from now on.
    pub fn new(parlor: Arc<Parlor>, peer: Arc<Peer>, origin: Origin) -> Self {
        parlor.hub.connect(peer.clone());
        let splitter = LineSplitter::new(parlor.policy.max_line_bytes);
        let rate = parlor.policy.line_rate;
        let dialogue = Dialogue::new(Place { parlor, peer }, origin);
        let pace = rate.filter(|_| dialogue.is_limited()).map(Pace::new);
        Self { splitter, pace, dialogue }
    }

    /// Says hello.
    pub fn greet(&mut self) {
        let place = self.dialogue.place();
        place.peer.reply(&Event::hello(&place.parlor.policy.server_name));
        place.peer.flush();
    }

    /// Whether somebody is logged in.
    pub fn is_logged_in(&self) -> bool {
        self.dialogue.session().is_some()
    }

    /// Carries out what the client sent. All messages of one call are one append. Blocks on the store, on the
    /// hashing of passwords, while the client is over its line rate, and while it does not read its replies.
    pub fn receive(&mut self, mut input: &[u8]) -> Flow {
        while let Some(line) = self.splitter.next_line(&mut input) {
            if self.dialogue.is_over() {
                return Flow::End;
            }
            keep_pace(&mut self.pace, &mut self.dialogue);
            match line {
                Line::Complete(line) => self.dialogue.line(line),
                Line::TooLong => {
                    let max = self.dialogue.place().parlor.policy.max_line_bytes;
                    self.dialogue.refuse(&Refusal::LineTooLong(max), None);
                }
            }
            wait_for_reader(&mut self.dialogue);
        }
        self.dialogue.commit();
        self.dialogue.place().peer.flush();
        if self.dialogue.is_over() { Flow::End } else { Flow::Continue }
    }

    /// The time for logging in is over.
    pub fn time_out(&mut self) {
        let seconds = self.dialogue.place().parlor.policy.login_timeout.as_secs();
        self.dialogue.refuse(&Refusal::LoginTimeout(seconds), None);
        self.hang_up(Bye::LoginTimeout);
    }

    /// Says goodbye; [`Client::depart`] is to follow.
    pub fn hang_up(&mut self, bye: Bye) {
        self.dialogue.hang_up(bye);
    }

    /// Leaves the room: members see one PART. To be called once, before the goodbye is written.
    pub fn depart(&mut self) {
        if let Some((session, place)) = self.dialogue.session_mut() {
            session.depart(place);
        }
    }

    /// Gives the session up. To be called once the client can hear nothing more.
    pub fn release(mut self) {
        let session = self.dialogue.take_session();
        let place = self.dialogue.place();
        let connection = place.peer.connection();
        if let Some(session) = session {
            let why = place.peer.outbox().goodbye();
            place.parlor.observer.session_ended(connection, session.user(), why);
            session.release(place);
        }
        place.parlor.hub.disconnect(connection);
    }
}

/// Lets a client wait that sends faster than it may.
fn keep_pace(pace: &mut Option<Pace>, dialogue: &mut Dialogue) {
    let Some(pace) = pace else { return };
    let delay = pace.delay(dialogue.place().parlor.clock.elapsed());
    if !delay.is_zero() {
        dialogue.commit();
        let peer = &dialogue.place().peer;
        peer.flush();
        peer.wire().pause(delay);
    }
}

/// Lets a client wait that does not read its replies, and cuts it off in the end.
fn wait_for_reader(dialogue: &mut Dialogue) {
    let peer = dialogue.place().peer.clone();
    if peer.outbox().await_room(REPLY_ROOM, Duration::ZERO) {
        return;
    }
    peer.flush();
    if !peer.outbox().await_room(REPLY_ROOM, REPLY_PATIENCE) {
        peer.close(Bye::SlowConsumer).run();
    }
}
