//! Turns a greeted connection into a session: the choice of JSON, and the login. It must not ask users for anything,
//! and never shows a password.

use std::time::Instant;

use parlor_proto::{
    Bye, Credentials, Epoch, Event, Format, InvitationCode, Invite, MessageId, RefusalCode, Reply, RoomName,
    TicketCredentials, TicketId, TicketSecret, UserName,
};
use zeroize::Zeroizing;

use crate::address::Address;
use crate::connection::{LineSender, UnauthenticatedConnection};
use crate::error::{LoginError, Lost};
use crate::events::{Events, Incoming};

/// How a session begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// With an existing account.
    Login,
    /// With an account that is created now.
    Register,
}

impl Entry {
    fn keyword(self) -> &'static str {
        match self {
            Self::Login => "LOGIN",
            Self::Register => "REGISTER",
        }
    }
}

/// A logged-in connection. Its halves can be used by two threads.
#[derive(Debug)]
pub struct Session {
    /// The sending half; can be cloned.
    pub sender: LineSender,
    /// The receiving half.
    pub events: Events,
    /// The name of the server, as the server gives it.
    pub server: String,
    /// The address of the server.
    pub address: Address,
    /// The user who is logged in.
    pub user: UserName,
    /// The room in which the session starts.
    pub room: RoomName,
    /// Epoch of that room's log.
    pub epoch: Epoch,
    /// Newest id in that log at the start of the session.
    pub last: MessageId,
    /// The server's answer to the login, as received.
    pub welcome: String,
}

impl UnauthenticatedConnection {
    /// Logs in, and uses JSON from then on. Blocks until the server answers, within the login timeout.
    ///
    /// # Errors
    /// If the server refuses, or the connection is lost. The connection is closed in both cases.
    pub fn log_in(self, entry: Entry, credentials: &Credentials) -> Result<Session, LoginError> {
        let Credentials { user, password } = credentials;
        self.begin(&Zeroizing::new(format!("{} {user} {}", entry.keyword(), password.expose())))
    }

    /// Shows the code of an invitation, by which an account can then be created where that is otherwise closed. Uses JSON from
    /// then on. Blocks until the server answers.
    ///
    /// # Errors
    /// As [`Self::log_in`].
    pub fn show_invitation(mut self, code: &InvitationCode) -> Result<Self, LoginError> {
        let line = Zeroizing::new(format!("FORMAT {}\nINVITE {}", Format::Json, code.expose()));
        self.sender.send_line(&line).map_err(Lost::from)?;
        let deadline = Instant::now() + self.timeouts.login;
        loop {
            let line = self.receiver.line_before(deadline)?;
            let Incoming::Event { event, .. } = Incoming::parse(line.clone()) else {
                drop(text_outcome(&line)?);
                continue;
            };
            match event {
                Event::Ok(Reply::Invite(Invite::Code { .. })) => return Ok(self),
                Event::Error { code, message, .. } => return Err(LoginError::Refused { code, message }),
                Event::Bye { code, message } => {
                    return Err(LoginError::Ended { code, message: message.into_owned() });
                }
                _ => {}
            }
        }
    }

    /// Logs in by a ticket in the same way.
    ///
    /// # Errors
    /// As [`Self::log_in`].
    pub fn resume(self, credentials: &TicketCredentials) -> Result<Session, LoginError> {
        let TicketCredentials { user, secret } = credentials;
        self.begin(&Zeroizing::new(format!("RESUME {user} {}", secret.expose())))
    }

    fn begin(mut self, login: &str) -> Result<Session, LoginError> {
        let line = Zeroizing::new(format!("FORMAT {}\n{login}", Format::Json));
        self.sender.send_line(&line).map_err(Lost::from)?;
        let deadline = Instant::now() + self.timeouts.login;
        loop {
            let line = self.receiver.line_before(deadline)?;
            if let Some(Begun { user, room, epoch, last }) = outcome(&line)? {
                let Self { sender, receiver, server, address, timeouts } = self;
                let events = Events::new(sender.clone(), receiver, timeouts)?;
                return Ok(Session { sender, events, server, address, user, room, epoch, last, welcome: line });
            }
        }
    }
}

impl Session {
    /// Makes a ticket for this user, by which a client logs in again without the password. Blocks until the server answers.
    /// Returns none if the server makes none: it may be of a version before tickets, or its disk full.
    ///
    /// # Errors
    /// The connection is lost, or the session was ended.
    pub fn make_ticket(&mut self, label: &str) -> Result<Option<(TicketId, TicketSecret)>, LoginError> {
        self.sender.send_line(&format!("/ticket {label}")).map_err(Lost::from)?;
        let answer = self.events.wait_for(|event| {
            matches!(event, Event::Ok(Reply::Ticket { .. }) | Event::Error { .. } | Event::Bye { .. })
        })?;
        match answer {
            Event::Ok(Reply::Ticket { ticket, id, .. }) => Ok(Some((id, ticket))),
            Event::Bye { code, message } => Err(LoginError::Ended { code, message: message.into_owned() }),
            _ => Ok(None),
        }
    }
}

/// The content of the answer to a login.
struct Begun {
    user: UserName,
    room: RoomName,
    epoch: Epoch,
    last: MessageId,
}

