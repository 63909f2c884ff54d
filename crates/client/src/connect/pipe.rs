//! The client in a pipe: every line of the input is sent, every answer awaited. What the input says has a key, and is
//! sent again over the next connection until it is answered. It must not read the input itself, nor mark anything as
//! read.

mod feed;
mod progress;

use std::convert::Infallible;
use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use parlor_proto::{Bye, Event, Format, RefusalCode, RoomName, encode};

use super::Exit;
use super::complaints::Complaints;
use super::network::{GOOD_SESSION, Proof, ReconnectConfig, answers_farewell};
use super::reconnect::{AddressRotation, End, Next as Then, after_end};
use super::requests::Question;
use super::rooms::{self, Restore, Rooms};
use crate::events::Incoming;
use crate::session::Session;
use feed::Feed;
pub(super) use feed::Input;
use progress::{Heard, Next, Progress, answers};

/// For how long it goes on trying while no server takes it, or the store is away.
pub(super) const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// How events are written to the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    /// In the text format of the protocol.
    Text,
    /// The JSON lines as they arrive. The lines of the input go out as they are too, without keys.
    Json,
}

/// Sends all of `input`, shows what comes, and leaves once the input has ended and every line is
/// answered. Returns early if no other connection is to be had within this `patience`; `input` may still be waited for
/// by its thread then.
pub(super) fn run<O: Write>(
    plan: ReconnectConfig,
    session: Session,
    view: View,
    input: Input<impl BufRead + Send + 'static>,
    output: O,
    complaints: &Complaints,
    patience: Duration,
) -> Exit {
    let addresses = plan.connector.addresses();
    let at = addresses.iter().position(|address| *address == session.address).unwrap_or_default();
    let rounds = AddressRotation::new(addresses.len(), at);
    let (progress, complaints) = (Arc::default(), complaints.clone());
    let goal = Rooms::wanted(plan.room.as_ref());
    let now = Rooms::only(&session.room);
    let (removed_from, trouble) = (None, None);
    let mut pipe =
        Pipe { plan, session, rounds, goal, now, removed_from, progress, complaints, view, output, patience, trouble };
    let Err(Stopped(exit)) = pipe.chat(input);
    pipe.progress.end();
    pipe.session.sender.close();
    exit
}

/// The client cannot continue.
struct Stopped(Exit);

struct Pipe<O> {
    plan: ReconnectConfig,
    session: Session,
    rounds: AddressRotation,
    /// The rooms that the next session has to get.
    goal: Rooms,
    /// The rooms of this session.
    now: Rooms,
    /// The room for which plain lines are meant, where the user was removed from it and has chosen no other.
    removed_from: Option<RoomName>,
    progress: Arc<Progress>,
    complaints: Complaints,
    view: View,
    output: O,
    patience: Duration,
    /// Since when no line was answered, while there is no connection or no store.
    trouble: Option<Instant>,
}

impl<O: Write> Pipe<O> {
    /// One session after the other.
    fn chat(&mut self, input: Input<impl BufRead + Send + 'static>) -> Result<Infallible, Stopped> {
        let mut input = Some(input);
        loop {
            let begun = Instant::now();
            self.rounds.succeeded();
            let end = match self.enter()? {
                Some(end) => end,
                None => {
                    if let Some(input) = input.take() {
                        self.start_threads(input)?;
                    }
                    self.trouble = None;
                    self.progress.open(&self.session.sender, self.meant().cloned());
                    self.listen()?
                }
            };
            if begun.elapsed() >= GOOD_SESSION {
                self.rounds.begin_anew();
            }
            self.begin_anew(end)?;
        }
    }

