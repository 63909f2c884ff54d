//! The network side of the client on a terminal: shows events, and reconnects to the next server if the connection is
//! lost. It must not read the keyboard.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use jiff::Timestamp as Moment;
use parlor_proto::{Bye, Credentials, Event, Reply, RoomName, Verb};

use super::Exit;
use super::catch_up::{CatchUp, Shown};
use super::join::{self, Answer, Entering};
use super::reconnect::{AddressRotation, End, Next, after_end, after_refused_connection, after_refused_login};
use super::render::Renderer;
use super::shared::{SendPolicy, SharedState};
use super::terminal::Screen;
use crate::address::Address;
use crate::connection::LineSender;
use crate::connector::Connector;
use crate::events::Incoming;
use crate::lock;
use crate::session::{Entry, Session};

/// A session of this length counts as stable: the next pause is short again.
const GOOD_SESSION: Duration = Duration::from_secs(60);

/// What each attempt to connect needs.
pub(super) struct ReconnectConfig {
    pub(super) connector: Connector,
    pub(super) credentials: Credentials,
    pub(super) room: Option<RoomName>,
}

/// Runs one session after the other.
pub(super) struct NetworkThread {
    pub(super) plan: ReconnectConfig,
    pub(super) link: Arc<SharedState>,
    pub(super) screen: Screen,
    pub(super) renderer: Renderer,
    pub(super) catch_up: CatchUp,
    /// Says that the user wants to wait no longer; disconnected once they leave.
    pub(super) left: Receiver<()>,
}

/// How long one more attempt has to wait.
#[derive(Debug, PartialEq, Eq)]
enum Waited {
    /// Until its time, or until the user wanted it.
    Over,
    /// For ever, since the user leaves.
    UserLeft,
}

impl NetworkThread {
    /// Shows this session and the following ones, until no session is left.
    pub(super) fn run(mut self, session: Session) {
        let exit = self.follow_all(session);
        *lock(&self.link.over) = Some(exit);
        if !self.link.leaving.load(Ordering::SeqCst) {
            self.news("this is over; press Enter to leave");
        }
    }

    fn follow_all(&mut self, mut session: Session) -> Exit {
        let addresses = self.plan.connector.addresses();
        let at = addresses.iter().position(|address| *address == session.address).unwrap_or_default();
        let mut rounds = AddressRotation::new(addresses.len(), at);
        loop {
            let begun = Instant::now();
            let address = session.address.clone();
            let sender = session.sender.clone();
            rounds.succeeded();
            let end = self.follow(session);
            let silent = sender.silent_for();
            // It would keep the connection open.
            drop(sender);
            self.link.cut();
            let held = self.catch_up.disconnected();
            if self.link.leaving.load(Ordering::SeqCst) {
                return Exit::Done;
            }
            if after_end(&end) == Next::Stop {
                held.iter().for_each(|event| self.show(event));
                self.tell_end(&address, &end);
                return Exit::NoConnection;
            }
            self.tell_end(&address, &end);
            if matches!(end, End::Bye(Bye::IdleTimeout, _)) {
                self.adapt_keepalive(silent);
            }
            if begun.elapsed() >= GOOD_SESSION {
                rounds.begin_anew();
            }
            session = match self.reconnect(&mut rounds) {
                Ok(session) => session,
                Err(exit) => return exit,
            };
        }
    }

    /// After a session that its server ended as idle.
    fn adapt_keepalive(&mut self, silent: Duration) {
        let connector = &mut self.plan.connector;
        let before = connector.keepalive();
        if connector.adapt_keepalive(silent) && connector.keepalive() != before {
            let pause = connector.keepalive().as_secs_f64();
            self.news(&format!("from now on there is a ping every {pause:.2} s"));
        }
    }

    /// Shows one session.
    fn follow(&mut self, mut session: Session) -> End {
        let mut entering = self.welcome(&session);
        loop {
            match session.events.next() {
                Ok(Incoming::Event { event: Event::Bye { code, message }, .. }) => {
                    return End::Bye(code, message.into_owned());
                }
                Ok(Incoming::Event { event, .. }) => {
                    self.note(&event);
                    let answer = entering.as_mut().and_then(|entering| entering.answer(&event));
                    let moved = matches!(event, Event::Ok(Reply::Join { .. } | Reply::Leave { .. }));
                    for shown in self.catch_up.sift(event) {
                        self.show_in_turn(shown);
                    }
                    if moved {
                        self.link.lead(&session.sender, SendPolicy::Open);
                    }
                    if let Some(answer) = answer
                        && let Some(asked) = entering.take()
                    {
                        entering = self.answered(answer, asked, &session);
                    }
                    self.ask_for_missed(&session.sender);
                }
                Ok(Incoming::Unknown(_)) => {}
                Err(lost) => return End::Lost(lost),
            }
        }
    }

    /// Opens the keyboard's path to the server. If the room is not the wanted one, enters that room first, so that no
    /// typed line goes to another room.
    fn welcome(&mut self, session: &Session) -> Option<Entering> {
        let Session { server, address, user, room, .. } = session;
        self.news(&format!("connected to {server} ({address}) as {user}, in {room}"));
        // Commands sent over an earlier connection get no answer any more.
        lock(&self.link.passwords).clear();
        if let Some(wanted) = self.plan.room.clone().filter(|wanted| wanted != room) {
            self.link.lead(&session.sender, SendPolicy::Entering(wanted.clone()));
            ask_for_room(&wanted, session);
            return Some(Entering::new(wanted));
        }
        self.catch_up.enter(room, session.epoch, session.last);
        self.ask_for_missed(&session.sender);
        self.link.lead(&session.sender, SendPolicy::Open);
        None
    }