/// The login result in a line. `None` if the line contains none.
fn outcome(line: &str) -> Result<Option<Begun>, LoginError> {
    let Incoming::Event { event, .. } = Incoming::parse(line.to_owned()) else { return text_outcome(line) };
    match event {
        Event::Ok(Reply::Login { user, room, epoch, last, .. } | Reply::Register { user, room, epoch, last, .. }) => {
            Ok(Some(Begun { user, room, epoch, last }))
        }
        Event::Error { code, message, .. } => Err(LoginError::Refused { code, message }),
        Event::Bye { code, message } => Err(LoginError::Ended { code, message: message.into_owned() }),
        _ => Ok(None),
    }
}

/// The same for a line that the server sent before it saw the request for JSON.
fn text_outcome(line: &str) -> Result<Option<Begun>, LoginError> {
    let line = crate::connection::readable(line);
    let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
    let (code, message) = rest.split_once(' ').unwrap_or((rest, ""));
    let message = message.to_owned();
    match word {
        "ERR" => {
            let known = RefusalCode::ALL.iter().find(|(known, _)| known.as_str() == code);
            Err(LoginError::Refused { code: known.map_or(RefusalCode::Unknown, |(known, _)| *known), message })
        }
        "BYE" => {
            let known = Bye::ALL.iter().find(|known| known.as_str() == code);
            Err(LoginError::Ended { code: known.copied().unwrap_or(Bye::Unknown), message })
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::connector::Timeouts;
    use crate::testing::{HELLO, Identity, Scripted, WELCOME, ann, pinned};

    /// What comes of an entry at a server that hears two lines, which are returned, and then says these.
    fn entered(entry: Entry, lines: &'static [&'static str]) -> ([String; 2], Result<Session, LoginError>) {
        let identity = Identity::new(&["127.0.0.1"]);
        let server = Scripted::start(&identity, |mut peer| {
            peer.say(&[HELLO]);
            let heard = [peer.hear(), peer.hear()];
            peer.say(lines);
            peer.close();
            heard
        });
        let session = pinned(&server.address, identity.pin).open().unwrap().log_in(entry, &ann());
        (server.finish(), session)
    }

    #[test]
    fn whoever_registers_has_a_session_whatever_a_newer_server_says_before() {
        const LINES: &[&str] = &[
            r#"{"type":"weather","sun":true}"#,
            "HINT Try the garden",
            WELCOME[0],
            r#"{"type":"ok","command":"register","user":"ann","room":"den","epoch":"00000000000000ab","last":7}"#,
        ];
        let (heard, session) = entered(Entry::Register, LINES);
        assert_eq!(heard, ["FORMAT json", "REGISTER ann pass word"]);
        let Session { server, user, room, epoch, last, welcome, .. } = session.unwrap();
        assert_eq!([server.as_str(), user.as_str(), room.as_str(), welcome.as_str()], ["den", "ann", "den", LINES[3]]);
        assert_eq!((epoch, last), (Epoch(0xab), MessageId(7)));
    }

    #[test]
    fn a_server_that_says_something_else_and_goes_has_lost_the_login() {
        let (_, session) = entered(Entry::Login, &[r#"{"type":"ok","command":"format","format":"json"}"#]);
        let error = session.unwrap_err();
        assert!(matches!(error, LoginError::Lost(Lost::Closed)), "{error}");
    }

    #[test]
    fn an_answer_that_does_not_come_in_time_is_not_waited_for() {
        let identity = Identity::new(&["127.0.0.1"]);
        let timeouts = Timeouts { login: Duration::ZERO, ..Timeouts::default() };
        // Opens a connection to a server that says nothing behind its greeting, and asks there.
        let asked = |ask: fn(UnauthenticatedConnection) -> LoginError| {
            let server = Scripted::start(&identity, |mut peer| {
                peer.say(&[HELLO]);
                while !peer.hear().is_empty() {}
            });
            let error = ask(pinned(&server.address, identity.pin).with_timeouts(timeouts).open().unwrap());
            server.finish();
            error
        };
        let login = asked(|greeted| greeted.log_in(Entry::Login, &ann()).unwrap_err());
        let invitation = asked(|greeted| greeted.show_invitation(&InvitationCode::of_random(&[7])).unwrap_err());
        for error in [login, invitation] {
            assert!(matches!(error, LoginError::Lost(Lost::Silent)), "{error}");
        }
    }

    #[test]
    fn a_ticket_that_does_not_come_since_the_connection_is_lost_is_an_error() {
        let (_, session) = entered(Entry::Login, WELCOME);
        let error = session.unwrap().make_ticket("x").unwrap_err();
        assert!(matches!(error, LoginError::Lost(_)), "{error}");
    }

    #[test]
    fn a_refusal_in_text_is_read_as_far_as_it_is_known_and_cannot_write_to_the_terminal() {
        let told = |line| match text_outcome(line) {
            Ok(begun) => begun.is_some().to_string(),
            Err(error) => error.to_string(),
        };
        let cases = [
            ("ERR bad-credentials \u{1b}[2JNo\tway", "login refused: [2JNo way (bad-credentials)"),
            ("ERR odd", "login refused:  (unknown)"),
            ("BYE kicked Out", "login refused: Out (kicked)"),
            ("BYE odd Out", "login refused: Out (unknown)"),
            ("OK login ann lobby", "false"),
            ("ERROR", "false"),
        ];
        for (line, expected) in cases {
            assert_eq!(told(line), expected, "{line:?}");
        }
    }
}
