//! What the keyboard's thread and the network's share. It must not send, print or wait.

use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use parlor_proto::{Password, RoomName};

use super::Exit;
use super::complete::Names;
use crate::connection::LineSender;
use crate::lock;

/// What the two threads share. No lock is held while another one is taken, nor while sending.
#[derive(Debug, Default)]
pub(super) struct SharedState {
    /// Where lines go; `None` while there is no connection.
    way: Mutex<Option<SendPath>>,
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

/// The way of typed lines to the server.
#[derive(Debug)]
struct SendPath {
    sender: LineSender,
    gate: SendPolicy,
}

/// What may go that way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SendPolicy {
    /// Everything.
    Open,
    /// Nothing, until this room is entered: what is typed is meant for it.
    Entering(RoomName),
    /// All but messages, until the user was told in answer to one that `here` is not the room that was wanted. Who is
    /// typing does not see what is printed meanwhile.
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
    /// Lines go this way from now on.
    pub(super) fn lead(&self, sender: &LineSender, gate: SendPolicy) {
        *lock(&self.way) = Some(SendPath { sender: sender.clone(), gate });
    }

    /// There is no connection any more.
    pub(super) fn cut(&self) {
        *lock(&self.way) = None;
    }

    /// The connection, if there is one, for a line that is said in no room.
    pub(super) fn connection(&self) -> Option<LineSender> {
        lock(&self.way).as_ref().map(|way| way.sender.clone())
    }

    /// Something was typed, of one line or, if it was pasted, of several: whoever was told by then where they are
    /// may speak there.
    pub(super) fn begin_input(&self) {
        if let Some(SendPath { gate, .. }) = lock(&self.way).as_mut()
            && matches!(gate, SendPolicy::WrongRoom { told: true, .. })
        {
            *gate = SendPolicy::Open;
        }
    }

    /// Where a line may be sent to; `is_message` if it would be said to the room.
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
