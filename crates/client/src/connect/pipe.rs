//! The client in a pipe: it sends every line of the input and waits for every answer. It must not reconnect, since no
//! user is there to choose which lines to repeat.

use std::collections::VecDeque;
use std::io::{self, BufRead, Write};
use std::sync::{Arc, Mutex};
use std::thread;

use parlor_proto::{Bye, Command, Event, Format, RoomName, Verb, encode, parse_command};

use super::Exit;
use crate::connection::LineSender;
use crate::error::Lost;
use crate::events::{Incoming, UnknownEvent};
use crate::lock;
use crate::session::Session;

/// How events are written to the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// In the text format of the protocol.
    Text,
    /// The JSON lines as they arrive.
    Json,
}

/// What was sent, and what was answered.
#[derive(Debug, Default)]
struct Progress {
    /// Commands without an answer, in the order of sending. `None` is a command that this version does not know.
    unanswered: VecDeque<Option<Verb>>,
    /// Whether any line was refused.
    refused: bool,
    /// Whether all of the input is sent.
    input_ended: bool,
    /// Whether the client has asked the server to end the session.
    quitting: bool,
}

impl Progress {
    /// Whether the client must quit now. Returns true only once.
    fn turn_to_quit(&mut self) -> bool {
        let turn = self.input_ended && self.unanswered.is_empty() && !self.quitting;
        self.quitting |= turn;
        turn
    }
}

/// Sends all of `input`, shows the events, and quits once the input has ended and every line is answered. Returns early
/// if the connection ends. In that case the input thread may still be waiting for `input`.
pub(super) fn run<O, E>(
    session: Session,
    room: Option<&RoomName>,
    view: View,
    input: impl BufRead + Send + 'static,
    output: O,
    errors: E,
) -> Exit
where
    O: Write,
    E: Write + Send + 'static,
{
    let sender = session.sender.clone();
    let shared = Arc::new(Shared { sender, progress: Mutex::default(), errors: Mutex::new(errors) });
    let mut pipe = Pipe { session, shared, view, output };
    let exit = pipe.enter(room).and_then(|()| pipe.chat(input));
    let exit = exit.unwrap_or_else(|stopped| stopped.0);
    pipe.session.sender.close();
    exit
}

/// The client cannot continue.
struct Stopped(Exit);

/// State shared by the thread that reads the input and the thread that reads from the server.
struct Shared<E> {
    sender: LineSender,
    /// No lock is taken inside this one; never held while sending.
    progress: Mutex<Progress>,
    /// No lock is taken inside this one.
    errors: Mutex<E>,
}

impl<E: Write> Shared<E> {
    fn complain(&self, message: &str) {
        let mut errors = lock(&self.errors);
        // If standard error is closed, nobody can read the message. The exit code still reports the error.
        let _ = writeln!(errors, "{message}").and_then(|()| errors.flush());
    }

    fn refuse(&self, message: &str) {
        lock(&self.progress).refused = true;
        self.complain(message);
    }

    /// Sends every line of `input`.
    fn feed(&self, mut input: impl BufRead) {
        let mut line = Vec::new();
        loop {
            line.clear();
            match input.read_until(b'\n', &mut line) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    self.refuse(&format!("parlor: cannot read the input: {error}"));
                    break;
                }
            }
            while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
                line.pop();
            }
            if !self.send(&line) {
                break;
            }
        }
        let turn = {
            let mut progress = lock(&self.progress);
            progress.input_ended = true;
            progress.turn_to_quit()
        };
        if turn {
            self.quit();
        }
    }

    /// Sends one line of the input. Returns false if no other line must follow.
    fn send(&self, line: &[u8]) -> bool {
        let verb = match parse_command(line) {
            Ok(None) => return true,
            Ok(Some(Command::Quit)) => return false,
            Ok(Some(Command::Format(_))) => {
                self.refuse("parlor: /format is not for this client; --json shows JSON");
                return true;
            }
            Ok(Some(command)) => Some(command.verb()),
            Err(misread) => misread.verb,
        };
        lock(&self.progress).unanswered.push_back(verb);
        if self.sender.send_bytes(line).is_err() {
            // The other thread sees the end of the connection after the server's last lines.
            self.sender.close();
            return false;
        }
        true
    }

    fn quit(&self) {
        if self.sender.send_line("/quit").is_err() {
            self.sender.close();
        }
    }
}

struct Pipe<O, E> {
    session: Session,
    shared: Arc<Shared<E>>,
    view: View,
    output: O,
}

