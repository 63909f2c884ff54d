//! The network side of the client on a terminal: shows events, and reconnects to the next server if the connection is
//! lost. It must not read the keyboard. What a session does with its events is in `session`.

mod session;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use jiff::Timestamp as Moment;
use parlor_proto::{
    Bye, Credentials, Event, Password, Reply, RoomName, Target, TicketCredentials, TicketId, TicketSecret, UserName,
    Verb,
};

use super::Exit;
use super::catch_up::CatchUp;
use super::once::Outbox;
use super::reconnect::{AddressRotation, End, Next, after_end, after_refused_connection, after_refused_login};
use super::render::Renderer;
use super::rooms::{Restore, Rooms};
use super::shared::SharedState;
use super::terminal::Screen;
use crate::address::Address;
use crate::connector::Connector;
use crate::error::LoginError;
use crate::lock;
use crate::session::{Entry, Session};

/// A session of this length counts as stable: the next pause is short again.
pub(super) const GOOD_SESSION: Duration = Duration::from_secs(60);

/// What the user's list of tickets says of that of a client.
const TICKET_LABEL: &str = "parlor connect";

/// What each attempt to connect needs.
pub(super) struct ReconnectConfig {
    pub(super) connector: Connector,
    pub(super) user: UserName,
    pub(super) proof: Proof,
    pub(super) room: Option<RoomName>,
}

/// With what the client logs in again.
#[derive(Debug)]
pub(super) enum Proof {
    /// A ticket that this client made: the password is forgotten.
    Ticket(TicketId, TicketSecret),
    /// The password: the server makes no ticket, or a new password made all tickets void.
    Password(Password),
}

impl Proof {
    /// Makes a ticket in a new session, in the place of the password.
    pub(super) fn of(session: &mut Session, password: Password) -> Result<Self, LoginError> {
        let made = session.make_ticket(TICKET_LABEL)?;
        Ok(made.map_or(Self::Password(password), |(id, secret)| Self::Ticket(id, secret)))
    }

    /// The lines that end a session for good: the ticket of a client that is gone is of no use.
    pub(super) fn farewell(&self) -> String {
        match self {
            Self::Ticket(id, _) => format!("/revoke {id}\n/quit"),
            Self::Password(_) => "/quit".to_owned(),
        }
    }
}

/// Whether this answers the first line of [`Proof::farewell`].
pub(super) fn answers_farewell(event: &Event) -> bool {
    matches!(event, Event::Ok(Reply::Revoke { .. }) | Event::Error { command: Some(Verb::Revoke), .. })
}

/// An attempt to connect that failed.
pub(super) struct Failed {
    pub(super) next: Next,
    /// The exit code, where no other attempt is made.
    pub(super) exit: Exit,
    pub(super) message: String,
}

impl ReconnectConfig {
    /// One attempt to get another session, at this server.
    pub(super) fn attempt(&self, address: &Address) -> Result<Session, Failed> {
        let greeted = self.connector.open_at(address).map_err(|error| Failed {
            next: after_refused_connection(&error),
            exit: Exit::NoConnection,
            message: error.to_string(),
        })?;
        let user = self.user.clone();
        let begun = match &self.proof {
            Proof::Ticket(_, secret) => greeted.resume(&TicketCredentials { user, secret: secret.clone() }),
            Proof::Password(password) => {
                greeted.log_in(Entry::Login, &Credentials { user, password: password.clone() })
            }
        };
        begun.map_err(|error| Failed {
            next: after_refused_login(&error),
            exit: Exit::LoginRefused,
            message: format!("{address}: {error}"),
        })
    }
}

/// Runs one session after the other.
pub(super) struct NetworkThread {
    pub(super) plan: ReconnectConfig,
    pub(super) link: Arc<SharedState>,
    pub(super) screen: Screen,
    pub(super) renderer: Renderer,
    pub(super) catch_up: CatchUp,
    pub(super) places: Places,
    /// Says that the user wants to wait no longer; disconnected once they leave.
    pub(super) left: Receiver<()>,
}

/// Where the user is, and where they want to be.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// The rooms of this session.
    now: Rooms,
    /// The rooms that the next session has to get.
    goal: Rooms,
    /// Whether the current room is not the wanted one.
    is_astray: bool,
    /// The steps that are left, as long as this session does not have its rooms.
    restore: Option<Restore>,
    /// Whether the next of these steps is sent.
    is_asked: bool,
    /// Feeds of which it has to be asked where they begin.
    new_feeds: VecDeque<Target>,
    /// Whether the user was told what is unread.
    is_told: bool,
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
        let unanswered = self.link.said(Outbox::give_up);
        self.tell_uncertain(&unanswered);
        *lock(&self.link.over) = Some(exit);
        if !self.link.leaving.load(Ordering::SeqCst) {
            self.news("this is over; press Enter to leave");
        }
    }

    fn follow_all(&mut self, mut session: Session) -> Exit {
        self.places.goal = Rooms::wanted(self.plan.room.as_ref());
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
            // Whoever is still sending stops.
            sender.close();
            let uncertain = self.link.cut();
            self.tell_uncertain(&uncertain);
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

    fn tell_end(&self, address: &Address, end: &End) {
        match end {
            End::Bye(code, message) => self.news(&format!("{address}: {message} ({code})")),
            End::Lost(lost) => self.problem(&format!("{address}: {lost}")),
        }
    }

    /// What the user said and what cannot be sent again without the danger that it is said twice.
    fn tell_uncertain(&self, said: &[String]) {
        for line in said {
            self.problem(&format!("it is not certain whether this was said: {}", line.replace('\t', " ")));
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
        self.plan.attempt(address).map(Some).or_else(|failed| {
            self.problem(&failed.message);
            if failed.next == Next::Retry { Ok(None) } else { Err(failed.exit) }
        })
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
