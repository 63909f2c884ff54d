//! What the threads of a pipe have to agree on: which line comes next, what has no answer, and where lines go. It must
//! not send or print, nor wait for the server.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use parlor_proto::{Event, Password, Post, RefusalCode, Reply, RoomName, Verb, parse_command};

use crate::connect::Exit;
use crate::connect::once::{Outbox, PostNumber};
use crate::connect::rooms;
use crate::connection::LineSender;
use crate::events::{Incoming, UnknownEvent};
use crate::lock;

/// A line of the input.
#[derive(Debug)]
pub(super) struct InputLine {
    pub(super) text: String,
    /// Its command; `None` is one that this version does not know.
    pub(super) verb: Option<Verb>,
    pub(super) kind: Kind,
}

/// How a line is sent, and whether it is sent again.
#[derive(Debug)]
pub(super) enum Kind {
    /// Under a key, until it is answered.
    Keyed(Post),
    /// As it is, until it is answered: it may be carried out twice.
    Harmless,
    /// As it is, and not again.
    OnlyOnce,
    /// The same. If it is accepted, this is the password from then on.
    Password(Password),
}

impl InputLine {
    /// Whether it decides where other lines go, or how the next login goes. It is sent when all before it is answered,
    /// and what follows it waits for its answer.
    fn is_barrier(&self) -> bool {
        let is_move = |verb| matches!(verb, Verb::Join | Verb::Leave | Verb::Open | Verb::Close | Verb::Switch);
        match self.kind {
            Kind::Keyed(_) | Kind::OnlyOnce => false,
            Kind::Harmless => self.verb.is_some_and(|verb| is_move(verb) || verb == Verb::Sync),
            Kind::Password(_) => true,
        }
    }
}

/// A line that was sent over this connection and has no answer.
#[derive(Debug)]
struct Sent {
    number: PostNumber,
    /// Whether this version does not know its command.
    is_unknown: bool,
}

/// What has to be sent.
#[derive(Debug)]
pub(super) enum Next {
    Line(String, Opening),
    /// The end of the session.
    Quit(LineSender),
}

/// What something that came means.
#[derive(Debug)]
pub(super) enum Heard {
    /// It answers none of the lines.
    News,
    /// A line is answered; if it changed the password, this is the new one.
    Answered(Option<Password>),
    /// The line is sent again. Whether the store was away, for the first time.
    Again { is_new: bool },
}

/// State shared by the threads.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// No lock is taken inside this one, nor is anything sent.
    state: Mutex<State>,
    /// Told of every change for which a thread may wait.
    turned: Condvar,
}

#[derive(Debug, Default)]
struct State {
    way: Way,
    /// How often the way was opened.
    openings: u64,
    /// Lines without an answer.
    outbox: Outbox,
    /// Those of them that were sent over this connection, in the order of sending.
    sent: VecDeque<Sent>,
    /// The line of the input that is sent next.
    next: Option<InputLine>,
    /// The line for whose answer the others wait, and the password that it gives.
    barrier: Option<(PostNumber, Option<Password>)>,
    /// Where a plain line goes.
    current: Option<RoomName>,
    /// Until then nothing is sent, since the store is away.
    pause: Option<Instant>,
    /// How many lines will never have an answer.
    lost: usize,
    /// Whether any line was refused.
    refused: bool,
    input_ended: bool,
    /// Whether the server has been asked to end the session.
    quitting: bool,
}

/// A connection over which lines go.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) sender: LineSender,
    number: u64,
}

/// Where lines go.
#[derive(Debug, Default)]
enum Way {
    /// Nowhere for now: they wait.
    #[default]
    Shut,
    Open(LineSender),
    /// Nowhere any more.
    Over,
}

impl State {
    /// The next line to send: what has to be sent again, then the input.
    fn take_line(&mut self) -> Option<String> {
        if !self.outbox.is_waiting() {
            self.take_input()?;
        }
        let (number, line) = self.outbox.next_line()?;
        let is_unknown = parse_command(line.as_bytes()).is_err_and(|misread| misread.verb.is_none());
        self.sent.push_back(Sent { number, is_unknown });
        Some(line)
    }

