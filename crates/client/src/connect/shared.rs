//! State shared by the keyboard thread and the network thread. It must not send, print or wait.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use parlor_proto::{Password, RoomName};

use super::Exit;
use super::complete::Names;
use crate::connection::LineSender;
use crate::lock;

/// State shared by the two threads. A thread holds no lock while it takes another one or sends.
#[derive(Debug, Default)]
pub(super) struct SharedState {
    /// The path for typed lines. `None` while there is no connection.
    way: Mutex<Option<SendPath>>,
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
    #[error("you are in {here}, since {wanted} could not be entered; to say it in {here}, send it again")]
    WrongRoom { wanted: RoomName, here: RoomName },
}

impl SharedState {
    /// From now on, lines take this path.
    pub(super) fn lead(&self, sender: &LineSender, gate: SendPolicy) {
        *lock(&self.way) = Some(SendPath { sender: sender.clone(), gate });
    }

    /// The connection is lost.
    pub(super) fn cut(&self) {
        *lock(&self.way) = None;
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
}