    /// Gets the rooms, before any line of the input can go to another one. Returns how the session ended, if it did.
    fn enter(&mut self) -> Result<Option<End>, Stopped> {
        if self.view == View::Json {
            let welcome = std::mem::take(&mut self.session.welcome);
            self.print(format!("{welcome}\n").as_bytes())?;
        }
        self.now = Rooms::only(&self.session.room);
        let mut restore = Restore::of_session(&self.goal, &self.session.room);
        while let Some(step) = restore.step().cloned() {
            let answer = match self.ask(&step)? {
                Ok(answer) => answer,
                Err(end) => return Ok(Some(end)),
            };
            if let Incoming::Event {
                event: Event::Error { code: RefusalCode::StoreUnavailable, message, .. }, ..
            } = &answer
            {
                self.wait_for_store(self.trouble.is_none(), message)?;
                thread::sleep(rooms::PAUSE);
                continue;
            }
            self.show(&answer)?;
            if let Incoming::Event { event, .. } = &answer {
                restore.answered(event, &self.now);
            }
        }
        if self.goal.current.is_some() && self.goal.current != self.now.current {
            self.say_unanswered("the room cannot be entered");
            return Err(Stopped(Exit::LineRefused));
        }
        self.goal = self.now.clone();
        Ok(None)
    }

    /// Sends a line of the client itself. Returns its answer, or how the session ended.
    fn ask(&mut self, step: &Question) -> Result<Result<Incoming, End>, Stopped> {
        // An error shows again when the next event is awaited.
        drop(self.session.sender.send_line(&step.to_string()));
        loop {
            let incoming = match self.next_event()? {
                Ok(incoming) if answers(&incoming, false) => return Ok(Ok(incoming)),
                other => other,
            };
            match incoming {
                Ok(news) => self.show(&news)?,
                Err(end) => return Ok(Err(end)),
            }
        }
    }

    /// The room for which the plain lines of the input are meant. The server refuses them if the user is not there.
    fn meant(&self) -> Option<&RoomName> {
        self.removed_from.as_ref().or(self.now.current.as_ref())
    }

    /// Deals with what comes, until the session ends.
    fn listen(&mut self) -> Result<End, Stopped> {
        loop {
            match self.next_event()? {
                Ok(incoming) => self.take(&incoming)?,
                Err(end) => return Ok(end),
            }
        }
    }

    /// Waits for the next event, or the end of the session. A goodbye is shown.
    fn next_event(&mut self) -> Result<Result<Incoming, End>, Stopped> {
        let incoming = match self.session.events.next() {
            Ok(incoming) => incoming,
            Err(lost) => return Ok(Err(End::Lost(lost))),
        };
        let Incoming::Event { event, .. } = &incoming else { return Ok(Ok(incoming)) };
        let before = self.now.current.clone();
        if self.now.note(event, &self.plan.user) {
            self.removed_from = None;
        } else if matches!(event, Event::Moved { .. }) && self.removed_from.is_none() {
            self.removed_from = before;
        }
        if let Event::Bye { code, message } = event {
            let end = End::Bye(*code, message.clone().into_owned());
            self.show(&incoming)?;
            return Ok(Err(end));
        }
        Ok(Ok(incoming))
    }

    fn take(&mut self, incoming: &Incoming) -> Result<(), Stopped> {
        if let Incoming::Event { event, .. } = incoming
            && self.progress.is_quitting()
            && answers_farewell(event)
        {
            return Ok(());
        }
        self.goal = self.now.clone();
        let repeats = self.view == View::Text;
        match self.progress.heard(incoming, self.meant(), repeats) {
            Heard::Again { is_new } => {
                if let Incoming::Event {
                    event: Event::Error { code: RefusalCode::StoreUnavailable, message, .. },
                    ..
                } = incoming
                {
                    self.wait_for_store(is_new, message)?;
                }
                return Ok(());
            }
            Heard::Answered(password) => {
                self.trouble = None;
                if let Some(password) = password {
                    // It made the ticket void.
                    self.plan.proof = Proof::Password(password);
                }
            }
            Heard::News => {}
        }
        self.show(incoming)
    }

    /// The store is away, so a line is sent again; but not for ever.
    fn wait_for_store(&mut self, is_new: bool, message: &str) -> Result<(), Stopped> {
        if self.trouble.get_or_insert_with(Instant::now).elapsed() > self.patience {
            self.say_unanswered(message);
            return Err(Stopped(Exit::NoConnection));
        }
        if is_new {
            self.complain(&format!("{message}; the line is sent again until it is answered"));
        }
        Ok(())
    }