    /// Moves the next line of the input to the outbox, if it is its turn.
    fn take_input(&mut self) -> Option<()> {
        let InputLine { text, kind, .. } = self.next.as_ref().filter(|_| self.barrier.is_none())?;
        let is_barrier = self.next.as_ref().is_some_and(InputLine::is_barrier);
        if is_barrier && self.outbox.len() > 0 {
            return None;
        }
        let number = match kind {
            Kind::Keyed(post) => self.outbox.take(text, post, self.current.as_ref()),
            Kind::Harmless => self.outbox.take_command(text, true),
            Kind::OnlyOnce | Kind::Password(_) => self.outbox.take_command(text, false),
        };
        // Where too much has no answer, the input waits.
        let number = number?;
        let password = match self.next.take() {
            Some(InputLine { kind: Kind::Password(password), .. }) => Some(password),
            _ => None,
        };
        self.barrier = is_barrier.then_some((number, password));
        Some(())
    }

    /// Whether it is time to quit; only once.
    fn turns_to_quit(&mut self) -> bool {
        let is_done = self.input_ended && self.next.is_none() && self.outbox.len() == 0;
        is_done && !std::mem::replace(&mut self.quitting, true)
    }

    /// Forgets a line whose answer came, or will not come. The password that it gives.
    fn settle(&mut self, number: PostNumber) -> Option<Password> {
        self.outbox.answered(number);
        self.barrier.take_if(|(barrier, _)| *barrier == number).and_then(|(_, password)| password)
    }

    fn unanswered(&self) -> usize {
        self.outbox.len() + self.lost
    }
}