    /// Handles the server's answer to the `/join`. Returns the request if it was sent again.
    fn answered(&self, answer: Answer, asked: Entering, session: &Session) -> Option<Entering> {
        match answer {
            Answer::Entered => None,
            Answer::Later => {
                self.news(&format!("trying again to enter {}", asked.wanted));
                // Whoever leaves meanwhile is waiting for the end of the session only.
                if self.wait(join::PAUSE) == Waited::Over {
                    ask_for_room(&asked.wanted, session);
                }
                Some(asked)
            }
            Answer::Refused => {
                let (wanted, here) = (asked.wanted, session.room.clone());
                self.problem(&format!("you are in {here}: {wanted} could not be entered"));
                self.link.lead(&session.sender, SendPolicy::WrongRoom { wanted, here, told: false });
                None
            }
        }
    }

    /// Records what the next session needs to know from an event.
    fn note(&mut self, event: &Event) {
        lock(&self.link.names).learn(event);
        match event {
            // A user who sends to a room wants to be there, even if the user wanted another room before.
            Event::Ok(Reply::Join { room, .. } | Reply::Leave { room, .. } | Reply::Message { room, .. }) => {
                self.plan.room = Some(room.clone());
            }
            Event::Ok(Reply::Passwd) => {
                if let Some(password) = lock(&self.link.passwords).pop_front().flatten() {
                    self.plan.credentials.password = password;
                }
            }
            Event::Error { command: Some(Verb::Passwd), .. } => {
                lock(&self.link.passwords).pop_front();
            }
            _ => {}
        }
    }

    /// Requests the messages that were missed while there was no connection, unless a line is being sent. In that case
    /// the client asks at the next event, which is at the latest the answer to that line.
    fn ask_for_missed(&mut self, sender: &LineSender) {
        let Some(question) = self.catch_up.question() else { return };
        // An error shows up again at the next wait for an event.
        if sender.send_if_idle(&question).unwrap_or_default() {
            self.catch_up.asked();
        }
    }

    fn show_in_turn(&self, shown: Shown) {
        match shown {
            Shown::Event(event) => self.show(&event),
            Shown::Missed { room, messages, left_out } => {
                self.screen.print(self.renderer.missed(&room, &messages, left_out, Moment::now()));
            }
            Shown::Recent { room, messages } => {
                self.screen.print(self.renderer.missed(&room, &messages, 0, Moment::now()));
            }
            Shown::HistoryUnavailable(room) => {
                self.problem(&format!(
                    "what was said in {room} before cannot be shown now; /history may have it later"
                ));
            }
        }
    }

    fn show(&self, event: &Event) {
        if let Some(lines) = self.renderer.event(event, Moment::now()) {
            self.screen.print(lines);
        }
    }

    fn tell_end(&self, address: &Address, end: &End) {
        match end {
            End::Bye(code, message) => self.news(&format!("{address}: {message} ({code})")),
            End::Lost(lost) => self.problem(&format!("{address}: {lost}")),
        }
    }

    /// Retries until there is a session, a retry cannot help, or the user leaves.
    fn reconnect(&mut self, rounds: &mut AddressRotation) -> Result<Session, Exit> {
        loop {
            let (at, pause) = rounds.next(crate::random());
            let address = &self.plan.connector.addresses()[at];
            if pause.is_zero() {
                self.news(&format!("connecting to {address}"));
            } else {
                let pause = pause.as_secs_f64().ceil();
                self.news(&format!("connecting again in {pause:.0} s, to {address}; Enter does it at once"));
            }
            if self.wait(pause) == Waited::UserLeft {
                return Err(Exit::Done);
            }
            if let Some(session) = self.attempt(address)? {
                return Ok(session);
            }
        }
    }

    /// Waits, unless the user wants to go on at once.
    fn wait(&self, pause: Duration) -> Waited {
        // What was wanted during the attempt before is done.
        while self.left.try_recv().is_ok() {}
        match self.left.recv_timeout(pause) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => Waited::Over,
            Err(RecvTimeoutError::Disconnected) => Waited::UserLeft,
        }
    }

    /// One attempt; `Ok(None)` if another one may succeed.
    fn attempt(&self, address: &Address) -> Result<Option<Session>, Exit> {
        let greeted = match self.plan.connector.open_at(address) {
            Ok(greeted) => greeted,
            Err(error) => {
                self.problem(&error.to_string());
                return if after_refused_connection(&error) == Next::Retry {
                    Ok(None)
                } else {
                    Err(Exit::NoConnection)
                };
            }
        };
        match greeted.log_in(Entry::Login, &self.plan.credentials) {
            Ok(session) => Ok(Some(session)),
            Err(error) => {
                self.problem(&format!("{address}: {error}"));
                if after_refused_login(&error) == Next::Retry { Ok(None) } else { Err(Exit::LoginRefused) }
            }
        }
    }

    fn news(&self, text: &str) {
        self.screen.print(self.renderer.news(Moment::now(), text));
    }

    fn problem(&self, text: &str) {
        self.screen.print(self.renderer.problem(Moment::now(), text));
    }
}

fn ask_for_room(wanted: &RoomName, session: &Session) {
    // An error shows up again at the next wait for an event.
    drop(session.sender.send_line(&format!("/join {wanted}")));
}

#[cfg(test)]
mod tests;
