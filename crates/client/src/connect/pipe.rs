//! The client in a pipe: every line of the input is sent, every answer awaited. It must not connect again, since nobody
//! is there to say which lines to repeat; but for a session that its server ended as idle, after which that is known.

mod feed;
mod progress;

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use parlor_proto::{Bye, Event, Format, Reply, Verb, encode};

use super::Exit;
use super::complaints::Complaints;
use super::network::ReconnectConfig;
use super::reconnect::{Next, after_refused_connection, after_refused_login};
use crate::connection::LineSender;
use crate::error::Lost;
use crate::events::{Incoming, UnknownEvent};
use crate::session::{Entry, Session};
use feed::Feed;
pub(super) use feed::Input;
use progress::{Progress, Sent};

/// How often it tries to connect once more, and how long it waits before it does so again.
const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);

/// How events are written to the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// In the text format of the protocol.
    Text,
    /// The JSON lines as they arrive.
    Json,
}

/// Sends all of `input`, shows what comes, and leaves once the input has ended and every line is
/// answered. Returns early if the connection ends; `input` may still be waited for by its thread then.
pub(super) fn run<O: Write>(
    plan: ReconnectConfig,
    session: Session,
    view: View,
    input: Input<impl BufRead + Send + 'static>,
    output: O,
    complaints: &Complaints,
) -> Exit {
    let mut pipe = Pipe { plan, session, progress: Arc::default(), complaints: complaints.clone(), view, output };
    let exit = pipe.enter().and_then(|()| pipe.chat(input));
    let exit = exit.unwrap_or_else(|stopped| stopped.0);
    pipe.progress.end();
    pipe.session.sender.close();
    exit
}

/// The client cannot continue.
struct Stopped(Exit);

struct Pipe<O> {
    /// Names the room where the user is, or wants to be.
    plan: ReconnectConfig,
    session: Session,
    progress: Arc<Progress>,
    complaints: Complaints,
    view: View,
    output: O,
}

impl<O: Write> Pipe<O> {
    /// Enters the room that was asked for, before any line of the input can go to another one.
    fn enter(&mut self) -> Result<(), Stopped> {
        if self.view == View::Json {
            let welcome = std::mem::take(&mut self.session.welcome);
            self.print(format!("{welcome}\n").as_bytes())?;
        }
        let Some(room) = self.plan.room.clone().filter(|room| *room != self.session.room) else { return Ok(()) };
        let line = format!("/join {room}").into_bytes();
        self.progress.send_first([Sent { verb: Some(Verb::Join), line: line.clone() }]);
        // An error shows again when the next event is awaited.
        drop(self.session.sender.send_bytes(&line));
        let refused_before = self.progress.is_refused();
        while self.progress.unanswered() > 0 {
            if let Some(code) = self.step()? {
                return Err(self.ended(code));
            }
        }
        if self.progress.is_refused() && !refused_before { Err(Stopped(Exit::LineRefused)) } else { Ok(()) }
    }

    fn chat(&mut self, input: Input<impl BufRead + Send + 'static>) -> Result<Exit, Stopped> {
        let (progress, complaints) = (self.progress.clone(), self.complaints.clone());
        let feed = move || Feed { progress: &progress, complaints: &complaints }.run(input);
        self.start_thread("input", feed)?;
        self.quit_if(self.progress.open(&self.session.sender));
        loop {
            match self.step()? {
                Some(Bye::IdleTimeout) => self.begin_anew()?,
                Some(code) => return Err(self.ended(code)),
                None => {}
            }
        }
    }

