//! The effects that actions request. Actions only append here;
//! [`crate::connection::command_processor::CommandProcessor`] carries the effects out, in order.

use parlor_proto::{AuditedCommand, Bye, Event, Format, OnceKey, Refusal, RoomName, Text, TicketId, UserName, Verb};

use crate::ports::{
    Account, AccountVersion, Act, AttemptPermit, Content, Destination, Invitation, Recipient, Role, StoreError,
};

/// One request of an action.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Reply.
    Reply(Event),
    /// Append to a log, and reply with the number.
    Append { to: Destination, content: Content, once: Option<OnceKey> },
    /// Carry out what the user wants in a room, tell somebody who is invited by it, and reply.
    Act { act: Act, invited: Option<Recipient> },
    /// Move from the current room to another, and reply.
    Move { to: RoomName, verb: Verb },
    /// Enter one more room, remember it, and reply.
    Open(RoomName),
    /// Leave an open room, forget it, and reply.
    Close(RoomName),
    /// Make an open room the current one, and reply.
    Switch(RoomName),
    /// Open all remembered rooms, and reply with the state of everything.
    Sync,
    /// Follow a user durably, and receive the user's publications from now on.
    Follow(UserName),
    /// Unfollow a user, and receive no more publications of the user.
    Unfollow(UserName),
    /// Send to all users, and reply.
    Broadcast(Text),
    /// Write in this format from now on, and reply.
    Format(Format),
    /// The code was right: make accounts by this invitation from now on, and reply.
    Invited(Box<Invitation>),
    /// The password or the ticket was right: begin a session, and reply.
    Begin(VerifiedLogin),
    /// Report that a command was carried out which operators want to find later.
    Audit(AuditedCommand),
    /// Close the connection with a goodbye.
    HangUp(Bye),
}

/// A user whose login was verified.
#[derive(Debug)]
pub(crate) struct VerifiedLogin {
    pub(crate) user: UserName,
    /// The account when its password or its ticket was right. If it was deleted or kicked since, no session begins.
    pub(crate) version: AccountVersion,
    pub(crate) role: Role,
    /// The ticket; none if it was the password. If it was revoked since, no session begins.
    pub(crate) ticket: Option<TicketId>,
    /// The command to reply to.
    pub(crate) verb: Verb,
    /// The permit of the attempt, if it still has to be ended as a right one.
    pub(crate) permit: Option<AttemptPermit>,
}

impl VerifiedLogin {
    pub(crate) fn new(account: Account, ticket: Option<TicketId>, verb: Verb, permit: Option<AttemptPermit>) -> Self {
        Self { version: account.version(), role: account.role, user: account.user, ticket, verb, permit }
    }
}

/// Why an action was not carried out.
#[derive(Debug)]
pub(crate) enum CommandError {
    /// The client's fault: a refusal.
    Refused(Refusal),
    /// The server's fault: the store failed during `what`.
    Failed { what: &'static str, error: StoreError },
}

impl From<Refusal> for CommandError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Adds the operation during which the store failed.
pub(crate) trait During<T> {
    fn during(self, what: &'static str) -> Result<T, CommandError>;
}

impl<T> During<T> for Result<T, StoreError> {
    fn during(self, what: &'static str) -> Result<T, CommandError> {
        self.map_err(|error| CommandError::Failed { what, error })
    }
}
