//! The network side of the client on a terminal: shows what comes, and connects again when the connection
//! is lost. It must not read the keyboard.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp as Moment;
use parlor_proto::{Credentials, Event, Password, Reply, RoomName, Verb};

use super::Exit;
use super::complete::Names;
use super::reconnect::{Backoff, End, Next, after_end, after_refused_connection, after_refused_login};
use super::render::Renderer;
use super::terminal::Screen;
use crate::connection::{Connector, LineSender};
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
        let mut backoff = Backoff::new();
        loop {
            let begun = Instant::now();
            let end = self.follow(session);
            *lock(&self.link.sender) = None;
            if self.link.leaving.load(Ordering::SeqCst) {
                return Exit::Done;
            }
            self.tell_end(&end);
            if after_end(&end) == Next::Stop {
                return Exit::NoConnection;
            }
            if begun.elapsed() >= GOOD_SESSION {
                backoff = Backoff::new();
            }
            session = match self.reconnect(&mut backoff) {
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
                    if let Some(lines) = self.renderer.event(&event, Moment::now()) {
                        self.screen.print(lines);
                    }
                }
                Ok(Incoming::Unknown(_)) => {}
                Err(lost) => return End::Lost(lost),
            }
        }
    }

    /// Opens the keyboard's way to the server, and goes back to the room.
    fn welcome(&mut self, session: &Session) {
        let Session { server, user, room, .. } = session;
        self.news(&format!("connected to {server} ({}) as {user}, in {room}", self.plan.connector.address()));
        if let Some(wanted) = self.plan.room.as_ref().filter(|wanted| *wanted != room) {
            // An error shows again when the next event is awaited.
            let _ = session.sender.send_line(&format!("/join {wanted}"));
        }
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

    fn tell_end(&self, end: &End) {
        match end {
            End::Bye(code, message) => self.news(&format!("{message} ({code})")),
            End::Lost(lost) => self.problem(&lost.to_string()),
        }
    }

    /// Tries until there is a session, or no hope, or the user leaves.
    fn reconnect(&mut self, backoff: &mut Backoff) -> Result<Session, Exit> {
        loop {
            let pause = backoff.pause(crate::random());
            self.news(&format!("connecting again in {:.0} s", pause.as_secs_f64().ceil()));
            if self.left.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                return Err(Exit::Done);
            }
            if let Some(session) = self.attempt()? {
                return Ok(session);
            }
        }
    }

    /// One attempt; `Ok(None)` if another one may succeed.
    fn attempt(&self) -> Result<Option<Session>, Exit> {
        let greeted = match self.plan.connector.open() {
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
                self.problem(&error.to_string());
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
