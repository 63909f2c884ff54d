//! State shared by the keyboard thread and the network thread: which way lines go, and which lines have no answer. It
//! must not print, nor decide what is sent.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use parlor_proto::{MessageId, Password, Post, RoomName, Target, Verb};

use super::Exit;
use super::complete::Names;
use super::marks::Marks;
use super::once::Outbox;
use super::requests::{Question, Request, Requests};
use crate::connection::LineSender;
use crate::events::Incoming;
use crate::lock;

/// State shared by the two threads. A thread holds no lock while it takes another one or sends, but for
/// [`Self::order`].
#[derive(Debug, Default)]
pub(super) struct SharedState {
    /// The path for typed lines. `None` while there is no connection.
    way: Mutex<Option<SendPath>>,
    /// Fixes the order of lines. Held while a line is sent, so the network thread never waits for it.
    order: Mutex<()>,
    traffic: Mutex<Traffic>,
    /// Told when lines are answered.
    settled: Condvar,
    /// Whether a thread is about to send what waits.
    is_resending: AtomicBool,
    /// What the user has read.
    marks: Mutex<Marks>,
    /// Told when more is read.
    shown: Condvar,
    /// New passwords that the server has not answered yet, oldest first. `None` stands for a command that the server
    /// will refuse, since it contains no password.
    pub(super) passwords: Mutex<VecDeque<Option<Password>>>,
    /// The names for the tab key.
    pub(super) names: Arc<Mutex<Names>>,
    /// Set before `/quit` is sent: an end of the connection after that is intended.
    pub(super) leaving: AtomicBool,
    /// The exit code, once the client will make no other connection.
    pub(super) over: Mutex<Option<Exit>>,
}

/// What was sent and has no answer.
#[derive(Debug, Default)]
struct Traffic {
    requests: Requests,
    outbox: Outbox,
    /// The room to which a message goes that comes behind the answered lines.
    current: Option<RoomName>,
    /// Whether the session is on its way to the room that the user wants.
    is_entering: bool,
}

/// A line that the user typed.
#[derive(Debug, Default)]
pub(super) struct Typed<'a> {
    pub(super) line: &'a str,
    /// The command, if it is known.
    pub(super) verb: Option<Verb>,
    /// What it says, if it says something.
    pub(super) post: Option<Post>,
    /// For a command that changes the password, as [`SharedState::passwords`] has it.
    pub(super) new_password: Option<Option<Password>>,
}

/// The path of typed lines to the server.
#[derive(Debug)]
struct SendPath {
    sender: LineSender,
    gate: SendPolicy,
}

/// Which lines may take this path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SendPolicy {
    /// Everything.
    Open,
    /// Nothing until this room is entered, since the typed lines are meant for it.
    Entering(RoomName),
    /// All but messages, until the user is notified that `here` is not the wanted room. The notification is the answer
    /// to a message, since a user who is typing does not see other output.
    WrongRoom { wanted: RoomName, here: RoomName, told: bool },
}

/// Why a line was not sent.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotSent {
    #[error("there is no connection")]
    NoConnection,
    #[error("{0} is not entered yet")]
    Entering(RoomName),
    #[error("you are in {here}, and not in {wanted}; to say it in {here}, send it again")]
    WrongRoom { wanted: RoomName, here: RoomName },
    #[error("too much waits for an answer")]
    TooMuch,
}

impl SharedState {
    /// From now on, lines take this path.
    pub(super) fn lead(&self, sender: &LineSender, gate: SendPolicy) {
        let is_entering = matches!(gate, SendPolicy::Entering(_));
        *lock(&self.way) = Some(SendPath { sender: sender.clone(), gate });
        lock(&self.traffic).is_entering = is_entering;
        self.settled.notify_all();
    }

    /// Everything may take the way.
    pub(super) fn open(&self) {
        if let Some(way) = lock(&self.way).as_mut() {
            way.gate = SendPolicy::Open;
        }
    }

    /// The user was removed from a room, and is in another one without having chosen it.
    pub(super) fn expel(&self, wanted: RoomName, here: RoomName) {
        if let Some(way) = lock(&self.way).as_mut() {
            way.gate = SendPolicy::WrongRoom { wanted, here, told: false };
        }
    }

