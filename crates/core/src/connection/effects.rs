//! What an action wants done. Actions only append here; [`crate::connection::command_processor::CommandProcessor`] carries it out, in order.

use parlor_proto::{Bye, Event, Format, Refusal, RoomName, Text, Timestamp, UserName, Verb};

use crate::ports::{LogId, StoreError};

/// One thing to be done.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Answer.
    Reply(Event),
    /// Append to a log, and answer with the number.
    Append { log: LogId, text: Text },
    /// Move from the current room to another, and answer.
    Move { to: RoomName, verb: Verb },
    /// Follow a user durably, and hear from now on what it publishes.
    Follow(UserName),
    /// Follow it no longer, and hear no more of it.
    Unfollow(UserName),
    /// Hand over a direct message, and answer.
    Direct { to: UserName, text: Text },
    /// Tell everybody, and answer.
    Broadcast(Text),
    /// Write in this format from now on, and answer.
    Format(Format),
    /// The password was right: begin a session, and answer.
    Begin(VerifiedLogin),
    /// Say goodbye.
    HangUp(Bye),
}

/// Whoever may begin a session.
#[derive(Debug)]
pub(crate) struct VerifiedLogin {
    pub(crate) user: UserName,
    /// When the account was made whose password was right: another one of the same name is not meant.
    pub(crate) created: Timestamp,
    /// What is answered.
    pub(crate) verb: Verb,
}

/// Why an action was not carried out.
#[derive(Debug)]
pub(crate) enum CommandError {
    /// The client's fault.
    Refused(Refusal),
    /// Our fault: the store failed while it was asked for something.
    Failed { what: &'static str, error: StoreError },
}

impl From<Refusal> for CommandError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Says what a store was asked for when it failed.
pub(crate) trait During<T> {
    fn during(self, what: &'static str) -> Result<T, CommandError>;
}

impl<T> During<T> for Result<T, StoreError> {
    fn during(self, what: &'static str) -> Result<T, CommandError> {
        self.map_err(|error| CommandError::Failed { what, error })
    }
}