impl Progress {
    /// Hands over the next line of the input, once the one before is sent. Whether another one may follow.
    pub(super) fn offer(&self, line: InputLine) -> bool {
        let mut state = lock(&self.state);
        while state.next.is_some() && !matches!(state.way, Way::Over) {
            state = self.turned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.next = Some(line);
        self.turned.notify_all();
        !matches!(state.way, Way::Over)
    }

    /// Waits for the next line that has to be sent. `None` once nothing has to be sent any more.
    pub(super) fn next(&self) -> Option<Next> {
        let mut state = lock(&self.state);
        loop {
            let pause = state.pause.map(|until| until.saturating_duration_since(Instant::now()));
            let pause = pause.filter(|pause| !pause.is_zero());
            match &state.way {
                Way::Over => return None,
                Way::Open(sender) if pause.is_none() => {
                    let opening = Opening { sender: sender.clone(), number: state.openings };
                    if let Some(line) = state.take_line() {
                        self.turned.notify_all();
                        return Some(Next::Line(line, opening));
                    }
                    if state.turns_to_quit() {
                        return Some(Next::Quit(opening.sender));
                    }
                }
                Way::Open(_) | Way::Shut => {}
            }
            state = match pause {
                Some(pause) => self.turned.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner).0,
                None => self.turned.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// A line could not be sent this way: the next one waits for another.
    pub(super) fn fail(&self, opening: &Opening) {
        let mut state = lock(&self.state);
        if state.openings == opening.number && matches!(state.way, Way::Open(_)) {
            state.way = Way::Shut;
        }
    }

    /// Lines go this way from now on, and plain ones to the room `current`.
    pub(super) fn open(&self, sender: &LineSender, current: Option<RoomName>) {
        let mut state = lock(&self.state);
        state.way = Way::Open(sender.clone());
        state.openings += 1;
        (state.current, state.pause) = (current, None);
        self.turned.notify_all();
    }

    /// The connection is lost, so lines wait. Returns those that are not sent again, since nobody knows whether they
    /// were carried out; `nothing_was_done` if that is known.
    pub(super) fn cut(&self, nothing_was_done: bool) -> Vec<String> {
        let mut state = lock(&self.state);
        state.way = Way::Shut;
        state.sent.clear();
        if nothing_was_done {
            state.outbox.put_all_back();
        }
        let lost = state.outbox.is_cut();
        state.lost += lost.len();
        if state.outbox.len() == 0 {
            state.barrier = None;
        }
        lost
    }

    /// No line goes anywhere any more.
    pub(super) fn end(&self) {
        lock(&self.state).way = Way::Over;
        self.turned.notify_all();
    }

    /// All of the input has been read.
    pub(super) fn input_ended(&self) {
        lock(&self.state).input_ended = true;
        self.turned.notify_all();
    }

    /// A line was refused, by the server or before it was sent.
    pub(super) fn refuse(&self) {
        lock(&self.state).refused = true;
    }

    /// Something came; `current` is the room where plain lines go behind it. `repeats` says whether a line is sent again
    /// that the server could not carry out.
    pub(super) fn heard(&self, incoming: &Incoming, current: Option<&RoomName>, repeats: bool) -> Heard {
        let mut state = lock(&self.state);
        if !answers(incoming, state.sent.front().is_some_and(|oldest| oldest.is_unknown)) {
            return Heard::News;
        }
        let Some(Sent { number, .. }) = state.sent.pop_front() else { return Heard::News };
        state.current = current.cloned();
        self.turned.notify_all();
        let refusal = match incoming {
            Incoming::Event { event: Event::Error { code, .. }, .. } => Some(*code),
            _ => None,
        };
        match refusal {
            Some(RefusalCode::StoreUnavailable) if repeats && state.outbox.is_repeatable(number) => {
                state.pause = Some(Instant::now() + rooms::PAUSE);
                return Heard::Again { is_new: state.outbox.put_back(number) };
            }
            Some(code @ (RefusalCode::UnknownCommand | RefusalCode::LineTooLong))
                if state.outbox.put_back_plain(number, code == RefusalCode::UnknownCommand) =>
            {
                return Heard::Again { is_new: false };
            }
            _ => {}
        }
        state.refused |= refusal.is_some();
        let is_changed = matches!(incoming, Incoming::Event { event: Event::Ok(Reply::Passwd), .. });
        Heard::Answered(state.settle(number).filter(|_| is_changed))
    }

    /// How many of the lines that were sent have no answer.
    pub(super) fn unanswered(&self) -> usize {
        lock(&self.state).unanswered()
    }

    /// Whether any line was refused.
    pub(super) fn is_refused(&self) -> bool {
        lock(&self.state).refused
    }

    /// Whether the server was asked to end the session.
    pub(super) fn is_quitting(&self) -> bool {
        lock(&self.state).quitting
    }

    /// How it all went, once the session is over.
    pub(super) fn verdict(&self) -> Exit {
        let state = lock(&self.state);
        match (state.unanswered(), state.refused) {
            (1.., _) => Exit::NoConnection,
            (0, true) => Exit::LineRefused,
            (0, false) => Exit::Done,
        }
    }
}

/// Whether this is the answer to the oldest line without one, and not news of others.
pub(super) fn answers(incoming: &Incoming, is_oldest_unknown: bool) -> bool {
    match incoming {
        Incoming::Event { event, .. } => match event {
            Event::Ok(_) | Event::Error { .. } | Event::Pong { .. } | Event::Help { .. } => true,
            Event::Rooms { .. } | Event::Users { .. } | Event::History { .. } => true,
            Event::Subscriptions { .. } | Event::Subscribers { .. } | Event::Blocks { .. } => true,
            Event::Tickets { .. } | Event::Invitations { .. } | Event::Hooks { .. } => true,
            Event::Sync(_) | Event::Backlog { .. } | Event::Inbox { .. } | Event::Room(_) => true,
            Event::Edited { .. } | Event::Removed { .. } | Event::Topic { .. } | Event::Moderated { .. } => false,
            Event::Invited(_) | Event::Moved { .. } => false,
            Event::Message { .. } | Event::Publication { .. } | Event::Direct { .. } | Event::Notice { .. } => false,
            Event::Joined { .. } | Event::Left { .. } | Event::Hello { .. } => false,
            Event::Reconnect { .. } | Event::Bye { .. } => false,
        },
        // An answer of a newer server to a command of a newer server; other news may be anything.
        Incoming::Unknown(UnknownEvent { kind, .. }) => matches!(kind.as_str(), "ok" | "error") || is_oldest_unknown,
    }
}

#[cfg(test)]
mod tests;
