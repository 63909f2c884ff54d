//! The network side of the client on a terminal: shows what comes, and connects again, to the next server, when the
//! connection is lost. It must not read the keyboard.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp as Moment;
use parlor_proto::{Credentials, Event, Password, Reply, RoomName, Verb};

use super::Exit;
use super::catch_up::{CatchUp, Shown};
use super::complete::Names;
use super::reconnect::{End, Next, Rounds, after_end, after_refused_connection, after_refused_login};
use super::render::Renderer;
use super::terminal::Screen;
use crate::address::Address;
use crate::connection::LineSender;
use crate::connector::Connector;
use crate::events::Incoming;
use crate::lock;
use crate::session::{Entry, Session};

/// A session that lasted so long was a good one: the next pause is short again.
const GOOD_SESSION: Duration = Duration::from_secs(60);

/// What is needed to connect, again and again.
pub(super) struct Plan {
    pub(super) connector: Connector,
    pub(super) credentials: Credentials,
    pub(super) room: Option<RoomName>,
}

/// What the keyboard's thread and the network's share. No lock is held while another one is taken, nor
/// while sending.
#[derive(Debug, Default)]
pub(super) struct Link {
    /// Where lines go; `None` while there is no connection.
    pub(super) sender: Mutex<Option<LineSender>>,
    /// New passwords that the server has not answered yet, oldest first; `None` for a command that it will
    /// refuse, since it names none.
    pub(super) passwords: Mutex<VecDeque<Option<Password>>>,
    /// What the tab key offers.
    pub(super) names: Arc<Mutex<Names>>,
    /// Set before `/quit` is sent: whatever ends the connection then was wanted.
    pub(super) leaving: AtomicBool,
    /// How the program is to end, once no connection will be made any more.
    pub(super) over: Mutex<Option<Exit>>,
}

/// Follows one session after the other.
pub(super) struct Follower {
    pub(super) plan: Plan,
    pub(super) link: Arc<Link>,
    pub(super) screen: Screen,
    pub(super) renderer: Renderer,
    pub(super) catch_up: CatchUp,
    /// Disconnected once the user leaves.
    pub(super) left: Receiver<()>,
}

impl Follower {
    /// Shows this session, and those after it, until there is none any more.
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
        let mut rounds = Rounds::new(addresses.len(), at);
        loop {
            let begun = Instant::now();
            let address = session.address.clone();
            let end = self.follow(session);
            *lock(&self.link.sender) = None;
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
            if begun.elapsed() >= GOOD_SESSION {
                rounds.begin_anew();
            }
            session = match self.reconnect(&mut rounds) {
                Ok(session) => session,
                Err(exit) => return exit,
            };
        }
    }

    /// Shows one session.
    fn follow(&mut self, mut session: Session) -> End {
        self.welcome(&session);
        loop {
            match session.events.next() {
                Ok(Incoming::Event { event: Event::Bye { code, message }, .. }) => {
                    return End::Bye(code, message.into_owned());
                }
                Ok(Incoming::Event { event, .. }) => {
                    self.note(&event);
                    for shown in self.catch_up.sift(event) {
                        self.show_in_turn(shown);
                    }
                    self.ask_for_missed(&session.sender);
                }
                Ok(Incoming::Unknown(_)) => {}
                Err(lost) => return End::Lost(lost),
            }
        }
    }

    /// Opens the keyboard's way to the server, and goes back to the room.
    fn welcome(&mut self, session: &Session) {
        let Session { server, address, user, room, .. } = session;
        self.news(&format!("connected to {server} ({address}) as {user}, in {room}"));
        match self.plan.room.as_ref().filter(|wanted| *wanted != room) {
            // An error shows again when the next event is awaited.
            Some(wanted) => drop(session.sender.send_line(&format!("/join {wanted}"))),
            None => self.catch_up.enter(room, session.epoch, session.last),
        }
        self.ask_for_missed(&session.sender);
        // What was asked over an earlier connection will not be answered any more.
        lock(&self.link.passwords).clear();
        // Only now, so that no line that is typed goes to the wrong room.
        *lock(&self.link.sender) = Some(session.sender.clone());
    }

    /// Learns from an event what the next session needs.
    fn note(&mut self, event: &Event) {
        lock(&self.link.names).learn(event);
        match event {
            Event::Ok(Reply::Join { room, .. } | Reply::Leave { room, .. }) => self.plan.room = Some(room.clone()),
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

    /// Asks for what was said while there was no connection, unless a line is being sent: then the next event, its
    /// answer at the latest, is the time to ask.
    fn ask_for_missed(&mut self, sender: &LineSender) {
        let Some(question) = self.catch_up.question() else { return };
        // An error shows again when the next event is awaited.
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
            Shown::NotToBeHad(room) => {
                self.problem(&format!(
                    "what was said in {room} meanwhile cannot be shown now; /history may have it later"
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

    /// Tries until there is a session, or no hope, or the user leaves.
    fn reconnect(&mut self, rounds: &mut Rounds) -> Result<Session, Exit> {
        loop {
            let (at, pause) = rounds.next(crate::random());
            let address = &self.plan.connector.addresses()[at];
            if pause.is_zero() {
                self.news(&format!("connecting to {address}"));
            } else {
                self.news(&format!("connecting again in {:.0} s, to {address}", pause.as_secs_f64().ceil()));
            }
            if self.left.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                return Err(Exit::Done);
            }
            if let Some(session) = self.attempt(address)? {
                return Ok(session);
            }
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

#[cfg(test)]
mod tests;