    fn start_thread(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Stopped> {
        let spawned = thread::Builder::new().name(name.to_owned()).spawn(run);
        spawned.map(drop).map_err(|error| {
            self.complaints.say(&format!("parlor: cannot start a thread: {error}"));
            Stopped(Exit::NoConnection)
        })
    }

    fn quit_if(&self, turn: Option<LineSender>) {
        if let Some(sender) = turn {
            quit(&sender);
        }
    }

    /// Waits for one event and deals with it. Returns how the server says goodbye.
    fn step(&mut self) -> Result<Option<Bye>, Stopped> {
        let incoming = match self.session.events.next() {
            Ok(incoming) => incoming,
            Err(lost) => return Err(self.lost(&lost)),
        };
        self.show(&incoming)?;
        let mut refused = false;
        if let Incoming::Event { event, .. } = &incoming {
            match event {
                Event::Bye { code, .. } => return Ok(Some(*code)),
                Event::Ok(Reply::Join { room, .. } | Reply::Leave { room, .. }) => self.plan.room = Some(room.clone()),
                Event::Error { .. } => refused = true,
                _ => {}
            }
        }
        self.quit_if(self.progress.heard(refused, |oldest| answers(&incoming, oldest)));
        Ok(None)
    }

    /// After the server has ended the session as idle: connects once more, and pings more often. What has no answer was
    /// not carried out, since the goodbye is the last thing that a server says and does, so it is sent again.
    fn begin_anew(&mut self) -> Result<(), Stopped> {
        let silent = self.session.sender.silent_for();
        let Some(unanswered) = self.progress.shut() else { return Err(self.ended(Bye::IdleTimeout)) };
        self.session.sender.close();
        let can_stay = self.plan.connector.adapt_keepalive(silent);
        let session = if can_stay {
            self.connect_again()
        } else {
            Err(format!("{}: it ends sessions sooner than this client can ping", self.session.address))
        };
        let session = session.map_err(|message| {
            self.complaints.say(&format!("parlor: {message}{}", still_waiting(unanswered.len())));
            Stopped(Exit::NoConnection)
        })?;
        let address = session.address.clone();
        let pause = self.plan.connector.keepalive().as_secs_f64();
        self.complaints.say(&format!("parlor: {address}: connected again, with a ping every {pause:.2} s from now on"));
        self.session = session;
        if let Err(stopped) = self.enter() {
            if !unanswered.is_empty() {
                self.complaints.say(&format!("parlor: {address}{}", still_waiting(unanswered.len())));
            }
            return Err(stopped);
        }
        self.send_again(unanswered)
    }

    /// Connects once more. A server may need a moment until the session that it ended is gone.
    fn connect_again(&self) -> Result<Session, String> {
        let mut attempts = 1;
        loop {
            let (next, message) = match self.attempt() {
                Ok(session) => return Ok(session),
                Err(failed) => failed,
            };
            if next == Next::Stop || attempts == ATTEMPTS {
                return Err(message);
            }
            attempts += 1;
            thread::sleep(PAUSE);
        }
    }

    fn attempt(&self) -> Result<Session, (Next, String)> {
        let greeted = self.plan.connector.open();
        let greeted = greeted.map_err(|error| (after_refused_connection(&error), error.to_string()))?;
        let address = greeted.address().clone();
        let session = greeted.log_in(Entry::Login, &self.plan.credentials);
        session.map_err(|error| (after_refused_login(&error), format!("{address}: {error}")))
    }

    /// Sends lines for the second time, and then what the input has, without waiting for either.
    fn send_again(&self, lines: Vec<Sent>) -> Result<(), Stopped> {
        let (progress, sender) = (self.progress.clone(), self.session.sender.clone());
        progress.send_first(lines.iter().cloned());
        self.start_thread("repeat", move || {
            let sent = lines.iter().try_for_each(|sent| sender.send_bytes(&sent.line));
            if sent.is_err() {
                // The other thread finds the end of the connection.
                return sender.close();
            }
            if let Some(sender) = progress.open(&sender) {
                quit(&sender);
            }
        })
    }

    fn lost(&self, lost: &Lost) -> Stopped {
        if self.progress.is_quitting() && matches!(lost, Lost::Closed) {
            return Stopped(self.progress.verdict());
        }
        let waiting = still_waiting(self.progress.unanswered());
        self.complaints.say(&format!("parlor: {}: {lost}{waiting}", self.session.address));
        Stopped(Exit::NoConnection)
    }

    fn ended(&self, code: Bye) -> Stopped {
        if matches!(code, Bye::Quit | Bye::IdleTimeout) && self.progress.is_quitting() {
            return Stopped(self.progress.verdict());
        }
        let unanswered = self.progress.unanswered();
        if unanswered > 0 {
            self.complaints.say(&format!(
                "parlor: {}: the session is over{}",
                self.session.address,
                still_waiting(unanswered)
            ));
        }
        Stopped(Exit::NoConnection)
    }

    /// Events go to the output. Refusals and an unrequested end go to the errors.
    fn show(&mut self, incoming: &Incoming) -> Result<(), Stopped> {
        let bytes = match (self.view, incoming) {
            (View::Json, incoming) => format!("{}\n", incoming.line()).into_bytes(),
            (View::Text, Incoming::Event { event, .. }) => {
                let mut bytes = Vec::new();
                encode(event, Format::Text, &mut bytes);
                bytes
            }
            // The text format has no line for an event that this version does not know.
            (View::Text, Incoming::Unknown(_)) => return Ok(()),
        };
        match incoming {
            Incoming::Event { event: Event::Bye { .. }, .. } if self.view == View::Json => self.print(&bytes),
            Incoming::Event { event: Event::Bye { code: Bye::Quit, .. }, .. } => Ok(()),
            Incoming::Event { event: Event::Error { .. } | Event::Bye { .. }, .. } => {
                self.complaints.say(String::from_utf8_lossy(&bytes).trim_end());
                Ok(())
            }
            _ => self.print(&bytes),
        }
    }

    fn print(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        let printed = self.output.write_all(bytes).and_then(|()| self.output.flush());
        printed.map_err(|error| {
            // Who read the output has seen enough; that is no error.
            if error.kind() == io::ErrorKind::BrokenPipe {
                return Stopped(if self.progress.is_refused() { Exit::LineRefused } else { Exit::Done });
            }
            self.complaints.say(&format!("parlor: cannot write the output: {error}"));
            Stopped(Exit::NoConnection)
        })
    }
}

/// Asks the server to end the session.
fn quit(sender: &LineSender) {
    if sender.send_line("/quit").is_err() {
        sender.close();
    }
}

fn still_waiting(unanswered: usize) -> String {
    if unanswered == 0 { String::new() } else { format!("; lines without an answer: {unanswered}") }
}

/// Whether this is the answer to the oldest unanswered command, and not news of others.
fn answers(incoming: &Incoming, oldest: Option<Option<Verb>>) -> bool {
    match incoming {
        Incoming::Event { event, .. } => match event {
            Event::Ok(_) | Event::Error { .. } | Event::Pong { .. } | Event::Help { .. } => true,
            Event::Rooms { .. } | Event::Users { .. } | Event::History { .. } => true,
            Event::Subscriptions { .. } | Event::Subscribers { .. } | Event::Blocks { .. } => true,
            Event::Sync(_) | Event::Backlog { .. } | Event::Inbox { .. } => true,
            Event::Message { .. } | Event::Publication { .. } | Event::Direct { .. } | Event::Notice { .. } => false,
            Event::Joined { .. } | Event::Left { .. } | Event::Hello { .. } | Event::Bye { .. } => false,
        },
        // An answer of a newer server to a command of a newer server; other news may be anything.
        Incoming::Unknown(UnknownEvent { kind, .. }) => matches!(kind.as_str(), "ok" | "error") || oldest == Some(None),
    }
}

#[cfg(test)]
mod tests;