    /// The session is over: connects again, if that helps, as long as anything may come or has to be said.
    fn begin_anew(&mut self, end: End) -> Result<(), Stopped> {
        let silent = self.session.sender.silent_for();
        self.session.sender.close();
        if self.progress.is_quitting() && (after_end(&end) == Then::Retry || matches!(end, End::Bye(Bye::Quit, _))) {
            return Err(Stopped(self.progress.verdict()));
        }
        if after_end(&end) == Then::Stop {
            self.say_unanswered("the session is over");
            return Err(Stopped(Exit::NoConnection));
        }
        // A goodbye is the last thing that a server says and does.
        let is_idle = matches!(end, End::Bye(Bye::IdleTimeout, _));
        for line in self.progress.cut(is_idle) {
            self.complain(&format!("it is not certain whether this was carried out: {}", harmless_part(&line)));
        }
        if let End::Lost(lost) = &end {
            self.complain(&format!("{}: {lost}", self.session.address));
        }
        if is_idle && !self.plan.connector.adapt_keepalive(silent) {
            self.say_unanswered("it ends sessions sooner than this client can ping");
            return Err(Stopped(Exit::NoConnection));
        }
        self.session = self.connect_again()?;
        let pause = self.plan.connector.keepalive().as_secs_f64();
        let pings = if is_idle { format!(", with a ping every {pause:.2} s from now on") } else { String::new() };
        self.complain(&format!("{}: connected again{pings}", self.session.address));
        Ok(())
    }

    /// Tries one server after the other, until one takes it, no attempt can help, or its patience ends.
    fn connect_again(&mut self) -> Result<Session, Stopped> {
        let since = *self.trouble.get_or_insert_with(Instant::now);
        loop {
            let (at, pause) = self.rounds.next(crate::random());
            thread::sleep(pause);
            let failed = match self.plan.attempt(&self.plan.connector.addresses()[at]) {
                Ok(session) => return Ok(session),
                Err(failed) => failed,
            };
            if failed.next == Then::Stop || since.elapsed() > self.patience {
                self.complain(&format!("{}{}", failed.message, still_waiting(self.progress.unanswered())));
                return Err(Stopped(failed.exit));
            }
        }
    }

    fn start_threads(&self, input: Input<impl BufRead + Send + 'static>) -> Result<(), Stopped> {
        let (progress, complaints, has_keys) =
            (self.progress.clone(), self.complaints.clone(), self.view == View::Text);
        self.start_thread("input", move || Feed { progress: &progress, complaints: &complaints, has_keys }.run(input))?;
        let (progress, farewell) = (self.progress.clone(), self.plan.proof.farewell());
        self.start_thread("lines", move || send_all(&progress, &farewell))
    }

    fn start_thread(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Stopped> {
        let spawned = thread::Builder::new().name(name.to_owned()).spawn(run);
        spawned.map(drop).map_err(|error| {
            self.complain(&format!("cannot start a thread: {error}"));
            Stopped(Exit::NoConnection)
        })
    }

    fn complain(&self, message: &str) {
        self.complaints.say(&format!("parlor: {message}"));
    }

    /// Says how many lines have no answer, if any, and why there will be none.
    fn say_unanswered(&self, why: &str) {
        let unanswered = self.progress.unanswered();
        if unanswered > 0 {
            self.complain(&format!("{}: {why}{}", self.session.address, still_waiting(unanswered)));
        }
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
            self.complain(&format!("cannot write the output: {error}"));
            Stopped(Exit::NoConnection)
        })
    }
}

/// Sends one line after the other, as long as there is any. A server that does not read keeps it waiting, and no other
/// thread.
fn send_all(progress: &Progress, farewell: &str) {
    while let Some(next) = progress.next() {
        match next {
            Next::Line(line, opening) => {
                if opening.sender.send_line(&line).is_err() {
                    progress.fail(&opening);
                    // The other thread finds the end of the connection, behind the server's last words.
                    opening.sender.close();
                }
            }
            Next::Quit(sender) => {
                if sender.send_line(farewell).is_err() {
                    sender.close();
                }
            }
        }
    }
}

/// The line, without what may be a password.
fn harmless_part(line: &str) -> &str {
    if super::history::is_harmless(line) { line } else { line.split_whitespace().next().unwrap_or_default() }
}

fn still_waiting(unanswered: usize) -> String {
    if unanswered == 0 { String::new() } else { format!("; lines without an answer: {unanswered}") }
}

#[cfg(test)]
mod tests;