    /// The connection is lost. Returns what the user said that cannot be sent again.
    pub(super) fn cut(&self) -> Vec<String> {
        *lock(&self.way) = None;
        lock(&self.marks).is_cut();
        // Whoever sends a line finds the end of the connection.
        let _order = lock(&self.order);
        let (untold, uncertain) = {
            let mut traffic = lock(&self.traffic);
            traffic.is_entering = false;
            self.settled.notify_all();
            (traffic.requests.clear(), traffic.outbox.is_cut())
        };
        untold.into_iter().for_each(|(target, id)| self.put_back(target, id));
        uncertain
    }

    /// The connection, if there is one, for a line that goes to no room.
    pub(super) fn connection(&self) -> Option<LineSender> {
        lock(&self.way).as_ref().map(|way| way.sender.clone())
    }

    /// The user typed one line, or pasted several. If the user was notified of the room before, messages may go to that
    /// room.
    pub(super) fn begin_input(&self) {
        if let Some(SendPath { gate, .. }) = lock(&self.way).as_mut()
            && matches!(gate, SendPolicy::WrongRoom { told: true, .. })
        {
            *gate = SendPolicy::Open;
        }
    }

    /// The sender for a line. `is_message` is true if the line goes to the room.
    pub(super) fn way(&self, is_message: bool) -> Result<LineSender, NotSent> {
        let mut way = lock(&self.way);
        let SendPath { sender, gate } = way.as_mut().ok_or(NotSent::NoConnection)?;
        match gate {
            SendPolicy::Entering(room) => Err(NotSent::Entering(room.clone())),
            SendPolicy::WrongRoom { wanted, here, told } if is_message => {
                *told = true;
                Err(NotSent::WrongRoom { wanted: wanted.clone(), here: here.clone() })
            }
            SendPolicy::Open | SendPolicy::WrongRoom { .. } => Ok(sender.clone()),
        }
    }

    /// Sends a line of the user. What says something is sent under a key, and again until it is answered.
    pub(super) fn send(&self, typed: Typed<'_>) -> Result<(), NotSent> {
        let Typed { line, verb, post, new_password } = typed;
        let order = lock(&self.order);
        let sender = self.way(matches!(post, Some(Post::Message(_))))?;
        let Some(post) = post else {
            lock(&self.passwords).extend(new_password);
            lock(&self.traffic).requests.add(Request::Typed(verb));
            return sender.send_line(line).map_err(|_| NotSent::NoConnection);
        };
        {
            let mut traffic = lock(&self.traffic);
            let Traffic { requests, outbox, current, .. } = &mut *traffic;
            let is_behind = outbox.is_waiting();
            let current = current.as_ref().filter(|_| !requests.is_moving());
            outbox.take(line, &post, current).ok_or(NotSent::TooMuch)?;
            if is_behind {
                // It goes out behind what waits, in its turn.
                return Ok(());
            }
        }
        // An error shows up for the network thread too, and the line is sent again.
        self.send_waiting(&sender, &order);
        Ok(())
    }

    /// Sends everything that waits.
    fn send_waiting(&self, sender: &LineSender, _order: &MutexGuard<'_, ()>) {
        while let Some(line) = self.next_line() {
            if sender.send_line(&line).is_err() {
                return;
            }
        }
    }

    fn next_line(&self) -> Option<String> {
        let mut traffic = lock(&self.traffic);
        let (number, line) = traffic.outbox.next_line()?;
        traffic.requests.add(Request::Post(number));
        Some(line)
    }

    /// Sends a line of the client itself, unless another line is being sent. Returns whether it sent the line.
    pub(super) fn ask(&self, sender: &LineSender, question: Question, line: &str) -> bool {
        let Ok(_order) = self.order.try_lock() else { return false };
        lock(&self.traffic).requests.add(Request::Own(question));
        // An error shows up again at the next wait for an event.
        let sent = sender.send_if_idle(line).unwrap_or_default();
        if !sent {
            lock(&self.traffic).requests.take_back();
        }
        sent
    }

