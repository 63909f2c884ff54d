//! What has been sent, what has been answered, and where the next line goes. It must not send, print or wait for the
//! server.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};

use parlor_proto::Verb;

use crate::connect::Exit;
use crate::connection::LineSender;
use crate::lock;

/// A line that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    /// Its command; `None` is one that this version does not know.
    pub(super) verb: Option<Verb>,
    pub(super) line: Vec<u8>,
}

/// What the thread that reads the input and the one that reads the server have to agree on.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// No lock is taken inside this one, nor is anything sent.
    state: Mutex<State>,
    /// Told when the way opens or closes for ever.
    turned: Condvar,
}

#[derive(Debug, Default)]
struct State {
    way: Way,
    /// How often the way was opened.
    openings: u64,
    /// Lines without an answer, in the order of sending.
    unanswered: VecDeque<Sent>,
    /// Whether any line was refused.
    refused: bool,
    /// Whether all of the input has been sent.
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
    /// The way of the last word, if it is time to quit; only once.
    fn turn_to_quit(&mut self) -> Option<LineSender> {
        match &self.way {
            Way::Open(sender) if self.input_ended && self.unanswered.is_empty() && !self.quitting => {
                self.quitting = true;
                Some(sender.clone())
            }
            _ => None,
        }
    }
}

impl Progress {
    /// Notes that a line is being sent, and says over which connection; waits while there is none. `None` if there will
    /// be none any more.
    pub(super) fn send(&self, sent: Sent) -> Option<Opening> {
        let mut state = lock(&self.state);
        loop {
            match &state.way {
                Way::Over => return None,
                Way::Open(sender) => {
                    let opening = Opening { sender: sender.clone(), number: state.openings };
                    state.unanswered.push_back(sent);
                    return Some(opening);
                }
                Way::Shut => state = self.turned.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// A line could not be sent this way: the next one waits for another.
    pub(super) fn fail(&self, opening: &Opening) {
        let mut state = lock(&self.state);
        if state.openings == opening.number && matches!(state.way, Way::Open(_)) {
            state.way = Way::Shut;
        }
    }

    /// Notes lines that are sent before the way is open: the question for the room, and what is sent again.
    pub(super) fn send_first(&self, sent: impl IntoIterator<Item = Sent>) {
        lock(&self.state).unanswered.extend(sent);
    }

    /// Lines of the input go this way from now on. Returns it if it is time to quit.
    #[must_use]
    pub(super) fn open(&self, sender: &LineSender) -> Option<LineSender> {
        let mut state = lock(&self.state);
        state.way = Way::Open(sender.clone());
        state.openings += 1;
        self.turned.notify_all();
        state.turn_to_quit()
    }

    /// Lines of the input wait from now on. Returns those without an answer, which are not waited for any more; `None`
    /// if the end was asked for already.
    pub(super) fn shut(&self) -> Option<Vec<Sent>> {
        let mut state = lock(&self.state);
        state.way = Way::Shut;
        (!state.quitting).then(|| state.unanswered.drain(..).collect())
    }

    /// No line goes anywhere any more.
    pub(super) fn end(&self) {
        lock(&self.state).way = Way::Over;
        self.turned.notify_all();
    }

    /// All of the input has been sent. Returns the way if it is time to quit.
    #[must_use]
    pub(super) fn input_ended(&self) -> Option<LineSender> {
        let mut state = lock(&self.state);
        state.input_ended = true;
        state.turn_to_quit()
    }

    /// A line was refused, by the server or before it was sent.
    pub(super) fn refuse(&self) {
        lock(&self.state).refused = true;
    }

    /// Something came that may be an answer: `is_answer` is told the command of the oldest line without one, if there is
    /// any. Returns the way if it is time to quit.
    #[must_use]
    pub(super) fn heard(&self, refused: bool, is_answer: impl Fn(Option<Option<Verb>>) -> bool) -> Option<LineSender> {
        let mut state = lock(&self.state);
        if is_answer(state.unanswered.front().map(|sent| sent.verb)) && state.unanswered.pop_front().is_some() {
            state.refused |= refused;
        }
        state.turn_to_quit()
    }

    /// How many lines have no answer.
    pub(super) fn unanswered(&self) -> usize {
        lock(&self.state).unanswered.len()
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
        match (state.unanswered.is_empty(), state.refused) {
            (false, _) => Exit::NoConnection,
            (true, true) => Exit::LineRefused,
            (true, false) => Exit::Done,
        }
    }
}