impl<O: Write, E: Write + Send + 'static> Pipe<O, E> {
    /// Enters the requested room before any line of the input can go to another room.
    fn enter(&mut self, room: Option<&RoomName>) -> Result<(), Stopped> {
        if self.view == View::Json {
            let welcome = std::mem::take(&mut self.session.welcome);
            self.print(format!("{welcome}\n").as_bytes())?;
        }
        let Some(room) = room.filter(|room| **room != self.session.room) else { return Ok(()) };
        self.shared.send(format!("/join {room}").as_bytes());
        while !lock(&self.shared.progress).unanswered.is_empty() {
            self.step()?;
        }
        if lock(&self.shared.progress).refused { Err(Stopped(Exit::LineRefused)) } else { Ok(()) }
    }

    fn chat(&mut self, input: impl BufRead + Send + 'static) -> Result<Exit, Stopped> {
        let shared = self.shared.clone();
        let spawned = thread::Builder::new().name("input".to_owned()).spawn(move || shared.feed(input));
        if let Err(error) = spawned {
            self.shared.complain(&format!("parlor: cannot start a thread: {error}"));
            return Err(Stopped(Exit::NoConnection));
        }
        loop {
            self.step()?;
        }
    }

    /// Waits for one event and handles it.
    fn step(&mut self) -> Result<(), Stopped> {
        let incoming = match self.session.events.next() {
            Ok(incoming) => incoming,
            Err(lost) => return Err(self.lost(&lost)),
        };
        self.show(&incoming)?;
        if let Incoming::Event { event: Event::Bye { code, .. }, .. } = incoming {
            return Err(self.ended(code));
        }
        let turn = {
            let mut progress = lock(&self.shared.progress);
            let refused = matches!(incoming, Incoming::Event { event: Event::Error { .. }, .. });
            if answers(&incoming, progress.unanswered.front()) && progress.unanswered.pop_front().is_some() {
                progress.refused |= refused;
            }
            progress.turn_to_quit()
        };
        if turn {
            self.shared.quit();
        }
        Ok(())
    }

    fn lost(&self, lost: &Lost) -> Stopped {
        let progress = lock(&self.shared.progress);
        if progress.quitting && matches!(lost, Lost::Closed) {
            return Stopped(verdict(&progress));
        }
        let unanswered = progress.unanswered.len();
        drop(progress);
        let waiting = if unanswered == 0 { String::new() } else { format!("; lines without an answer: {unanswered}") };
        self.shared.complain(&format!("parlor: {}: {lost}{waiting}", self.session.address));
        Stopped(Exit::NoConnection)
    }

    fn ended(&self, code: Bye) -> Stopped {
        let progress = lock(&self.shared.progress);
        let asked_for = code == Bye::Quit && progress.quitting;
        Stopped(if asked_for { verdict(&progress) } else { Exit::NoConnection })
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
                self.shared.complain(String::from_utf8_lossy(&bytes).trim_end());
                Ok(())
            }
            _ => self.print(&bytes),
        }
    }

    fn print(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        let printed = self.output.write_all(bytes).and_then(|()| self.output.flush());
        printed.map_err(|error| {
            // The reader of the output has closed it on purpose, so this is not an error to report.
            if error.kind() != io::ErrorKind::BrokenPipe {
                self.shared.complain(&format!("parlor: cannot write the output: {error}"));
            }
            Stopped(Exit::NoConnection)
        })
    }
}

/// The exit code, once everything is answered.
fn verdict(progress: &Progress) -> Exit {
    match (progress.unanswered.is_empty(), progress.refused) {
        (false, _) => Exit::NoConnection,
        (true, true) => Exit::LineRefused,
        (true, false) => Exit::Done,
    }
}

/// Whether this is the answer to the oldest unanswered command, and not an event caused by others.
fn answers(incoming: &Incoming, oldest: Option<&Option<Verb>>) -> bool {
    match incoming {
        Incoming::Event { event, .. } => match event {
            Event::Ok(_) | Event::Error { .. } | Event::Pong { .. } | Event::Help { .. } => true,
            Event::Rooms { .. } | Event::Users { .. } | Event::History { .. } => true,
            Event::Subscriptions { .. } | Event::Subscribers { .. } => true,
            Event::Message { .. } | Event::Publication { .. } | Event::Direct { .. } | Event::Notice { .. } => false,
            Event::Joined { .. } | Event::Left { .. } | Event::Hello { .. } | Event::Bye { .. } => false,
        },
        // A newer server answers a command that this version does not know. Other unknown events can mean anything.
        Incoming::Unknown(UnknownEvent { kind, .. }) => {
            matches!(kind.as_str(), "ok" | "error") || oldest == Some(&None)
        }
    }
}

#[cfg(test)]
mod tests;