    /// Tells the server what the user has read.
    pub(super) fn tell_read(&self) {
        let Some(sender) = self.connection() else { return };
        let marks = lock(&self.marks).take();
        for (target, id) in marks {
            let question = Question::Read(target.clone(), id);
            let line = question.to_string();
            if !self.ask(&sender, question, &line) {
                self.put_back(target, id);
            }
        }
    }

    /// Tells it again and again, whenever something was shown and is seen by now. Never returns.
    pub(super) fn tell_read_in_time(&self) -> ! {
        let mut marks = lock(&self.marks);
        loop {
            let patience = marks.due().map(|due| due.saturating_duration_since(Instant::now()));
            marks = match patience {
                Some(Duration::ZERO) => {
                    drop(marks);
                    self.tell_read();
                    lock(&self.marks)
                }
                Some(patience) => self.shown.wait_timeout(marks, patience).unwrap_or_else(PoisonError::into_inner).0,
                None => self.shown.wait(marks).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Notes what is read, as `note` says.
    pub(super) fn mark(&self, note: impl FnOnce(&mut Marks)) {
        note(&mut lock(&self.marks));
        self.shown.notify_all();
    }

    /// The server did not take a mark; it is told again later.
    pub(super) fn put_back(&self, target: Target, id: MessageId) {
        self.mark(|marks| marks.put_back(target, id));
    }

    /// Sends what waits, after a pause, in a thread of its own, since a server that does not read blocks it.
    pub(super) fn resend(self: &Arc<Self>, pause: Duration) {
        if !lock(&self.traffic).outbox.is_waiting() || self.is_resending.swap(true, Ordering::SeqCst) {
            return;
        }
        let link = self.clone();
        let resend = move || {
            thread::sleep(pause);
            // What comes to wait from now on needs another thread.
            link.is_resending.store(false, Ordering::SeqCst);
            let order = lock(&link.order);
            if let Ok(sender) = link.way(false) {
                link.send_waiting(&sender, &order);
            }
        };
        if thread::Builder::new().name("resend".to_owned()).spawn(resend).is_err() {
            // What waits goes out with the next line.
            self.is_resending.store(false, Ordering::SeqCst);
        }
    }

    /// Whether lines wait that were meant to be sent before.
    pub(super) fn has_waiting(&self) -> bool {
        lock(&self.traffic).outbox.is_waiting()
    }

    /// A session begins, in this room. It may be on its way to another one, until it is known where its lines go.
    pub(super) fn begin(&self, room: &RoomName) {
        let mut traffic = lock(&self.traffic);
        (traffic.current, traffic.is_entering) = (Some(room.clone()), true);
    }

    /// The line that this answers, if it answers any. `moved` is the current room, if it is told of here.
    pub(super) fn answered(&self, incoming: &Incoming, moved: Option<&RoomName>) -> Option<Request> {
        let mut traffic = lock(&self.traffic);
        let Traffic { requests, outbox, current, .. } = &mut *traffic;
        let request = requests.answered(incoming);
        if let Some(moved) = moved {
            *current = Some(moved.clone());
        }
        if let Some(current) = current.as_ref() {
            requests.said_here().for_each(|number| outbox.went_to(number, current));
        }
        self.settled.notify_all();
        request
    }

    /// Looks after what the user said.
    pub(super) fn said<T>(&self, look: impl FnOnce(&mut Outbox) -> T) -> T {
        look(&mut lock(&self.traffic).outbox)
    }

    /// The current room, once the session has one and it is known whether the last command changes it, or after this
    /// time.
    pub(super) fn current_room(&self, patience: Duration) -> Option<RoomName> {
        let traffic = lock(&self.traffic);
        let is_moving =
            |traffic: &mut Traffic| traffic.current.is_none() || traffic.is_entering || traffic.requests.is_moving();
        let waited = self.settled.wait_timeout_while(traffic, patience, is_moving);
        waited.unwrap_or_else(PoisonError::into_inner).0.current.clone()
    }
}

#[cfg(test)]
mod tests;
